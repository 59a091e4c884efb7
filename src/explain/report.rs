//! One model's explained run as plain data: what the page draws and what an export holds.

use serde::{Deserialize, Serialize};

use super::job::Against;
use super::levels::{Levels, density, instruction_score, levels, normalised};
use super::methods::faithfulness::Faithfulness;
use super::methods::{Baseline, How, Intervention, Method, intervention};
use super::units::{By, PromptToken, Role, Unit};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::model::head::{Candidate, Target};

/// What produced a result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CheckpointInfo {
    /// The model's name.
    pub name: String,
    /// The file or folder it came from.
    pub file: String,
    /// The architecture.
    pub architecture: String,
    /// The storage type of most weights.
    pub quantization: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of weights.
    pub bytes: u64,
    /// Number of tokens in the vocabulary.
    pub vocab: usize,
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream; 0 where it is not known.
    #[serde(default)]
    pub width: usize,
    /// Query heads of a layer; 0 where it is not known.
    #[serde(default)]
    pub heads: usize,
    /// Longest sequence, tokens.
    pub context: usize,
    /// Equal for two models whose tokenizers are the same.
    pub tokenizer: String,
    /// Names the weights; see [`Checkpoint::fingerprint`].
    #[serde(default)]
    pub weights: String,
    /// Whether it brings a chat template.
    pub has_template: bool,
}

impl CheckpointInfo {
    /// Describes an opened checkpoint that came from `file`. Fails if the file cannot be read.
    pub fn of(checkpoint: &Checkpoint, file: &str) -> Result<Self, CheckpointError> {
        let c = &checkpoint.config;
        Ok(Self {
            name: checkpoint.name.clone(),
            file: file.to_owned(),
            architecture: c.architecture.clone(),
            quantization: checkpoint.quantization(),
            parameters: c.parameters(checkpoint.tied()),
            bytes: checkpoint.weight_bytes(),
            vocab: c.vocab,
            layers: c.layers,
            width: c.width,
            heads: c.heads,
            context: c.context,
            tokenizer: checkpoint.tokenizer().map_or_else(|_| String::new(), |t| t.fingerprint.clone()),
            weights: checkpoint.fingerprint()?,
            has_template: checkpoint.chat_template.is_some(),
        })
    }
}

/// A token of the response and how the model saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseToken {
    /// Its id.
    pub id: u32,
    /// Its text; U+FFFD where its bytes are part of a character.
    pub text: String,
    /// Its bytes, where they are no text on their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
    /// p of this token given what stands before it.
    pub probability: f32,
    /// 1 for the most probable.
    pub rank: usize,
    /// Entropy of the distribution, nats.
    pub entropy: f32,
    /// The most probable tokens.
    pub top: Vec<Candidate>,
    /// Their texts.
    pub top_text: Vec<String>,
}

/// Where the time went, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Reading the prompt.
    pub prefill: f64,
    /// Producing or reading the response, with its columns in forward mode.
    pub response: f64,
    /// The reverse pass, zero in forward mode.
    pub reverse: f64,
    /// All of it.
    pub total: f64,
}

/// One model's run, explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// What produced it.
    pub checkpoint: CheckpointInfo,
    /// The prompt as the model read it.
    pub prompt: Vec<PromptToken>,
    /// The response that was explained.
    pub response: Vec<ResponseToken>,
    /// The prompt's units: the rows of `importance`.
    pub units: Vec<Unit>,
    /// Signed importance by `method`, `[units][response]`.
    pub importance: Vec<Vec<f32>>,
    /// METHODS.md's levels with the default L and b, `[units][response]`; BOS and template rows are zero.
    pub levels: Vec<Vec<u8>>,
    /// Density of every unit, normalised to a maximum of one.
    pub density: Vec<f64>,
    /// The instruction score; absent where no instruction is marked.
    pub instruction_score: Option<f64>,
    /// The marked instruction, bytes of the user's prompt.
    pub instruction: std::ops::Range<usize>,
    /// What was differentiated.
    pub target: Target,
    /// By which method the importance was found; files from before there was another go without.
    #[serde(default)]
    pub method: Method,
    /// What that method puts in a token's place; absent where it puts nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Nodes of integrated gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// How far each response token's column is from what it should sum to, as a share of it; empty where the method promises no
    /// sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completeness: Vec<f32>,
    /// The picture, checked, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faithfulness: Option<Faithfulness>,
    /// The token that each of the response was set against; empty where they were not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<u32>,
    /// The text of each of these; empty for a token that was set against itself, whose column is zero.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against_text: Vec<String>,
    /// What of the model was switched off or scaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// The response with nothing switched off or scaled; empty where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<ResponseToken>,
    /// The rows' granularity.
    pub by: By,
    /// "forward" or "reverse".
    pub mode: String,
    /// What computed it.
    #[serde(default)]
    pub backend: String,
    /// Where the time went.
    pub seconds: Seconds,
}

