//! Tokenizers: exact round trips on multilingual text and emoji, spans, special tokens.

use crate::support::listeners::{no_clock, quiet};
use crate::support::{Tiny, shared};
use candle_core::quantized::gguf_file::Value;
use shiftlens::checkpoint::{Checkpoint, FileBytes, MemoryBytes, Tokenizer};
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::{By, PromptToken, ResponseToken, Role};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::Runner;

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
        let said = String::from_utf8(bytes).unwrap();
        // SentencePiece puts a space in front
        assert!(said == *text || said.strip_prefix(' ') == Some(text), "{said:?} {text:?}");
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
    let (base, tuned) = (open("stories-base.gguf"), open("stories-tuned.gguf"));
    round_trips(tuned.tokenizer().unwrap());
    assert_eq!(base.tokenizer().unwrap().fingerprint, tuned.tokenizer().unwrap().fingerprint);
    assert!(base.chat_template.is_none() && tuned.chat_template.is_some());
}

/// The pair's vocabulary is a part of Llama's: what uses its pieces alone is cut into the same ones.
#[test]
fn the_bundled_vocabulary_cuts_its_texts_as_the_whole_one_does() {
    let Some((_, whole)) = llamas_vocabulary() else { return };
    let bundled = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("public");
    let part = Checkpoint::open(FileBytes::open_set(&bundled.join("models/stories-base.gguf")).unwrap()).unwrap();
    let (whole, part) = (whole.tokenizer().unwrap(), part.tokenizer().unwrap());
    let prompts = std::fs::read_to_string(bundled.join("findings/held-out.jsonl")).unwrap();
    let cut = |t: &Tokenizer, text: &str| -> Vec<Vec<u8>> {
        t.encode(text).unwrap().iter().map(|p| t.token_bytes(p.id).to_vec()).collect()
    };
    let kept: std::collections::HashSet<&[u8]> = (0..part.size() as u32).map(|id| part.token_bytes(id)).collect();
    for prompt in shiftlens::explain::findings::parse_prompts(&prompts).unwrap() {
        let before = cut(whole, &prompt.prompt);
        assert!(before.iter().all(|piece| kept.contains(&piece[..])), "{before:?}");
        assert_eq!(cut(part, &prompt.prompt), before);
    }
    let (mut exact, prose) = (0, concat!(include_str!("../../README.md"), include_str!("../../docs/guide.md")));
    for text in prose.split_inclusive(['.', ',', '\n']) {
        let before = cut(whole, text);
        if before.iter().all(|piece| kept.contains(&piece[..])) {
            exact += 1;
            assert_eq!(cut(part, text), before, "{text}");
        }
    }
    assert!(exact > 50, "only {exact} parts of other text use the pair's pieces alone");
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
        FileBytes::open_set(std::path::Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/public/models/stories-base.gguf"
        )))
        .unwrap(),
    )
    .unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let bos = tokenizer.bos.unwrap();
    for text in ["A fox.", "<s>A fox."] {
        let ids: Vec<u32> = tokenizer.encode_prompt(text).unwrap().iter().map(|p| p.id).collect();
        assert_eq!(ids.iter().filter(|id| **id == bos).count(), 1, "{text}");
        assert_eq!(ids[0], bos);
    }
}

#[test]
fn sentence_piece_vocabularies_fall_back_to_bytes() {
    let checkpoint = sentence_piece_checkpoint();
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert!(tokenizer.add_bos);
    let pieces = tokenizer.encode("hello é").unwrap();
    let texts: Vec<&[u8]> = pieces.iter().map(|p| tokenizer.token_bytes(p.id)).collect();
    assert_eq!(texts, [b" hello".as_slice(), b" ", &[0xC3], &[0xA9]]);
    assert_eq!(pieces[0].span, 0..5); // the space SentencePiece puts in front is nobody's
    assert_eq!(pieces.last().unwrap().span.end, "hello é".len());
    assert_eq!(tokenizer.encode_prompt("a").unwrap()[0].id, 1);
    assert_eq!((tokenizer.eos, tokenizer.stops.as_slice()), (Some(1), [1, 2].as_slice()));
}

fn sentence_piece_checkpoint() -> Checkpoint {
    Checkpoint::open(vec![Box::new(MemoryBytes::new("spm.gguf", sentence_piece()))]).unwrap()
}

/// The pieces of ids, spelled with what divides them.
fn spelled(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    ids.iter().map(|&id| String::from_utf8_lossy(tokenizer.token_bytes(id)).into_owned()).collect::<Vec<_>>().join("|")
}

