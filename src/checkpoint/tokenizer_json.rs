//! GGUF's tokenizer metadata written as the `tokenizer.json` that the tokenizers library reads: one way in for both.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::CheckpointError;
use super::gguf::Value;

/// GPT-2's pre-tokenizer, also that of smollm after its digits.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// GGUF's token kinds (`tokenizer.ggml.token_type`).
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// Parses a `tokenizer.json` text.
pub(super) fn parse(text: &str) -> Result<tokenizers::Tokenizer, CheckpointError> {
    text.parse().map_err(|e: tokenizers::Error| CheckpointError::Tokenizer(e.to_string()))
}

/// Builds the tokenizer that GGUF metadata describes, if it describes one.
pub(super) fn from_gguf(metadata: &HashMap<String, Value>) -> Result<Option<tokenizers::Tokenizer>, CheckpointError> {
    let Some(Value::Strings(tokens)) = metadata.get("tokenizer.ggml.tokens") else {
        return Ok(None);
    };
    let kinds = match metadata.get("tokenizer.ggml.token_type") {
        Some(Value::Ints(kinds)) => kinds.as_slice(),
        _ => &[],
    };
    let model = match metadata.get("tokenizer.ggml.model") {
        Some(Value::Str(s)) => s.as_str(),
        _ => return Ok(None),
    };
    let mut json = match model {
        "gpt2" => byte_level(metadata, tokens)?,
        "llama" => sentence_piece(metadata, tokens)?,
        other => return Err(CheckpointError::Tokenizer(format!("its kind “{other}” is not implemented"))),
    };
    json["version"] = "1.0".into();
    json["added_tokens"] = added(tokens, kinds);
    let text = json.to_string();
    drop(json);
    parse(&text).map(Some)
}

fn added(tokens: &[String], kinds: &[i32]) -> Json {
    kinds
        .iter()
        .zip(tokens)
        .enumerate()
        .filter(|(_, (kind, text))| matches!(**kind, CONTROL | USER_DEFINED) && !text.is_empty())
        .map(|(id, (kind, text))| {
            json!({"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": *kind == CONTROL})
        })
        .collect()
}

/// Token to id. A vocabulary with a repeated token keeps the first, as llama.cpp does.
fn vocabulary(tokens: &[String]) -> Json {
    let mut map = Map::new();
    for (id, token) in tokens.iter().enumerate() {
        map.entry(token.clone()).or_insert_with(|| id.into());
    }
    Json::Object(map)
}

fn byte_level(metadata: &HashMap<String, Value>, tokens: &[String]) -> Result<Json, CheckpointError> {
    let Some(Value::Strings(merges)) = metadata.get("tokenizer.ggml.merges") else {
        return Err(CheckpointError::Tokenizer("its merges are missing".into()));
    };
    let pre = match metadata.get("tokenizer.ggml.pre") {
        Some(Value::Str(s)) => s.as_str(),
        _ => "gpt2",
    };
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let digits = json!({"type": "Digits", "individual_digits": true});
    let mut steps = match pre {
        "gpt2" | "gpt-2" | "default" | "mpt" | "olmo" | "phi-2" => vec![split(GPT2)],
        "smollm" => vec![digits, split(GPT2)],
        "llama-bpe" | "llama3" | "llama-v3" => vec![split(LLAMA3)],
        "qwen2" => vec![split(QWEN2)],
        other => return Err(CheckpointError::Tokenizer(format!("its pre-tokenizer “{other}” is not implemented"))),
    };
    steps.push(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}));
    // llama-bpe takes a whole word that is in the vocabulary before it merges.
    let ignore_merges = matches!(pre, "llama-bpe" | "llama3" | "llama-v3");
    Ok(json!({
        "normalizer": if pre == "qwen2" { json!({"type": "NFC"}) } else { Json::Null },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "vocab": vocabulary(tokens), "merges": merges, "ignore_merges": ignore_merges,
                  "byte_fallback": false, "fuse_unk": false},
    }))
}

/// SentencePiece BPE: merges are not stored, they follow from the scores (best merged piece first).
fn sentence_piece(metadata: &HashMap<String, Value>, tokens: &[String]) -> Result<Json, CheckpointError> {
    let Some(Value::Floats(scores)) = metadata.get("tokenizer.ggml.scores") else {
        return Err(CheckpointError::Tokenizer("its scores are missing".into()));
    };
    let mut ids: HashMap<&str, usize> = HashMap::with_capacity(tokens.len());
    for (id, token) in tokens.iter().enumerate() {
        ids.entry(token).or_insert(id);
    }
    let mut merges = Vec::new();
    for (token, &score) in tokens.iter().zip(scores) {
        // A real piece is short; the bound keeps a hostile one from costing quadratic time.
        for (at, _) in token.char_indices().skip(1).take(64) {
            let (left, right) = token.split_at(at);
            if let (Some(&l), Some(&r)) = (ids.get(left), ids.get(right)) {
                merges.push((score, l, r));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let merges: Vec<Json> = merges.iter().map(|&(_, l, r)| json!([tokens[l], tokens[r]])).collect();
    let prefix = !matches!(metadata.get("tokenizer.ggml.add_space_prefix"), Some(Value::Bool(false)));
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let steps = if prefix { vec![json!({"type": "Prepend", "prepend": "▁"}), replace] } else { vec![replace] };
    let unknown = tokens.get(match metadata.get("tokenizer.ggml.unknown_token_id") {
        Some(Value::Int(id)) => usize::try_from(*id).unwrap_or(0),
        _ => 0,
    });
    Ok(json!({
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "vocab": vocabulary(tokens), "merges": merges, "unk_token": unknown,
                  "byte_fallback": true, "fuse_unk": true},
    }))
}
