//! Text to token ids and back, with the bytes of every token.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::CheckpointError;
use super::gguf::Value;

/// One token of an encoded text.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its id.
    pub id: u32,
    /// The bytes of the text it stands for; empty for a token that stands for none (BOS).
    pub span: Range<usize>,
}

/// A checkpoint's tokenizer, its special tokens, and each token's bytes.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    special: Vec<bool>,
    /// The beginning-of-sequence token, if the model has one.
    pub bos: Option<u32>,
    /// Whether texts start with it.
    pub add_bos: bool,
    /// The end-of-sequence token, if the model has one.
    pub eos: Option<u32>,
    /// Tokens that end a response: end of sequence, end of turn.
    pub stops: Vec<u32>,
    /// Whether a text is read with a space in front that nobody wrote (SentencePiece).
    leading_space: bool,
    /// Equal exactly where two tokenizers give every id the same text.
    pub fingerprint: String,
}

/// Names that end a turn in the chat formats in use.
const END_OF_TURN: &[&str] =
    &["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|end_of_text|>"];

impl Tokenizer {
    pub(super) fn from_gguf(
        inner: tokenizers::Tokenizer,
        metadata: &HashMap<String, Value>,
    ) -> Result<Self, CheckpointError> {
        let id = |key: &str| match metadata.get(&format!("tokenizer.ggml.{key}")) {
            Some(Value::Int(id)) => u32::try_from(*id).ok(),
            _ => None,
        };
        let sentence_piece = matches!(metadata.get("tokenizer.ggml.model"), Some(Value::Str(s)) if s == "llama");
        let add_bos = match metadata.get("tokenizer.ggml.add_bos_token") {
            Some(Value::Bool(b)) => *b,
            // llama.cpp's defaults where the file is silent
            _ => {
                sentence_piece || matches!(metadata.get("tokenizer.ggml.pre"), Some(Value::Str(s)) if s == "llama-bpe")
            }
        };
        let size = match metadata.get("tokenizer.ggml.tokens") {
            Some(Value::Strings(tokens)) => tokens.len(),
            _ => inner.get_vocab_size(true),
        };
        let stops = [id("eos_token_id"), id("eot_token_id"), id("eom_token_id")];
        let ends = (id("eos_token_id"), stops.into_iter().flatten().collect());
        Self::new(inner, size, (id("bos_token_id"), add_bos), ends)
    }

    pub(super) fn from_json(
        inner: tokenizers::Tokenizer,
        config: &Json,
        tokenizer_config: &Json,
        vocab: usize,
    ) -> Result<Self, CheckpointError> {
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
        Self::new(inner, vocab, (bos, add_bos), (eos, stops))
    }

    /// Number of tokens.
    pub fn vocab(&self) -> usize {
        self.ends.len()
    }

    /// `begins`: the token that begins a text, and whether texts get it; `eos_and_stops`: the token that ends one, and all
    /// that do.
    fn new(
        inner: tokenizers::Tokenizer,
        size: usize,
        (bos, add_bos): (Option<u32>, bool),
        (eos, mut stops): (Option<u32>, Vec<u32>),
    ) -> Result<Self, CheckpointError> {
        let byte_level = inner.get_decoder().is_some_and(|d| matches!(d, tokenizers::DecoderWrapper::ByteLevel(_)));
        let from_char = byte_of_char();
        let added = inner.get_added_tokens_decoder();
        let (mut bytes, mut ends, mut special) = (Vec::new(), Vec::with_capacity(size), Vec::with_capacity(size));
        for id in 0..size as u32 {
            let extra = added.get(&id);
            special.push(extra.is_some_and(|t| t.special));
            let text = inner.id_to_token(id).unwrap_or_default();
            match extra {
                Some(token) => bytes.extend(token.content.bytes()),
                None if byte_level => bytes.extend(text.chars().flat_map(|c| from_char.get(&c).copied())),
                None => match byte_token(&text) {
                    Some(byte) => bytes.push(byte),
                    None => bytes.extend(text.replace('▁', " ").bytes()),
                },
            }
            ends.push(bytes.len() as u32);
        }
        stops.extend(END_OF_TURN.iter().filter_map(|t| inner.token_to_id(t)).filter(|id| added.contains_key(id)));
        stops.sort_unstable();
        stops.dedup();
        stops.retain(|id| (*id as usize) < size);
        let mut hash = Sha256::new();
        hash.update(&bytes);
        hash.update(bytemuck::cast_slice(&ends));
        let fingerprint = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let known = |id: &u32| (*id as usize) < size;
        let (bos, eos) = (bos.filter(known), eos.filter(known));
        let mut made =
            Self { inner, bytes, ends, special, bos, add_bos, eos, stops, leading_space: false, fingerprint };
        let probe = made.encode("a").unwrap_or_default();
        made.leading_space = probe.first().is_some_and(|p| made.token_bytes(p.id).first() == Some(&b' '));
        Ok(made)
    }