#[test]
fn a_response_is_read_as_the_model_says_it() {
    let checkpoint = sentence_piece_checkpoint();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let read = |text: &str| spelled(tokenizer, &tokenizer.encode_response(text).unwrap());
    assert_eq!(read("hello the"), " hello| the"); // typed
    assert_eq!(read(" hello the"), " hello| the"); // said by the model
    assert_eq!(read("  hello"), " | hello");
    assert_eq!(read("\nhello"), "\n|hello");
    assert_eq!((read(""), read(" ")), (String::new(), " ".into()));
    let bundled = Tiny::default().checkpoint();
    let bytes = bundled.tokenizer().unwrap();
    assert_eq!(spelled(bytes, &bytes.encode_response(" he").unwrap()), " |he");
    assert_eq!(spelled(bytes, &bytes.encode_response("he").unwrap()), "he");
}

/// What the page does where two models share a response but not a tokenizer: the text of the tokens is read again.
#[test]
fn the_text_of_a_response_gives_its_tokens_again() {
    for bytes in [sentence_piece(), Tiny::default().gguf()] {
        let checkpoint = Checkpoint::open(vec![Box::new(MemoryBytes::new("m.gguf", bytes))]).unwrap();
        let mut runner = Runner::load_at_once(checkpoint, "m.gguf").unwrap();
        for text in [" hello the\nhello", " the é hell", "\n\n the", "  the", " a\n", "\thello"] {
            let ids = runner.checkpoint().tokenizer().unwrap().encode_response(text).unwrap();
            let said = answer(&mut runner, "a", Response::Ids { ids: ids.clone() });
            // a token may hold part of a character: the text is that of the bytes together
            let said: Vec<u8> = said.iter().flat_map(|t| t.bytes.clone().unwrap_or(t.text.clone().into())).collect();
            assert_eq!(String::from_utf8(said.clone()).unwrap(), text);
            let again = answer(&mut runner, "a", Response::Text { text: String::from_utf8(said).unwrap() });
            assert_eq!(again.iter().map(|t| t.id).collect::<Vec<_>>(), ids, "{text:?}");
        }
    }
}

fn answer(runner: &mut Runner, prompt: &str, response: Response) -> Vec<ResponseToken> {
    let run = Run { by: By::Word, mode: Mode::Off, ..Run::by_token(Prompt::text(prompt, Template::Off), response) };
    block_on(runner.run(&run, no_clock, &mut quiet)).unwrap().response
}

#[test]
fn a_plain_template_ends_directly_before_the_answer() {
    let runner = Runner::load_at_once(sentence_piece_checkpoint(), "spm.gguf").unwrap();
    // Jinja drops the newline that ends a source: one that the model is to read stands in an expression
    let source = "the hello:\n{{ messages[0]['content'] }}\n{{ 'the:\\n' }}".to_owned();
    let prompt = Prompt::text("hello a", Template::Given { source });
    let (tokens, text) = runner.prepare(&prompt).unwrap();
    let read: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(read, ["<s>", " the", " hello", ":", "\n", "hello", " a", "\n", "t", "he", ":", "\n"]);
    let own: Vec<&str> = tokens.iter().filter(|t| t.role == Role::User).map(|t| &text[t.span.clone()]).collect();
    assert_eq!((own, text.as_str()), (vec!["hello", " a"], "hello a"));
}

/// The highest of the tokens that stop an answer is not always the one that ends a sequence.
#[test]
fn a_template_is_given_the_token_that_ends_a_sequence() {
    let checkpoint = sentence_piece_checkpoint();
    assert_eq!(checkpoint.tokenizer().unwrap().stops, [1, 2]);
    let runner = Runner::load_at_once(checkpoint, "spm.gguf").unwrap();
    let source = "{{ messages[0]['content'] }}{{ eos_token }}".to_owned();
    let (tokens, _) = runner.prepare(&Prompt::text("a", Template::Given { source })).unwrap();
    assert_eq!(tokens.last().unwrap().id, 1);
}

/// Llama's whole vocabulary, in a checkpoint that has little else.
fn llamas_vocabulary() -> Option<(std::path::PathBuf, Checkpoint)> {
    use candle_core::quantized::gguf_file::Content;
    let file = shared("vocab/ggml-vocab-llama-spm.gguf")?;
    let content = Content::read(&mut std::fs::File::open(&file).unwrap()).unwrap();
    let metadata: Vec<(&str, Value)> = content
        .metadata
        .iter()
        .filter(|(k, _)| k.starts_with("tokenizer."))
        .map(|(k, v)| (k.as_str(), v.clone()))
        .collect();
    let bytes = Tiny { tied: true, ..Tiny::default() }.gguf_with(32_000, &metadata);
    Some((file, Checkpoint::open(vec![Box::new(MemoryBytes::new("spm.gguf", bytes))]).unwrap()))
}

