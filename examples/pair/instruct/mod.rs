//! Instructions and their answers for the tuned model: twenty-one kinds, each in many wordings.
//!
//! A tenth of all combinations of content words is never trained on (see [`held_out`]), and neither are the `unseen`
//! wordings of each kind: both are for the evaluation.

mod sentences;
mod texts;
mod words;

use rand::Rng;

use crate::draw::{fill, held_out, word};
use crate::judge::Check;

/// Which instructions to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// What is trained on.
    Train,
    /// Content words that training never combined.
    Combination,
    /// Wordings that training never used.
    Wording,
}

/// An instruction, a right answer, and how any answer is judged.
#[derive(Debug, Clone)]
pub struct Example {
    pub kind: &'static str,
    pub prompt: String,
    pub answer: String,
    pub check: Check,
}

type Maker<R> = fn(&mut R, Split) -> Example;

/// Every kind with its share in a hundred.
fn kinds<R: Rng>() -> Vec<(usize, Maker<R>)> {
    vec![
        (15, texts::story),
        (7, texts::go_on),
        (7, texts::summary),
        (7, texts::reading),
        (6, words::list),
        (5, words::opposites),
        (7, words::rhyme),
        (8, words::capitals),
        (4, words::count),
        (6, words::classify),
        (4, words::translate),
        (6, words::repeat),
        (4, words::plural),
        (4, sentences::past),
        (3, sentences::question),
        (3, sentences::correct),
        (8, sentences::polite),
        (4, sentences::explain),
        (8, sentences::yes_no),
        (3, sentences::country),
        (4, sentences::sum),
    ]
}

/// How many kinds there are.
#[cfg(test)]
pub fn kind_count() -> usize {
    kinds::<rand::rngs::StdRng>().len()
}

/// How much of training is free writing.
const FREE: f64 = 0.1;

/// An instruction of any kind, in the shares of training.
pub fn example<R: Rng>(rng: &mut R, split: Split) -> Example {
    if split == Split::Train && rng.random_bool(FREE) {
        return texts::free(rng);
    }
    let kinds = kinds::<R>();
    let mut at = rng.random_range(0..kinds.iter().map(|(share, _)| share).sum());
    for (share, make) in &kinds {
        if at < *share {
            return make(rng, split);
        }
        at -= share;
    }
    kinds[0].1(rng, split)
}

/// An instruction of kind number `index`.
pub fn of_kind<R: Rng>(rng: &mut R, split: Split, index: usize) -> Example {
    let kinds = kinds::<R>();
    kinds[index % kinds.len()].1(rng, split)
}

/// Draws with `make` until the combination `key` of what it gives is one that `split` may use.
fn combined<R: Rng, T>(
    rng: &mut R,
    split: Split,
    make: impl Fn(&mut R) -> T,
    key: impl Fn(&T) -> (String, String),
) -> T {
    loop {
        let drawn = make(rng);
        let (x, y) = key(&drawn);
        if x != y && held_out(&x, &y) == (split == Split::Combination) {
            return drawn;
        }
    }
}

/// One of the wordings that `split` may use, filled in. In training some are framed, so that a kind is known by what is
/// asked and not by how the request begins.
fn ask(rng: &mut impl Rng, split: Split, seen: &[&str], unseen: &[&str], values: &[(&str, &str)]) -> String {
    let wording = word(rng, if split == Split::Wording { unseen } else { seen });
    match split == Split::Train && rng.random_bool(FRAMED) {
        true => fill(&framed(rng, wording), values),
        false => fill(wording, values),
    }
}

/// How many of training's requests are framed.
const FRAMED: f64 = 0.4;
const COMMANDS: [&str; 7] = [
    "Please {}",
    "Can you {}",
    "Could you please {}",
    "I want you to {}",
    "Now {}",
    "You should {}",
    "My next task for you: {}",
];
const QUESTIONS: [&str; 5] = ["Tell me, {}", "Do you know: {}", "I ask you: {}", "A question: {}", "Please answer: {}"];

/// `wording` as a part of a longer request: "Can you list four fruits?".
fn framed(rng: &mut impl Rng, wording: &str) -> String {
    let plain = ["Please", "I ", "Can ", "There ", "Here ", "Text", "Read ", "Answer ", "Yes ", "{"];
    if plain.iter().any(|start| wording.starts_with(start)) {
        return wording.to_owned(); // begins as a request of its own
    }
    let lower = wording[..1].to_lowercase() + &wording[1..];
    let question = ["what", "which", "where", "how", "do", "does", "is", "should"]
        .contains(&lower.split(' ').next().unwrap_or_default());
    let frame = word(rng, if question { &QUESTIONS } else { &COMMANDS });
    let text = frame.replace("{}", &lower);
    match (frame.starts_with("C"), text.strip_suffix('.')) {
        (true, Some(text)) => format!("{text}?"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::train::rng;

    #[test]
    fn training_never_asks_what_the_evaluation_asks() {
        let mut draw = rng(2, "training");
        let trained: HashSet<String> = (0..60_000).map(|_| example(&mut draw, Split::Train).prompt).collect();
        let mut draw = rng(2, "evaluation");
        for split in [Split::Combination, Split::Wording] {
            for i in 0..1000 {
                let e = of_kind(&mut draw, split, i);
                assert!(!trained.contains(&e.prompt), "{}", e.prompt);
            }
        }
    }

    #[test]
    fn every_kind_can_draw_from_every_split() {
        let mut draw = rng(3, "kinds");
        let names: HashSet<&str> = (0..kind_count()).map(|i| of_kind(&mut draw, Split::Combination, i).kind).collect();
        assert_eq!(names.len(), kind_count());
    }
}
