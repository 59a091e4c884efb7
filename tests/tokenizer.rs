//! Tokenizers: exact round trips on multilingual text and emoji, spans, special tokens.

mod support;

use shiftlens::checkpoint::{Checkpoint, FileBytes, MemoryBytes, Tokenizer};
use support::{Tiny, shared};

const TEXTS: &[&str] = &[
    "Hello, world!",
    "  leading and   inner spaces ",
    "line\nbreaks\r\n\r\n\tand tabs",
    "it's 3.14159 or 1,000,000?",
    "naïve café — “quotes” …",
    "Привет, мир! Ελληνικά. 日本語のテキスト。 中文 한국어",
    "مرحبا שלום हिन्दी ไทย",
    "🙂 👩‍👩‍👧 🇩🇪 e\u{301}",
    "fn main() { println!(\"{}\", 1 << 3); }",
    "",
];

fn round_trips(tokenizer: &Tokenizer) {
    for text in TEXTS {
        let pieces = tokenizer.encode(text).unwrap();
        let bytes: Vec<u8> = pieces.iter().flat_map(|p| tokenizer.token_bytes(p.id)).copied().collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), *text);
        let mut at = 0;
        for piece in &pieces {
            assert_eq!(piece.span.start, at, "{text:?}");
            at = piece.span.end;
        }
        assert_eq!(at, text.len());
    }
}

#[test]
fn the_byte_level_fixture_round_trips() {
    let checkpoint = Tiny::default().checkpoint();
    let tokenizer = checkpoint.tokenizer().unwrap();
    round_trips(tokenizer);
    // each token is a byte: a character split over tokens shows as its bytes
    let pieces = tokenizer.encode("é").unwrap();
    assert_eq!(pieces.len(), 2);
    assert_eq!(tokenizer.token_bytes(pieces[0].id), [0xC3]);
}

#[test]
fn the_bundled_pair_round_trips_and_shares_its_tokenizer() {
    let open = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models").join(name);
        Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap()
    };
    let (base, tuned) = (open("tiny-base.gguf"), open("tiny-tuned.gguf"));
    round_trips(tuned.tokenizer().unwrap());
    assert_eq!(base.tokenizer().unwrap().fingerprint, tuned.tokenizer().unwrap().fingerprint);
    assert!(base.chat_template.is_none() && tuned.chat_template.is_some());
}

#[test]
fn the_real_checkpoint_round_trips_and_never_doubles_bos() {
    let Some(file) = shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let checkpoint = Checkpoint::open(FileBytes::open_set(&file).unwrap()).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    round_trips(tokenizer);
    assert_eq!(checkpoint.quantization(), "Q4_1");
    // digits stand alone in this family
    assert_eq!(tokenizer.encode("1234").unwrap().len(), 4);
    assert!(tokenizer.stops.contains(&2));
}

#[test]
fn bos_is_added_once() {
    let checkpoint = Checkpoint::open(
        FileBytes::open_set(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/public/models/tiny-base.gguf")))
            .unwrap(),
    )
    .unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let bos = tokenizer.bos.unwrap();
    for text in ["A fox.", "<|endoftext|>A fox."] {
        let ids: Vec<u32> = tokenizer.encode_prompt(text).unwrap().iter().map(|p| p.id).collect();
        assert_eq!(ids.iter().filter(|id| **id == bos).count(), 1, "{text}");
        assert_eq!(ids[0], bos);
    }
}

/// A SentencePiece-style vocabulary with scores and byte fallback.
#[test]
fn sentence_piece_vocabularies_fall_back_to_bytes() {
    use candle_core::quantized::gguf_file::Value;
    let mut tokens: Vec<(String, f32, i32)> =
        vec![("<unk>".into(), 0.0, 2), ("<s>".into(), 0.0, 3), ("</s>".into(), 0.0, 3)];
    tokens.extend((0..256).map(|b| (format!("<0x{b:02X}>"), 0.0, 6)));
    for (i, piece) in ["▁a", "he", "ll", "▁the", "hell", "hello", "▁hello"].iter().enumerate() {
        tokens.push(((*piece).into(), -(i as f32), 1));
    }
    tokens.extend("▁abcdefghijklmnopqrstuvwxyz".chars().map(|c| (c.to_string(), -100.0, 1)));
    let array = |f: &dyn Fn(&(String, f32, i32)) -> Value| Value::Array(tokens.iter().map(f).collect());
    let extra = [
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.tokens", array(&|t| Value::String(t.0.clone()))),
        ("tokenizer.ggml.scores", array(&|t| Value::F32(t.1))),
        ("tokenizer.ggml.token_type", array(&|t| Value::I32(t.2))),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
    ];
    let bytes = Tiny::default().gguf_with(tokens.len(), &extra);
    let checkpoint = Checkpoint::open(vec![Box::new(MemoryBytes::new("spm.gguf", bytes))]).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert!(tokenizer.add_bos);
    let pieces = tokenizer.encode("hello é").unwrap();
    let texts: Vec<&[u8]> = pieces.iter().map(|p| tokenizer.token_bytes(p.id)).collect();
    assert_eq!(texts, [b" hello".as_slice(), b" ", &[0xC3], &[0xA9]]);
    assert_eq!(pieces[0].span, 0..5); // the space SentencePiece puts in front is nobody's
    assert_eq!(pieces.last().unwrap().span.end, "hello é".len());
    assert_eq!(tokenizer.encode_prompt("a").unwrap()[0].id, 1);
}
