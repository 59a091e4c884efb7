//! What the pair can do, and how far tuning moved it: `cargo run --release --example pair -- evaluate`.

pub mod curve;
mod finding;
mod model;
mod plot;
mod weights;
mod writing;

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::instruct::{self, Example, Split, Stories};
use crate::train::{self, BASE, TUNED, rng};
pub use finding::Finding;
pub use model::{Model, ids, text};
pub use weights::{Read, Weights};
use writing::Drawn;

/// The longest story, and the longest of all other answers, tokens.
const ANSWER: usize = 200;
const SHORT_ANSWER: usize = 80;

/// Everything that is measured.
#[derive(Serialize)]
struct Report {
    combinations: Followed,
    wordings: Followed,
    /// Of the stories asked for, the share in which what was asked for is named.
    stories_named: Both<f64>,
    perplexity: Both<f64>,
    writing: Vec<Drawn>,
    weights: Weights,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
pub struct Both<T> {
    pub base: T,
    pub tuned: T,
}

/// Where both models are.
pub struct Pair {
    base: PathBuf,
    tuned: PathBuf,
}

impl Pair {
    fn of(models: &Path) -> Self {
        Self { base: models.join(BASE), tuned: models.join(TUNED) }
    }

    fn open(&self) -> Result<Both<Model>, Box<dyn Error>> {
        Ok(Both { base: Model::open(&self.base, false)?, tuned: Model::open(&self.tuned, true)? })
    }

    /// Asks both models the same, side by side.
    pub fn each<T: Send>(
        &self,
        ask: impl Fn(&mut Model) -> Result<T, Box<dyn Error>> + Sync,
    ) -> Result<Both<T>, Box<dyn Error>> {
        // models stay within their threads, and so do errors, but for their text
        let of = |path: &Path, tuned: bool| Model::open(path, tuned).and_then(|mut m| ask(&mut m));
        let (base, tuned) = std::thread::scope(|scope| {
            let base = scope.spawn(|| of(&self.base, false).map_err(|e| e.to_string()));
            let tuned = of(&self.tuned, true).map_err(|e| e.to_string());
            (base.join(), tuned)
        });
        Ok(Both { base: base.map_err(|_| "a thread failed")??, tuned: tuned? })
    }
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
    let pair = Pair::of(plan.models);
    let read = pair.each(|model| Read::of(model.checkpoint()))?;
    let weights = Weights::between(&read.base, &read.tuned, plan.judge)?;
    weights.print();
    let asked = |split, count| held_out(&stories, plan.seed, split, count);
    let report = Report {
        combinations: followed("combinations never trained on", &pair, &asked(Split::Combination, 300))?,
        wordings: followed("wordings never trained on", &pair, &asked(Split::Wording, 100))?,
        stories_named: named(&pair, &stories, plan.seed)?,
        perplexity: writing::perplexity(&pair, &stories)?,
        writing: writing::writing(&pair, &stories, plan.seed)?,
        weights,
        findings: finding::findings(&pair, &asked(Split::Combination, 252))?,
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

/// How many instructions of a sort are printed with their answers.
const PRINTED: usize = 12;

/// How many stories are asked for.
const STORIES: usize = 100;

/// The shares of stories, asked for with subjects never trained on, that name them.
fn named(pair: &Pair, stories: &Stories, seed: u64) -> Result<Both<f64>, Box<dyn Error>> {
    let all = held_out(stories, seed, Split::Combination, STORIES * 12).into_iter();
    let asked: Vec<Example> = all.filter(|e| e.check.named("").is_some_and(|empty| !empty)).take(STORIES).collect();
    let found = pair.each(|model| {
        let told = answers(model, &asked)?;
        let right = asked.iter().zip(&told).filter(|(e, told)| e.check.named(told) == Some(true)).count();
        Ok(right as f64 / asked.len().max(1) as f64)
    })?;
    println!(
        "{} stories name what was asked for: base {:.1} %, tuned {:.1} %",
        asked.len(),
        found.base * 100.0,
        found.tuned * 100.0
    );
    Ok(found)
}

/// How many tokens of an answer are judged.
fn answer_limit(e: &Example) -> usize {
    if e.check.named("").is_some() { ANSWER } else { SHORT_ANSWER }
}

/// A model's greedy answers.
fn answers(model: &mut Model, asked: &[Example]) -> Result<Vec<String>, Box<dyn Error>> {
    asked.iter().map(|e| model.answer(&e.prompt, answer_limit(e))).collect()
}

fn followed(what: &str, pair: &Pair, asked: &[Example]) -> Result<Followed, Box<dyn Error>> {
    let mut kinds: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    let (mut base_followed, mut tuned, mut missed) = (Vec::new(), 0, Vec::new());
    let answers = pair.each(|model| answers(model, asked))?;
    for (e, (base, answer)) in asked.iter().zip(answers.base.into_iter().zip(answers.tuned)) {
        if e.check.accepts(&base) {
            base_followed.push((e.prompt.clone(), base));
        }
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
    for (what, some) in [("missed", &report.missed), ("followed by the base", &report.base_followed)] {
        for (prompt, answer) in some.iter().take(PRINTED) {
            println!("  {what}: {prompt}\n    > {}", answer.replace('\n', "\n    "));
        }
    }
    Ok(report)
}
