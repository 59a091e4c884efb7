//! The GPU backend against the CPU: value, jvp and vjp, for every storage type. Natively it needs a Vulkan driver (a software
//! one will do); where there is none the tests say so, or fail if `SHIFTLENS_GPU=required`.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use crate::support::listeners::{hearing, quiet};
use crate::support::{
    STORAGE, Tiny, every_storage, every_storage_mixed, gold, gpu, on_gpu, relative_error, run, shared, singles,
};
use candle_core::Device;
use candle_core::quantized::GgmlDType;
use serde_json::Value as Json;
use shiftlens::checkpoint::{Checkpoint, FileBytes, MemoryBytes};
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::model::cpu::CpuEngine;
use shiftlens::model::gpu::{Gpu, GpuError};
use shiftlens::model::head::{Goal, Target};
use shiftlens::model::{Engine, Group, ModelError, Next, Seen, Tick, block_on};

/// The same weights as f32 on the CPU, whose own products with quantized ones round activations.
fn whole(tiny: &Tiny) -> CpuEngine {
    let quantized = tiny.checkpoint();
    let plain = Tiny { dtype: GgmlDType::F32, ..*tiny };
    crate::support::engine(&plain.checkpoint_edited(&|name, t| match t.rank() {
        2 => quantized.tensor(name).unwrap().dequantize(&Device::Cpu).unwrap(),
        _ => t,
    }))
}

const PROMPT: [u32; 11] = [5, 9, 2, 9, 31, 17, 4, 40, 41, 3, 12];
const RESPONSE: [u32; 6] = [7, 7, 30, 2, 19, 8];
const TARGETS: [Target; 3] = [Target::Prob, Target::Logprob, Target::Logit];

/// Each column agrees within 1e-3 of its largest value. Where its terms cancel, their rounding is left: the share `rounding`
/// of the largest value of the same target, in any column.
fn columns_agree(columns: &[(Target, Vec<f32>, Vec<f32>)], rounding: f32, case: &str) {
    let largest = |column: &[f32]| column.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    for (target, a, b) in columns {
        let of_target = columns.iter().filter(|(other, ..)| other == target);
        let most = of_target.map(|(_, a, _)| largest(a)).fold(1e-12, f32::max);
        let allowed = (1e-3 * largest(a)).max(rounding * most);
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= allowed), "{case} {target:?}: {a:?} {b:?}, of {most}");
    }
}

/// What rounding leaves where terms cancel, as a share of the largest value.
fn rounding(gpu: &Gpu) -> f32 {
    if gpu.has_f16_tangents() { 2e-4 } else { 1e-6 }
}

