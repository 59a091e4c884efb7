//! Which tensors a network of a given shape has, under which names files hold them, and where.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::layer::{Part, QkNorm};
use super::{CheckpointError, ModelConfig, TensorEntry};

/// How tensors are named in a set of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Gguf,
    HuggingFace,
}

/// A tensor that a network has, or a part of a tensor that holds several.
struct Slot {
    /// GGUF's name, which the rest of the house uses.
    name: String,
    /// What the network needs.
    shape: Vec<usize>,
    /// It can do without it.
    optional: bool,
    /// Where it may lie, the first that is there counts.
    places: Vec<Place>,
}

/// A tensor of a file, whole or some rows of it.
struct Place {
    tensor: String,
    rows: Range<usize>,
    /// All rows of the tensor.
    of: usize,
}

/// The shapes of what layer `layer` has, biases aside.
pub(super) fn shapes(c: &ModelConfig, layer: usize) -> Vec<(Part, Vec<usize>)> {
    let spec = &c.specs[layer];
    let parts = Part::ALL.into_iter().filter(|part| part.is_in(spec));
    parts.map(|part| (part, shape(c, part, spec.qk_norm))).collect()
}

fn shape(c: &ModelConfig, part: Part, qk_norm: QkNorm) -> Vec<usize> {
    let (q, kv) = (c.query_width(), c.kv_width());
    let normed = |whole: usize| if qk_norm == QkNorm::Head { c.head_width } else { whole };
    match part {
        Part::AttnNorm | Part::AttnPostNorm | Part::FfnNorm | Part::FfnPostNorm => vec![c.width],
        Part::QueryNorm => vec![normed(q)],
        Part::KeyNorm => vec![normed(kv)],
        Part::Queries => vec![q, c.width],
        Part::Keys | Part::Values => vec![kv, c.width],
        Part::Output => vec![c.width, q],
        Part::Gate | Part::Up => vec![c.ffn_width, c.width],
        Part::Down => vec![c.width, c.ffn_width],
    }
}

/// The rows of a tensor that holds several: its name, and where this part lies in it.
fn fused(c: &ModelConfig, part: Part, naming: Naming) -> Option<(&'static str, Range<usize>, usize)> {
    let (q, kv, f) = (c.query_width(), c.kv_width(), c.ffn_width);
    let (attention, gated) = match naming {
        Naming::Gguf => ("attn_qkv", "ffn_up"),
        Naming::HuggingFace => ("self_attn.qkv_proj", "mlp.gate_up_proj"),
    };
    let qkv = |rows: Range<usize>| Some((attention, rows, q + 2 * kv));
    match part {
        Part::Queries => qkv(0..q),
        Part::Keys => qkv(q..q + kv),
        Part::Values => qkv(q + kv..q + 2 * kv),
        Part::Gate => Some((gated, 0..f, 2 * f)),
        Part::Up => Some((gated, f..2 * f, 2 * f)),
        _ => None,
    }
}

/// As Hugging Face names a part of a layer.
fn huggingface(c: &ModelConfig, layer: usize, part: Part) -> &'static str {
    // what stands before the feed-forward block is named after what stands before it
    let after_attention = c.specs[layer].attention_norms.after;
    match part {
        Part::AttnNorm => "input_layernorm",
        Part::Queries => "self_attn.q_proj",
        Part::Keys => "self_attn.k_proj",
        Part::Values => "self_attn.v_proj",
        Part::QueryNorm => "self_attn.q_norm",
        Part::KeyNorm => "self_attn.k_norm",
        Part::Output => "self_attn.o_proj",
        Part::AttnPostNorm => "post_attention_layernorm",
        Part::FfnNorm if after_attention => "pre_feedforward_layernorm",
        Part::FfnNorm => "post_attention_layernorm",
        Part::Gate => "mlp.gate_proj",
        Part::Up => "mlp.up_proj",
        Part::Down => "mlp.down_proj",
        Part::FfnPostNorm => "post_feedforward_layernorm",
    }
}

