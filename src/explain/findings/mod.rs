//! The paper's three findings, put to the test on the pair at hand (METHODS.md, "The paper's numbers").

mod concepts;
mod prompts;
mod verbs;

pub use concepts::{ConceptShift, concept_shift};
pub use prompts::{PromptCase, PromptSetError, parse_prompts};
pub use verbs::{GENERAL_VERBS, VerbShift, verb_shift};

use serde::{Deserialize, Serialize};

use super::statistics::{Summary, Welch, welch};

/// Below this p a difference counts.
const SIGNIFICANT: f64 = 0.05;

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As in the paper.
    Holds,
    /// No difference that counts.
    NotHere,
    /// A difference the other way.
    Opposite,
    /// Too little was measured.
    TooFew,
}

impl Verdict {
    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "It holds on this pair.",
            Self::NotHere => "Not on this pair: the difference is no larger than chance would make it.",
            Self::Opposite => "Not on this pair: the difference goes the other way.",
            Self::TooFew => "Too little has been measured to tell.",
        }
    }
}

/// Two samples and whether the second's mean is larger.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first sample: the base, or general verbs.
    pub first: Summary,
    /// The second: the tuned model, or instruction verbs.
    pub second: Summary,
    /// Welch's test, where there is enough to test.
    pub welch: Option<Welch>,
}

impl Comparison {
    /// Compares two samples.
    pub fn of(first: &[f64], second: &[f64]) -> Self {
        let (first, second) = (Summary::of(first), Summary::of(second));
        Self { first, second, welch: welch(first, second) }
    }

    /// What the test says.
    pub fn verdict(&self) -> Verdict {
        match self.welch {
            None => Verdict::TooFew,
            Some(w) if w.p < SIGNIFICANT => Verdict::Holds,
            Some(w) if w.p > 1.0 - SIGNIFICANT => Verdict::Opposite,
            Some(_) => Verdict::NotHere,
        }
    }
}

/// One prompt's instruction scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// The prompt.
    pub prompt: String,
    /// The response that both explain, or the tuned model's own.
    pub response: String,
    /// The base's score; nothing if it gave no response.
    pub base: Option<f64>,
    /// The tuned model's.
    pub tuned: Option<f64>,
}

/// Finding 1: do the instruction's words carry more importance in the tuned model?
pub fn instruction_scores(rows: &[ScoreRow]) -> Comparison {
    let both: Vec<(f64, f64)> = rows.iter().filter_map(|r| r.base.zip(r.tuned)).collect();
    let (base, tuned): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
    Comparison::of(&base, &tuned)
}

/// The paper's instruction scores, LLaMA-7B and Vicuna-7B: prompts, base mean and deviation, tuned mean and deviation, p.
pub const PAPER_SCORES: [(&str, usize, [f64; 4], f64); 3] = [
    ("Self-Instruct user tasks", 252, [0.938, 0.482, 1.128, 0.546], 2.1e-5),
    ("LIMA", 300, [1.266, 0.429, 1.556, 0.484], 2.0e-14),
    ("MT-Bench", 80, [1.174, 0.575, 1.346, 0.595], 0.033),
];

/// Rows of text fields as CSV (RFC 4180).
pub fn csv(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(header)?;
    rows.into_iter().try_for_each(|row| writer.write_record(row))?;
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_the_test() {
        let low: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        let high: Vec<f64> = low.iter().map(|v| v + 3.0).collect();
        assert_eq!(Comparison::of(&low, &high).verdict(), Verdict::Holds);
        assert_eq!(Comparison::of(&high, &low).verdict(), Verdict::Opposite);
        assert_eq!(Comparison::of(&low, &low).verdict(), Verdict::NotHere);
        assert_eq!(Comparison::of(&low[..1], &high).verdict(), Verdict::TooFew);
    }

    #[test]
    fn only_prompts_that_both_models_answered_are_compared() {
        let row = |base, tuned| ScoreRow { prompt: String::new(), response: String::new(), base, tuned };
        let found = instruction_scores(&[row(Some(1.0), Some(2.0)), row(None, Some(9.0)), row(Some(3.0), Some(3.0))]);
        assert_eq!((found.first.n, found.second.mean), (2, 2.5));
    }

    #[test]
    fn fields_with_commas_are_quoted() {
        let text = csv(&["a", "b"], [vec!["x, \"y\"".into(), "z".into()]]).unwrap();
        assert_eq!(text, "a,b\r\n\"x, \"\"y\"\"\",z\r\n");
    }
}
