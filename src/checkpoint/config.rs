//! The architecture as data, from GGUF metadata or from config.json.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::CheckpointError;
use super::gguf::Value;
use super::rope::{Scaling, inverse_frequencies};

/// Which dimensions of a head are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeLayout {
    /// Pairs (2i, 2i+1): llama GGUF, whose q and k rows are permuted for it.
    Interleaved,
    /// Pairs (i, i + width/2): Hugging Face safetensors.
    HalfSplit,
}

/// Everything the transformer needs to know about an architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The family, as GGUF names it.
    pub architecture: String,
    /// Number of tokens in the vocabulary.
    pub vocab: usize,
    /// Width D of the residual stream.
    pub width: usize,
    /// Number of decoder layers.
    pub layers: usize,
    /// Query heads per layer.
    pub heads: usize,
    /// Key/value heads per layer; divides `heads`.
    pub kv_heads: usize,
    /// Width d' of one head.
    pub head_width: usize,
    /// Width of the feed-forward layer.
    pub ffn_width: usize,
    /// Longest sequence, in tokens.
    pub context: usize,
    /// RMSNorm's epsilon.
    pub norm_eps: f32,
    /// Which head dimensions rotate together.
    pub rope_layout: RopeLayout,
    /// One frequency for each rotated pair, radians per position, scaling applied.
    pub rope_frequencies: Vec<f32>,
}

impl ModelConfig {
    /// From GGUF metadata; `vocab` is the embedding's row count, `divisors` the tensor `rope_freqs.weight`.
    pub(super) fn from_gguf(
        metadata: &HashMap<String, Value>,
        vocab: usize,
        divisors: Option<Vec<f32>>,
    ) -> Result<Self, CheckpointError> {
        let architecture = match metadata.get("general.architecture") {
            Some(Value::Str(s)) => s.clone(),
            _ => return Err(CheckpointError::MissingSetting("general.architecture".into())),
        };
        if architecture != "llama" {
            return Err(CheckpointError::UnknownArchitecture(architecture));
        }
        let get = |key: &str| metadata.get(&format!("llama.{key}"));
        let int = |key: &str| match get(key) {
            Some(Value::Int(i)) => positive(key, *i).map(Some),
            Some(other) => Err(bad(key, format!("{other:?}"), "a whole number is needed")),
            None => Ok(None),
        };
        let float = |key: &str, default: Option<f64>| match get(key) {
            Some(Value::Float(f)) => Ok(*f),
            None => default.ok_or_else(|| CheckpointError::MissingSetting(format!("llama.{key}"))),
            Some(other) => Err(bad(key, format!("{other:?}"), "a number is needed")),
        };
        let need = |key: &str| int(key)?.ok_or_else(|| CheckpointError::MissingSetting(format!("llama.{key}")));
        if int("expert_count").unwrap_or(None).is_some() {
            return Err(CheckpointError::UnknownArchitecture("llama with experts (mixture of experts)".into()));
        }
        let (width, heads) = (need("embedding_length")?, need("attention.head_count")?);
        let head_width = int("attention.key_length")?.unwrap_or(width / heads.max(1));
        let rotated = int("rope.dimension_count")?.unwrap_or(head_width);
        if rotated != head_width {
            return Err(bad("rope.dimension_count", rotated.to_string(), "it must equal the head width"));
        }
        let scaling = match (divisors, get("rope.scaling.type")) {
            (Some(d), _) => Scaling::Divisors(d),
            (None, None) => Scaling::None,
            (None, Some(Value::Str(s))) if s == "none" => Scaling::None,
            (None, Some(Value::Str(s))) if s == "linear" => Scaling::Linear(float("rope.scaling.factor", Some(1.0))?),
            (None, Some(other)) => {
                return Err(bad("rope.scaling.type", format!("{other:?}"), "this rope scaling is not implemented"));
            }
        };
        let theta = float("rope.freq_base", Some(10_000.0))?;
        let window = int("attention.sliding_window")?.unwrap_or(usize::MAX);
        Self {
            architecture,
            vocab,
            width,
            layers: need("block_count")?,
            heads,
            kv_heads: int("attention.head_count_kv")?.unwrap_or(heads),
            head_width,
            ffn_width: need("feed_forward_length")?,
            context: need("context_length")?.min(window),
            norm_eps: float("attention.layer_norm_rms_epsilon", None)? as f32,
            rope_layout: RopeLayout::Interleaved,
            rope_frequencies: Vec::new(),
        }
        .checked(theta, &scaling)
    }

