//! Random models of every shape and storage type: forward against reverse mode, whole-model finite differences, and
//! agreement with candle's own quantized llama.

use std::cell::Cell;
use std::io::Cursor;
use std::rc::Rc;

use crate::support::listeners::{hearing, no_clock};
use crate::support::{Tiny, cosine, engine, run, singles};
use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::model::head::{Goal, Target};
use shiftlens::model::{Engine, Group, ModelError, Tick, block_on};

fn prompt(n: usize) -> Vec<u32> {
    (0..n as u32).map(|i| (i * 37 + 11) % 250).collect()
}

fn shapes() -> Vec<Tiny> {
    use GgmlDType::*;
    let tiny = Tiny::default();
    let mut all = vec![
        tiny,
        Tiny { tied: true, kv_heads: 4, ..tiny },
        Tiny { kv_heads: 1, layers: 3, seed: 5, ..tiny },
        Tiny { width: 36, heads: 3, kv_heads: 1, ffn: 44, ..tiny },
    ];
    for dtype in [F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0] {
        all.push(Tiny { dtype, seed: 9, ..tiny });
    }
    for dtype in [Q2K, Q3K, Q4K, Q5K, Q6K, Q8K] {
        all.push(Tiny { dtype, width: 256, heads: 8, kv_heads: 2, ffn: 256, layers: 1, ..tiny });
    }
    all
}

#[test]
fn forward_and_reverse_agree_for_every_storage_type() {
    let (prompt, response) = (prompt(9), vec![7, 77, 177, 20, 3]);
    for shape in shapes() {
        let mut engine = shape.engine();
        for target in [Target::Prob, Target::Logprob, Target::Logit] {
            let mut go =
                |mode| run(&mut engine, &prompt, singles(9), Respond::Forced(response.clone()), target, mode).unwrap();
            let (forward, reverse) = (go(Mode::Forward), go(Mode::Reverse));
            for m in 0..response.len() {
                let column = |i: &[Vec<f32>]| i.iter().map(|row| row[m]).collect::<Vec<_>>();
                let (f, r) = (column(&forward.importance), column(&reverse.importance));
                let scale = r.iter().fold(1e-6f32, |a, v| a.max(v.abs()));
                for (f, r) in f.iter().zip(&r) {
                    // the small absolute term: where the model is sure, both are differences of larger f32 numbers
                    assert!((f - r).abs() <= 2e-3 * scale + 3e-6, "{:?} {target:?}: {f} {r}", shape.dtype);
                }
                assert!(cosine(&f, &r) > 0.9999, "{:?} {target:?}", shape.dtype);
            }
        }
    }
}

#[test]
fn a_groups_importance_is_the_sum_of_its_tokens() {
    let mut engine = Tiny::default().engine();
    let response = Respond::Forced(vec![1, 2, 3]);
    let by_token = run(&mut engine, &prompt(6), singles(6), response.clone(), Target::Prob, Mode::Forward).unwrap();
    let groups = vec![vec![0, 3], vec![1, 2], vec![5]];
    for mode in [Mode::Forward, Mode::Reverse] {
        let by_group = run(&mut engine, &prompt(6), groups.clone(), response.clone(), Target::Prob, mode).unwrap();
        for (g, group) in groups.iter().enumerate() {
            for m in 0..3 {
                let sum: f32 = group.iter().map(|&n| by_token.importance[n][m]).sum();
                assert!((sum - by_group.importance[g][m]).abs() < 1e-5 + 1e-3 * sum.abs());
            }
        }
    }
}

/// The embedding row of one token is scaled by 1 ± h: the change of the target is its gradient x input.
#[test]
fn importance_is_the_slope_of_the_target_along_the_embedding() {
    let (prompt, response) = ([5u32, 30, 9, 101], 42u32);
    let shape = Tiny::default();
    let row = 30;
    let h = 1e-2f32;
    let target_with = |scale: f32| {
        let mut bytes = shape.gguf();
        let content = gguf_file::Content::read(&mut Cursor::new(&bytes)).unwrap();
        let at = (content.tensor_data_offset + content.tensor_infos["token_embd.weight"].offset) as usize
            + row * shape.width * 4;
        for value in bytes[at..at + shape.width * 4].as_chunks_mut::<4>().0 {
            *value = (f32::from_le_bytes(*value) * scale).to_le_bytes();
        }
        let files = vec![Box::new(shiftlens::checkpoint::MemoryBytes::new("x.gguf", bytes))
            as Box<dyn shiftlens::checkpoint::ByteSource>];
        let mut engine = crate::support::engine(&shiftlens::checkpoint::Checkpoint::open(files).unwrap());
        run(&mut engine, &prompt, singles(4), Respond::Forced(vec![response]), Target::Logprob, Mode::Forward).unwrap()
    };
    let log = |o: &shiftlens::explain::attribution::Outcome| f64::from(o.choices[0].probability).ln();
    let slope = (log(&target_with(1.0 + h)) - log(&target_with(1.0 - h))) / f64::from(2.0 * h);
    let found = f64::from(target_with(1.0).importance[1][0]);
    assert!((slope - found).abs() < 2e-2 * slope.abs().max(0.05), "{slope} {found}");
}

