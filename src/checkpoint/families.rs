//! The model families that are read: each is one entry here, and a folder of reference values in `tests/gold`.

use super::config::{ModelConfig, RopeLayout, rope_theta};
use super::layer::{Activation, Norms, QkNorm};
use super::settings::{Key, Settings};
use super::{CheckpointError, rope};

/// A family.
pub(super) struct Family {
    /// As GGUF's `general.architecture` names it.
    pub name: &'static str,
    /// As config.json's `model_type` does.
    pub model_types: &'static [&'static str],
    /// Which dimensions rotate together in its GGUF files; in safetensors it is always the halves.
    pub layout: RopeLayout,
    /// What the gate goes through.
    pub activation: Activation,
    /// What sets its layers apart from llama's.
    pub differs: fn(&Settings, &mut ModelConfig) -> Result<(), CheckpointError>,
    /// What its norms' gains lack in safetensors: some families store the gain less one.
    pub gain_offset: f32,
}

const WINDOW: Key = Key("attention.sliding_window", "sliding_window");

const PATTERN: Key = Key("attention.sliding_window_pattern", "sliding_window_pattern");

/// All of them, the best known first.
pub(super) const FAMILIES: [Family; 8] = [
    Family { name: "llama", model_types: &["llama", "mistral"], differs: every_layer_in_a_window, ..LLAMA },
    Family { name: "qwen2", model_types: &["qwen2"], layout: RopeLayout::HalfSplit, differs: qwen2, ..LLAMA },
    Family { name: "qwen3", model_types: &["qwen3"], layout: RopeLayout::HalfSplit, differs: qwen3, ..LLAMA },
    Family {
        name: "gemma3",
        model_types: &["gemma3_text"],
        layout: RopeLayout::HalfSplit,
        activation: Activation::GeluTanh,
        differs: gemma3,
        gain_offset: 1.0,
    },
    Family { name: "olmo2", model_types: &["olmo2"], layout: RopeLayout::HalfSplit, differs: olmo2, ..LLAMA },
    Family { name: "granite", model_types: &["granite"], differs: granite, ..LLAMA },
    Family { name: "smollm3", model_types: &["smollm3"], differs: smollm3, ..LLAMA },
    Family { name: "phi3", model_types: &["phi3"], layout: RopeLayout::HalfSplit, differs: phi3, ..LLAMA },
];

const LLAMA: Family = Family {
    name: "",
    model_types: &[],
    layout: RopeLayout::Interleaved,
    activation: Activation::Silu,
    differs: |_, _| Ok(()),
    gain_offset: 0.0,
};

/// The family that a file says it is of.
pub(super) fn of_gguf(architecture: &str) -> Result<&'static Family, CheckpointError> {
    let found = FAMILIES.iter().find(|f| f.name == architecture);
    found.ok_or_else(|| CheckpointError::UnknownArchitecture(architecture.to_owned()))
}

/// The same of config.json.
pub(super) fn of_json(model_type: &str) -> Result<&'static Family, CheckpointError> {
    let found = FAMILIES.iter().find(|f| f.model_types.contains(&model_type));
    found.ok_or_else(|| CheckpointError::UnknownArchitecture(model_type.to_owned()))
}

/// Sets the window of the layers that `is_local` names.
fn windows(c: &mut ModelConfig, window: Option<usize>, is_local: impl Fn(usize) -> bool) {
    let window = window.filter(|w| *w < c.context); // a wider one hides nothing
    let local = c.specs.iter_mut().enumerate().filter(|(layer, _)| is_local(*layer));
    local.for_each(|(_, spec)| spec.window = window);
}

fn every_layer_in_a_window(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    let window = s.int(WINDOW)?;
    windows(c, window, |_| true);
    Ok(())
}

/// Which layers config.json says have a window.
fn listed_windows(s: &Settings, c: &mut ModelConfig) -> Result<bool, CheckpointError> {
    let Some(types) = s.json("layer_types").as_array() else { return Ok(false) };
    if types.len() != c.layers {
        return Err(s.bad(Key("", "layer_types"), types.len(), "it must name every layer"));
    }
    let is_local: Vec<bool> = types.iter().map(|t| t == "sliding_attention").collect();
    if is_local.contains(&true) {
        let window = s.need(WINDOW)?;
        windows(c, Some(window), |layer| is_local[layer]);
    }
    Ok(true)
}

fn qwen2(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    if !listed_windows(s, c)? && s.says("use_sliding_window") {
        let (window, first) = (s.int(WINDOW)?, s.int(Key("", "max_window_layers"))?.unwrap_or(0));
        windows(c, window, |layer| layer >= first);
    }
    Ok(())
}

