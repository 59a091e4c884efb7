//! Against PyTorch: real checkpoints; and the paper's published densities. `families.rs` has the tiny reference models.

use std::path::Path;

use crate::support::{cosine, gold, real, run, shared, singles};
use serde_json::Value as Json;
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::explain::{Levels, density, floored, instruction_score, levels, normalised};
use shiftlens::model::head::Target;
use shiftlens::protocol::{Prompt, Template};
use shiftlens::worker::Runner;

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn ids(v: &Json) -> Vec<u32> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

fn floats(v: &Json) -> Vec<f32> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// Held against `gold` (tests/gold/make_real.py): tokens, the greedy response, probabilities and every column, in both modes.
fn matches_pytorch(file: &Path, gold: &Path) {
    let checkpoint = Checkpoint::open(FileBytes::open_set(file).unwrap()).unwrap();
    let mut runner = Runner::load_at_once(checkpoint, "real").unwrap();
    let all = Levels { floor: 0, ..Levels::default() };
    for case in json(gold).as_array().unwrap() {
        let (ids, n) = (ids(&case["ids"]), case["n_prompt"].as_u64().unwrap() as usize);
        let text = case["prompt"].as_str().unwrap().to_owned();
        let template = if case["chat"] == true { Template::Own } else { Template::Off };
        let (prompt, _) = runner.prepare(&Prompt::text(text, template)).unwrap();
        assert_eq!(prompt.iter().map(|t| t.id).collect::<Vec<_>>(), ids[..n]);

        let rows: Vec<Vec<f32>> = case["importance"].as_array().unwrap().iter().map(floats).collect();
        let count = ids.len() - n;
        for mode in [Mode::Forward, Mode::Reverse] {
            let greedy = Respond::Generate { limit: count, sampling: Sampling::default(), stops: Vec::new() };
            let outcome = run(runner.engine(), &ids[..n], singles(n), greedy, Target::Prob, mode).unwrap();
            assert_eq!(outcome.response, ids[n..], "greedy response, {mode:?}");
            let column = |i: &[Vec<f32>], m: usize| i[..n].iter().map(|row| row[m]).collect::<Vec<_>>();
            for m in 0..count {
                let agreement = cosine(&column(&outcome.importance, m), &column(&rows, m));
                assert!(agreement >= 0.999, "{mode:?} column {m}: cosine {agreement}");
            }
            let (ours, theirs) =
                (levels(&outcome.importance, &vec![true; n], all), levels(&rows[..n], &vec![true; n], all));
            let pairs: Vec<(u8, u8)> = ours.iter().flatten().copied().zip(theirs.iter().flatten().copied()).collect();
            let near = pairs.iter().filter(|(a, b)| a.abs_diff(*b) <= 1).count();
            assert!(near * 100 >= pairs.len() * 99, "{near} of {} levels within one", pairs.len());
            for (choice, expected) in outcome.choices.iter().zip(floats(&case["prob"])) {
                assert!((choice.probability - expected).abs() < 2e-3, "{} {expected}", choice.probability);
            }
        }
    }
}

#[test]
fn smollm2_matches_pytorch() {
    let Some(file) = shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    matches_pytorch(&file, &gold("smollm2_135m_instruct_q4_1.json"));
}

#[test]
fn the_bundled_pair_matches_pytorch() {
    for name in ["stories-base", "stories-tuned"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("public/models/{name}.gguf"));
        matches_pytorch(&file, &gold(&format!("real/{name}.json")));
    }
}

#[test]
fn gemma3_matches_pytorch() {
    let name = "gemma-3-270m-q4_k_m";
    let Some(file) = real(&format!("{name}.gguf")) else { return };
    matches_pytorch(&file, &gold(&format!("real/{name}.json")));
}

#[test]
fn qwen2_matches_pytorch() {
    let name = "qwen2.5-coder-0.5b-instruct-q4_k_m";
    let Some(file) = real(&format!("{name}.gguf")) else { return };
    matches_pytorch(&file, &gold(&format!("real/{name}.json")));
}

#[test]
fn the_papers_densities_and_scores() {
    use base64::Engine as _;
    use std::io::Read;
    let path = gold("density_cases.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut cases = 0;
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let expected: Vec<f64> = case["density"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(case["levels"].as_str().unwrap()).unwrap();
        // Published before b was applied; the densities beside them are those of b = 7.
        let b = Levels::default().floor;
        let row = |r: &[u8]| r.iter().map(|s| floored(*s, b)).collect();
        let rows: Vec<Vec<u8>> = bytes.chunks(bytes.len() / expected.len()).map(row).collect();
        let found = normalised(&density(&rows, 4.0));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "case {cases}: {found} {expected}");
        }
        let mask: Vec<bool> =
            case["instruction"].as_array().unwrap().iter().map(|v| v.as_f64() == Some(1.0) || v == true).collect();
        let score = case["score"].as_f64().unwrap();
        assert!((instruction_score(&found, &mask) - score).abs() < 1e-5, "case {cases}");
        cases += 1;
    }
    assert_eq!(cases, 120);
}