#[test]
fn logits_agree_with_candles_quantized_llama() {
    for shape in [
        Tiny::default(),
        Tiny { dtype: GgmlDType::Q8_0, tied: true, ..Tiny::default() },
        Tiny { dtype: GgmlDType::F16, ..Tiny::default() },
    ] {
        let mut file = Cursor::new(shape.gguf());
        let content = gguf_file::Content::read(&mut file).unwrap();
        let mut theirs = ModelWeights::from_gguf(content, &mut file, &Device::Cpu).unwrap();
        let tokens = prompt(12);
        let input = Tensor::from_slice(&tokens, (1, tokens.len()), &Device::Cpu).unwrap();
        let expected: Vec<f32> = theirs.forward(&input, 0).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let mut engine = shape.engine();
        block_on(engine.begin(&[])).unwrap();
        block_on(engine.advance(&tokens)).unwrap();
        let found = block_on(engine.logits(tokens.len() - 1)).unwrap();
        // candle rounds activations to 8 bits in quantized products; ours stay f32
        let least = if shape.dtype == GgmlDType::Q8_0 { 0.999 } else { 0.999_99 };
        assert!(cosine(&found, &expected) > least, "{:?}: {}", shape.dtype, cosine(&found, &expected));
    }
}

#[test]
fn steps_of_any_length_give_the_same_logits() {
    let mut engine = Tiny::default().engine();
    let tokens = prompt(20);
    let mut last = Vec::new();
    for chunk in [20, 7, 1] {
        block_on(engine.begin(&[])).unwrap();
        let mut index = 0;
        for part in tokens.chunks(chunk) {
            block_on(engine.advance(part)).unwrap();
            index = part.len() - 1;
        }
        let logits = block_on(engine.logits(index)).unwrap();
        if !last.is_empty() {
            assert!(cosine(&logits, &last) > 0.999_999);
        }
        last = logits;
    }
}

#[test]
fn sampling_is_seeded_and_stops_where_told() {
    let mut engine = Tiny::default().engine();
    let sampling = Sampling { temperature: 1.0, top_k: 40, top_p: 0.9, repeat_penalty: 1.1, seed: 3 };
    let mut go = |sampling, stops: Vec<u32>| {
        let respond = Respond::Generate { limit: 12, sampling, stops };
        run(&mut engine, &prompt(5), Vec::new(), respond, Target::Prob, Mode::Off).unwrap().response
    };
    let first = go(sampling, vec![]);
    assert_eq!(first, go(sampling, vec![]));
    assert_eq!(first.len(), 12);
    let stop = first.iter().position(|id| *id == first[4]).unwrap();
    assert_eq!(go(sampling, vec![first[4]]), first[..stop]);
    assert_ne!(first, go(Sampling { seed: 4, ..sampling }, vec![]));
}

#[test]
fn what_cannot_run_is_refused() {
    let mut engine = Tiny::default().engine();
    let mut go = |prompt: &[u32], forced: Vec<u32>| {
        run(&mut engine, prompt, vec![], Respond::Forced(forced), Target::Prob, Mode::Off).unwrap_err()
    };
    assert_eq!(go(&[], vec![1]), ModelError::EmptyPrompt);
    assert_eq!(go(&[1, 261], vec![1]), ModelError::UnknownToken { id: 261, vocab: 261 });
    assert_eq!(go(&[1], vec![999]), ModelError::UnknownToken { id: 999, vocab: 261 });
    assert!(matches!(go(&prompt(256), vec![1]), ModelError::TooLong(length) if length.over() == 1));
}

/// Logits may be finite where their derivative is not: here a token's embedding overflows its norm.
#[test]
fn importance_that_is_no_number_is_an_error() {
    let huge = Tiny::default().checkpoint_edited(&|name, t| {
        if name != "token_embd.weight" {
            return t;
        }
        let mut rows: Vec<Vec<f32>> = t.to_vec2().unwrap();
        rows[9].iter_mut().for_each(|v| *v *= 1e25);
        Tensor::new(rows, &Device::Cpu).unwrap()
    });
    let mut engine = crate::support::engine(&huge);
    let mut go = |mode| run(&mut engine, &[3, 9, 2, 5], singles(4), Respond::Forced(vec![4, 5]), Target::Prob, mode);
    assert!(go(Mode::Off).is_ok());
    assert_eq!(go(Mode::Forward).unwrap_err(), ModelError::NotANumber);
}

