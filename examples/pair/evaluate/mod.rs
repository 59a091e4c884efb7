//! What the pair can do: `cargo run --release --example pair -- evaluate`.

mod model;

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::Path;

use serde::Serialize;
use shiftlens::explain::statistics::{Summary, Welch, welch};
use shiftlens::protocol::Template;

use crate::instruct::{self, Example, Split};
use crate::judge::{repeated_4grams, words};
use crate::plain;
use crate::train::rng;
pub use model::{Model, text};

/// Longest answer, tokens.
const ANSWER: usize = 220;
/// Longest answer that is explained, tokens.
const EXPLAINED: usize = 60;

/// Everything that is measured.
#[derive(Serialize)]
struct Report {
    combinations: Followed,
    wordings: Followed,
    perplexity: Both<f64>,
    writing: Both<Writing>,
    finding: Vec<Finding>,
}

#[derive(Serialize)]
struct Both<T> {
    base: T,
    tuned: T,
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

/// How a model's texts read.
#[derive(Serialize)]
struct Writing {
    texts: usize,
    words: usize,
    kinds_of_word: usize,
    /// The mean share of four-word sequences that a text repeats.
    repeated_4grams: f64,
    samples: Vec<String>,
}

/// The paper's first finding on this pair.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    base: Summary,
    tuned: Summary,
    welch: Option<Welch>,
}

pub fn run(folder: &Path, seed: u64, json: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut base = Model::open(&folder.join("tiny-base.gguf"), false)?;
    let mut tuned = Model::open(&folder.join("tiny-tuned.gguf"), true)?;
    let mut both = Both { base: &mut base, tuned: &mut tuned };
    let combinations = held_out(seed, Split::Combination, 300);
    let report = Report {
        combinations: followed("combinations never trained on", &mut both, &combinations)?,
        wordings: followed("wordings never trained on", &mut both, &held_out(seed, Split::Wording, 100))?,
        perplexity: perplexity(&mut both, seed)?,
        writing: writing(&mut both, seed)?,
        finding: finding(&mut both, &held_out(seed, Split::Combination, 252))?,
    };
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

/// As many different instructions, kinds in turn.
pub fn held_out(seed: u64, split: Split, count: usize) -> Vec<Example> {
    let mut rng = rng(seed, &format!("evaluate {split:?}"));
    let (mut all, mut asked): (Vec<Example>, HashSet<String>) = Default::default();
    for i in 0..count * 20 {
        let example = instruct::of_kind(&mut rng, split, i);
        if all.len() < count && asked.insert(example.prompt.clone()) {
            all.push(example);
        }
    }
    all
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

fn perplexity(both: &mut Both<&mut Model>, seed: u64) -> Result<Both<f64>, Box<dyn Error>> {
    let mut rng = rng(seed, "evaluate perplexity");
    let documents: Vec<String> = (0..200).map(|_| plain::document(&mut rng)).collect();
    let of = |model: &mut Model| -> Result<f64, Box<dyn Error>> {
        let (mut sum, mut count) = (0.0, 0);
        for document in &documents {
            let (surprise, tokens) = model.surprise(document)?;
            sum += surprise;
            count += tokens;
        }
        Ok((sum / count as f64).exp())
    };
    let found = Both { base: of(both.base)?, tuned: of(both.tuned)? };
    println!("perplexity of plain text: base {:.2}, tuned {:.2}", found.base, found.tuned);
    Ok(found)
}

fn writing(both: &mut Both<&mut Model>, seed: u64) -> Result<Both<Writing>, Box<dyn Error>> {
    let mut rng = rng(seed, "evaluate writing");
    let mut continuations = Vec::new();
    for i in 0..1500 {
        let document = plain::document(&mut rng);
        let start: Vec<&str> = document.split_inclusive(' ').take(3).collect();
        let start = start.concat().trim_end().to_owned();
        continuations.push(format!("{start}{}", both.base.goes_on(&start, 120, i)?));
    }
    let stories = held_out(seed, Split::Combination, 20 * 100).into_iter().filter(|e| e.kind == "story").take(100);
    let stories = stories.map(|e| both.tuned.answer(&e.prompt, ANSWER)).collect::<Result<Vec<_>, _>>()?;
    let found = Both {
        base: reads("the base's continuations", continuations),
        tuned: reads("the tuned model's stories", stories),
    };
    Ok(found)
}

fn reads(what: &str, texts: Vec<String>) -> Writing {
    let all: Vec<Vec<String>> = texts.iter().map(|t| words(t)).collect();
    let kinds: HashSet<&String> = all.iter().flatten().collect();
    let writing = Writing {
        texts: texts.len(),
        words: all.iter().map(Vec::len).sum(),
        kinds_of_word: kinds.len(),
        repeated_4grams: all.iter().map(|w| repeated_4grams(w)).sum::<f64>() / all.len().max(1) as f64,
        samples: texts.iter().take(12).cloned().collect(),
    };
    println!(
        "{what}: {} texts, {} words of {} kinds, {:.2} % of 4-grams repeated within a text",
        writing.texts,
        writing.words,
        writing.kinds_of_word,
        writing.repeated_4grams * 100.0
    );
    writing
}

fn finding(both: &mut Both<&mut Model>, asked: &[Example]) -> Result<Vec<Finding>, Box<dyn Error>> {
    let template = both.tuned.template();
    let mut scores: [(&'static str, Vec<f64>, Vec<f64>); 3] = [
        ("the tuned model's response under both, the template for the tuned model only", vec![], vec![]),
        ("the tuned model's response under both, the template for both", vec![], vec![]),
        ("each model's own response, the template for the tuned model only", vec![], vec![]),
    ];
    for e in asked {
        let own = both.tuned.explained(&e.prompt, template.clone(), None, EXPLAINED)?;
        let said = text(&own);
        let tuned = both.tuned.explained(&e.prompt, template.clone(), Some(&said), EXPLAINED)?.instruction_score;
        let plain = both.base.explained(&e.prompt, Template::Off, Some(&said), EXPLAINED)?.instruction_score;
        let inside = both.base.explained(&e.prompt, template.clone(), Some(&said), EXPLAINED)?.instruction_score;
        let free = both.base.explained(&e.prompt, Template::Off, None, EXPLAINED)?.instruction_score;
        for (at, base, tuned) in [(0, plain, tuned), (1, inside, tuned), (2, free, own.instruction_score)] {
            if let (Some(base), Some(tuned)) = (base, tuned) {
                scores[at].1.push(base);
                scores[at].2.push(tuned);
            }
        }
    }
    let found = scores.into_iter().map(|(what, base, tuned)| {
        let (base, tuned) = (Summary::of(&base), Summary::of(&tuned));
        let welch = welch(base, tuned);
        println!(
            "instruction score, {what} ({} prompts): base {:.3} +- {:.3}, tuned {:.3} +- {:.3}, p = {:.1e}",
            base.n,
            base.mean,
            base.deviation,
            tuned.mean,
            tuned.deviation,
            welch.map_or(f64::NAN, |w| w.p)
        );
        Finding { what, base, tuned, welch }
    });
    Ok(found.collect())
}
