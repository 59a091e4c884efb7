//! What the pair can do, and how far tuning moved it: `cargo run --release --example pair -- evaluate`.

pub mod curve;
mod finding;
mod model;
mod weights;
mod writing;

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::Path;

use serde::Serialize;

use crate::instruct::{self, Example, Split, Stories};
use crate::train::{self, BASE, TUNED, rng};
pub use finding::Finding;
pub use model::{Model, ids, text};
pub use weights::Weights;
use writing::Writing;

/// Longest answer, tokens.
const ANSWER: usize = 200;

/// Everything that is measured.
#[derive(Serialize)]
struct Report {
    combinations: Followed,
    wordings: Followed,
    /// Of the stories asked for, the share in which what was asked for is named.
    stories_named: Both<f64>,
    perplexity: Both<f64>,
    writing: Both<Writing>,
    weights: Weights,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
pub struct Both<T> {
    pub base: T,
    pub tuned: T,
}

/// Shares of held-out instructions that were followed.
#[derive(Serialize)]
struct Followed {
    asked: usize,
    base: f64,
    tuned: f64,
    /// The tuned model's share, kind by kind.
    kinds: BTreeMap<&'static str, f64>,
    /// Some instructions that the tuned model did not follow.
    missed: Vec<(String, String)>,
    /// What the base said where it was taken to follow.
    base_followed: Vec<(String, String)>,
}

/// What an evaluation is told.
pub struct Plan<'a> {
    /// Where the pair is.
    pub models: &'a Path,
    /// The training's state, which holds the base's stories.
    pub state: &'a Path,
    pub seed: u64,
    /// Another model's word vectors, which judge the coherence of heads and components.
    pub judge: Option<&'a Path>,
    pub json: Option<&'a Path>,
}

pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let stories = train::stories(plan.state)?;
    let mut base = Model::open(&plan.models.join(BASE), false)?;
    let mut tuned = Model::open(&plan.models.join(TUNED), true)?;
    let weights = Weights::of(base.checkpoint(), tuned.checkpoint(), plan.judge)?;
    weights.print();
    let mut both = Both { base: &mut base, tuned: &mut tuned };
    let asked = |split, count| held_out(&stories, plan.seed, split, count);
    let report = Report {
        combinations: followed("combinations never trained on", &mut both, &asked(Split::Combination, 300))?,
        wordings: followed("wordings never trained on", &mut both, &asked(Split::Wording, 100))?,
        stories_named: named(&mut both, &stories, plan.seed)?,
        perplexity: writing::perplexity(&mut both, &stories)?,
        writing: writing::writing(&mut both, &stories, plan.seed)?,
        weights,
        findings: finding::findings(&mut both, &asked(Split::Combination, 252))?,
    };
    if let Some(path) = plan.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

/// As many different instructions, kinds in turn.
pub fn held_out(stories: &Stories, seed: u64, split: Split, count: usize) -> Vec<Example> {
    let mut rng = rng(seed, &format!("evaluate {split:?}"));
    let (mut all, mut asked): (Vec<Example>, HashSet<String>) = Default::default();
    for i in 0..count * 20 {
        let example = instruct::of_kind(&mut rng, stories, split, i);
        if all.len() < count && asked.insert(example.prompt.clone()) {
            all.push(example);
        }
    }
    all
}

/// How many stories are asked for.
const STORIES: usize = 100;

/// The shares of stories, asked for with subjects never trained on, that name them.
fn named(both: &mut Both<&mut Model>, stories: &Stories, seed: u64) -> Result<Both<f64>, Box<dyn Error>> {
    let all = held_out(stories, seed, Split::Combination, STORIES * 12).into_iter();
    let asked: Vec<Example> = all.filter(|e| e.check.named("").is_some_and(|empty| !empty)).take(STORIES).collect();
    let share = |model: &mut Model| -> Result<f64, Box<dyn Error>> {
        let mut right = 0;
        for e in &asked {
            right += usize::from(e.check.named(&model.answer(&e.prompt, ANSWER)?) == Some(true));
        }
        Ok(right as f64 / asked.len().max(1) as f64)
    };
    let found = Both { base: share(both.base)?, tuned: share(both.tuned)? };
    println!(
        "{} stories name what was asked for: base {:.1} %, tuned {:.1} %",
        asked.len(),
        found.base * 100.0,
        found.tuned * 100.0
    );
    Ok(found)
}

fn followed(what: &str, both: &mut Both<&mut Model>, asked: &[Example]) -> Result<Followed, Box<dyn Error>> {
    let mut kinds: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    let (mut base_followed, mut tuned, mut missed) = (Vec::new(), 0, Vec::new());
    for e in asked {
        let answer = both.base.answer(&e.prompt, ANSWER)?;
        if e.check.accepts(&answer) {
            base_followed.push((e.prompt.clone(), answer));
        }
        let answer = both.tuned.answer(&e.prompt, ANSWER)?;
        let right = e.check.accepts(&answer);
        tuned += usize::from(right);
        let kind = kinds.entry(e.kind).or_default();
        *kind = (kind.0 + usize::from(right), kind.1 + 1);
        if !right {
            missed.push((e.prompt.clone(), answer));
        }
    }
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    let report = Followed {
        asked: asked.len(),
        base: share(base_followed.len(), asked.len()),
        tuned: share(tuned, asked.len()),
        kinds: kinds.into_iter().map(|(kind, (right, of))| (kind, share(right, of))).collect(),
        missed: missed.into_iter().take(60).collect(),
        base_followed,
    };
    println!(
        "{what}: {} asked; the base follows {:.1} %, the tuned model {:.1} %",
        asked.len(),
        report.base * 100.0,
        report.tuned * 100.0
    );
    for (kind, share) in report.kinds.iter().filter(|(_, s)| **s < 1.0) {
        println!("  {kind}: {:.0} %", share * 100.0);
    }
    for (prompt, answer) in report.missed.iter().take(12) {
        println!("  > {prompt}\n    {}", answer.replace('\n', "\n    "));
    }
    Ok(report)
}