#[test]
fn logits_columns_and_reverse_agree_with_the_cpu() {
    for (at, tiny) in every_storage().into_iter().enumerate() {
        let Some(gpu) = gpu() else { return };
        let dtype = tiny.dtype;
        // every other one as if the device did not compute in f16
        if at % 2 == 1 {
            gpu.keep_tangents_in_f32();
        }
        let rounding = rounding(&gpu);
        let (mut ours, mut on_cpu) = (on_gpu(gpu, &tiny.checkpoint()), whole(&tiny));
        block_on(async {
            let groups: Vec<Group> =
                [vec![0, 1], vec![3], vec![4, 9], vec![10]].map(|positions| Group { positions }).into();
            // what all types have in common is compared on the first two of them, with and without f16
            let whole = at < 2;
            for groups in if whole { vec![&groups[..], &[]] } else { vec![&groups[..]] } {
                let mut columns = Vec::new();
                ours.begin(groups).await.unwrap();
                on_cpu.begin(groups).await.unwrap();
                // in pieces: many rows, few, one
                for chunk in [&PROMPT[..9], &PROMPT[9..], &RESPONSE[..1], &RESPONSE[1..2]] {
                    ours.advance(chunk).await.unwrap();
                    on_cpu.advance(chunk).await.unwrap();
                    for index in (0..chunk.len()).filter(|index| whole || index + 1 == chunk.len()) {
                        let (a, b) = (on_cpu.logits(index).await.unwrap(), ours.logits(index).await.unwrap());
                        assert!(relative_error(&a, &b) < 1e-3, "{dtype:?}: logits {}", relative_error(&a, &b));
                        for target in TARGETS {
                            let a = on_cpu.column(index, &a, Goal::of(target, 7)).await.unwrap();
                            let b = ours.column(index, &b, Goal::of(target, 7)).await.unwrap();
                            columns.push((target, a, b));
                        }
                        for next in [Next::Likeliest, Next::Given(7)] {
                            let a = on_cpu.see(index, next, Some(Target::Prob), 4).await.unwrap();
                            let b = ours.see(index, next, Some(Target::Prob), 4).await.unwrap();
                            assert_eq!((a.id, a.choice.rank), (b.id, b.choice.rank));
                            assert!((a.choice.entropy - b.choice.entropy).abs() < 1e-3 * a.choice.entropy);
                            let top = |seen: &Seen| seen.choice.top.iter().map(|c| c.probability).collect::<Vec<_>>();
                            assert!(relative_error(&top(&a), &top(&b)) < 1e-3);
                            columns.push((Target::Prob, a.column.unwrap(), b.column.unwrap()));
                        }
                    }
                }
                columns_agree(&columns, rounding, &format!("{dtype:?}"));
            }
            let tokens: Vec<u32> = PROMPT.iter().chain(&RESPONSE).copied().collect();
            let mut ticks = Vec::new();
            for target in if whole { &TARGETS[..] } else { &TARGETS[at % 3..][..1] } {
                let a = on_cpu.reverse(&tokens, PROMPT.len(), *target, &[], &mut quiet).await.unwrap();
                let mut noted = |t: Tick| {
                    ticks.push(t);
                    ControlFlow::Continue(())
                };
                let b = ours.reverse(&tokens, PROMPT.len(), *target, &[], &mut hearing(&mut noted)).await.unwrap();
                for (a, b) in a.iter().zip(&b) {
                    assert!(relative_error(a, b) < 1e-3, "{dtype:?} {target:?}: {a:?} {b:?}");
                }
            }
            assert!(ticks.last().is_some_and(|t| t.done == t.total));
        });
    }
}

/// Types within one file, as mixtures like Q4_K_M have them: groups of matrices of one type, and every matrix of another.
#[test]
fn storage_types_may_be_mixed() {
    for (name, bytes) in every_storage_mixed() {
        let Some(gpu) = gpu() else { return };
        let checkpoint = Checkpoint::open(vec![Box::new(MemoryBytes::new(name, bytes))]).unwrap();
        let matrices = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
        let names = (0..checkpoint.config.layers).flat_map(|l| matrices.map(|m| format!("blk.{l}.{m}.weight")));
        let types: HashSet<String> = names.map(|n| format!("{:?}", checkpoint.stored(&n).unwrap().0)).collect();
        assert_eq!(types.len(), STORAGE.len(), "{name}");
        let (mut ours, mut on_cpu) = (on_gpu(gpu, &checkpoint), crate::support::engine(&checkpoint));
        for mode in [Mode::Forward, Mode::Reverse] {
            let respond = || Respond::Forced(RESPONSE.to_vec());
            let groups = || singles(PROMPT.len());
            let a = run(&mut on_cpu, &PROMPT, groups(), respond(), Target::Prob, mode).unwrap();
            let b = run(&mut ours, &PROMPT, groups(), respond(), Target::Prob, mode).unwrap();
            for m in 0..RESPONSE.len() {
                let column = |rows: &[Vec<f32>]| rows.iter().map(|row| row[m]).collect::<Vec<f32>>();
                let error = relative_error(&column(&a.importance), &column(&b.importance));
                assert!(error < 1e-3, "{name} {mode:?}, column {m}: {error}");
            }
        }
    }
}

