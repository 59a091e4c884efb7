//! What each step of the training reads: rows of conversations, and of the base's stories as they are.

use std::error::Error;
use std::ops::Range;

use shiftlens::checkpoint::Tokenizer;

use crate::draw::word;
use crate::export;
use crate::instruct::{self, Example, Split, Stories};
use crate::judge::Check;
use crate::network::{BOS, Row};
use crate::repetition::repeating;
use crate::train::rng;

/// Predictions in a row, and rows in a step: the context is 256.
pub const SEQUENCE: usize = 255;
const BATCH: usize = 8;
/// Rows of a step that hold stories of the base as they are: there the tuned model is held to the base's own
/// distribution, so that it still tells them.
const PLAIN: usize = 1;
/// How much one of their predictions counts beside one of an answer.
const PLAIN_WEIGHT: f32 = 2.0;
/// How much the first mention of what a story was asked for counts: it is the only part that the request decides.
const NAMED_WEIGHT: f32 = 20.0;

/// Where batches come from: each is a function of the seed and the step.
pub struct Data<'a> {
    pub tokenizer: &'a Tokenizer,
    pub stories: &'a Stories,
    /// The stories of the base that training may read.
    pub plain: Vec<&'a str>,
    pub seed: u64,
}

impl Data<'_> {
    /// A conversation's ids and how much each counts when it is predicted: what was asked does not. The answer begins with
    /// a word's leading space, as any text does, and ends with BOS. Where a story repeats four words, or could have, those
    /// that would be the fourth are unwanted, if `against_repetition` says so.
    fn conversation(&self, e: &Example, against_repetition: bool) -> Result<Told, Box<dyn Error>> {
        let prompt = self.tokenizer.encode_prompt(&export::asked(&e.prompt))?;
        let answer = self.tokenizer.encode(&e.answer)?;
        let named = first_mentions(e);
        let weight = |span: &Range<usize>| match named.iter().any(|n| n.start < span.end && span.start < n.end) {
            true => NAMED_WEIGHT,
            false => 1.0,
        };
        let ids = prompt.iter().chain(&answer).map(|p| p.id).chain([BOS]).collect();
        let weights = answer.iter().map(|p| weight(&p.span)).chain([1.0]);
        let weights = std::iter::repeat_n(0.0, prompt.len()).chain(weights).collect();
        let mut unwanted = vec![Vec::new(); prompt.len() + answer.len() + 1];
        if against_repetition && matches!(e.check, Check::Story { .. }) {
            let answer: Vec<u32> = answer.iter().map(|p| p.id).chain([BOS]).collect();
            let is_word = |id| self.tokenizer.token_bytes(id).iter().any(u8::is_ascii_alphanumeric);
            let found = repeating(&answer, is_word);
            unwanted.splice(prompt.len().., found);
        }
        Ok(Told { ids, weights, unwanted })
    }

    /// `BATCH` rows of `SEQUENCE + 1` ids: the last `PLAIN` of the base's stories, the others of whole conversations, one
    /// after another.
    pub fn batch(&self, step: usize, against_repetition: bool) -> Result<Vec<Row>, Box<dyn Error>> {
        let mut rng = rng(self.seed, &format!("tuned {step}"));
        let mut rows = Vec::with_capacity(BATCH);
        let mut waiting: Vec<Told> = Vec::new();
        for _ in PLAIN..BATCH {
            let mut row = Told::default();
            loop {
                // Some are kept waiting, so that one that fits is found for the rest of the row.
                while waiting.len() < 24 {
                    let example = instruct::example(&mut rng, self.stories, Split::Train);
                    let next = self.conversation(&example, against_repetition)?;
                    if next.ids.len() <= SEQUENCE + 1 {
                        waiting.push(next);
                    }
                }
                let room = SEQUENCE + 1 - row.ids.len();
                // Whichever of those that fit has waited longest: the order says nothing of their lengths.
                let Some(next) = waiting.iter().position(|w| w.ids.len() <= room) else { break };
                row.append(waiting.remove(next));
            }
            rows.push(row.filled());
        }
        for _ in 0..PLAIN {
            let mut ids = Vec::new();
            while ids.len() <= SEQUENCE {
                ids.extend(self.tokenizer.encode_prompt(word(&mut rng, &self.plain))?.iter().map(|p| p.id));
            }
            ids.truncate(SEQUENCE + 1);
            let weights = vec![PLAIN_WEIGHT; SEQUENCE];
            rows.push(Row { ids, weights, unwanted: vec![Vec::new(); SEQUENCE], plain: true });
        }
        Ok(rows)
    }
}

/// Conversations as tokens: of each its id, how much predicting it counts, and what is unwanted in its place.
#[derive(Default)]
struct Told {
    ids: Vec<u32>,
    weights: Vec<f32>,
    unwanted: Vec<Vec<u32>>,
}

impl Told {
    fn append(&mut self, next: Self) {
        self.ids.extend(next.ids);
        self.weights.extend(next.weights);
        self.unwanted.extend(next.unwanted);
    }

    /// As a row of a batch; what is left of it is BOS, which is not learned.
    fn filled(mut self) -> Row {
        self.ids.resize(SEQUENCE + 1, BOS);
        self.weights.resize(SEQUENCE + 1, 0.0);
        self.unwanted.resize(SEQUENCE + 1, Vec::new());
        Row { ids: self.ids, weights: self.weights.split_off(1), unwanted: self.unwanted.split_off(1), plain: false }
    }
}

/// Where a story first mentions what it was asked for, in bytes.
fn first_mentions(e: &Example) -> Vec<Range<usize>> {
    let Check::Story { names } = &e.check else { return Vec::new() };
    let is_part = |c: char| c.is_alphanumeric();
    let whole =
        |at: usize, name: &str| !e.answer[..at].ends_with(is_part) && !e.answer[at + name.len()..].starts_with(is_part);
    let first = |name: &String| e.answer.match_indices(name.as_str()).find(|(at, _)| whole(*at, name));
    names.iter().filter_map(first).map(|(at, name)| at..at + name.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_story_was_asked_for_is_found_where_it_comes_first() {
        let answer = "The caterpillar saw a cat. The cat ran from Tom.".to_owned();
        let check = Check::Story { names: vec!["cat".into(), "Tom".into(), "dog".into()] };
        let e = Example { kind: "", prompt: String::new(), answer, check };
        let found: Vec<&str> = first_mentions(&e).into_iter().map(|span| &e.answer[span]).collect();
        assert_eq!(found, ["cat", "Tom"]);
        assert_eq!(first_mentions(&e)[0].start, 22);
    }
}
