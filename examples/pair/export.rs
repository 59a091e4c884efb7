//! A model's parameters as a llama GGUF file.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result};

use crate::llama2c::Piece;
use crate::network::{BOS, EPS, Matrix, THETA, Weights};

/// The plain-text template of the tuned model.
pub const TEMPLATE: &str = "{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] + '\\n' }}{% else %}{{ '### Response:\\n' + message['content'] + '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}";

/// What [`TEMPLATE`] makes of one instruction.
pub fn asked(prompt: &str) -> String {
    format!("### Instruction:\n{prompt}\n### Response:\n")
}

/// GGUF's kinds of token.
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const BYTE: i32 = 6;
/// Control pieces, then one piece for each byte.
pub const CONTROLS: [&str; 3] = ["<unk>", "<s>", "</s>"];
pub const FIXED: usize = CONTROLS.len() + 256;

/// Writes `weights` to `path`, matrices as Q8_0; the tuned model carries the chat template.
pub fn write(weights: &Weights, pieces: &[Piece], name: &str, tuned: bool, path: &Path) -> Result<()> {
    let mut metadata = metadata(weights, name);
    metadata.extend(vocabulary(pieces));
    if tuned {
        metadata.push(("tokenizer.chat_template", string(TEMPLATE)));
    }
    let mut tensors = Vec::new();
    for (name, matrix) in &weights.tensors {
        let tensor =
            if is_rotary(name) { matrix.interleaved(weights.shape.heads).tensor()? } else { matrix.tensor()? };
        let dtype = if tensor.rank() == 2 { GgmlDType::Q8_0 } else { GgmlDType::F32 };
        tensors.push((name.as_str(), QTensor::quantize(&tensor, dtype)?));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (*n, t)).collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let beside = path.with_extension("part");
    gguf_file::write(&mut BufWriter::new(File::create(&beside)?), &metadata, &tensors)?;
    Ok(std::fs::rename(beside, path)?)
}

/// The weights in a file of [`write`], rounded as they are there; `like` has their names and shape.
pub fn read(path: &Path, like: &Weights) -> Result<Weights> {
    let mut file = BufReader::new(File::open(path)?);
    let content = gguf_file::Content::read(&mut file)?;
    let mut tensors = Vec::new();
    for (name, known) in &like.tensors {
        let tensor = content.tensor(&mut file, name, &Device::Cpu)?.dequantize(&Device::Cpu)?;
        let matrix = Matrix { data: tensor.flatten_all()?.to_vec1()?, ..*known };
        tensors.push((name.clone(), if is_rotary(name) { matrix.half_split(like.shape.heads) } else { matrix }));
    }
    Ok(Weights { shape: like.shape, tensors })
}

/// Whether rows of a head are turned in pairs, which GGUF keeps side by side.
fn is_rotary(name: &str) -> bool {
    name.contains("attn_q.") || name.contains("attn_k.")
}

fn string(s: &str) -> Value {
    Value::String(s.to_owned())
}

fn metadata(weights: &Weights, name: &str) -> Vec<(&'static str, Value)> {
    let s = weights.shape;
    let count = |n: usize| Value::U32(n as u32);
    vec![
        ("general.architecture", string("llama")),
        ("general.name", string(name)),
        ("general.license", string("MIT")),
        ("llama.block_count", count(s.layers)),
        ("llama.context_length", count(s.context)),
        ("llama.embedding_length", count(s.width)),
        ("llama.feed_forward_length", count(s.ffn)),
        ("llama.attention.head_count", count(s.heads)),
        ("llama.attention.head_count_kv", count(s.heads)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(EPS)),
        ("llama.rope.freq_base", Value::F32(THETA)),
        ("llama.rope.dimension_count", count(s.width / s.heads)),
    ]
}

/// A SentencePiece vocabulary. A text ends as the next one begins, with `<s>`, which is how the base was trained.
fn vocabulary(pieces: &[Piece]) -> Vec<(&'static str, Value)> {
    let token = |(id, piece): (usize, &Piece)| {
        let (text, kind) = match id {
            0 => (CONTROLS[0].to_owned(), UNKNOWN),
            1 | 2 => (CONTROLS[id].to_owned(), CONTROL),
            byte if byte < FIXED => (format!("<0x{:02X}>", byte - CONTROLS.len()), BYTE),
            _ => (String::from_utf8_lossy(&piece.bytes).replace(' ', "▁"), NORMAL),
        };
        (Value::String(text), Value::I32(kind))
    };
    let (tokens, kinds) = pieces.iter().enumerate().map(token).unzip();
    vec![
        ("tokenizer.ggml.model", string("llama")),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
        ("tokenizer.ggml.scores", Value::Array(pieces.iter().map(|p| Value::F32(p.score)).collect())),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(0)),
        ("tokenizer.ggml.bos_token_id", Value::U32(BOS)),
        ("tokenizer.ggml.eos_token_id", Value::U32(BOS)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(true)),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(true)),
    ]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::network::{Shape, tests::random};

    #[test]
    fn what_is_read_back_is_written_as_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let shape = Shape { vocab: 300, width: 32, layers: 2, heads: 4, ffn: 64, context: 16 };
        let weights = random(shape, &mut rand::rngs::StdRng::seed_from_u64(5));
        let pieces = vec![Piece { bytes: b" a".to_vec(), score: 0.0 }; shape.vocab];
        write(&weights, &pieces, "random", true, &at("first.gguf")).unwrap();
        let rounded = read(&at("first.gguf"), &weights).unwrap();
        write(&rounded, &pieces, "random", true, &at("second.gguf")).unwrap();
        assert!(std::fs::read(at("first.gguf")).unwrap() == std::fs::read(at("second.gguf")).unwrap());
        for ((name, before), (_, after)) in weights.tensors.iter().zip(&rounded.tensors) {
            let largest = before.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let near = before.data.iter().zip(&after.data).all(|(b, a)| (b - a).abs() <= largest / 127.0);
            assert!(near, "{name}");
        }
    }
}
