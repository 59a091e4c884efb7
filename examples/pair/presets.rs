//! The finished results that ship with the page, and the prompts of its first finding: `cargo run --release --example pair -- presets`.

use std::error::Error;
use std::path::Path;

use shiftlens::explain::findings::PromptCase;
use shiftlens::protocol::Template;
use shiftlens::share::presets::{PRESET_RESPONSE, PRESETS};
use shiftlens::share::{Export, Models};

use crate::evaluate::Model;
use crate::instruct::Split;
use crate::train::{self, BASE, TUNED};

/// Writes `ID.json` for every preset: each model's own answer, as the page asks for it.
pub fn run(models: &Path, state: &Path, out: &Path, seed: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let mut base = Model::open(&models.join(BASE), false)?;
    let mut tuned = Model::open(&models.join(TUNED), true)?;
    for preset in PRESETS {
        let base = base.explained(preset.text, Template::Off, None, PRESET_RESPONSE)?;
        let tuned = tuned.explained(preset.text, Template::Own, None, PRESET_RESPONSE)?;
        let (first, second) = (crate::evaluate::text(&base), crate::evaluate::text(&tuned));
        println!("> {}\n  base: {first}\n  tuned: {second}", preset.text);
        let export = Export::new(preset.text.to_owned(), Models { base: Some(base), tuned: Some(tuned) });
        std::fs::write(out.join(format!("{}.json", preset.id)), serde_json::to_string(&export)?)?;
    }
    prompts(state, &out.join("../findings"), seed)
}

/// How many held-out instructions the page puts finding 1 to the test on.
const HELD_OUT: usize = 252;

/// Writes the bundled set of prompts.
fn prompts(state: &Path, out: &Path, seed: u64) -> Result<(), Box<dyn Error>> {
    let stories = train::stories(state)?;
    std::fs::create_dir_all(out)?;
    let mut lines = String::new();
    for e in crate::evaluate::held_out(&stories, seed, Split::Combination, HELD_OUT) {
        let case = PromptCase { prompt: e.prompt, instruction: None, response: None };
        lines += &(serde_json::to_string(&case)? + "\n");
    }
    Ok(std::fs::write(out.join("held-out.jsonl"), lines)?)
}