/// What a visitor's GPU computes first. The CPU rounds activations where it multiplies by Q8_0, hence five thousandths.
#[test]
fn the_bundled_tuned_model_agrees_with_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models/stories-tuned.gguf");
    let checkpoint = Checkpoint::open(FileBytes::open_set(&file).unwrap()).unwrap();
    let ids: Vec<u32> =
        checkpoint.tokenizer().unwrap().encode("A fox and a boat.").unwrap().iter().map(|p| p.id).collect();
    let (mut ours, mut on_cpu) = (on_gpu(gpu, &checkpoint), crate::support::engine(&checkpoint));
    for mode in [Mode::Forward, Mode::Reverse] {
        let respond = || Respond::Forced(RESPONSE.to_vec());
        let a = run(&mut on_cpu, &ids, singles(ids.len()), respond(), Target::Prob, mode).unwrap();
        let b = run(&mut ours, &ids, singles(ids.len()), respond(), Target::Prob, mode).unwrap();
        for m in 0..RESPONSE.len() {
            let column = |rows: &[Vec<f32>]| rows.iter().map(|row| row[m]).collect::<Vec<f32>>();
            let error = relative_error(&column(&a.importance), &column(&b.importance));
            assert!(error < 5e-3, "{mode:?}, column {m}: {error}");
        }
    }
}

/// Caches and work buffers grow while a sequence goes on.
#[test]
fn a_long_sequence_outgrows_its_caches() {
    let Some(gpu) = gpu() else { return };
    let tiny = Tiny::default();
    let (mut ours, mut on_cpu) = (on_gpu(gpu, &tiny.checkpoint()), tiny.engine());
    let tokens: Vec<u32> = (0..200).map(|i| 3 + i * 7 % 250).collect();
    // the second's tangents lie behind the first's when the caches grow, and move with them
    let groups = [vec![2], vec![30, 31], vec![150, 151]].map(|positions| Group { positions });
    block_on(async {
        ours.begin(&groups).await.unwrap();
        on_cpu.begin(&groups).await.unwrap();
        for chunk in tokens.chunks(40) {
            ours.advance(chunk).await.unwrap();
            on_cpu.advance(chunk).await.unwrap();
            let (a, b) = (on_cpu.logits(chunk.len() - 1).await.unwrap(), ours.logits(chunk.len() - 1).await.unwrap());
            assert!(relative_error(&a, &b) < 1e-3);
            let a = on_cpu.column(chunk.len() - 1, &a, Goal::of(Target::Logit, 9)).await.unwrap();
            let b = ours.column(chunk.len() - 1, &b, Goal::of(Target::Logit, 9)).await.unwrap();
            assert!(relative_error(&a, &b) < 1e-3, "{a:?} {b:?}");
        }
    });
}

/// Tangents far larger or smaller than what f16 holds are kept in f32.
#[test]
fn tangents_that_f16_cannot_hold_are_kept_in_f32() {
    for scale in [1e7, 1.0, 1e-7] {
        let Some(gpu) = gpu() else { return };
        let has_f16 = gpu.has_f16_tangents();
        // the model computes the same at every scale
        let checkpoint = Tiny::default().checkpoint_edited(&|name, t| match name {
            n if n.ends_with("attn_v.weight") => (t * scale).unwrap(),
            n if n.ends_with("attn_output.weight") => (t / scale).unwrap(),
            _ => t,
        });
        let (mut ours, mut on_cpu) = (on_gpu(gpu, &checkpoint), crate::support::engine(&checkpoint));
        assert_eq!(ours.gpu().has_f16_tangents(), has_f16 && scale == 1.0);
        let (units, respond) = (|| singles(PROMPT.len()), || Respond::Forced(RESPONSE.to_vec()));
        let a = run(&mut on_cpu, &PROMPT, units(), respond(), Target::Prob, Mode::Forward).unwrap();
        let b = run(&mut ours, &PROMPT, units(), respond(), Target::Prob, Mode::Forward).unwrap();
        for m in 0..RESPONSE.len() {
            let column = |rows: &[Vec<f32>]| rows.iter().map(|row| row[m]).collect::<Vec<f32>>();
            let error = relative_error(&column(&a.importance), &column(&b.importance));
            assert!(error < 1e-3, "{scale}, column {m}: {error}");
        }
    }
}

/// A lost device is an error that says so, not a panic, and so is what comes after it.
#[test]
fn a_lost_device_is_said() {
    let Some(gpu) = gpu() else { return };
    let mut ours = on_gpu(gpu, &Tiny::default().checkpoint());
    block_on(async {
        ours.begin(&[]).await.unwrap();
        ours.advance(&PROMPT).await.unwrap();
        ours.gpu().destroy();
        for _ in 0..2 {
            let lost = ours.logits(0).await;
            assert!(matches!(lost, Err(ModelError::Gpu(GpuError::Lost(_)))), "{lost:?}");
        }
    });
}

