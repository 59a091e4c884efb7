//! The paper's three findings, put to the test on the pair at hand (METHODS.md, "The paper's numbers").

mod concepts;
mod other_words;
mod prompts;
mod scores;
mod verbs;
mod verdict;

pub use concepts::{ConceptShift, Controls, concept_shift};
pub use prompts::{PromptCase, PromptSetError, parse_prompts};
pub use scores::{OnWords, ScoreFinding, ScoreRow, Spread, instruction_scores, scores_so_far};
pub use verbs::{GENERAL_VERBS, VerbFinding, VerbShift, verb_shift};
pub use verdict::{Outcome, Verdict, percent, permille, written_p};

use serde::{Deserialize, Serialize};

use super::statistics::{Summary, Welch, welch};

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
}

/// The paper's instruction scores, LLaMA-7B and Vicuna-7B: prompts, base mean and deviation, tuned mean and deviation, p.
pub const PAPER_SCORES: [(&str, usize, [f64; 4], f64); 3] = [
    ("Self-Instruct user tasks", 252, [0.938, 0.482, 1.128, 0.546], 2.1e-5),
    ("LIMA", 300, [1.266, 0.429, 1.556, 0.484], 2.0e-14),
    ("MT-Bench", 80, [1.174, 0.575, 1.346, 0.595], 0.033),
];