fn qwen3(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    c.specs.iter_mut().for_each(|spec| spec.qk_norm = QkNorm::Head);
    qwen2(s, c)
}

/// The base of the layers with a window; GGUF files leave it out.
const LOCAL_THETA: f64 = 10_000.0;
/// One layer in so many sees everything.
const GLOBAL_EVERY: usize = 6;

fn gemma3(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
        if !s.json(key).is_null() {
            return Err(s.bad(Key("", key), s.json(key), "capped logits are not implemented"));
        }
    }
    if s.says("use_bidirectional_attention") {
        return Err(s.bad(Key("", "use_bidirectional_attention"), true, "only causal attention is implemented"));
    }
    let norms = Norms { before: true, after: true };
    let scale = 1.0 / s.scale(Key("", "query_pre_attn_scalar"), c.head_width as f64)?.sqrt();
    for spec in &mut c.specs {
        (spec.attention_norms, spec.ffn_norms, spec.qk_norm) = (norms, norms, QkNorm::Head);
        spec.attention_scale = scale;
    }
    c.embedding_scale = (c.width as f32).sqrt();
    if !listed_windows(s, c)? {
        let window = s.need(WINDOW)?;
        match s.each_layer(PATTERN, c.layers)? {
            Some(is_local) => windows(c, Some(window), |layer| is_local[layer] != 0),
            None => {
                let every = s.int(PATTERN)?.unwrap_or(GLOBAL_EVERY);
                windows(c, Some(window), |layer| (layer + 1) % every != 0);
            }
        }
    }
    // a second table of frequencies, for the layers with a window
    let written = s.json("rope_parameters")["sliding_attention"]["rope_theta"].as_f64();
    let theta = match written.or(s.float(Key("rope.freq_base_swa", "rope_local_base_freq"))?) {
        Some(theta) => theta,
        None => LOCAL_THETA,
    };
    let local = rope::inverse_frequencies(rope_theta(theta)?, c.head_width, &rope::Scaling::None)?;
    c.ropes.push(local);
    c.specs.iter_mut().filter(|spec| spec.window.is_some()).for_each(|spec| spec.rope = Some(1));
    Ok(())
}

fn olmo2(_: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    let norms = Norms { before: false, after: true };
    for spec in &mut c.specs {
        (spec.attention_norms, spec.ffn_norms, spec.qk_norm) = (norms, norms, QkNorm::Whole);
    }
    Ok(())
}

fn granite(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    c.embedding_scale = s.scale(Key("embedding_scale", "embedding_multiplier"), 1.0)?;
    c.inputs_scale = c.embedding_scale;
    c.logit_scale = 1.0 / s.scale(Key("logit_scale", "logits_scaling"), 1.0)?;
    let residual = s.scale(Key("residual_scale", "residual_multiplier"), 1.0)?;
    // where it is left out, llama.cpp takes the usual one, and transformers 1
    let usual = if s.is_gguf() { 1.0 / (c.head_width as f64).sqrt() } else { 1.0 };
    let attention = s.scale(Key("attention.scale", "attention_multiplier"), usual)?;
    for spec in &mut c.specs {
        (spec.residual_scale, spec.attention_scale) = (residual, attention);
    }
    Ok(())
}

/// One layer in so many does not rotate, where the file does not say which.
const ROPELESS_EVERY: usize = 4;

fn smollm3(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    let every = s.int(Key("", "no_rope_layer_interval"))?.unwrap_or(ROPELESS_EVERY);
    let listed = s.json("no_rope_layers").as_array();
    if listed.is_some_and(|l| l.len() != c.layers) {
        return Err(s.bad(Key("", "no_rope_layers"), s.json("no_rope_layers"), "it must name every layer"));
    }
    for (layer, spec) in c.specs.iter_mut().enumerate() {
        let rotates = match listed {
            Some(listed) => listed[layer].as_i64() != Some(0), // named after what it is not
            None => (layer + 1) % every != 0,
        };
        spec.rope = rotates.then_some(0);
    }
    qwen2(s, c)
}

fn phi3(s: &Settings, c: &mut ModelConfig) -> Result<(), CheckpointError> {
    let partial =
        s.json("partial_rotary_factor").as_f64().or(s.json("rope_parameters")["partial_rotary_factor"].as_f64());
    if partial.is_some_and(|p| p != 1.0) {
        return Err(s.bad(
            Key("", "partial_rotary_factor"),
            partial.unwrap_or_default(),
            "only whole heads are rotated here",
        ));
    }
    every_layer_in_a_window(s, c)
}