fn floats(v: &Json) -> Vec<f32> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn ids(v: &Json) -> Vec<u32> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

#[test]
fn the_reference_models_match_pytorch() {
    for name in ["llama", "llama_tied"] {
        let (folder, Some(gpu)) = (gold(name), gpu()) else { return };
        let gold: Json = serde_json::from_str(&std::fs::read_to_string(folder.join("gold.json")).unwrap()).unwrap();
        let mut ours = on_gpu(gpu, &Checkpoint::open(FileBytes::open_set(&folder).unwrap()).unwrap());
        let (ids, n) = (ids(&gold["ids"]), gold["n_prompt"].as_u64().unwrap() as usize);
        for mode in [Mode::Forward, Mode::Reverse] {
            let respond = Respond::Forced(ids[n..].to_vec());
            let outcome = run(&mut ours, &ids[..n], singles(n), respond, Target::Prob, mode).unwrap();
            for (m, expected) in gold["importance"]["prob"].as_array().unwrap().iter().enumerate() {
                let found: Vec<f32> = outcome.importance.iter().map(|row| row[m]).collect();
                let distance = relative_error(&floats(expected)[..n], &found);
                assert!(distance < 1e-3, "{name} {mode:?} column {m}: {distance}");
            }
        }
    }
}

/// The real checkpoint's first columns by spans of the prompt. A software GPU takes a while for more.
#[test]
fn the_real_checkpoint_matches_pytorch() {
    let gold = gold("smollm2_135m_instruct_q4_1.json");
    let Some(file) = shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let Some(gpu) = gpu() else { return };
    let mut ours = on_gpu(gpu, &Checkpoint::open(FileBytes::open_set(&file).unwrap()).unwrap());
    let gold: Json = serde_json::from_str(&std::fs::read_to_string(gold).unwrap()).unwrap();
    let case = &gold[0];
    let (ids, n) = (ids(&case["ids"]), case["n_prompt"].as_u64().unwrap() as usize);
    let rows: Vec<Vec<f32>> = case["importance"].as_array().unwrap().iter().map(floats).collect();
    let spans: Vec<Vec<usize>> = (0..n).collect::<Vec<_>>().chunks(n.div_ceil(4)).map(<[usize]>::to_vec).collect();
    let respond = Respond::Forced(ids[n..n + 3].to_vec());
    let outcome = run(&mut ours, &ids[..n], spans.clone(), respond, Target::Prob, Mode::Forward).unwrap();
    for m in 0..3 {
        let expected: Vec<f32> = spans.iter().map(|s| s.iter().map(|p| rows[*p][m]).sum()).collect();
        let found: Vec<f32> = outcome.importance.iter().map(|row| row[m]).collect();
        assert!(relative_error(&expected, &found) < 1e-3, "column {m}: {found:?} {expected:?}");
        let p = case["prob"][m].as_f64().unwrap() as f32;
        assert!((outcome.choices[m].probability - p).abs() < 1e-3 * p);
    }
}

/// Where results are slow to come, several tokens are computed before they are waited for: the same tokens.
#[test]
fn tokens_followed_at_once_are_those_seen_one_by_one() {
    let Some(gpu) = gpu() else { return };
    let mut ours = on_gpu(gpu, &Tiny::default().checkpoint());
    let groups: Vec<Group> = (0..5).map(|g| Group { positions: vec![2 * g, 2 * g + 1] }).collect();
    block_on(async {
        let mut found: Vec<Vec<Seen>> = Vec::new();
        for ahead in [1, 4] {
            ours.set_ahead(ahead);
            ours.begin(&groups).await.unwrap();
            ours.advance(&PROMPT).await.unwrap();
            let (mut all, mut index, before) = (Vec::new(), PROMPT.len() - 1, ours.counts());
            while all.len() < 10 {
                all.extend(ours.follow(index, Some(Target::Prob), 3, 10 - all.len()).await.unwrap());
                index = 0;
                let last = all.last().unwrap().id;
                ours.advance(&[last]).await.unwrap();
            }
            let reads = ours.counts().reads - before.reads;
            assert_eq!(reads, if ahead == 1 { 10 } else { 3 });
            found.push(all);
        }
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0].len(), 10);
    });
}