    /// From Hugging Face's config.json.
    pub(super) fn from_json(config: &Json) -> Result<Self, CheckpointError> {
        let architecture = config["model_type"].as_str().unwrap_or("unknown").to_owned();
        if !matches!(architecture.as_str(), "llama" | "mistral") {
            return Err(CheckpointError::UnknownArchitecture(architecture));
        }
        let int = |key: &str| match &config[key] {
            Json::Null => Ok(None),
            v => v
                .as_i64()
                .ok_or_else(|| bad(key, v.to_string(), "a whole number is needed"))
                .and_then(|i| positive(key, i))
                .map(Some),
        };
        let need = |key: &str| int(key)?.ok_or_else(|| CheckpointError::MissingSetting(key.to_owned()));
        if config["hidden_act"].as_str().is_some_and(|a| a != "silu") {
            return Err(bad("hidden_act", config["hidden_act"].to_string(), "only silu is implemented"));
        }
        let (width, heads) = (need("hidden_size")?, need("num_attention_heads")?);
        let rope =
            if config["rope_parameters"].is_object() { &config["rope_parameters"] } else { &config["rope_scaling"] };
        let theta = [&rope["rope_theta"], &config["rope_theta"]].iter().find_map(|v| v.as_f64()).unwrap_or(10_000.0);
        Self {
            architecture: "llama".into(),
            vocab: need("vocab_size")?,
            width,
            layers: need("num_hidden_layers")?,
            heads,
            kv_heads: int("num_key_value_heads")?.unwrap_or(heads),
            head_width: int("head_dim")?.unwrap_or(width / heads.max(1)),
            ffn_width: need("intermediate_size")?,
            context: need("max_position_embeddings")?.min(int("sliding_window")?.unwrap_or(usize::MAX)),
            norm_eps: config["rms_norm_eps"]
                .as_f64()
                .ok_or_else(|| CheckpointError::MissingSetting("rms_norm_eps".into()))? as f32,
            rope_layout: RopeLayout::HalfSplit,
            rope_frequencies: Vec::new(),
        }
        .checked(theta, &json_scaling(rope)?)
    }

    fn checked(mut self, theta: f64, scaling: &Scaling) -> Result<Self, CheckpointError> {
        let fail = |key: &str, value: usize, problem: &str| Err(bad(key, value.to_string(), problem));
        if !self.heads.is_multiple_of(self.kv_heads) {
            return fail("key/value heads", self.kv_heads, "it must divide the number of heads");
        }
        if !self.head_width.is_multiple_of(2) || self.head_width > 4096 {
            return fail("head width", self.head_width, "it must be even and at most 4096");
        }
        for (key, value) in [
            ("heads times head width", self.heads.saturating_mul(self.head_width)),
            ("layers", self.layers),
            ("heads", self.heads),
            ("width", self.width),
            ("feed-forward width", self.ffn_width),
        ] {
            if value > 1 << 20 {
                return fail(key, value, "it is out of all proportion");
            }
        }
        for (key, value) in
            [("width", self.width), ("feed-forward width", self.ffn_width), ("head width", self.head_width)]
        {
            if value % 4 != 0 {
                return fail(key, value, "it must be a multiple of 4");
            }
        }
        if !(theta.is_finite() && theta > 0.0) {
            return Err(bad("rope base", theta.to_string(), "it must be positive"));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.0) {
            return Err(bad("norm epsilon", self.norm_eps.to_string(), "it must not be negative"));
        }
        self.rope_frequencies = inverse_frequencies(theta, self.head_width, scaling)?;
        Ok(self)
    }

    /// Parameters of the network, embeddings counted once where `tied`.
    pub fn parameters(&self, tied: bool) -> u64 {
        let (d, f) = (self.width as u64, self.ffn_width as u64);
        let q = (self.heads * self.head_width) as u64;
        let kv = (self.kv_heads * self.head_width) as u64;
        let layer = 2 * d * q + 2 * d * kv + 3 * d * f + 2 * d;
        self.layers as u64 * layer + d + self.vocab as u64 * d * if tied { 1 } else { 2 }
    }
}

fn json_scaling(rope: &Json) -> Result<Scaling, CheckpointError> {
    let kind = rope["rope_type"].as_str().or(rope["type"].as_str()).unwrap_or("default");
    let number = |key: &str| {
        rope[key]
            .as_f64()
            .filter(|f| f.is_finite() && *f > 0.0)
            .ok_or_else(|| CheckpointError::MissingSetting(format!("rope {key}")))
    };
    match kind {
        "default" => Ok(Scaling::None),
        "linear" => Ok(Scaling::Linear(number("factor")?)),
        "llama3" => Ok(Scaling::Llama3 {
            factor: number("factor")?,
            low: number("low_freq_factor")?,
            high: number("high_freq_factor")?,
            original_context: number("original_max_position_embeddings")?,
        }),
        other => Err(bad("rope_type", other.to_owned(), "this rope scaling is not implemented")),
    }
}

fn positive(key: &str, value: i64) -> Result<usize, CheckpointError> {
    match usize::try_from(value) {
        Ok(v) if v > 0 && v < 1 << 31 => Ok(v),
        _ => Err(bad(key, value.to_string(), "it is out of range")),
    }
}

fn bad(key: &str, found: String, problem: &str) -> CheckpointError {
    CheckpointError::BadSetting { key: key.to_owned(), found, problem: problem.to_owned() }
}
