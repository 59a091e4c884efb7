//! The commands that read a text: what they write is what the library finds. They run on the small reference models of
//! `tests/gold`; `cells` needs a tokenizer and a chat template, so it runs on the bundled pair.

use std::path::{Path, PathBuf};

use clap::Parser;
use serde::Serialize;
use serde_json::Value as Json;
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::cells::{Cells, Four, Readings};
use shiftlens::explain::contributions::Contributions;
use shiftlens::explain::divergence::{compare, parting};
use shiftlens::explain::lens::{Lens, parts_at};
use shiftlens::explain::{Levels, ModelReport};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Template};
use shiftlens::worker::Runner;

use super::documents::root;
use super::inside::quiet;
use super::text::{explain, greedy, load};
use super::{Cli, run};

const PROMPT: [u32; 6] = [132, 9, 243, 211, 38, 185];
const RESPONSE: [u32; 3] = [285, 116, 201];

fn gold(folder: &str) -> PathBuf {
    root().join("tests/gold").join(folder)
}

fn list(ids: &[u32]) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// Runs a command on the prompt and the response above.
fn on_ids(command: &str, models: &[&Path], more: &[&str]) -> Result<Json, String> {
    let (prompt, response) = (list(&PROMPT), list(&RESPONSE));
    json(command, models, &[&["--prompt-ids", &prompt, "--response-ids", &response], more].concat())
}

/// The JSON that a command writes.
fn json(command: &str, models: &[&Path], more: &[&str]) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let models = models.iter().map(|model| model.to_str().unwrap());
    let words = ["explain", command].into_iter().chain(models).chain(more.iter().copied());
    run(Cli::parse_from(words.chain(["--json", out.to_str().unwrap()])).command)?;
    Ok(serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap())
}

