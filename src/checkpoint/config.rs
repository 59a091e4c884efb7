//! The architecture as data, from GGUF metadata or from config.json.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::CheckpointError;
use super::families::{self, Family};
use super::gguf::Value;
use super::layer::{Activation, LayerSpec, Part};
use super::rope::{Scaling, inverse_frequencies};
use super::settings::{Key, Settings, bad};
use super::slots;

/// Which dimensions of a head are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeLayout {
    /// Pairs (2i, 2i+1): GGUF files of llama and its kin, whose q and k rows are permuted for it.
    Interleaved,
    /// Pairs (i, i + width/2): all safetensors, and other families' GGUF files.
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
    /// Tables of frequencies, one for each rotated pair of a head, radians per position, scaling applied.
    pub ropes: Vec<Vec<f32>>,
    /// What embeddings are multiplied by as they enter the residual stream.
    pub embedding_scale: f32,
    /// The part of `embedding_scale` that comes after what transformers calls `inputs_embeds`: 1 in Gemma, whose embedding
    /// module scales its rows itself.
    pub inputs_scale: f32,
    /// What the head's products are multiplied by to be logits.
    pub logit_scale: f32,
    /// What each layer is made of.
    pub specs: Vec<LayerSpec>,
    /// What is added to the norms' gains as they are stored.
    pub gain_offset: f32,
}

/// More than any network has.
const MOST_LAYERS: usize = 4096;

const WIDTH: Key = Key("embedding_length", "hidden_size");
const LAYERS: Key = Key("block_count", "num_hidden_layers");
const HEADS: Key = Key("attention.head_count", "num_attention_heads");
const KV_HEADS: Key = Key("attention.head_count_kv", "num_key_value_heads");
const HEAD_WIDTH: Key = Key("attention.key_length", "head_dim");
const FFN_WIDTH: Key = Key("feed_forward_length", "intermediate_size");
const CONTEXT: Key = Key("context_length", "max_position_embeddings");
const EPSILON: Key = Key("attention.layer_norm_rms_epsilon", "rms_norm_eps");
const THETA: Key = Key("rope.freq_base", "rope_theta");

impl ModelConfig {
    /// From GGUF metadata; `vocab` is the embedding's row count, `divisors` the tensor `rope_freqs.weight`.
    pub(super) fn from_gguf(
        metadata: &HashMap<String, Value>,
        vocab: usize,
        divisors: Option<Vec<f32>>,
    ) -> Result<Self, CheckpointError> {
        let family = Self::family(metadata)?;
        let settings = Settings::Gguf(metadata, family.name);
        if settings.int(Key("expert_count", "")).unwrap_or(None).is_some() {
            let what = format!("{} with experts (mixture of experts)", family.name);
            return Err(CheckpointError::UnknownArchitecture(what));
        }
        Self::read(&settings, family, vocab, divisors)
    }

