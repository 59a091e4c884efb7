//! Tokenizers from the files they come in.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::pre_tokenizers::PreTokenizer;
use super::special::Special;
use super::table::Table;
use super::vocabulary::{Kind, Metadata, Vocabulary};
use super::{END_OF_TURN, SentencePiece, Tokenizer, Words, byte_level, json};
use crate::checkpoint::CheckpointError;
use crate::checkpoint::bytes::{ByteSource, read_text};
use crate::checkpoint::gguf::{self, Header, Value};

/// Tokens that begin and end texts.
struct Bounds {
    bos: Option<u32>,
    add_bos: bool,
    eos: Option<u32>,
    stops: Vec<u32>,
}

/// What to do about a vocabulary that is not read here.
const INSTEAD: &str = "put the model's tokenizer.json beside the file, which is then read in its place";

impl Tokenizer {
    /// Opens a vocabulary alone: of a GGUF file, with or without a model in it, or of a `tokenizer.json` (with config.json and
    /// tokenizer_config.json where they are there).
    pub fn open(files: &[Box<dyn ByteSource>]) -> Result<Self, CheckpointError> {
        let find = |name: &str| files.iter().find(|f| f.name() == name).map(|f| f.as_ref());
        let is_gguf = |f: &&dyn ByteSource| {
            let mut magic = [0; 4];
            f.size() >= 4 && f.read_at(0, &mut magic).is_ok() && &magic == gguf::MAGIC
        };
        if let Some(file) = files.iter().map(|f| f.as_ref()).find(is_gguf) {
            let metadata = Header::read(file, 0)?.metadata;
            return Self::from_gguf(&metadata, find("tokenizer.json"))?.ok_or(CheckpointError::MissingTokenizer);
        }
        let only = || files.first().filter(|f| files.len() == 1 && f.name().ends_with(".json")).map(|f| f.as_ref());
        let file = find("tokenizer.json").or_else(only).ok_or(CheckpointError::MissingTokenizer)?;
        let beside = |name: &str| match find(name) {
            Some(file) => serde_json::from_str(&read_text(file)?)
                .map_err(|e| CheckpointError::Damaged(format!("“{name}” is not valid JSON: {e}"))),
            None => Ok(Json::Null),
        };
        Self::from_json(&read_text(file)?, &beside("config.json")?, &beside("tokenizer_config.json")?, None)
    }

    /// The tokenizer that GGUF metadata describes, if it describes one; `own`: a `tokenizer.json` to read instead.
    pub(in crate::checkpoint) fn from_gguf(
        map: &HashMap<String, Value>,
        own: Option<&dyn ByteSource>,
    ) -> Result<Option<Self>, CheckpointError> {
        let metadata = Metadata(map);
        let model = metadata.text("model").unwrap_or_default();
        if let Some(own) = own {
            let inner = json::parse(&read_text(own)?)?;
            let size = metadata.texts("tokens").map_or_else(|| json::size(&inner), |tokens| Ok(tokens.len()))?;
            let add_bos = model == "llama" || pre_tokenizer(&metadata).is_ok_and(|p| p.add_bos);
            let table = Table::of_json(&inner, size)?;
            let bounds = bounds_of_gguf(&metadata, add_bos);
            let named = end_of_turn(&inner, &table);
            return Ok(Some(Self::new(Words::Library(Box::new(inner)), Special::default(), table, bounds, named)));
        }
        let Some(vocabulary) = Vocabulary::read(&metadata)? else { return Ok(None) };
        let (words, add_bos) = match model {
            "gpt2" => {
                let pre = pre_tokenizer(&metadata)?;
                let merges = metadata.texts("merges");
                let merges = merges.ok_or_else(|| CheckpointError::Tokenizer("its merges are missing".into()))?;
                (Words::Library(Box::new(byte_level::build(&vocabulary, merges, &pre)?)), pre.add_bos)
            }
            "llama" => (Words::SentencePiece(Box::new(sentence_piece(&metadata, &vocabulary)?)), true),
            "" => return Ok(None),
            other => {
                return Err(CheckpointError::Tokenizer(format!("its kind “{other}” is not implemented; {INSTEAD}")));
            }
        };
        let strips = model == "llama" && metadata.is_phi3();
        let marks = vocabulary.iter().filter(|(_, _, kind)| kind.is_special());
        let marks = Special::new(marks.map(|(id, text, _)| (text, id, strips && swallows(text))));
        let table = Table::of_gguf(&vocabulary, model == "gpt2")?;
        let named = vocabulary.iter().filter(|(_, text, kind)| *kind == Kind::Control && END_OF_TURN.contains(text));
        let named = named.map(|(id, ..)| id).collect();
        Ok(Some(Self::new(words, marks, table, bounds_of_gguf(&metadata, add_bos), named)))
    }

