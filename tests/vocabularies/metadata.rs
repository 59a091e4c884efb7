//! GGUF files that hold a vocabulary alone.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Content, Value};
use serde_json::Value as Json;

/// Keys and values.
pub type Metadata = Vec<(String, Value)>;

/// The bytes of a file with `metadata` and no tensor.
pub fn gguf(metadata: &Metadata) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
    gguf_file::write(&mut file, &metadata, &[]).unwrap();
    file.into_inner()
}

/// What converters write for a `tokenizer.json`; `pre`: its pre-tokenizer's name, none for SentencePiece.
pub fn of_json(json: &Json, pre: Option<&str>) -> Metadata {
    let mut tokens: HashMap<u64, (String, i32)> = HashMap::new();
    for (token, id) in json["model"]["vocab"].as_object().unwrap() {
        let byte = pre.is_none() && token.len() == 6 && token.starts_with("<0x");
        tokens.insert(id.as_u64().unwrap(), (token.clone(), if byte { 6 } else { 1 }));
    }
    for added in json["added_tokens"].as_array().unwrap() {
        let text = added["content"].as_str().unwrap();
        let special = added["special"].as_bool().unwrap();
        // converters write user-defined tokens with plain spaces
        let text = if special { text.to_owned() } else { text.replace('▁', " ") };
        tokens.insert(added["id"].as_u64().unwrap(), (text, if special { 3 } else { 4 }));
    }
    let size = tokens.keys().max().unwrap() + 1;
    let tokens: Vec<(String, i32)> =
        (0..size).map(|id| tokens.remove(&id).unwrap_or_else(|| (format!("[PAD{id}]"), 5))).collect();
    let merges: Vec<(String, String)> = json["model"]["merges"].as_array().unwrap().iter().map(sides).collect();
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let mut metadata = vec![
        (key("tokens"), Value::Array(tokens.iter().map(|t| Value::String(t.0.clone())).collect())),
        (key("token_type"), Value::Array(tokens.iter().map(|t| Value::I32(t.1)).collect())),
    ];
    match pre {
        Some(pre) => {
            let merges = merges.iter().map(|(l, r)| Value::String(format!("{l} {r}"))).collect();
            metadata.push((key("model"), Value::String("gpt2".into())));
            metadata.push((key("pre"), Value::String(pre.into())));
            metadata.push((key("merges"), Value::Array(merges)));
        }
        None => {
            metadata.push((key("model"), Value::String("llama".into())));
            metadata.push((key("scores"), scores(&tokens, &merges)));
            metadata.push((key("add_space_prefix"), Value::Bool(false)));
        }
    }
    metadata
}

/// The sooner a token is made, the higher it scores.
fn scores(tokens: &[(String, i32)], merges: &[(String, String)]) -> Value {
    let mut made: HashMap<String, usize> = HashMap::new();
    for (rank, (left, right)) in merges.iter().enumerate() {
        made.entry(format!("{left}{right}")).or_insert(rank);
    }
    let score = |token: &str| made.get(token).map_or(-1e6, |rank| -(*rank as f32));
    Value::Array(tokens.iter().map(|t| Value::F32(score(&t.0))).collect())
}

fn sides(merge: &Json) -> (String, String) {
    match merge.as_str() {
        Some(text) => {
            let (left, right) = text.split_once(' ').unwrap();
            (left.to_owned(), right.to_owned())
        }
        None => (merge[0].as_str().unwrap().to_owned(), merge[1].as_str().unwrap().to_owned()),
    }
}

/// Special tokens of a GGUF file (control, user-defined, unknown): text to id.
pub fn special(path: &Path) -> HashMap<String, u64> {
    let content = Content::read(&mut std::fs::File::open(path).unwrap()).unwrap();
    let array = |name: &str| content.metadata[&format!("tokenizer.ggml.{name}")].to_vec().unwrap();
    let kinds = array("token_type").iter().map(|k| k.to_i32().unwrap());
    let tokens = array("tokens").iter().map(|t| t.to_string().unwrap().clone());
    (0u64..)
        .zip(tokens.zip(kinds))
        .filter(|(_, (_, kind))| (2..=4).contains(kind))
        .map(|(id, (t, _))| (t, id))
        .collect()
}