#[test]
fn cancelling_stops_within_one_token() {
    use shiftlens::explain::attribution::{self, Job, RunEvent};
    use std::ops::ControlFlow;
    for mode in [Mode::Forward, Mode::Reverse] {
        let mut engine = Tiny::default().engine();
        let job = Job {
            prompt: prompt(5),
            groups: singles(5),
            respond: Respond::Forced(vec![1; 20]),
            target: Target::Prob,
            mode,
            alternatives: 0,
            against: None,
        };
        let mut heard = 0;
        let mut emit = |e: RunEvent| {
            heard += usize::from(matches!(e, RunEvent::Token { .. }));
            if heard == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let outcome = block_on(attribution::run(&mut engine, &job, no_clock, &mut hearing(&mut emit)));
        assert_eq!(outcome.unwrap_err(), ModelError::Cancelled);
        assert_eq!(heard, 3);
    }
}

/// Between two groups of a response's tokens, too, whose logits and their cotangents come before the first layer on the way back.
#[test]
fn a_reverse_pass_counts_its_steps_and_stops_at_each() {
    use std::ops::ControlFlow;
    const RESPONSE: usize = 20;
    let tiny = Tiny { layers: 2, ..Tiny::default() };
    let tokens = prompt(5 + RESPONSE);
    // the layers, eight tokens of the response at a time, the layers again
    let steps = tiny.layers + RESPONSE.div_ceil(8) + tiny.layers;
    for last in 1..=steps {
        let mut heard = Vec::new();
        let mut tick = |tick: Tick| {
            heard.push((tick.done, tick.total));
            if tick.done == last && last < steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut engine = tiny.engine();
        let outcome = block_on(engine.reverse(&tokens, 5, Target::Prob, &[], &mut hearing(&mut tick)));
        assert_eq!(outcome.is_ok(), last == steps);
        assert_eq!(heard, (1..=last).map(|done| (done, steps)).collect::<Vec<_>>());
    }
}

/// A run can be stopped between two layers, and the engine is as good as new after that.
#[test]
fn a_pause_after_every_layer_may_stop_the_work() {
    let tiny = Tiny { layers: 3, ..Tiny::default() };
    let (mut engine, mut other) = (tiny.engine(), tiny.engine());
    let groups = [Group { positions: vec![0] }, Group { positions: vec![2] }];
    let pauses = Rc::new(Cell::new(0));
    let count = pauses.clone();
    engine.set_pause(Some(Rc::new(move || {
        count.set(count.get() + 1);
        let goes_on = count.get() != 5; // within the second step
        Box::pin(async move { if goes_on { Ok(()) } else { Err(ModelError::Cancelled) } })
    })));
    block_on(async {
        engine.begin(&groups).await.unwrap();
        engine.advance(&[5, 9]).await.unwrap();
        assert_eq!(pauses.get(), 3);
        assert_eq!(engine.advance(&[7]).await, Err(ModelError::Cancelled));
        assert_eq!(pauses.get(), 5);
        for e in [&mut engine, &mut other] {
            e.begin(&groups).await.unwrap();
            e.advance(&[5, 9]).await.unwrap();
            e.advance(&[7]).await.unwrap();
        }
        let (a, b) = (engine.logits(0).await.unwrap(), other.logits(0).await.unwrap());
        assert_eq!(a, b);
        let goal = Goal::of(Target::Prob, 8);
        assert_eq!(engine.column(0, &a, goal).await.unwrap(), other.column(0, &b, goal).await.unwrap());
    });
}

#[test]
fn the_same_model_from_safetensors_gives_the_same_answer() {
    use shiftlens::checkpoint::{ByteSource, MemoryBytes};
    let tiny = Tiny { seed: 5, ..Tiny::default() };
    let files = tiny.huggingface().into_iter();
    let sources = files.map(|(name, bytes)| Box::new(MemoryBytes::new(name, bytes)) as Box<dyn ByteSource>).collect();
    let other = shiftlens::checkpoint::Checkpoint::open(sources).unwrap();
    let ids = tiny.checkpoint().tokenizer().unwrap().encode("the hen said: hé!").unwrap();
    assert_eq!(ids, other.tokenizer().unwrap().encode("the hen said: hé!").unwrap());
    let outcome = |checkpoint| {
        let limit = Respond::Generate { limit: 6, sampling: Default::default(), stops: Vec::new() };
        run(&mut engine(&checkpoint), &[104, 101, 32], singles(3), limit, Target::Prob, Mode::Forward).unwrap()
    };
    let (a, b) = (outcome(tiny.checkpoint()), outcome(other));
    assert_eq!(a.response, b.response);
    for (a, b) in a.importance.iter().flatten().zip(b.importance.iter().flatten()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}