    /// The tokenizer of a `tokenizer.json`; `vocab`: how many ids the model has, where there is a model.
    pub(in crate::checkpoint) fn from_json(
        text: &str,
        config: &Json,
        tokenizer_config: &Json,
        vocab: Option<usize>,
    ) -> Result<Self, CheckpointError> {
        let inner = json::parse(text)?;
        let ids = |v: &Json| -> Vec<u32> {
            let one = |v: &Json| v.as_u64().and_then(|i| u32::try_from(i).ok());
            v.as_array().map_or_else(|| one(v).into_iter().collect(), |a| a.iter().filter_map(one).collect())
        };
        let named = |key: &str| {
            let v = &tokenizer_config[key];
            v.as_str().or(v["content"].as_str()).and_then(|t| inner.token_to_id(t))
        };
        let bos = named("bos_token").or(ids(&config["bos_token_id"]).first().copied());
        // The post-processor knows whether this family starts its texts with BOS.
        let marked = inner.encode("a", true).map_err(|e| CheckpointError::Tokenizer(e.to_string()))?;
        let add_bos = bos.is_some() && marked.get_ids().first().copied() == bos;
        let mut stops = ids(&config["eos_token_id"]);
        let eos = named("eos_token").or(stops.first().copied());
        stops.extend(eos);
        let size = vocab.map_or_else(|| json::size(&inner), Ok)?;
        let table = Table::of_json(&inner, size)?;
        let ends = end_of_turn(&inner, &table);
        let bounds = Bounds { bos, add_bos, eos, stops };
        Ok(Self::new(Words::Library(Box::new(inner)), Special::default(), table, bounds, ends))
    }

    /// `named`: tokens that end a turn by their names.
    fn new(words: Words, marks: Special, table: Table, bounds: Bounds, named: Vec<u32>) -> Self {
        let known = |id: &u32| (*id as usize) < table.size();
        let mut stops = bounds.stops;
        stops.extend(named);
        stops.retain(known);
        stops.sort_unstable();
        stops.dedup();
        let (bos, eos) = (bounds.bos.filter(known), bounds.eos.filter(known));
        let fingerprint = table.fingerprint();
        let add_bos = bounds.add_bos;
        let mut made = Self { words, marks, table, bos, add_bos, eos, stops, leading_space: false, fingerprint };
        let probe = made.encode("a").unwrap_or_default();
        made.leading_space = probe.first().is_some_and(|p| made.token_bytes(p.id).first() == Some(&b' '));
        made
    }
}

fn pre_tokenizer(metadata: &Metadata) -> Result<PreTokenizer, CheckpointError> {
    let name = metadata.text("pre").unwrap_or("default");
    PreTokenizer::named(name)
        .ok_or_else(|| CheckpointError::Tokenizer(format!("its pre-tokenizer “{name}” is not implemented; {INSTEAD}")))
}

fn sentence_piece(metadata: &Metadata, vocabulary: &Vocabulary) -> Result<SentencePiece, CheckpointError> {
    let scores = metadata.scores(vocabulary.tokens.len())?;
    let in_range = |id: &u32| (*id as usize) < vocabulary.tokens.len();
    let unknown = metadata.id("unknown_token_id").filter(in_range).unwrap_or(0);
    let prefix = metadata.flag("add_space_prefix").unwrap_or(true);
    Ok(SentencePiece::new(vocabulary, scores, unknown, prefix))
}

/// Of phi-3's special tokens, those that llama.cpp lets swallow the white space after them.
fn swallows(text: &str) -> bool {
    !matches!(text, "<unk>" | "<s>" | "<|endoftext|>")
}

/// `add_bos`: where the file does not say.
fn bounds_of_gguf(metadata: &Metadata, add_bos: bool) -> Bounds {
    // SentencePiece's own numbers, where the file is silent
    let usual = |id: u32| (metadata.text("model") == Some("llama")).then_some(id);
    let eos = metadata.id("eos_token_id").or(usual(2));
    Bounds {
        bos: metadata.id("bos_token_id").or(usual(1)),
        add_bos: metadata.flag("add_bos_token").unwrap_or(add_bos),
        eos,
        stops: [eos, metadata.id("eot_token_id"), metadata.id("eom_token_id")].into_iter().flatten().collect(),
    }
}

/// Control tokens that end a turn by their names.
fn end_of_turn(inner: &tokenizers::Tokenizer, table: &Table) -> Vec<u32> {
    END_OF_TURN.iter().filter_map(|t| inner.token_to_id(t)).filter(|id| table.is_control(*id)).collect()
}
