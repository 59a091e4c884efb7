//! How both models write.

use std::collections::HashSet;
use std::error::Error;

use serde::Serialize;
use shiftlens::explain::attribution::Sampling;

use super::{ANSWER, Both, Model, Pair, held_out};
use crate::instruct::{Example, Split, Stories};
use crate::judge::{repeated_4grams, words};
use crate::sample::{TEMPERATURE, TOP};

/// Stories that perplexity is measured on.
const STORIES: usize = 200;
/// Texts of each model that are looked through for repetitions: so many that the share's standard error is below a tenth of it.
const TEXTS: usize = 600;

/// How a model's texts read.
#[derive(Serialize)]
pub struct Writing {
    texts: usize,
    words: usize,
    kinds_of_word: usize,
    /// The mean share of four-word sequences that a text repeats.
    repeated_4grams: f64,
    /// Of that mean, over texts.
    standard_error: f64,
    samples: Vec<String>,
}

/// On stories of the base that the tuned model was not trained on.
pub fn perplexity(pair: &Pair, stories: &Stories) -> Result<Both<f64>, Box<dyn Error>> {
    let of = |model: &mut Model| -> Result<f64, Box<dyn Error>> {
        let (mut sum, mut count) = (0.0, 0);
        for story in stories.texts(true).take(STORIES) {
            let (surprise, tokens) = model.surprise(story)?;
            sum += surprise;
            count += tokens;
        }
        Ok((sum / f64::from(u32::try_from(count)?)).exp())
    };
    let found = pair.each(of)?;
    println!(
        "perplexity of the base's stories: base {:.3}, tuned {:.3}, ratio {:.3}",
        found.base,
        found.tuned,
        found.tuned / found.base
    );
    Ok(found)
}

/// How both models write when they draw from their distributions in one way.
#[derive(Serialize)]
pub struct Drawn {
    temperature: f32,
    /// 0 for all tokens.
    top_k: usize,
    #[serde(flatten)]
    texts: Both<Writing>,
}

/// Both ways of drawing: as the stories were drawn that the tuned model learned from, and a cooler one, which repeats more.
pub fn writing(pair: &Pair, stories: &Stories, seed: u64) -> Result<Vec<Drawn>, Box<dyn Error>> {
    [(TEMPERATURE, TOP), (0.7, 0)]
        .into_iter()
        .map(|(temperature, top_k)| {
            let texts = drawn(
                pair,
                stories,
                seed,
                Sampling { temperature: f64::from(temperature), top_k, ..Sampling::default() },
            )?;
            Ok(Drawn { temperature, top_k, texts })
        })
        .collect()
}

/// The base goes on from the first words of its own stories; the tuned model tells stories that it is asked for.
fn drawn(pair: &Pair, stories: &Stories, seed: u64, sampling: Sampling) -> Result<Both<Writing>, Box<dyn Error>> {
    let starts: Vec<String> =
        stories.texts(true).take(TEXTS).map(|story| story.split(' ').take(4).collect::<Vec<_>>().join(" ")).collect();
    let asked = held_out(stories, seed, Split::Combination, TEXTS * 12).into_iter();
    let asked: Vec<Example> = asked.filter(|e| e.check.named("").is_some()).take(TEXTS).collect();
    let texts = pair.each(|model| -> Result<Vec<String>, Box<dyn Error>> {
        let seeded = |seed| Sampling { seed, ..sampling };
        match model.tuned {
            true => asked.iter().zip(0..).map(|(e, seed)| model.tells(&e.prompt, ANSWER, seeded(seed))).collect(),
            false => starts
                .iter()
                .zip(0..)
                .map(|(start, seed)| Ok(format!("{start} {}", model.goes_on(start, ANSWER, seeded(seed))?)))
                .collect(),
        }
    })?;
    println!(
        "drawn at temperature {:.1}, from {}",
        sampling.temperature,
        match sampling.top_k {
            0 => "all tokens".to_owned(),
            k => format!("the {k} likeliest tokens"),
        }
    );
    Ok(Both {
        base: reads("the base's continuations", texts.base),
        tuned: reads("the tuned model's stories", texts.tuned),
    })
}

fn reads(what: &str, texts: Vec<String>) -> Writing {
    let all: Vec<Vec<String>> = texts.iter().map(|t| words(t)).collect();
    let kinds: HashSet<&String> = all.iter().flatten().collect();
    let shares: Vec<f64> = all.iter().map(|w| repeated_4grams(w)).collect();
    let (mean, standard_error) = mean_and_error(&shares);
    let writing = Writing {
        texts: texts.len(),
        words: all.iter().map(Vec::len).sum(),
        kinds_of_word: kinds.len(),
        repeated_4grams: mean,
        standard_error,
        samples: texts.iter().take(12).cloned().collect(),
    };
    println!(
        "{what}: {} texts, {} words of {} kinds, {:.2} +- {:.2} % of 4-grams repeated within a text",
        writing.texts,
        writing.words,
        writing.kinds_of_word,
        writing.repeated_4grams * 100.0,
        writing.standard_error * 100.0
    );
    writing
}

/// The mean, and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n * (n - 1.0).max(1.0))).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_means_error_is_the_deviation_over_the_root_of_the_count() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((error - (5.0f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
    }
}