/// What a network has outside its layers.
fn outer_slots(c: &ModelConfig, naming: Naming) -> Vec<Slot> {
    let outer = |name: &str, huggingface: &str, shape: &[usize], optional| {
        let tensor = if naming == Naming::Gguf { name } else { huggingface }.to_owned();
        let places = vec![Place { tensor, rows: 0..shape[0], of: shape[0] }];
        Slot { name: name.to_owned(), shape: shape.to_vec(), optional, places }
    };
    vec![
        outer("token_embd.weight", "model.embed_tokens.weight", &[c.vocab, c.width], false),
        outer("output_norm.weight", "model.norm.weight", &[c.width], false),
        outer("output.weight", "lm_head.weight", &[c.vocab, c.width], true),
        outer("output.bias", "lm_head.bias", &[c.vocab], true),
    ]
}

/// What layer `layer` has.
fn layer_slots(c: &ModelConfig, naming: Naming, layer: usize) -> Vec<Slot> {
    let prefix = match naming {
        Naming::Gguf => format!("blk.{layer}."),
        Naming::HuggingFace => format!("model.layers.{layer}."),
    };
    let mut all = Vec::new();
    for (part, shape) in shapes(c, layer) {
        let own = if naming == Naming::Gguf { part.name() } else { huggingface(c, layer, part) };
        let kinds: &[(&str, bool)] =
            if part.is_norm() { &[("weight", false)] } else { &[("weight", false), ("bias", true)] };
        for &(kind, optional) in kinds {
            let mut places = Vec::new();
            // a fused tensor may have the name of one of its parts: it is known by its rows
            if let Some((name, rows, of)) = fused(c, part, naming) {
                places.push(Place { tensor: format!("{prefix}{name}.{kind}"), rows, of });
            }
            places.push(Place { tensor: format!("{prefix}{own}.{kind}"), rows: 0..shape[0], of: shape[0] });
            let shape = if kind == "bias" { shape[..1].to_vec() } else { shape.clone() };
            all.push(Slot { name: format!("blk.{layer}.{}.{kind}", part.name()), shape, optional, places });
        }
    }
    all
}

/// What files hold beside a network's tensors, by the ends of its names: read elsewhere, or computed here.
const BESIDE: [&str; 2] = ["rope_freqs.weight", "rotary_emb.inv_freq"];

/// Every tensor of the network under GGUF's name. What is missing, of another shape, or left over is refused by name: a
/// tensor that nobody uses would make fluent nonsense of the rest.
pub(super) fn resolve(
    c: &ModelConfig,
    naming: Naming,
    found: &HashMap<String, TensorEntry>,
) -> Result<HashMap<String, TensorEntry>, CheckpointError> {
    let (mut resolved, mut used) = (HashMap::new(), HashSet::new());
    // layer by layer: a file that claims more than it holds is refused before there are slots for its claims
    let layers = (0..c.layers).flat_map(|layer| layer_slots(c, naming, layer));
    for slot in outer_slots(c, naming).into_iter().chain(layers) {
        let fits = |p: &&Place| found.get(&p.tensor).is_some_and(|e| e.shape.first() == Some(&p.of));
        let there = slot.places.iter().find(fits).or(slot.places.last().filter(|p| found.contains_key(&p.tensor)));
        let Some(place) = there else {
            let tensor = slot.places.last().map(|p| p.tensor.clone()).unwrap_or_default();
            if slot.optional {
                continue;
            }
            return Err(CheckpointError::MissingTensor(tensor));
        };
        let entry = &found[&place.tensor];
        let mut expected = slot.shape.clone();
        expected[0] = place.of;
        if entry.shape != expected {
            let (tensor, found) = (place.tensor.clone(), entry.shape.clone());
            return Err(CheckpointError::Shape { tensor, expected, found });
        }
        let row = entry.bytes / place.of.max(1);
        let rows = TensorEntry {
            shape: slot.shape,
            offset: entry.offset + (place.rows.start * row) as u64,
            bytes: place.rows.len() * row,
            ..entry.clone()
        };
        resolved.insert(slot.name, rows);
        used.insert(place.tensor.clone());
    }
    // a head that is the embedding has no bias here
    if !resolved.contains_key("output.weight") && resolved.remove("output.bias").is_some() {
        used.retain(|name| !name.ends_with("output.bias") && name != "lm_head.bias");
    }
    let mut left: Vec<&String> =
        found.keys().filter(|name| !used.contains(*name) && !BESIDE.iter().any(|end| name.ends_with(end))).collect();
    left.sort();
    match left.first() {
        Some(name) => Err(CheckpointError::UnusedTensor((*name).clone())),
        None => Ok(resolved),
    }
}
