//! The residual stream taken apart: the logit lens, and direct contributions that sum to the logit, in every family.

use std::ops::ControlFlow;

use crate::support::families::{FAMILIES, edited, gguf, safetensors};
use crate::support::{Tiny, engine, gold};
use candle_core::Tensor;
use serde_json::Value as Json;
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::contributions::Contributions;
use shiftlens::explain::lens::Lens;
use shiftlens::model::cpu::{CpuEngine, Residual, Source};
use shiftlens::model::{Engine, ModelError, Tick, block_on};

async fn quiet(_: Tick) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn json(folder: &str, file: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(gold(folder).join(file)).unwrap()).unwrap()
}

fn reference(folder: &str) -> (Vec<u32>, usize) {
    let gold = json(folder, "gold.json");
    let ids = gold["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
    (ids, gold["n_prompt"].as_u64().unwrap() as usize)
}

fn residual(engine: &CpuEngine, ids: &[u32]) -> Residual {
    block_on(engine.residual(ids, &mut quiet)).unwrap()
}

fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}, {i}: {a} against {b}");
    }
}

/// PyTorch's logits (f64), of the response's own tokens and of others.
#[test]
fn contributions_sum_to_pytorchs_logits_in_every_family() {
    for (folder, architecture) in FAMILIES {
        let (ids, n) = reference(folder);
        let expected = json(folder, "methods.json");
        let steps = expected["step_logits"].as_array().unwrap();
        for (file, checkpoint) in [("safetensors", safetensors(folder)), ("GGUF", gguf(folder, architecture, true))] {
            let engine = engine(&checkpoint);
            let config = checkpoint.config.clone();
            for (m, step) in steps.iter().enumerate() {
                for token in [ids[n + m], 0, 319] {
                    let before = &ids[..n + m];
                    let whole = block_on(Contributions::read(&engine, before, token, None, &mut quiet)).unwrap();
                    let logit = step[token as usize].as_f64().unwrap();
                    let size: f64 = whole.parts.iter().map(|p| f64::from(p.value.abs())).sum();
                    let what = format!("{folder}, {file}, response token {m}, {token}");
                    assert!((whole.sum() - logit).abs() < 2e-5 * size.max(1.0), "{what}: {} {logit}", whole.sum());
                    assert!((f64::from(whole.logit) - logit).abs() < 1e-4 * logit.abs().max(1.0), "{what}");
                    let heads = whole.parts.iter().filter(|p| matches!(p.source, Source::Head { .. })).count();
                    assert_eq!(heads, config.layers * config.heads, "{what}");
                }
            }
        }
    }
}

/// Of every layer: what its parts write is what it changes.
#[test]
fn a_layers_parts_sum_to_what_it_adds() {
    for (folder, _) in FAMILIES {
        let (ids, _) = reference(folder);
        let engine = engine(&safetensors(folder));
        let residual = residual(&engine, &ids);
        let mut sum = vec![0.0; engine.config().width];
        let mut written = residual.written().iter().peekable();
        for layers in 0..=residual.layers() {
            let of_layer = |source: Source| match source {
                Source::Head { layer, .. } | Source::FeedForward { layer } => layer + 1,
                Source::AttentionBias { layer } | Source::FeedForwardBias { layer } => layer + 1,
                Source::Embedding | Source::OutputBias => 0,
            };
            while let Some(part) = written.next_if(|part| of_layer(part.source) == layers) {
                sum.iter_mut().zip(&part.vector).for_each(|(s, v)| *s += v);
            }
            close(&sum, residual.after(layers).unwrap(), 1e-5, &format!("{folder}, after {layers} layers"));
        }
        assert!(written.next().is_none());
    }
}

/// A head whose columns of the output projection are zero writes nothing: in a family without a norm after the block, what the
/// stream then lacks is what that head wrote. Its own layer's feed-forward block is silenced in both.
#[test]
fn a_heads_part_is_what_the_stream_lacks_without_it() {
    const LAYER: usize = 1;
    for (folder, architecture) in [("llama", "llama"), ("granite", "granite"), ("qwen3", "qwen3")] {
        let (ids, _) = reference(folder);
        let (heads, width) = {
            let config = safetensors(folder).config.clone();
            (config.heads, config.head_width)
        };
        let silenced = |name: &str| name == format!("blk.{LAYER}.ffn_down.weight");
        let stream_without = |head: Option<usize>| {
            let edit = |name: &str, t: Tensor| match head {
                _ if silenced(name) => t.zeros_like().unwrap(),
                Some(head) if name == format!("blk.{LAYER}.attn_output.weight") => {
                    let (rows, columns) = t.dims2().unwrap();
                    let mask: Vec<f32> =
                        (0..rows * columns).map(|i| f32::from(u8::from(i % columns / width != head))).collect();
                    (t * Tensor::from_vec(mask, (rows, columns), &candle_core::Device::Cpu).unwrap()).unwrap()
                }
                _ => t,
            };
            residual(&engine(&edited(folder, architecture, &edit)), &ids)
        };
        let whole = stream_without(None);
        for head in 0..heads {
            let without = stream_without(Some(head));
            let lacking: Vec<f32> = whole
                .after(LAYER + 1)
                .unwrap()
                .iter()
                .zip(without.after(LAYER + 1).unwrap())
                .map(|(a, b)| a - b)
                .collect();
            let source = Source::Head { layer: LAYER, head };
            let part = whole.written().iter().find(|part| part.source == source).unwrap();
            close(&part.vector, &lacking, 1e-4, &format!("{folder}, head {head}"));
        }
    }
}

