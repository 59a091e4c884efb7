//! Damaged and hostile vocabularies: refused in words, or read without harm.

use candle_core::quantized::gguf_file::Value;
use shiftlens::checkpoint::{CheckpointError, MemoryBytes, Tokenizer};

use super::metadata::{Metadata, gguf};
use super::open_bytes;

fn texts(values: &[&str]) -> Value {
    Value::Array(values.iter().map(|v| Value::String((*v).into())).collect())
}

fn kinds(values: &[i32]) -> Value {
    Value::Array(values.iter().map(|v| Value::I32(*v)).collect())
}

fn scores(values: &[f32]) -> Value {
    Value::Array(values.iter().map(|v| Value::F32(*v)).collect())
}

/// `base` with `changes` in place of what it has under the same keys.
fn changed(base: &[(&str, Value)], changes: &[(&str, Value)]) -> Metadata {
    let kept = base.iter().filter(|(key, _)| changes.iter().all(|(k, _)| k != key));
    kept.chain(changes).map(|(key, value)| (format!("tokenizer.ggml.{key}"), value.clone())).collect()
}

fn byte_level() -> Vec<(&'static str, Value)> {
    vec![
        ("model", Value::String("gpt2".into())),
        ("pre", Value::String("gpt-2".into())),
        ("tokens", texts(&["a", "b", "ab", "Ġ", "<s>"])),
        ("token_type", kinds(&[1, 1, 1, 1, 3])),
        ("merges", texts(&["a b"])),
    ]
}

fn sentence_piece() -> Vec<(&'static str, Value)> {
    vec![
        ("model", Value::String("llama".into())),
        ("tokens", texts(&["<unk>", "a", "b", "ab", "▁", "<s>", "<0x63>"])),
        ("token_type", kinds(&[2, 1, 1, 1, 1, 3, 6])),
        ("scores", scores(&[0.0, -1.0, -2.0, -3.0, -4.0, 0.0, 0.0])),
    ]
}

fn read(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text).unwrap().iter().map(|p| p.id).collect()
}

fn refused(base: &[(&str, Value)], changes: &[(&str, Value)]) -> String {
    match open_bytes(gguf(&changed(base, changes))) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("{changes:?} is not refused"),
    }
}

#[test]
fn the_fixtures_are_read() {
    let tokenizer = open_bytes(gguf(&changed(&byte_level(), &[]))).unwrap();
    assert_eq!(read(&tokenizer, "ab<s>a "), [2, 4, 0, 3]);
    let tokenizer = open_bytes(gguf(&changed(&sentence_piece(), &[]))).unwrap();
    // "c" is read as its byte, "d" is unknown
    assert_eq!(read(&tokenizer, "ab<s>cd<unk>"), [4, 3, 5, 4, 6, 0, 0]);
    assert_eq!((tokenizer.bos, tokenizer.eos), (Some(1), Some(2)));
}

#[test]
fn an_unknown_pre_tokenizer_is_refused_by_its_name() {
    let message = refused(&byte_level(), &[("pre", Value::String("kimi-k9".into()))]);
    assert!(message.contains("“kimi-k9”") && message.contains("tokenizer.json"), "{message}");
    let message = refused(&byte_level(), &[("model", Value::String("t5".into()))]);
    assert!(message.contains("“t5”") && message.contains("tokenizer.json"), "{message}");
}

#[test]
fn a_tokenizer_json_beside_the_file_is_read_instead() {
    let json = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,
        "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false},
        "model":{"type":"BPE","vocab":{"b":0,"a":1},"merges":[]}}"#;
    let file = gguf(&changed(&byte_level(), &[("pre", Value::String("kimi-k9".into()))]));
    let files = [("vocabulary.gguf", file), ("tokenizer.json", json.into())];
    let both = files.clone().map(|(name, bytes)| Box::new(MemoryBytes::new(name, bytes)) as _);
    assert_eq!(read(&Tokenizer::open(&both).unwrap(), "ab"), [1, 0]);
    let [_, (_, alone)] = files;
    let alone = Tokenizer::open(&[Box::new(MemoryBytes::new("renamed.json", alone))]).unwrap();
    assert_eq!((read(&alone, "ab"), alone.size()), (vec![1, 0], 2));
}

#[test]
fn a_file_without_a_vocabulary_says_so() {
    let none = vec![("general.architecture".to_owned(), Value::String("llama".into()))];
    assert_eq!(open_bytes(gguf(&none)).err(), Some(CheckpointError::MissingTokenizer));
}

#[test]
fn lists_that_are_too_short_are_refused() {
    for message in [
        refused(&sentence_piece(), &[("scores", scores(&[0.0]))]),
        refused(&sentence_piece(), &[("token_type", kinds(&[1, 1]))]),
        refused(&byte_level(), &[("token_type", kinds(&[]))]),
    ] {
        assert!(message.starts_with("The tokenizer cannot be used"), "{message}");
    }
}