/// Where the vocabulary is large, the tangents are multiplied by the head in batches: the same columns.
#[test]
fn tangents_in_batches_give_the_columns_of_all_at_once() {
    let Some(gpu) = gpu() else { return };
    let mut ours = on_gpu(gpu, &Tiny::default().checkpoint());
    let found = [usize::MAX, 4, 3, 1].map(|most| {
        ours.limit_head(most);
        let limit = Respond::Generate { limit: 4, sampling: Default::default(), stops: Vec::new() };
        let warm = Sampling { temperature: 0.7, ..Sampling::default() };
        let sampled = Respond::Generate { limit: 4, sampling: warm, stops: Vec::new() };
        [limit, sampled].map(|respond| {
            run(&mut ours, &PROMPT, singles(PROMPT.len()), respond, Target::Prob, Mode::Forward).unwrap().importance
        })
    });
    for other in &found[1..] {
        for (a, b) in other.iter().flatten().zip(found[0].iter().flatten()) {
            assert!(relative_error(b, a) < 1e-5, "{a:?} {b:?}");
        }
    }
}

/// While a response streams there is one submission and one result to wait for per token.
#[test]
fn a_token_takes_one_submission() {
    let Some(gpu) = gpu() else { return };
    let mut ours = on_gpu(gpu, &Tiny::default().checkpoint());
    let groups: Vec<Group> = (0..5).map(|g| Group { positions: vec![2 * g, 2 * g + 1] }).collect();
    block_on(async {
        ours.begin(&groups).await.unwrap();
        ours.advance(&PROMPT).await.unwrap();
        let mut id = ours.see(PROMPT.len() - 1, Next::Likeliest, Some(Target::Prob), 5).await.unwrap().id;
        let before = ours.counts();
        for _ in 0..6 {
            ours.advance(&[id]).await.unwrap();
            id = ours.see(0, Next::Likeliest, Some(Target::Prob), 5).await.unwrap().id;
        }
        let after = ours.counts();
        assert_eq!((after.submits - before.submits, after.reads - before.reads), (6, 6));
        // two layers of 7, whose norms are part of products; embedding, norm, gather, head, the two halves of a choice, column
        assert_eq!(after.dispatches - before.dispatches, 6 * (2 * 7 + 7));
    });
}

/// A word set against another costs what it costs alone.
#[test]
fn a_contrast_takes_one_submission() {
    let Some(gpu) = gpu() else { return };
    let (tiny, rounding) = (Tiny::default(), rounding(&gpu));
    let (mut ours, mut on_cpu) = (on_gpu(gpu, &tiny.checkpoint()), tiny.engine());
    let groups: Vec<Group> = (0..5).map(|g| Group { positions: vec![2 * g, 2 * g + 1] }).collect();
    block_on(async {
        let last = PROMPT.len() - 1;
        ours.begin(&groups).await.unwrap();
        ours.advance(&PROMPT).await.unwrap();
        on_cpu.begin(&groups).await.unwrap();
        on_cpu.advance(&PROMPT).await.unwrap();
        let logits = on_cpu.logits(last).await.unwrap();
        let mut columns = Vec::new();
        for target in [Target::Prob, Target::Logprob, Target::Logit] {
            let mut costs = Vec::new();
            for against in [None, Some(30)] {
                let goal = Goal { target, token: 7, against };
                let before = ours.counts();
                let found = ours.column(last, &logits, goal).await.unwrap();
                let after = ours.counts();
                costs.push((
                    after.submits - before.submits,
                    after.reads - before.reads,
                    after.dispatches - before.dispatches,
                ));
                columns.push((target, on_cpu.column(last, &logits, goal).await.unwrap(), found));
            }
            assert_eq!((costs[0].1, costs[1].0), (1, 1));
            assert_eq!(costs[0].2, costs[1].2, "{target:?}");
        }
        columns_agree(&columns, rounding, "contrast");
    });
}