    /// The family that GGUF metadata names.
    pub(super) fn family(metadata: &HashMap<String, Value>) -> Result<&'static Family, CheckpointError> {
        match metadata.get("general.architecture") {
            Some(Value::Str(s)) => families::of_gguf(s),
            _ => Err(CheckpointError::MissingSetting("general.architecture".into())),
        }
    }

    /// From Hugging Face's config.json.
    pub(super) fn from_json(config: &Json) -> Result<Self, CheckpointError> {
        let family = families::of_json(config["model_type"].as_str().unwrap_or("unknown"))?;
        let settings = Settings::Json(config);
        let activation = settings.text(Key("", "hidden_act")).or(settings.text(Key("", "hidden_activation")));
        let expected: &[&str] = match family.activation {
            Activation::Silu => &["silu", "swish"],
            Activation::GeluTanh => &["gelu_pytorch_tanh", "gelu_new"],
        };
        if let Some(found) = activation.filter(|a| !expected.contains(a)) {
            return Err(settings.bad(
                Key("", "hidden_act"),
                found,
                "this activation is not implemented for the family",
            ));
        }
        let vocab = settings.need(Key("", "vocab_size"))?;
        Self::read(&settings, family, vocab, None)
    }

    fn read(s: &Settings, family: &Family, vocab: usize, divisors: Option<Vec<f32>>) -> Result<Self, CheckpointError> {
        let (width, heads) = (s.need(WIDTH)?, s.need(HEADS)?);
        let head_width = s.int(HEAD_WIDTH)?.unwrap_or(width / heads.max(1));
        let rotated = s.int(Key("rope.dimension_count", ""))?.unwrap_or(head_width);
        if rotated != head_width {
            return Err(s.bad(Key("rope.dimension_count", ""), rotated, "only whole heads are rotated here"));
        }
        let mut config = Self {
            architecture: family.name.to_owned(),
            vocab,
            width,
            layers: s.need(LAYERS)?,
            heads,
            kv_heads: s.int(KV_HEADS)?.unwrap_or(heads),
            head_width,
            ffn_width: s.need(FFN_WIDTH)?,
            context: s.need(CONTEXT)?,
            norm_eps: s.need_float(EPSILON)? as f32,
            rope_layout: if s.is_gguf() { family.layout } else { RopeLayout::HalfSplit },
            ropes: Vec::new(),
            embedding_scale: 1.0,
            inputs_scale: 1.0,
            logit_scale: 1.0,
            specs: Vec::new(),
            gain_offset: if s.is_gguf() { 0.0 } else { family.gain_offset },
        };
        config.check()?;
        let (theta, scaling) = rope(s, divisors)?;
        config.ropes = vec![inverse_frequencies(rope_theta(theta)?, head_width, &scaling)?];
        let spec = LayerSpec { activation: family.activation, ..LayerSpec::llama(head_width) };
        config.specs = vec![spec; config.layers];
        (family.differs)(s, &mut config)?;
        Ok(config)
    }

    /// Whether its numbers can be a network's.
    fn check(&self) -> Result<(), CheckpointError> {
        let fail = |key: &str, value: usize, problem: &str| Err(bad(key, value.to_string(), problem));
        if !self.heads.is_multiple_of(self.kv_heads) {
            return fail("key/value heads", self.kv_heads, "it must divide the number of heads");
        }
        if !self.head_width.is_multiple_of(2) || self.head_width > 4096 {
            return fail("head width", self.head_width, "it must be even and at most 4096");
        }
        for (key, value) in [
            ("heads times head width", self.heads.saturating_mul(self.head_width)),
            ("heads", self.heads),
            ("width", self.width),
            ("feed-forward width", self.ffn_width),
        ] {
            if value > 1 << 20 {
                return fail(key, value, "it is out of all proportion");
            }
        }
        // every layer has a specification before its tensors are looked for
        if self.layers > MOST_LAYERS {
            return fail("layers", self.layers, "it is out of all proportion");
        }
        for (key, value) in
            [("width", self.width), ("feed-forward width", self.ffn_width), ("head width", self.head_width)]
        {
            if value % 4 != 0 {
                return fail(key, value, "it must be a multiple of 4");
            }
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.0) {
            return Err(bad("norm epsilon", self.norm_eps.to_string(), "it must not be negative"));
        }
        Ok(())
    }

    /// Width of all queries of a position.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Width of all keys of a position, and of all values.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_width
    }

    /// The shapes of what layer `layer` has, biases aside.
    pub fn layer_shapes(&self, layer: usize) -> Vec<(Part, Vec<usize>)> {
        slots::shapes(self, layer)
    }

    /// Parameters of the network, embeddings counted once where `tied`.
    pub fn parameters(&self, tied: bool) -> u64 {
        let size = |shape: &[usize]| shape.iter().map(|n| *n as u64).product::<u64>();
        let layers = (0..self.layers).flat_map(|layer| self.layer_shapes(layer)).map(|(_, shape)| size(&shape));
        let embeddings = if tied { 1 } else { 2 };
        layers.sum::<u64>() + self.width as u64 + embeddings * size(&[self.vocab, self.width])
    }
}

/// A base that can be one.
pub(super) fn rope_theta(theta: f64) -> Result<f64, CheckpointError> {
    match theta.is_finite() && theta > 0.0 {
        true => Ok(theta),
        false => Err(bad("rope base", theta.to_string(), "it must be positive")),
    }
}

/// The base of the rotation and how it is stretched.
fn rope(s: &Settings, divisors: Option<Vec<f32>>) -> Result<(f64, Scaling), CheckpointError> {
    const DEFAULT_THETA: f64 = 10_000.0;
    if s.is_gguf() {
        let scaling = match (divisors, s.text(Key("rope.scaling.type", ""))) {
            (Some(d), _) => Scaling::Divisors(d),
            (None, None | Some("none")) => Scaling::None,
            (None, Some("linear")) => Scaling::Linear(f64::from(s.scale(Key("rope.scaling.factor", ""), 1.0)?)),
            (None, Some(other)) => {
                return Err(s.bad(Key("rope.scaling.type", ""), other, "this rope scaling is not implemented"));
            }
        };
        return Ok((s.float(THETA)?.unwrap_or(DEFAULT_THETA), scaling));
    }
    let parameters = s.json("rope_parameters");
    // where kinds of layers have settings of their own, these are of the layers that see everything
    let of_kind = &parameters["full_attention"];
    let rope = match (of_kind.is_object(), parameters.is_object()) {
        (true, _) => of_kind,
        (false, true) => parameters,
        (false, false) => s.json("rope_scaling"),
    };
    let theta = rope["rope_theta"].as_f64().or(s.float(THETA)?).unwrap_or(DEFAULT_THETA);
    Ok((theta, json_scaling(rope)?))
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
