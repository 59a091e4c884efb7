//! Two models on the same text, against PyTorch in f64 (tests/gold/make_divergence.py), and across the border of two workers.

use crate::support::families::safetensors;
use crate::support::{Tiny, engine, gold};
use serde_json::Value as Json;
use shiftlens::explain::divergence::{LogProbabilities, Side, compare, compare_with, each_row, log_probabilities};
use shiftlens::model::head::Choice;
use shiftlens::model::{Engine, ModelError, block_on};

fn json(path: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(gold(path)).unwrap()).unwrap()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-4 * expected.abs().max(0.01), "{what}: {found} against {expected}");
}

#[test]
fn every_family_against_the_next_one_as_pytorch_sees_it() {
    let pairs = json("divergence.json");
    assert_eq!(pairs.as_array().unwrap().len(), 9);
    for pair in pairs.as_array().unwrap() {
        let (base, tuned) = (pair["base"].as_str().unwrap(), pair["tuned"].as_str().unwrap());
        let reference = json(&format!("{base}/gold.json"));
        let ids: Vec<u32> = reference["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
        let (prompt, response) = ids.split_at(reference["n_prompt"].as_u64().unwrap() as usize);
        let (mut b, mut t) = (engine(&safetensors(base)), engine(&safetensors(tuned)));
        let tokens = block_on(compare(&mut b, &mut t, prompt, response, 5)).unwrap();
        let expected = pair["tokens"].as_array().unwrap();
        assert_eq!(tokens.len(), expected.len());
        for (m, (token, expected)) in tokens.iter().zip(expected).enumerate() {
            let what = format!("{base}, {tuned}, response token {m}");
            assert_eq!(token.id, response[m]);
            close(token.kl_tuned_base, expected["kl_tuned_base"].as_f64().unwrap(), &what);
            close(token.kl_base_tuned, expected["kl_base_tuned"].as_f64().unwrap(), &what);
            same_choice(&token.base, &expected["base"], &what);
            same_choice(&token.tuned, &expected["tuned"], &what);
        }
    }
}

fn same_choice(found: &Choice, expected: &Json, what: &str) {
    close(f64::from(found.probability), expected["probability"].as_f64().unwrap(), what);
    close(f64::from(found.entropy), expected["entropy"].as_f64().unwrap(), what);
    assert_eq!(found.rank as u64, expected["rank"].as_u64().unwrap(), "{what}");
    let top: Vec<u64> = found.top.iter().map(|c| u64::from(c.id)).collect();
    let by_pytorch: Vec<u64> = expected["top"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
    assert_eq!(top, by_pytorch, "{what}");
}

const PROMPT: [u32; 20] = [5, 9, 2, 9, 31, 17, 4, 100, 7, 8, 5, 5, 2, 77, 3, 12, 90, 41, 6, 1];
const RESPONSE: [u32; 11] = [8, 3, 250, 17, 17, 2, 9, 44, 61, 5, 30];

/// Rows that have crossed as plain numbers give what two models at hand give, whichever of the two receives them.
#[test]
fn it_does_not_matter_which_model_receives_the_others_rows() {
    let (mut base, mut tuned) = (Tiny::default().engine(), Tiny { seed: 2, ..Tiny::default() }.engine());
    let at_hand = block_on(compare(&mut base, &mut tuned, &PROMPT, &RESPONSE, 3)).unwrap();
    assert_eq!(at_hand.len(), RESPONSE.len());
    assert!(at_hand.iter().all(|t| t.kl_tuned_base > 0.0 && t.kl_base_tuned > 0.0));
    let rows = block_on(log_probabilities(&mut tuned, &PROMPT, &RESPONSE)).unwrap();
    let crossed = LogProbabilities::from_values(rows.vocabulary(), rows.values().to_vec()).unwrap();
    let mut heard = 0;
    let mut each = async |_: &_| {
        heard += 1;
        Ok(())
    };
    let text = (PROMPT.as_slice(), RESPONSE.as_slice());
    let other_way = block_on(compare_with(&mut base, Side::Base, text, &crossed, 3, &mut each)).unwrap();
    assert_eq!((other_way, heard), (at_hand, RESPONSE.len()));
}

/// A long response is compared in parts: what came before a part is read as if it were the prompt's.
#[test]
fn a_response_can_be_compared_in_parts() {
    let (mut base, mut tuned) = (Tiny::default().engine(), Tiny { seed: 2, ..Tiny::default() }.engine());
    let whole = block_on(compare(&mut base, &mut tuned, &PROMPT, &RESPONSE, 3)).unwrap();
    let mut parts = Vec::new();
    for part in RESPONSE.chunks(4) {
        let before = [&PROMPT[..], &RESPONSE[..parts.len()]].concat();
        parts.extend(block_on(compare(&mut base, &mut tuned, &before, part, 3)).unwrap());
    }
    assert_eq!(parts.len(), whole.len());
    for (m, (part, whole)) in parts.iter().zip(&whole).enumerate() {
        let what = format!("token {m}");
        assert_eq!((part.id, part.base.rank, part.tuned.rank), (whole.id, whole.base.rank, whole.tuned.rank), "{what}");
        close(part.kl_tuned_base, whole.kl_tuned_base, &what);
        close(part.kl_base_tuned, whole.kl_base_tuned, &what);
    }
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let (mut one, mut other) = (Tiny::default().engine(), Tiny::default().engine());
    for token in block_on(compare(&mut one, &mut other, &PROMPT, &RESPONSE, 3)).unwrap() {
        assert_eq!((token.kl_tuned_base, token.kl_base_tuned), (0.0, 0.0));
        assert_eq!(token.base, token.tuned);
    }
}

/// Each row is the model's own distribution after the tokens before it, read at once or in parts.
#[test]
fn a_row_stands_before_its_token() {
    let mut engine = Tiny::default().engine();
    let rows = block_on(log_probabilities(&mut engine, &PROMPT, &RESPONSE)).unwrap();
    for (m, row) in rows.rows().enumerate() {
        let before = [&PROMPT[..], &RESPONSE[..m]].concat();
        block_on(engine.begin(&[])).unwrap();
        block_on(engine.advance(&before)).unwrap();
        let logits = block_on(engine.logits(before.len() - 1)).unwrap();
        let sum: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
        for (found, logit) in row.iter().zip(&logits) {
            close(f64::from(*found), f64::from(*logit) - sum.ln(), &format!("row {m}"));
        }
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (mut one, mut other) = (Tiny::default().engine(), engine(&safetensors("llama")));
    let refused = block_on(compare(&mut one, &mut other, &PROMPT, &RESPONSE, 3));
    assert_eq!(refused, Err(ModelError::OtherVocabulary { base: 261, tuned: 320 }));
    let rows = block_on(log_probabilities(&mut one, &PROMPT, &RESPONSE[..4])).unwrap();
    let text = (PROMPT.as_slice(), RESPONSE.as_slice());
    let refused = block_on(compare_with(&mut one, Side::Base, text, &rows, 3, &mut async |_| Ok(())));
    assert_eq!(refused, Err(ModelError::OtherResponse { rows: 4, tokens: 11 }));
    assert_eq!(block_on(log_probabilities(&mut one, &[], &RESPONSE)), Err(ModelError::EmptyPrompt));
    let unknown = block_on(log_probabilities(&mut one, &PROMPT, &[900]));
    assert_eq!(unknown, Err(ModelError::UnknownToken { id: 900, vocab: 261 }));
    assert!(matches!(block_on(log_probabilities(&mut one, &[1; 250], &[1; 7])), Err(ModelError::TooLong(_))));
    let stopped = block_on(each_row(&mut one, &PROMPT, &RESPONSE, &mut async |_, _| Err(ModelError::Cancelled)));
    assert_eq!(stopped, Err(ModelError::Cancelled));
}
