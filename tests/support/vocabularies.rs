//! A vocabulary of 320 tokens that writes short English words with two of them, for the reference models, which have none.

use candle_core::quantized::gguf_file::Value;

use super::byte_alphabet;

/// As many as the reference models have.
const SIZE: usize = 320;

/// What follows a word's first letter, in a token of its own.
const ENDINGS: &str = "an at en in on er ed it is et ot ut ar or al ay ow ew ig ad ct ee oo og un ir ol";

/// Metadata: SentencePiece's for gemma, byte-level pairs for the others.
pub fn vocabulary(architecture: &str) -> Vec<(String, Value)> {
    let own = if architecture == "gemma3" { sentence_piece() } else { byte_level() };
    own.into_iter().map(|(key, value)| (format!("tokenizer.ggml.{key}"), value)).collect()
}

/// A space with each letter after it, and the endings: what two tokens are merged to, the first merged first.
fn merged(space: &str) -> Vec<[String; 2]> {
    let starts = ('a'..='z').map(|letter| [space.to_owned(), letter.to_string()]);
    starts.chain(ENDINGS.split(' ').map(|e| [e[..1].to_owned(), e[1..].to_owned()])).collect()
}

/// Filled up with tokens that no text holds.
fn tokens(mut known: Vec<String>) -> Value {
    assert!(known.len() <= SIZE);
    known.extend((known.len()..SIZE).map(|id| format!("<unused{id}>")));
    Value::Array(known.into_iter().map(Value::String).collect())
}

fn kinds(of: impl Fn(usize) -> i32) -> Value {
    Value::Array((0..SIZE).map(|id| Value::I32(of(id))).collect())
}

fn byte_level() -> Vec<(&'static str, Value)> {
    let merged = merged("\u{120}");
    let known: Vec<String> =
        byte_alphabet().into_iter().chain(["</s>".into()]).chain(merged.iter().map(|pair| pair.concat())).collect();
    let count = known.len();
    let merges = merged.iter().map(|pair| Value::String(pair.join(" "))).collect();
    vec![
        ("model", Value::String("gpt2".into())),
        ("pre", Value::String("qwen2".into())),
        ("tokens", tokens(known)),
        ("token_type", kinds(|id| if id == 256 || id >= count { 3 } else { 1 })),
        ("merges", Value::Array(merges)),
        ("eos_token_id", Value::U32(256)),
        ("add_bos_token", Value::Bool(false)),
    ]
}

fn sentence_piece() -> Vec<(&'static str, Value)> {
    let fixed = ["<pad>", "<eos>", "<bos>", "<unk>"].map(String::from);
    let bytes = (0..256).map(|byte| format!("<0x{byte:02X}>"));
    let merged = merged("▁").into_iter().map(|pair| pair.concat());
    let known: Vec<String> = fixed.into_iter().chain(bytes).chain(["▁".into()]).chain(merged).collect();
    let count = known.len();
    let kind = |id: usize| match id {
        3 => 2,
        0..3 => 3,
        4..260 => 6,
        _ if id < count => 1,
        _ => 3,
    };
    vec![
        ("model", Value::String("llama".into())),
        ("tokens", tokens(known)),
        ("token_type", kinds(kind)),
        ("scores", Value::Array((0..SIZE).map(|id| Value::F32(-(id as f32))).collect())),
        ("bos_token_id", Value::U32(2)),
        ("eos_token_id", Value::U32(1)),
        ("unknown_token_id", Value::U32(3)),
        ("add_bos_token", Value::Bool(true)),
        ("add_space_prefix", Value::Bool(false)),
    ]
}
