//! What a run is asked: prompt, response, target, and how the columns are computed.

use candle_transformers::generation::{LogitsProcessor, Sampling as Method};
use serde::{Deserialize, Serialize};

use crate::model::ModelError;
use crate::model::head::{Target, strongest_other};

/// Which exact method computes the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The cheaper of the two.
    #[default]
    Auto,
    /// One tangent per group, streaming with the response.
    Forward,
    /// One cotangent per response token, afterwards.
    Reverse,
    /// The response alone, nothing explained.
    Off,
}

impl Mode {
    /// The name used in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Forward => "forward",
            Self::Reverse => "reverse",
            Self::Off => "off",
        }
    }
}

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    /// Only the k most probable; 0 for all.
    pub top_k: usize,
    /// Only the most probable that together reach this mass; 1 for all.
    pub top_p: f64,
    /// Divides the logits of tokens that occurred; 1 for none.
    pub repeat_penalty: f32,
    /// Seed of the random choice.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, repeat_penalty: 1.0, seed: 1 }
    }
}

impl Sampling {
    /// Whether chance has no part in it, and nothing is held against repeating.
    pub(super) fn is_greedy(&self) -> bool {
        self.temperature <= 1e-6 && self.repeat_penalty == 1.0
    }

    pub(super) fn processor(&self) -> LogitsProcessor {
        let temperature = self.temperature;
        let method = match (self.top_k, self.top_p) {
            _ if temperature <= 1e-6 => Method::ArgMax,
            (0, p) if p >= 1.0 => Method::All { temperature },
            (0, p) => Method::TopP { p, temperature },
            (k, p) if p >= 1.0 => Method::TopK { k, temperature },
            (k, p) => Method::TopKThenTopP { k, p, temperature },
        };
        LogitsProcessor::from_sampling(self.seed, method)
    }
}

/// The response to explain.
#[derive(Debug, Clone, PartialEq)]
pub enum Respond {
    /// The model's own, up to this many tokens or one of the stop tokens.
    Generate {
        /// Most tokens.
        limit: usize,
        /// How each is chosen.
        sampling: Sampling,
        /// Tokens that end the response; not part of it.
        stops: Vec<u32>,
    },
    /// A given one.
    Forced(Vec<u32>),
}

impl Respond {
    /// Tokens of a given response, or of one that is not asked for.
    pub fn given(&self) -> Option<usize> {
        match self {
            Self::Generate { limit: 0, .. } => Some(0),
            Self::Generate { .. } => None,
            Self::Forced(ids) => Some(ids.len()),
        }
    }
}

/// Which tokens a response's are set against: why this one, and not that (METHODS.md, section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// At each place the other token with the largest logit.
    Auto,
    /// One for each token of the response.
    Tokens(Vec<u32>),
}

impl Against {
    /// The one that response token number `m`, which is `token`, is set against where these are the logits. Fails where none is
    /// named for it.
    pub(super) fn at(&self, m: usize, token: u32, logits: &[f32]) -> Result<u32, ModelError> {
        match self {
            Self::Auto => Ok(strongest_other(logits, token).unwrap_or(token)),
            Self::Tokens(ids) => ids.get(m).copied().ok_or(ModelError::OtherCount { ids: ids.len(), tokens: m + 1 }),
        }
    }

    /// Fails where tokens are named, but not for `tokens` of them.
    pub(super) fn check(&self, tokens: usize) -> Result<(), ModelError> {
        match self {
            Self::Tokens(ids) if ids.len() != tokens => Err(ModelError::OtherCount { ids: ids.len(), tokens }),
            _ => Ok(()),
        }
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Job {
    /// The prompt's token ids.
    pub prompt: Vec<u32>,
    /// Token indices of each unit to explain by.
    pub groups: Vec<Vec<usize>>,
    /// The response.
    pub respond: Respond,
    /// What is differentiated.
    pub target: Target,
    /// What each token of the response is set against, if it is.
    pub against: Option<Against>,
    /// Forward or reverse.
    pub mode: Mode,
    /// How many of the most probable alternatives to report for each token.
    pub alternatives: usize,
}
