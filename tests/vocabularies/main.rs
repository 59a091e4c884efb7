//! Vocabularies held against llama.cpp's own answers, against the same family's tokenizer.json, and against damage.

#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod metadata;
mod texts;

use std::path::Path;

use serde_json::Value as Json;
use shiftlens::checkpoint::{CheckpointError, FileBytes, MemoryBytes, Piece, Tokenizer};
use support::{real, shared};
use texts::Texts;

/// Texts for each family and pair of files.
const MANY: usize = 10_000;

fn open(path: &Path) -> Tokenizer {
    Tokenizer::open(&FileBytes::open_set(path).unwrap()).unwrap()
}

fn open_bytes(bytes: Vec<u8>) -> Result<Tokenizer, CheckpointError> {
    Tokenizer::open(&[Box::new(MemoryBytes::new("vocabulary.gguf", bytes))])
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text).unwrap().iter().map(|p| p.id).collect()
}

/// llama.cpp's own vocabulary files, each with texts and the ids that its tokenizer gives.
fn agrees_with_llama_cpp(family: &str) {
    let Some(file) = shared(&format!("vocab/ggml-vocab-{family}.gguf")) else { return };
    let tokenizer = open(&file);
    let beside = |end: &str| std::fs::read_to_string(file.with_extension(end)).unwrap();
    let (texts, answers) = (beside("gguf.inp"), beside("gguf.out"));
    let texts: Vec<&str> = texts.split("\n__ggml_vocab_test__\n").collect();
    let answers: Vec<&str> = answers.split('\n').collect();
    assert!(texts.len() > 45 && answers.len() >= texts.len());
    for (text, answer) in texts.iter().zip(answers) {
        let expected: Vec<u32> = answer.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(ids(&tokenizer, text), expected, "{text:?}");
        covers(&tokenizer.encode(text).unwrap(), text);
    }
}

/// The pieces lie in the text one after the other, without a gap.
fn covers(pieces: &[Piece], text: &str) {
    let end = pieces.iter().fold(0, |end, piece| {
        assert_eq!(piece.span.start, end, "{text:?}");
        piece.span.end
    });
    assert_eq!(end, text.len(), "{text:?}");
}

#[test]
fn llama_2_is_read_as_llama_cpp_reads_it() {
    agrees_with_llama_cpp("llama-spm");
}

#[test]
fn llama_3_is_read_as_llama_cpp_reads_it() {
    agrees_with_llama_cpp("llama-bpe");
}

#[test]
fn qwen2_is_read_as_llama_cpp_reads_it() {
    agrees_with_llama_cpp("qwen2");
}

#[test]
fn gpt2_is_read_as_llama_cpp_reads_it() {
    agrees_with_llama_cpp("gpt-2");
}

#[test]
fn phi3_is_read_as_llama_cpp_reads_it() {
    agrees_with_llama_cpp("phi-3");
}

/// phi-3's special tokens swallow the white space after them, except those that are llama's.
#[test]
fn special_tokens_of_phi3_swallow_white_space() {
    let Some(file) = shared("vocab/ggml-vocab-phi-3.gguf") else { return };
    let tokenizer = open(&file);
    let text = "<|user|>\n Hi<|end|> \n<|assistant|>\nyes<s> no";
    let pieces = tokenizer.encode(text).unwrap();
    covers(&pieces, text);
    let read: Vec<String> =
        pieces.iter().map(|p| String::from_utf8_lossy(tokenizer.token_bytes(p.id)).into_owned()).collect();
    assert_eq!(read, ["<|user|>", " Hi", "<|end|>", "<|assistant|>", " yes", "<s>", " ", " no"]);
    assert_eq!(&text[pieces[0].span.clone()], "<|user|>\n ");
}

/// Holds a GGUF file's vocabulary against a tokenizer.json, on texts with those special tokens that both have.
fn agrees_with_json(gguf: &Path, json: &Path) {
    let parsed: Json = serde_json::from_str(&std::fs::read_to_string(json.join("tokenizer.json")).unwrap()).unwrap();
    let in_gguf = metadata::special(gguf);
    let added = parsed["added_tokens"].as_array().unwrap();
    let both = added.iter().filter(|t| in_gguf.get(t["content"].as_str().unwrap()) == t["id"].as_u64().as_ref());
    let special: Vec<String> = both.map(|t| t["content"].as_str().unwrap().to_owned()).collect();
    assert!(special.len() > 2, "{special:?}");
    let (gguf, json) = (open(gguf), open(json));
    for text in Texts::new(7, special).take(MANY) {
        assert_eq!(ids(&gguf, &text), ids(&json, &text), "{text:?}");
    }
}

/// Holds a tokenizer.json against the metadata that a converter makes of it.
fn survives_conversion(folder: &str, pre: Option<&str>) {
    let Some(folder) = real(folder) else { return };
    let json: Json = serde_json::from_str(&std::fs::read_to_string(folder.join("tokenizer.json")).unwrap()).unwrap();
    let converted = open_bytes(metadata::gguf(&metadata::of_json(&json, pre))).unwrap();
    let added = json["added_tokens"].as_array().unwrap().iter().map(|t| t["content"].as_str().unwrap());
    let special = added.filter(|t| !t.contains('▁')).map(str::to_owned).collect();
    drop(json);
    let own = open(&folder);
    for text in Texts::new(8, special).take(MANY) {
        let pieces = converted.encode(&text).unwrap();
        assert_eq!(pieces.iter().map(|p| p.id).collect::<Vec<_>>(), ids(&own, &text), "{text:?}");
        // what a tokenizer composes it no longer spells as it was
        if pre != Some("qwen2") {
            covers(&pieces, &text);
            assert_eq!(converted.decode(&pieces.iter().map(|p| p.id).collect::<Vec<_>>()), text);
        }
    }
}

#[test]
fn llama_3_is_read_as_its_tokenizer_json() {
    let (Some(gguf), Some(json)) = (shared("vocab/ggml-vocab-llama-bpe.gguf"), real("tokenizer-llama3_2")) else {
        return;
    };
    agrees_with_json(&gguf, &json);
}

#[test]
fn qwen2_is_read_as_its_tokenizer_json() {
    let (Some(gguf), Some(json)) = (shared("vocab/ggml-vocab-qwen2.gguf"), real("tokenizer-qwen2_5")) else { return };
    agrees_with_json(&gguf, &json);
}

#[test]
fn a_published_qwen_is_read_as_its_tokenizer_json() {
    let file = real("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf");
    let (Some(gguf), Some(json)) = (file, real("tokenizer-qwen2_5")) else { return };
    agrees_with_json(&gguf, &json);
}

#[test]
fn a_published_gemma_is_read_as_its_tokenizer_json() {
    let (Some(gguf), Some(json)) = (real("gemma-3-270m-q4_k_m.gguf"), real("tokenizer-gemma3")) else { return };
    agrees_with_json(&gguf, &json);
}

#[test]
fn llama_3s_tokenizer_json_survives_conversion() {
    survives_conversion("tokenizer-llama3_2", Some("llama-bpe"));
}

#[test]
fn qwen2s_tokenizer_json_survives_conversion() {
    survives_conversion("tokenizer-qwen2_5", Some("qwen2"));
}

#[test]
fn qwen3s_tokenizer_json_survives_conversion() {
    survives_conversion("tokenizer-qwen3", Some("qwen2"));
}

#[test]
fn gemma_3s_tokenizer_json_survives_conversion() {
    survives_conversion("tokenizer-gemma3", None);
}
