//! Both models on the same text: how far apart they are at every token, and how each would have gone on where they part.

use std::collections::BTreeMap;

use super::Subject;
use crate::explain::attribution::{Mode, Sampling};
use crate::explain::divergence::{self, TokenDivergence};
use crate::explain::{By, ModelReport};
use crate::model::head::{Choice, Target};
use crate::page::Side;
use crate::protocol::text::{Question, Spelled};
use crate::protocol::{Prompt, Response, Run};

/// Most probable tokens listed of each model.
pub const TOP: usize = 10;
/// Most tokens by which an answer is gone on with.
const LONGEST: usize = 48;

/// What has been found so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// The first so many tokens of the response.
    pub tokens: Vec<TokenDivergence>,
    /// How the listed tokens are spelled.
    pub spelled: BTreeMap<u32, String>,
    /// How base and tuned go on where they part; empty text where the model ends there.
    pub continuations: [Option<String>; 2],
}

impl Comparison {
    /// Whether all of it is there.
    pub fn is_read(&self, subject: &Subject) -> bool {
        self.tokens.len() == subject.response.len()
    }

    /// The first token at which the two most probable tokens differ: up to there, both models' greedy answers are this text as far as
    /// it is greedy itself.
    pub fn parting(&self) -> Option<usize> {
        let first = |choice: &Choice| choice.top.first().map(|c| c.id);
        self.tokens.iter().position(|t| first(&t.base) != first(&t.tuned))
    }

    /// Where they part, or else the token with the largest divergence.
    pub fn most_telling(&self) -> Option<usize> {
        let by_kl = |a: &usize, b: &usize| self.tokens[*a].kl_tuned_base.total_cmp(&self.tokens[*b].kl_tuned_base);
        self.parting().or_else(|| (0..self.tokens.len()).rev().max_by(by_kl))
    }

    /// The largest divergence, nats: one scale for the text.
    pub fn most(&self) -> f64 {
        self.tokens.iter().map(|t| t.kl_tuned_base).fold(0.0, f64::max)
    }

    /// The mean of `of` over the tokens.
    pub fn mean(&self, of: fn(&TokenDivergence) -> f64) -> f64 {
        self.tokens.iter().map(of).sum::<f64>() / self.tokens.len().max(1) as f64
    }

    /// How a token is spelled.
    pub fn spell(&self, id: u32) -> &str {
        self.spelled.get(&id).map_or("", String::as_str)
    }

    /// Asks for the next rows, which take no more than so many bytes: at least one.
    pub(super) fn rows(&self, subject: &Subject, bytes: usize) -> Question {
        let from = self.tokens.len();
        let rows = bytes / (size_of::<f32>() * subject.vocabulary.max(1));
        Question::Rows { before: subject.before(from), response: subject.ids().skip(from).take(rows.max(1)).collect() }
    }

    /// What the tuned model is asked about the rows that have come, when so many bytes were allowed for.
    pub(super) fn divergence(&self, subject: &Subject, bytes: usize) -> Question {
        let side = divergence::Side::Tuned;
        match self.rows(subject, bytes) {
            Question::Rows { before, response } => Question::Divergence { side, before, response, top: TOP },
            other => other,
        }
    }

    pub(super) fn add(&mut self, tokens: Vec<TokenDivergence>, spelled: Spelled) {
        self.tokens.extend(tokens);
        self.spelled.extend(spelled);
    }

    /// The run by which `side` goes on where the two part, if that is still to be found.
    pub(super) fn continuation(&self, side: Side, subject: &Subject) -> Option<Run> {
        let at = self.parting().filter(|_| self.is_read(subject))?;
        if self.continuations[side.index()].is_some() {
            return None;
        }
        Some(Run {
            prompt: Prompt::Ids { ids: subject.before(at) },
            response: Response::Own { limit: LONGEST, sampling: Sampling::default() },
            by: By::Token,
            target: Target::default(),
            mode: Mode::Off,
            how: Default::default(),
            instruction: Some(0..0),
            template_row: false,
        })
    }

    pub(super) fn went_on(&mut self, side: Side, report: &ModelReport) {
        let text = report.response.iter().map(|t| t.text.as_str()).collect();
        self.continuations[side.index()] = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::head::Candidate;

    fn token(kl: f64, base: u32, tuned: u32) -> TokenDivergence {
        let choice =
            |id| Choice { probability: 0.5, rank: 1, entropy: 1.0, top: vec![Candidate { id, probability: 0.5 }] };
        TokenDivergence { id: tuned, kl_tuned_base: kl, kl_base_tuned: kl, base: choice(base), tuned: choice(tuned) }
    }

    #[test]
    fn the_most_telling_token_is_where_the_models_part() {
        let of = |tokens: Vec<TokenDivergence>| Comparison { tokens, ..Comparison::default() };
        let parts = of(vec![token(0.1, 4, 4), token(0.2, 5, 6), token(3.0, 7, 7), token(0.1, 8, 9)]);
        assert_eq!((parts.parting(), parts.most_telling(), parts.most()), (Some(1), Some(1), 3.0));
        let agree = of(vec![token(0.1, 4, 4), token(0.3, 5, 5), token(0.3, 6, 6)]);
        assert_eq!((agree.parting(), agree.most_telling()), (None, Some(1)), "the first of equals");
        assert!((agree.mean(|t| t.kl_base_tuned) - 0.7 / 3.0).abs() < 1e-12);
        assert_eq!(of(Vec::new()).most_telling(), None);
    }

    /// Of a response of five tokens, two rows are on their way at a time, and never none.
    #[test]
    fn rows_are_asked_for_in_parts() {
        let token = |id| crate::explain::ResponseToken {
            id,
            text: String::new(),
            bytes: None,
            probability: 0.5,
            rank: 1,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        };
        let subject = Subject {
            prompt: vec![1, 2],
            response: (10..15).map(token).collect(),
            vocabulary: 100,
            ..Subject::default()
        };
        let mut comparison = Comparison::default();
        let asked = |c: &Comparison, bytes| match c.rows(&subject, bytes) {
            Question::Rows { before, response } => (before, response),
            _ => panic!(),
        };
        assert_eq!(asked(&comparison, 999), (vec![1, 2], vec![10, 11]));
        assert_eq!(asked(&comparison, 1).1, [10]);
        comparison.add(vec![self::token(0.0, 10, 10), self::token(0.0, 11, 11)], Vec::new());
        assert_eq!(asked(&comparison, 999), (vec![1, 2, 10, 11], vec![12, 13]));
        assert_eq!(asked(&comparison, 1 << 20), (vec![1, 2, 10, 11], vec![12, 13, 14]));
        assert!(!comparison.is_read(&subject));
    }
}