/// The sum is linear in the head's rows.
#[test]
fn contributions_to_a_difference_are_differences() {
    let engine = Tiny { layers: 3, ..Tiny::default() }.engine();
    let ids = [5, 9, 2, 9, 31, 17, 4];
    let read = |token, against| block_on(Contributions::read(&engine, &ids, token, against, &mut quiet)).unwrap();
    let (a, b, both) = (read(7, None), read(8, None), read(7, Some(8)));
    assert!((both.logit - (a.logit - b.logit)).abs() < 1e-6);
    for ((a, b), both) in a.parts.iter().zip(&b.parts).zip(&both.parts) {
        assert_eq!((a.source, a.value - b.value), (both.source, both.value));
    }
    assert!((both.sum() - f64::from(both.logit)).abs() < 1e-4);
}

/// The lens at the last layer is the model's own answer; at each layer it is what a model that ends there would say.
#[test]
fn the_lens_reads_a_layer_as_if_it_were_the_last() {
    for (folder, architecture) in FAMILIES {
        let (ids, _) = reference(folder);
        let cut = |layers: usize| silenced_above(folder, architecture, layers);
        let mut full = engine(&cut(usize::MAX));
        let stream = residual(&full, &ids);
        for layers in 0..=stream.layers() {
            let mut shorter = engine(&cut(layers));
            let expected = last_logits(&mut shorter, &ids);
            close(&full.lens(&stream, layers).unwrap(), &expected, 1e-5, &format!("{folder}, {layers} layers"));
        }
        let lens = Lens::of(&full, &stream, 7, 3).unwrap();
        let own = shiftlens::model::head::choice(&last_logits(&mut full, &ids), 7, 3);
        let last = lens.readings.last().unwrap();
        assert_eq!((lens.readings.len(), last.rank), (stream.layers() + 1, own.rank), "{folder}");
        assert_eq!(last.top.iter().map(|c| c.id).collect::<Vec<_>>(), own.top.iter().map(|c| c.id).collect::<Vec<_>>());
    }
}

/// The reference model whose layers from number `layers` on add nothing.
fn silenced_above(folder: &str, architecture: &str, layers: usize) -> Checkpoint {
    edited(folder, architecture, &|name, t| {
        let number =
            name.strip_prefix("blk.").and_then(|rest| rest.split('.').next()).map(|n| n.parse::<usize>().unwrap());
        let adds = name.contains(".attn_output.") || name.contains(".ffn_down.");
        if adds && number.is_some_and(|n| n >= layers) { t.zeros_like().unwrap() } else { t }
    })
}

fn last_logits(engine: &mut CpuEngine, ids: &[u32]) -> Vec<f32> {
    block_on(engine.begin(&[])).unwrap();
    block_on(engine.advance(ids)).unwrap();
    block_on(engine.logits(ids.len() - 1)).unwrap()
}

#[test]
fn what_is_not_there_is_refused() {
    let engine = Tiny::default().engine();
    let read = |ids: &[u32]| block_on(engine.residual(ids, &mut quiet));
    assert_eq!(read(&[]), Err(ModelError::EmptyPrompt));
    assert!(matches!(read(&[1; 257]), Err(ModelError::TooLong(_))));
    assert!(matches!(read(&[100_000]), Err(ModelError::UnknownToken { .. })));
    let stream = read(&[1, 2]).unwrap();
    assert!(matches!(engine.contributions(&stream, 100_000), Err(ModelError::UnknownToken { .. })));
    assert!(matches!(Lens::of(&engine, &stream, 100_000, 3), Err(ModelError::UnknownToken { .. })));
    assert!(matches!(engine.lens(&stream, 3), Err(ModelError::NoLayer { .. })));
    let stopped = block_on(engine.residual(&[1, 2], &mut async |_| ControlFlow::Break(())));
    assert_eq!(stopped, Err(ModelError::Cancelled));
}
