//! The reference model of a family as a GGUF file, as a converter would write it.

use std::io::Cursor;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use serde_json::Value as Json;
use shiftlens::checkpoint::{Checkpoint, FileBytes, MemoryBytes, Part, RopeLayout};

use super::gold;
use super::vocabularies::vocabulary;

/// Every family with a folder of reference values, and as GGUF names it, given to a macro.
macro_rules! with_families {
    ($given:ident! $($before:ident)*) => {
        $given! { $($before)* llama "llama", llama_tied "llama", qwen2 "qwen2", qwen3 "qwen3", gemma3 "gemma3", olmo2 "olmo2",
            granite "granite", smollm3 "smollm3", phi3 "phi3" }
    };
}

macro_rules! pairs {
    ($($folder:ident $architecture:literal),*) => { [$((stringify!($folder), $architecture)),*] };
}

/// Every family's folder, and the family as GGUF names it.
pub const FAMILIES: [(&str, &str); 9] = with_families!(pairs!);

#[allow(unused_imports)] // not every binary has tests of families
pub(crate) use with_families;

/// The reference model `folder` as Hugging Face's files.
pub fn safetensors(folder: &str) -> Checkpoint {
    Checkpoint::open(FileBytes::open_set(&gold(folder)).unwrap()).unwrap()
}

/// The same as GGUF; `fused` keeps queries, keys and values, and gate and up, in one tensor each where a layer has them.
pub fn gguf(folder: &str, architecture: &str, fused: bool) -> Checkpoint {
    checkpoint(written(metadata(architecture, &config(folder)), tensors(folder, architecture, fused)))
}

/// The same with every tensor as `edit` makes it of its name and value.
pub fn edited(folder: &str, architecture: &str, edit: &dyn Fn(&str, Tensor) -> Tensor) -> Checkpoint {
    checkpoint(file(folder, architecture, folder, edit))
}

/// The reference model `folder` as the bytes of a GGUF file of this name inside, with a vocabulary that reads English, and with
/// every tensor as `edit` makes it of its name and value.
pub fn file(folder: &str, architecture: &str, name: &str, edit: &dyn Fn(&str, Tensor) -> Tensor) -> Vec<u8> {
    let mut metadata = metadata(architecture, &config(folder));
    metadata.push(("general.name".into(), Value::String(name.into())));
    metadata.extend(vocabulary(architecture));
    let tensors = tensors(folder, architecture, false).into_iter().map(|(name, t)| (name.clone(), edit(&name, t)));
    written(metadata, tensors.collect())
}

fn checkpoint(bytes: Vec<u8>) -> Checkpoint {
    Checkpoint::open(vec![Box::new(MemoryBytes::new("gold.gguf", bytes))]).unwrap()
}

fn config(folder: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(gold(folder).join("config.json")).unwrap()).unwrap()
}

/// Which dimensions rotate together in a family's GGUF files, by llama.cpp's table.
fn layout(architecture: &str) -> RopeLayout {
    match architecture {
        "llama" | "granite" | "smollm3" => RopeLayout::Interleaved,
        _ => RopeLayout::HalfSplit,
    }
}

/// The weights under their GGUF names.
fn tensors(folder: &str, architecture: &str, fused: bool) -> Vec<(String, Tensor)> {
    let model = safetensors(folder);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    let matrix = |name: &str| model.tensor(name).unwrap().dequantize(&Device::Cpu).unwrap();
    let gain = |name: &str| {
        let values = model.gain(name).unwrap(); // converters store it whole
        Tensor::from_vec(values.clone(), values.len(), &Device::Cpu).unwrap()
    };
    tensors.push(("token_embd.weight".into(), matrix("token_embd.weight")));
    tensors.push(("output_norm.weight".into(), gain("output_norm.weight")));
    if !model.tied() {
        tensors.push(("output.weight".into(), matrix("output.weight")));
    }
    for layer in 0..model.config.layers {
        let mut own: Vec<(Part, String, Tensor)> = Vec::new();
        for (part, _) in model.config.layer_shapes(layer) {
            let weight = part.tensor(layer);
            let bias = weight.replace(".weight", ".bias");
            let value = if part.is_norm() { gain(&weight) } else { matrix(&weight) };
            let mut add = |name: String, value: Tensor| {
                let turned =
                    matches!(part, Part::Queries | Part::Keys) && layout(architecture) == RopeLayout::Interleaved;
                own.push((part, name, if turned { interleaved(&value, model.config.head_width) } else { value }));
            };
            add(weight, value);
            if model.has(&bias) {
                add(bias.clone(), model.floats(&bias).unwrap());
            }
        }
        if fused {
            fuse(&mut own, layer, &[Part::Queries, Part::Keys, Part::Values], "attn_qkv");
            if architecture == "phi3" {
                fuse(&mut own, layer, &[Part::Gate, Part::Up], "ffn_up");
            }
        }
        tensors.extend(own.into_iter().map(|(_, name, value)| (name, value)));
    }
    tensors
}