    /// Number of ids.
    pub fn size(&self) -> usize {
        self.ends.len()
    }

    /// The bytes token `id` stands for; empty for an id out of range.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends.get(id - 1).copied().unwrap_or(0) as usize };
        self.ends.get(id).map_or(&[], |&end| &self.bytes[start..end as usize])
    }

    /// Whether `id` is a control token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.get(id as usize).copied().unwrap_or(false)
    }

    /// A control token's text, empty where there is none.
    pub fn text_of(&self, id: Option<u32>) -> String {
        id.map(|id| String::from_utf8_lossy(self.token_bytes(id)).into_owned()).unwrap_or_default()
    }

    /// The text of `ids`; bytes that are no UTF-8 on their own show as U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Encodes `text`, with BOS before it where the model wants one and the text has none.
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<Piece>, CheckpointError> {
        let mut pieces = self.encode(text)?;
        if let Some(bos) = self.bos.filter(|_| self.add_bos)
            && pieces.first().map(|p| p.id) != Some(bos)
        {
            pieces.insert(0, Piece { id: bos, span: 0..0 });
        }
        Ok(pieces)
    }

    /// The ids of a response that says `text`, as the model would say it.
    ///
    /// SentencePiece has words begin with their space: an answer begins with `▁Once`, whose text is " Once", and one that is
    /// typed as "Once" means the same. A text that begins with other white space is read as it is. Byte-level vocabularies
    /// read every text as it is. So the text of a response's tokens gives these tokens again.
    pub fn encode_response(&self, text: &str) -> Result<Vec<u32>, CheckpointError> {
        let ids = |text: &str| Ok(self.encode(text)?.iter().map(|p| p.id).collect::<Vec<u32>>());
        if !self.leading_space {
            return ids(text);
        }
        match text.strip_prefix(' ') {
            Some("") => Ok((0..self.size() as u32).find(|id| self.token_bytes(*id) == b" ").into_iter().collect()),
            Some(rest) => ids(rest),
            None => {
                let mut ids = ids(text)?;
                // merged with nothing, the space in front has no say in how the rest is read
                if text.starts_with(char::is_whitespace) && ids.first().is_some_and(|id| self.token_bytes(*id) == b" ")
                {
                    ids.remove(0);
                }
                Ok(ids)
            }
        }
    }

    /// Encodes `text` alone, each token with the bytes of the text it stands for.
    pub fn encode(&self, text: &str) -> Result<Vec<Piece>, CheckpointError> {
        let encoding = self.inner.encode(text, false).map_err(|e| CheckpointError::Tokenizer(e.to_string()))?;
        let ids = encoding.get_ids();
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.size()) {
            return Err(CheckpointError::Tokenizer(format!("it gives token {id}, which the model does not have")));
        }
        Ok(self.exact_spans(text, ids).unwrap_or_else(|| {
            // The tokenizer rewrote the text (normalisation): its own offsets are the best there is.
            let offsets = encoding.get_offsets();
            ids.iter().zip(offsets).map(|(&id, &(a, b))| Piece { id, span: a..b.max(a) }).collect()
        }))
    }

    /// Spans by adding up the tokens' bytes, where these spell the text exactly (or with SentencePiece's leading space).
    fn exact_spans(&self, text: &str, ids: &[u32]) -> Option<Vec<Piece>> {
        let spelled: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id)).copied().collect();
        let shift = if spelled == text.as_bytes() {
            0
        } else if spelled.first() == Some(&b' ') && &spelled[1..] == text.as_bytes() {
            1
        } else {
            return None;
        };
        let mut at = 0usize;
        Some(
            ids.iter()
                .map(|&id| {
                    let start = at;
                    at += self.token_bytes(id).len();
                    Piece { id, span: start.saturating_sub(shift)..at.saturating_sub(shift) }
                })
                .collect(),
        )
    }
}

/// `<0x0A>` and its like.
fn byte_token(text: &str) -> Option<u8> {
    let hex = text.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok())?
}

/// GPT-2's printable stand-ins for bytes, read backwards.
fn byte_of_char() -> HashMap<char, u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256u32;
    (0..=255u8)
        .filter_map(|b| {
            let c = if printable(b) {
                char::from(b)
            } else {
                let c = char::from_u32(next);
                next += 1;
                c?
            };
            Some((c, b))
        })
        .collect()
}
