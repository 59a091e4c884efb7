//! Text to token ids and back, with the bytes of every token.

mod byte_level;
mod json;
mod open;
mod pre_tokenizers;
mod sentence_piece;
mod special;
mod table;
mod vocabulary;

use std::ops::Range;

use super::CheckpointError;
use sentence_piece::SentencePiece;
use special::{Part, Special};
use table::Table;

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
    words: Words,
    /// Found before the words are read; none where the library does it.
    marks: Special,
    table: Table,
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

/// How text between special tokens is read.
enum Words {
    Library(Box<tokenizers::Tokenizer>),
    SentencePiece(Box<SentencePiece>),
}

/// Names that end a turn in the chat formats in use.
const END_OF_TURN: &[&str] = &[
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<|endoftext|>",
    "</s>",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜>",
];

impl Tokenizer {
    /// Number of tokens.
    pub fn vocab(&self) -> usize {
        self.table.size()
    }

    /// Number of ids.
    pub fn size(&self) -> usize {
        self.table.size()
    }

    /// The bytes token `id` stands for; empty for an id out of range.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.table.bytes(id)
    }

    /// Whether `id` is a control token.
    pub fn is_special(&self, id: u32) -> bool {
        self.table.is_control(id)
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

    /// Encodes `text` alone, each token with the bytes of the text it stands for. Special tokens that the text spells are read
    /// as such.
    pub fn encode(&self, text: &str) -> Result<Vec<Piece>, CheckpointError> {
        let mut pieces = Vec::new();
        for part in self.marks.split(text) {
            match part {
                Part::Token(id, span) => pieces.push(Piece { id, span }),
                // between two texts there is a special token: each is a beginning
                Part::Text(span) => match &self.words {
                    Words::SentencePiece(words) => words.encode(&text[span.clone()], span.start, &mut pieces),
                    Words::Library(words) => self.encode_with(words, &text[span.clone()], span.start, &mut pieces)?,
                },
            }
        }
        match pieces.iter().find(|p| p.id as usize >= self.size()) {
            Some(p) => {
                Err(CheckpointError::Tokenizer(format!("it gives token {}, which the model does not have", p.id)))
            }
            None => Ok(pieces),
        }
    }

    /// What the library makes of `text`, which lies at `at` of a longer one.
    fn encode_with(
        &self,
        words: &tokenizers::Tokenizer,
        text: &str,
        at: usize,
        into: &mut Vec<Piece>,
    ) -> Result<(), CheckpointError> {
        let encoding = words.encode(text, false).map_err(|e| CheckpointError::Tokenizer(e.to_string()))?;
        let ids = encoding.get_ids();
        let pieces = self.exact_spans(text, ids).unwrap_or_else(|| {
            // The tokenizer rewrote the text (normalisation): its own offsets are the best there is.
            let offsets = encoding.get_offsets();
            ids.iter().zip(offsets).map(|(&id, &(a, b))| Piece { id, span: a..b.max(a) }).collect()
        });
        into.extend(pieces.into_iter().map(|p| Piece { id: p.id, span: at + p.span.start..at + p.span.end }));
        Ok(())
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