/// A value of the library's as it comes back from a file.
fn written(value: &impl Serialize) -> Json {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn compare_writes_both_divergences_of_every_token() {
    let (base, tuned) = (gold("llama"), gold("llama_tied"));
    let found = on_ids("compare", &[&base, &tuned], &[]).unwrap();
    let (mut b, mut t) = (load(&base).unwrap(), load(&tuned).unwrap());
    let expected = block_on(compare(b.engine(), t.engine(), &PROMPT, &RESPONSE, 5)).unwrap();
    let tokens = found["response"].as_array().unwrap();
    assert_eq!(tokens.len(), RESPONSE.len());
    for (found, expected) in tokens.iter().zip(&expected) {
        for (key, value) in written(expected).as_object().unwrap() {
            assert_eq!(&found[key], value, "{key}");
        }
    }
    let mean = expected.iter().map(|t| t.kl_tuned_base).sum::<f64>() / expected.len() as f64;
    assert!(mean > 0.0 && (number(&found["mean_kl_tuned_base"]) - mean).abs() < 1e-12);
    let answer = |model: &mut Runner| greedy(model, Prompt::Ids { ids: PROMPT.into() }, 48).unwrap();
    let expected = parting(&answer(&mut b), &answer(&mut t)).unwrap();
    for (key, value) in written(&expected).as_object().unwrap() {
        assert_eq!(&found["parting"][key], value, "{key}");
    }
}

/// The response whose divergences PyTorch computed, in f64.
#[test]
fn compare_agrees_with_pytorch() {
    let read = |path: &str| -> Json { serde_json::from_str(&std::fs::read_to_string(gold(path)).unwrap()).unwrap() };
    let (pairs, reference) = (read("divergence.json"), read("qwen3/gold.json"));
    let pair = pairs.as_array().unwrap().iter().find(|p| p["base"] == "qwen3").unwrap();
    let ids: Vec<u32> = reference["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
    let (prompt, response) = ids.split_at(reference["n_prompt"].as_u64().unwrap() as usize);
    let (prompt, response) = (list(prompt), list(response));
    let tuned = gold(pair["tuned"].as_str().unwrap());
    let texts = ["--prompt-ids", &prompt, "--response-ids", &response];
    let found = json("compare", &[&gold("qwen3"), &tuned], &texts).unwrap();
    let expected = pair["tokens"].as_array().unwrap();
    assert_eq!(found["response"].as_array().unwrap().len(), expected.len());
    for (found, expected) in found["response"].as_array().unwrap().iter().zip(expected) {
        for key in ["kl_tuned_base", "kl_base_tuned"] {
            let (found, expected) = (number(&found[key]), number(&expected[key]));
            assert!((found - expected).abs() < 1e-4 * expected.max(0.01), "{key}: {found} against {expected}");
        }
    }
}

#[test]
fn lens_writes_every_reading_of_both_models() {
    let (base, tuned) = (gold("llama"), gold("llama_tied"));
    let found = on_ids("lens", &[&tuned], &["--base", base.to_str().unwrap(), "--token", "2"]).unwrap();
    let before = [&PROMPT[..], &RESPONSE[..2]].concat();
    let read = |path: &Path| {
        let mut model = load(path).unwrap();
        block_on(Lens::read(model.engine(), &before, RESPONSE[2], 5, &mut quiet)).unwrap()
    };
    let (b, t) = (read(&base), read(&tuned));
    assert_eq!(found["token"], RESPONSE[2]);
    assert!(t.readings.len() > 1, "a reading for the embedding and one for each layer");
    assert_eq!(found["model"]["readings"], written(&t.readings));
    assert_eq!(found["base"]["readings"], written(&b.readings));
    assert_eq!(found["model"]["settles"], written(&t.settles()));
    assert_eq!(found.get("parts_at").cloned().unwrap_or(Json::Null), written(&parts_at(&b, &t)));
    // without a base there is nothing to part from
    let alone = on_ids("lens", &[&tuned], &[]).unwrap();
    assert_eq!((alone.get("base"), alone.get("parts_at")), (None, None));
}

#[test]
fn contributions_write_parts_that_sum_to_the_logit() {
    let path = gold("gemma3");
    let mut model = load(&path).unwrap();
    let expect = |model: &mut Runner, against| {
        block_on(Contributions::read(model.engine(), &PROMPT, RESPONSE[0], against, &mut quiet)).unwrap()
    };
    let check = |found: &Json, expected: &Contributions| {
        for (key, value) in written(expected).as_object().unwrap() {
            assert_eq!(&found[key], value, "{key}");
        }
        assert_eq!(found["layers"], written(&expected.by_layer()));
        let (sum, logit) = (number(&found["sum"]), number(&found["logit"]));
        assert!((sum - logit).abs() < 1e-3 * logit.abs().max(1.0), "{sum} against {logit}");
    };
    check(&on_ids("contributions", &[&path], &[]).unwrap(), &expect(&mut model, None));
    check(&on_ids("contributions", &[&path], &["--against", "7"]).unwrap(), &expect(&mut model, Some(7)));
    // the strongest other token is the one that the model itself would say
    let own = greedy(&mut model, Prompt::Ids { ids: PROMPT.into() }, 1).unwrap();
    assert_ne!(own, [RESPONSE[0]]);
    let found = on_ids("contributions", &[&path], &["--against", "auto"]).unwrap();
    check(&found, &expect(&mut model, Some(own[0])));
}

#[test]
fn cells_write_what_template_and_weights_changed() {
    const TEXT: &str = "List two fruits.";
    let [base, tuned] = ["base", "tuned"].map(|name| root().join(format!("public/models/stories-{name}.gguf")));
    let found = json("cells", &[&base, &tuned], &["--prompt", TEXT, "--new-tokens", "3"]).unwrap();
    let (mut base, mut tuned) = (load(&base).unwrap(), load(&tuned).unwrap());
    let source = tuned.checkpoint().chat_template.as_ref().unwrap().source().to_owned();
    let template = Template::Given { source };
    let response = greedy(&mut tuned, Prompt::text(TEXT, template.clone()), 3).unwrap();
    let both = |model: &mut Runner| -> Readings<ModelReport> {
        let mut read = |template: &Template| {
            let prompt = Prompt::text(TEXT, template.clone());
            explain(model, prompt, Response::Ids { ids: response.clone() }, Mode::Auto).unwrap()
        };
        Readings { plain: read(&Template::Off), template: read(&template) }
    };
    let reports = Four { base: both(&mut base), tuned: both(&mut tuned) };
    let expected = Cells::of(&reports, Levels::default()).unwrap();
    for (key, value) in written(&expected).as_object().unwrap() {
        assert_eq!(&found[key], value, "{key}");
    }
    // the tokens' rows are those of a run on each reading, where the template's come first
    let tokens = found["tokens"].as_array().unwrap();
    // at the start of a plain text the first word is another token than within the template
    assert_eq!(tokens.iter().map(|token| token["text"].as_str().unwrap()).collect::<String>(), " two fruits.");
    assert_eq!(found["left_out"], 1);
    let rows = |cell: &Json| cell.as_array().unwrap().len();
    let cells = &found["importance"];
    assert_eq!([rows(&cells["base"]["plain"]), rows(&cells["tuned"]["template"])], [tokens.len(); 2]);
    let sum = |cell: &Json| cell[0].as_array().unwrap().iter().map(number).sum::<f64>();
    let moved = sum(&cells["tuned"]["template"]) - sum(&cells["base"]["template"]);
    assert!((number(&tokens[0]["importance"]["weights_in_template"]) - moved).abs() < 1e-6);
}

#[test]
fn what_cannot_be_done_is_said() {
    let llama = gold("llama");
    let bundled = root().join("public/models/stories-base.gguf");
    let refused = on_ids("lens", &[&llama], &["--token", "3"]).unwrap_err();
    assert_eq!(refused, "The response has 3 tokens, numbered from 0: there is no token 3.");
    let refused = on_ids("contributions", &[&llama], &["--against", "9999"]).unwrap_err();
    assert!(refused.contains("9999"), "{refused}");
    let refused = on_ids("compare", &[&bundled, &llama], &[]).unwrap_err();
    assert!(refused.starts_with("The two models split text into different tokens"), "{refused}");
    let refused = json("cells", &[&llama, &llama], &["--prompt", "Hello."]).unwrap_err();
    assert!(refused.starts_with("The tuned model has no chat template"), "{refused}");
}
