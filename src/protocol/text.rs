//! What an engine is asked about a text that both models read, and what it answers.

use serde::{Deserialize, Serialize};

use crate::explain::contributions::Contributions;
use crate::explain::divergence::{Side, TokenDivergence};
use crate::explain::lens::Lens;

/// A question about a text, given as token ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Question {
    /// The log-probabilities of every token that could come, at each token of `response`.
    Rows {
        /// All tokens before them.
        before: Vec<u32>,
        /// The tokens.
        response: Vec<u32>,
    },
    /// How far this model's distributions are from the other's, whose rows are attached.
    Divergence {
        /// Which of the two models this one is.
        side: Side,
        /// As in [`Question::Rows`].
        before: Vec<u32>,
        /// As in [`Question::Rows`].
        response: Vec<u32>,
        /// How many of each model's most probable tokens are to be listed.
        top: usize,
    },
    /// What every layer would predict in place of `token`, and what each part of the model adds to its logit.
    Lens {
        /// All tokens before it.
        before: Vec<u32>,
        /// The token.
        token: u32,
        /// How many of each layer's most probable tokens are to be listed.
        top: usize,
    },
}

/// How tokens are spelled that an answer names.
pub type Spelled = Vec<(u32, String)>;

/// An answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The rows are attached: f32, `[response][vocabulary]`, nats.
    Rows {
        /// How many numbers a row has.
        vocabulary: usize,
    },
    /// How far apart the two models are.
    Divergence {
        /// At each token of the response.
        tokens: Vec<TokenDivergence>,
        /// The tokens that are listed.
        spelled: Spelled,
    },
    /// One token, layer by layer.
    Lens {
        /// What every layer would predict.
        lens: Lens,
        /// The token's logit as a sum.
        contributions: Contributions,
        /// The tokens that are listed.
        spelled: Spelled,
    },
}