/// llama.cpp's own answers for Llama's vocabulary.
#[test]
fn llamas_vocabulary_is_read_as_llama_cpp_reads_it() {
    let Some((file, checkpoint)) = llamas_vocabulary() else { return };
    let tokenizer = checkpoint.tokenizer().unwrap();
    let beside = |end: &str| std::fs::read_to_string(file.with_extension(end)).unwrap();
    let (texts, answers) = (beside("gguf.inp"), beside("gguf.out"));
    let texts: Vec<&str> = texts.split("\n__ggml_vocab_test__\n").collect();
    assert!(texts.len() > 40);
    for (text, answer) in texts.iter().zip(answers.lines()) {
        let ids: Vec<u32> = tokenizer.encode(text).unwrap().iter().map(|p| p.id).collect();
        let expected: Vec<u32> = answer.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(ids, expected, "{text:?}");
        let said = tokenizer.encode_response(text).unwrap();
        assert_eq!(tokenizer.encode_response(&tokenizer.decode(&said)).unwrap(), said, "{text:?}");
    }
    // a newline token, and then a word with its space: what an answer after "### Response:\n" is
    assert_eq!(spelled(tokenizer, &tokenizer.encode_response("Once upon").unwrap()), " Once| upon");
}

/// A llama with a SentencePiece vocabulary: scores and byte fallback, and a text that ends with the token that began it.
fn sentence_piece() -> Vec<u8> {
    let mut tokens: Vec<(String, f32, i32)> =
        vec![("<unk>".into(), 0.0, 2), ("<s>".into(), 0.0, 3), ("</s>".into(), 0.0, 3)];
    tokens.extend((0..256).map(|b| (format!("<0x{b:02X}>"), 0.0, 6)));
    for (i, piece) in ["▁a", "he", "ll", "▁the", "hell", "hello", "▁hello", "▁t"].iter().enumerate() {
        tokens.push(((*piece).into(), -(i as f32), 1));
    }
    tokens.extend("▁abcdefghijklmnopqrstuvwxyz:".chars().map(|c| (c.to_string(), -100.0, 1)));
    let array = |f: &dyn Fn(&(String, f32, i32)) -> Value| Value::Array(tokens.iter().map(f).collect());
    let extra = [
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.tokens", array(&|t| Value::String(t.0.clone()))),
        ("tokenizer.ggml.scores", array(&|t| Value::F32(t.1))),
        ("tokenizer.ggml.token_type", array(&|t| Value::I32(t.2))),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(1)),
    ];
    Tiny::default().gguf_with(tokens.len(), &extra)
}

/// Spans count in what the user typed, also where a template trims it, and across the turns of a conversation.
#[test]
fn the_spans_of_a_prompt_spell_what_was_typed() {
    use shiftlens::checkpoint::{Said, Speaker, Turn};
    let runner = Runner::load_at_once(Tiny::default().checkpoint(), "tiny.gguf").unwrap();
    let source = "{% for m in messages %}<{{ m.role }}>{{ m.content.strip() }}{% endfor %}";
    let template = || Template::Given { source: source.into() };
    let told = |tokens: &[PromptToken], text: &str| -> String {
        tokens.iter().filter(|t| t.role == Role::User).map(|t| &text[t.span.clone()]).collect()
    };
    let (tokens, text) = runner.prepare(&Prompt::text("  hi you \n", template())).unwrap();
    assert_eq!((text.as_str(), told(&tokens, &text).as_str()), ("  hi you \n", "hi you"));

    let explained = |speaker, span| Turn { speaker, said: Said::Explained(span) };
    let turns = vec![
        explained(Speaker::System, 0..4),
        Turn { speaker: Speaker::User, said: Said::Other("abc".into()) },
        Turn { speaker: Speaker::Assistant, said: Said::Other("abc".into()) },
        explained(Speaker::User, 6..9),
    ];
    let asked = |turns| Prompt::Text { text: " be \n\nabc".into(), turns, template: template() };
    let (tokens, text) = runner.prepare(&asked(turns.clone())).unwrap();
    assert_eq!(told(&tokens, &text), "beabc");
    let all: String = tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(all, "<system>be<user>abc<assistant>abc<user>abc");
    let last = tokens.iter().rev().find(|t| t.role == Role::User).unwrap();
    assert_eq!(last.span, 8..9);
    // the turns of another text
    assert!(runner.prepare(&asked(vec![explained(Speaker::User, 0..99)])).is_err());
}