#[test]
fn merges_of_no_tokens_are_refused() {
    // "b b" makes a token that is not there; the library would write past its buffer for "abab"
    for merges in [&["b b"][..], &["ab ab"], &["ab"], &["", "a b"], &["a  b"], &["é b"], &["x y"]] {
        let message = refused(&byte_level(), &[("merges", texts(merges))]);
        assert!(message.contains("merge"), "{message}");
    }
}

#[test]
fn a_tokenizer_json_cannot_make_the_library_panic() {
    let open = |model: &str| {
        let json = format!(
            r#"{{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,"model":{model}}}"#
        );
        Tokenizer::open(&[Box::new(MemoryBytes::new("tokenizer.json", json.into_bytes()))])
    };
    assert!(open(r#"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}"#).is_ok());
    assert!(open(r#"{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}"#).is_ok());
    assert!(open(r#"{"type":"Unigram","unk_id":0,"vocab":[["a",0.0]],"byte_fallback":false}"#).is_ok());
    for model in [
        r#"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["ab ab"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["ab","ab"]]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"merges":["ab ab"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"continuing_subword_prefix":"longer"}"#,
        r#"{"type":"BPE","vocab":{"a":4294967295},"merges":[]}"#,
        r#"{"type":"BPE","vocab":{},"merges":[]}"#,
        "{}",
    ] {
        assert!(open(model).is_err(), "{model}");
    }
}

#[test]
fn repeated_and_empty_tokens_do_no_harm() {
    let tokens = texts(&["<unk>", "a", "", "a", "▁", "<s>", "<s>"]);
    let tokenizer = open_bytes(gguf(&changed(
        &sentence_piece(),
        &[("tokens", tokens), ("token_type", kinds(&[2, 1, 3, 1, 1, 3, 3]))],
    )))
    .unwrap();
    assert_eq!(read(&tokenizer, "a<s>a"), [4, 1, 5, 4, 1]);
    let tokens = texts(&["a", "a", "", "Ġ", "aa"]);
    let tokenizer =
        open_bytes(gguf(&changed(&byte_level(), &[("tokens", tokens), ("merges", texts(&["a a"]))]))).unwrap();
    assert_eq!(read(&tokenizer, "aaa a"), [4, 0, 3, 0]);
}

#[test]
fn ids_out_of_range_are_dropped() {
    for base in [byte_level(), sentence_piece()] {
        let far = |key| (key, Value::U32(4_000_000_000));
        let changes = [far("bos_token_id"), far("eos_token_id"), far("unknown_token_id"), far("eot_token_id")];
        let tokenizer = open_bytes(gguf(&changed(&base, &changes))).unwrap();
        assert_eq!((tokenizer.bos, tokenizer.eos, tokenizer.stops.len()), (None, None, 0));
        tokenizer.encode_prompt("abé").unwrap();
    }
}

/// Vocabularies of random tokens, kinds, scores and merges: whatever is accepted can be read with.
#[test]
fn random_vocabularies_do_no_harm() {
    let mut state = 3u64;
    let mut below = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % n
    };
    let pieces = ["a", "b", "ab", "aa", "▁", "▁a", " ", "  ", "<s>", "<0x61>", "<0xC3>", "é", "Ġ", "Ã", "", "\n", "😀"];
    let mut accepted = 0;
    for round in 0..3000 {
        let mut size = 1 + below(12);
        let mut tokens: Vec<String> =
            (0..size).map(|_| (0..1 + below(3)).map(|_| pieces[below(pieces.len())]).collect()).collect();
        if round % 50 == 0 {
            tokens.push("a".repeat(100_000));
            size += 1;
        }
        let short = if below(8) == 0 { below(size) } else { size };
        let token_type: Vec<i32> = (0..short).map(|_| below(9) as i32 - 1).collect();
        let value = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -1.0, 1e30];
        let of_scores: Vec<f32> = (0..size).map(|_| value[below(value.len())]).collect();
        let merges: Vec<String> =
            (0..below(3)).map(|_| format!("{} {}", tokens[below(size)], tokens[below(size)])).collect();
        let all: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let merges: Vec<&str> = merges.iter().map(String::as_str).collect();
        let base = if below(2) == 0 { sentence_piece() } else { byte_level() };
        let names = ["default", "llama-bpe", "qwen2", "tekken", "deepseek-llm", "smollm"];
        let changes = [
            ("tokens", texts(&all)),
            ("token_type", kinds(&token_type)),
            ("scores", scores(&of_scores)),
            ("merges", texts(&merges)),
            ("pre", Value::String(names[below(names.len())].into())),
            ("add_space_prefix", Value::Bool(below(2) == 0)),
        ];
        let Ok(tokenizer) = open_bytes(gguf(&changed(&base, &changes))) else { continue };
        accepted += 1;
        for text in ["", "ab aa  é\n😀<s>▁a <0x61>", &"a".repeat(2_000), &" ".repeat(500)] {
            for piece in tokenizer.encode(text).unwrap() {
                assert!((piece.id as usize) < tokenizer.size());
                assert!(piece.span.start <= piece.span.end && piece.span.end <= text.len());
            }
            let _ = tokenizer.encode_response(text).unwrap();
        }
    }
    assert!(accepted > 500, "{accepted}");
}
