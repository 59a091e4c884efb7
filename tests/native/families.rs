//! Every family against PyTorch: from safetensors and from GGUF, forward and in reverse, for every target.

use crate::support::families::{FAMILIES, gguf, safetensors};
use crate::support::listeners::quiet;
use crate::support::{engine, gold, gpu, on_gpu, run, singles};
use serde_json::Value as Json;
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::attribution::{Mode, Respond};
use shiftlens::model::head::Target;
use shiftlens::model::{Engine, block_on};

const BOTH: [Mode; 2] = [Mode::Forward, Mode::Reverse];

fn floats(v: &Json) -> Vec<f32> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn reference(folder: &str) -> (Json, Vec<u32>, usize) {
    let gold: Json = serde_json::from_str(&std::fs::read_to_string(gold(folder).join("gold.json")).unwrap()).unwrap();
    let ids = gold["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
    let n = gold["n_prompt"].as_u64().unwrap() as usize;
    (gold, ids, n)
}

/// These modes and all targets within `tolerance` of a column's largest value.
fn importance_matches(what: &str, engine: &mut impl Engine, folder: &str, modes: &[Mode], tolerance: f32) {
    let (gold, ids, n) = reference(folder);
    for (key, target) in [("prob", Target::Prob), ("logprob", Target::Logprob), ("logit", Target::Logit)] {
        for &mode in modes {
            let forced = Respond::Forced(ids[n..].to_vec());
            let outcome = run(engine, &ids[..n], singles(n), forced, target, mode).unwrap();
            for (m, column) in gold["importance"][key].as_array().unwrap().iter().enumerate() {
                let expected = floats(column);
                let scale = expected.iter().fold(0f32, |a, v| a.max(v.abs()));
                for (row, expected) in expected[..n].iter().enumerate() {
                    let found = outcome.importance[row][m];
                    let error = (found - expected).abs() / scale;
                    assert!(error <= tolerance, "{what} {key} {mode:?} [{row}][{m}]: {found} {expected}");
                }
            }
            for (choice, expected) in outcome.choices.iter().zip(floats(&gold["target_prob"])) {
                assert!((choice.probability - expected).abs() < tolerance, "{what}");
            }
        }
    }
    block_on(engine.begin(&[])).unwrap();
    block_on(engine.advance(&ids)).unwrap();
    let logits = block_on(engine.logits(ids.len() - 1)).unwrap();
    for (found, expected) in logits.iter().zip(floats(&gold["logits_last"])) {
        assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{what}: {found} {expected}");
    }
}

fn attention_matches(what: &str, checkpoint: &Checkpoint, folder: &str) {
    let (gold, ids, _) = reference(folder);
    let engine = engine(checkpoint);
    let mut trace = engine.trace(&ids).unwrap();
    for layer in 0..trace.layers() {
        block_on(engine.read_to(&mut trace, layer, &mut quiet)).unwrap();
        for head in 0..trace.heads() {
            let pattern = trace.attention(layer, head).unwrap();
            for query in 0..ids.len() {
                let row = &pattern[query * (query + 1) / 2..][..=query];
                for (found, expected) in row.iter().zip(floats(&gold["attention"][layer][head][query])) {
                    assert!((found - expected).abs() < 1e-4, "{what}: layer {layer}, head {head}, query {query}");
                }
            }
        }
    }
}

#[test]
fn every_family_matches_pytorch_on_the_cpu() {
    for (folder, architecture) in FAMILIES {
        let files = [
            ("safetensors", safetensors(folder)),
            ("GGUF", gguf(folder, architecture, false)),
            ("GGUF, fused", gguf(folder, architecture, true)),
        ];
        for (kind, checkpoint) in files {
            let what = format!("{folder} from {kind}");
            assert_eq!(checkpoint.config.architecture, architecture, "{what}");
            importance_matches(&what, &mut engine(&checkpoint), folder, &BOTH, 1e-4);
            attention_matches(&what, &checkpoint, folder);
        }
    }
}

each_family!(every_family_matches_pytorch_on_the_gpu: matches_pytorch_on_the_gpu);

fn matches_pytorch_on_the_gpu(folder: &str, architecture: &str) {
    // one with cached tangents in f16 where the device computes in it, the other as if it did not
    for (kind, whole, checkpoint, modes) in [
        ("safetensors", false, safetensors(folder), &BOTH),
        ("GGUF, fused", true, gguf(folder, architecture, true), &BOTH),
    ] {
        let Some(gpu) = gpu() else { return };
        if whole {
            gpu.keep_tangents_in_f32();
        }
        let what = format!("{folder} from {kind} on the GPU");
        importance_matches(&what, &mut on_gpu(gpu, &checkpoint), folder, modes, 1e-3);
    }
}
