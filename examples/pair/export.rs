//! Trained parameters as a llama GGUF file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Result, Tensor};
use tokenizers::Tokenizer;

use crate::network::{EPS, Network, THETA};
use crate::vocabulary::CONTROL;

/// Marks the user's turn and opens the answer.
pub const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

/// Writes `network` to `path` as Q8_0; the tuned model carries a chat template.
pub fn write(network: &Network, tokenizer: &Tokenizer, name: &str, tuned: bool, path: &Path) -> Result<()> {
    let s = network.shape;
    let string = |s: &str| Value::String(s.to_owned());
    let count = |n: usize| Value::U32(n as u32);
    let strings = |list: Vec<String>| Value::Array(list.into_iter().map(Value::String).collect());
    let vocab: HashMap<u32, String> = tokenizer.get_vocab(true).into_iter().map(|(t, id)| (id, t)).collect();
    let tokens: Vec<String> =
        (0..s.vocab as u32).map(|id| vocab.get(&id).cloned().unwrap_or_else(|| format!("<unused{id}>"))).collect();
    let kinds = tokens.iter().map(|t| Value::I32(if CONTROL.contains(&t.as_str()) { 3 } else { 1 })).collect();
    let mut metadata = vec![
        ("general.architecture", string("llama")),
        ("general.name", string(name)),
        ("general.license", string("MIT OR Apache-2.0")),
        ("llama.block_count", count(s.layers)),
        ("llama.context_length", count(s.context)),
        ("llama.embedding_length", count(s.width)),
        ("llama.feed_forward_length", count(s.ffn)),
        ("llama.attention.head_count", count(s.heads)),
        ("llama.attention.head_count_kv", count(s.heads)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(EPS)),
        ("llama.rope.freq_base", Value::F32(THETA)),
        ("llama.rope.dimension_count", count(s.width / s.heads)),
        ("tokenizer.ggml.model", string("gpt2")),
        ("tokenizer.ggml.pre", string("gpt2")),
        ("tokenizer.ggml.tokens", strings(tokens)),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.merges", strings(merges(tokenizer))),
        ("tokenizer.ggml.bos_token_id", count(0)),
        ("tokenizer.ggml.eos_token_id", count(if tuned { 3 } else { 0 })),
        ("tokenizer.ggml.add_bos_token", Value::Bool(true)),
    ];
    if tuned {
        metadata.push(("tokenizer.chat_template", string(TEMPLATE)));
    }
    let mut tensors = Vec::new();
    for (name, var) in &network.vars {
        let t = match name {
            n if n.contains("attn_q.") => interleave(var.as_tensor(), s.heads)?,
            n if n.contains("attn_k.") => interleave(var.as_tensor(), s.heads)?,
            _ => var.as_tensor().clone(),
        };
        let dtype = if t.rank() == 2 { GgmlDType::Q8_0 } else { GgmlDType::F32 };
        tensors.push((name.as_str(), QTensor::quantize(&t, dtype)?));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (*n, t)).collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    gguf_file::write(&mut BufWriter::new(File::create(path)?), &metadata, &tensors)
}

/// Rows (i, i + half) of each head to (2i, 2i + 1), the layout llama GGUF files have.
fn interleave(w: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, columns) = w.dims2()?;
    w.reshape((heads, 2, rows / heads / 2, columns))?.transpose(1, 2)?.contiguous()?.reshape((rows, columns))
}

/// The merges in rank order, read from the tokenizer's own JSON.
fn merges(tokenizer: &Tokenizer) -> Vec<String> {
    let json: serde_json::Value =
        tokenizer.to_string(false).ok().and_then(|s| serde_json::from_str(&s).ok()).unwrap_or_default();
    let list = json["model"]["merges"].as_array().cloned().unwrap_or_default();
    list.iter()
        .filter_map(|m| match m.as_array() {
            Some(pair) => Some(format!("{} {}", pair.first()?.as_str()?, pair.get(1)?.as_str()?)),
            None => m.as_str().map(str::to_owned),
        })
        .collect()
}