fn written(metadata: Vec<(String, Value)>, tensors: Vec<(String, Tensor)>) -> Vec<u8> {
    let quantized: Vec<(String, QTensor)> =
        tensors.iter().map(|(name, t)| (name.clone(), QTensor::quantize(t, GgmlDType::F32).unwrap())).collect();
    let tensors: Vec<(&str, &QTensor)> = quantized.iter().map(|(name, t)| (name.as_str(), t)).collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    file.into_inner()
}

/// Rows (i, i + half) of every head, side by side: as converters order them for pairs (2i, 2i + 1).
fn interleaved(rows: &Tensor, head_width: usize) -> Tensor {
    let half = head_width / 2;
    let count = rows.dim(0).unwrap();
    let from = |row: usize| row / head_width * head_width + row % head_width / 2 + row % 2 * half;
    let order: Vec<u32> = (0..count).map(|row| from(row) as u32).collect();
    rows.index_select(&Tensor::from_vec(order, count, &Device::Cpu).unwrap(), 0).unwrap()
}

/// Stacks the weights, and the biases, of `parts`.
fn fuse(own: &mut Vec<(Part, String, Tensor)>, layer: usize, parts: &[Part], name: &str) {
    for kind in ["weight", "bias"] {
        let is_one = |(part, tensor, _): &&(Part, String, Tensor)| parts.contains(part) && tensor.ends_with(kind);
        let all: Vec<Tensor> = own.iter().filter(is_one).map(|(_, _, t)| t.clone()).collect();
        if all.is_empty() {
            continue;
        }
        own.retain(|one| !is_one(&one));
        own.push((parts[0], format!("blk.{layer}.{name}.{kind}"), Tensor::cat(&all, 0).unwrap()));
    }
}

fn metadata(architecture: &str, json: &Json) -> Vec<(String, Value)> {
    let int = |key: &str| json[key].as_u64().map(|n| Value::U32(n as u32));
    let float = |v: &Json| v.as_f64().map(|n| Value::F32(n as f32));
    let rope = &json["rope_parameters"];
    let theta =
        if rope["full_attention"].is_object() { &rope["full_attention"]["rope_theta"] } else { &rope["rope_theta"] };
    let all = [
        ("embedding_length", int("hidden_size")),
        ("block_count", int("num_hidden_layers")),
        ("context_length", int("max_position_embeddings")),
        ("feed_forward_length", int("intermediate_size")),
        ("attention.head_count", int("num_attention_heads")),
        ("attention.head_count_kv", int("num_key_value_heads")),
        ("attention.key_length", int("head_dim")),
        ("attention.layer_norm_rms_epsilon", float(&json["rms_norm_eps"])),
        ("attention.sliding_window", int("sliding_window")),
        ("rope.freq_base", float(theta)),
        ("embedding_scale", float(&json["embedding_multiplier"])),
        ("residual_scale", float(&json["residual_multiplier"])),
        ("attention.scale", float(&json["attention_multiplier"])),
        ("logit_scale", float(&json["logits_scaling"])),
    ];
    let local = |kinds: &Vec<Json>| Value::Array(kinds.iter().map(|k| Value::Bool(k == "sliding_attention")).collect());
    let pattern = json["layer_types"].as_array().filter(|_| architecture == "gemma3").map(local);
    let all = all.into_iter().chain([("attention.sliding_window_pattern", pattern)]);
    let own = all.filter_map(|(key, value)| Some((format!("{architecture}.{key}"), value?)));
    [("general.architecture".to_owned(), Value::String(architecture.to_owned()))].into_iter().chain(own).collect()
}
