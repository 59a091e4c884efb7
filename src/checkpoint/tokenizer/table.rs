//! The bytes that every token stands for.

use sha2::{Digest, Sha256};

use super::byte_level::byte_of_char;
use super::vocabulary::{Kind, Vocabulary, byte_token};
use crate::checkpoint::CheckpointError;

/// Bytes by id, and which tokens are control tokens.
#[derive(Default)]
pub(super) struct Table {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    control: Vec<bool>,
}

impl Table {
    /// Of a GGUF file's vocabulary; `byte_level`: tokens are spelled in GPT-2's stand-ins for bytes.
    pub fn of_gguf(vocabulary: &Vocabulary, byte_level: bool) -> Result<Self, CheckpointError> {
        let spelling = Spelling::new(byte_level);
        let mut table = Self::default();
        for (_, token, kind) in vocabulary.iter() {
            if kind.is_special() {
                table.bytes.extend(token.bytes());
            } else {
                spelling.read(token, &mut table.bytes);
            }
            table.end(kind == Kind::Control)?;
        }
        Ok(table)
    }

    /// Of `size` ids of a `tokenizer.json`.
    pub fn of_json(inner: &tokenizers::Tokenizer, size: usize) -> Result<Self, CheckpointError> {
        let byte_level = inner.get_decoder().is_some_and(|d| matches!(d, tokenizers::DecoderWrapper::ByteLevel(_)));
        let (added, spelling) = (inner.get_added_tokens_decoder(), Spelling::new(byte_level));
        let mut table = Self::default();
        for id in (0..=u32::MAX).take(size) {
            let extra = added.get(&id);
            match extra {
                Some(token) => table.bytes.extend(token.content.bytes()),
                None => spelling.read(&inner.id_to_token(id).unwrap_or_default(), &mut table.bytes),
            }
            table.end(extra.is_some_and(|t| t.special))?;
        }
        Ok(table)
    }

    fn end(&mut self, control: bool) -> Result<(), CheckpointError> {
        let end = u32::try_from(self.bytes.len())
            .map_err(|_| CheckpointError::Tokenizer("its tokens take more than 4 GB".into()))?;
        self.ends.push(end);
        self.control.push(control);
        Ok(())
    }

    /// Number of ids.
    pub fn size(&self) -> usize {
        self.ends.len()
    }

    /// Empty for an id out of range.
    pub fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends.get(id - 1).copied().unwrap_or(0) as usize };
        self.ends.get(id).map_or(&[], |&end| &self.bytes[start..end as usize])
    }

    /// Whether it is a control token; no id out of range is.
    pub fn is_control(&self, id: u32) -> bool {
        self.control.get(id as usize).copied().unwrap_or(false)
    }

    /// Equal where all bytes are equal.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.bytes);
        hash.update(bytemuck::cast_slice(&self.ends));
        hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

/// How a vocabulary spells bytes.
enum Spelling {
    ByteLevel(std::collections::HashMap<char, u8>),
    SentencePiece,
}

impl Spelling {
    fn new(byte_level: bool) -> Self {
        if byte_level { Self::ByteLevel(byte_of_char()) } else { Self::SentencePiece }
    }

    fn read(&self, token: &str, into: &mut Vec<u8>) {
        match self {
            Self::ByteLevel(bytes) => into.extend(token.chars().flat_map(|c| bytes.get(&c).copied())),
            Self::SentencePiece => match byte_token(token) {
                Some(byte) => into.push(byte),
                None => into.extend(token.replace('▁', " ").bytes()),
            },
        }
    }
}