/// Which units take part in levels: the user's own. Prompts given as ids have no others but BOS.
pub fn scored_rows(units: &[Unit], by: By) -> Vec<bool> {
    units.iter().map(|u| u.role == Role::User || by != By::Token).collect()
}

/// Why a response has this token, and not that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Its place in the response.
    pub token: usize,
    /// Its text.
    pub this: String,
    /// The other's.
    pub that: String,
}

impl Why {
    /// Both words as they are read: without white space around them, where that does not make them alike or empty.
    pub fn words_of(&self) -> [String; 2] {
        let both = [&self.this, &self.that];
        let bare = both.map(|text| text.trim());
        let differ = bare[0] != bare[1] && bare.iter().all(|text| !text.is_empty());
        if differ { bare.map(str::to_owned) } else { both.map(|text| text.escape_debug().to_string()) }
    }

    /// In the words of a caption.
    pub fn words(&self) -> String {
        let [this, that] = self.words_of();
        format!("why \"{this}\" and not \"{that}\"")
    }
}

impl ModelReport {
    /// Whether the model could not have read another token: an answer that is so long was cut off there.
    pub fn fills_context(&self) -> bool {
        self.checkpoint.context > 0 && self.prompt.len() + self.response.len() >= self.checkpoint.context
    }

    /// Whether more than the user's text stands in the prompt: a chat template, or turns that are not explained. The first token may
    /// be the beginning of the sequence.
    pub fn is_framed(&self) -> bool {
        self.prompt.iter().skip(1).any(|token| token.role == Role::Template)
    }

    /// What the importance is, in the words of a caption: "gradient x input of the probability".
    pub fn what(&self) -> String {
        let (method, target) = (self.method.words(), self.target.words());
        let against = match self.why() {
            Some(why) => format!(", {}", why.words()),
            None if self.against.is_empty() => String::new(),
            None => " minus that of another token".to_owned(),
        };
        let baseline = self.baseline.as_ref().map_or_else(String::new, |b| format!(", against {}", b.words()));
        let switched = match self.interventions.as_slice() {
            [] => String::new(),
            all => format!(", with {}", intervention::words(all)),
        };
        format!("{method} of the {target}{against}{baseline}{switched}")
    }

    /// The one word that was set against another, if it was only one.
    pub fn why(&self) -> Option<Why> {
        let mut asked = (0..self.response.len()).filter(|m| self.against_text.get(*m).is_some_and(|t| !t.is_empty()));
        let (token, None) = (asked.next()?, asked.next()) else { return None };
        let (this, that) = (self.response[token].text.clone(), self.against_text[token].clone());
        Some(Why { token, this, that })
    }

    /// How it was asked for, as far as it tells.
    pub fn how(&self) -> How {
        let strongest = |t: &ResponseToken| t.top.iter().map(|other| other.id).find(|id| *id != t.id);
        let by_logit = self.response.iter().map(strongest).eq(self.against.iter().copied().map(Some));
        let named = || if by_logit { Against::Auto } else { Against::Tokens(self.against.clone()) };
        let against = (!self.against.is_empty()).then(named);
        let checked = self.faithfulness.as_ref().map(|f| f.baseline.clone());
        How {
            method: self.method,
            baseline: self.baseline.clone().or(checked).unwrap_or_default(),
            steps: self.steps,
            against,
            check: self.faithfulness.is_some(),
            interventions: self.interventions.clone(),
        }
    }

    /// Fills levels, density and score from the importance.
    pub fn score(&mut self, how: Levels) {
        self.levels = levels(&self.importance, &scored_rows(&self.units, self.by), how);
        self.density = normalised(&density(&self.levels, how.norm));
        let marked: Vec<bool> = self
            .units
            .iter()
            .map(|u| u.role == Role::User && u.span.start < self.instruction.end && self.instruction.start < u.span.end)
            .collect();
        self.instruction_score = marked.contains(&true).then(|| instruction_score(&self.density, &marked));
    }
}

/// Rows of a matrix summed by group: exact, as the derivative is linear (METHODS.md, section 1).
pub fn aggregate(rows: &[Vec<f32>], groups: &[Vec<usize>]) -> Vec<Vec<f32>> {
    let columns = rows.first().map_or(0, Vec::len);
    groups
        .iter()
        .map(|group| {
            (0..columns)
                .map(|m| group.iter().filter_map(|&n| rows.get(n)?.get(m)).map(|v| f64::from(*v)).sum::<f64>() as f32)
                .collect()
        })
        .collect()
}
