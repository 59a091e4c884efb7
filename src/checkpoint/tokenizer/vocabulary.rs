//! What GGUF metadata says of a vocabulary, held against itself.

use std::collections::HashMap;

use crate::checkpoint::CheckpointError;
use crate::checkpoint::gguf::Value;

/// What a token is for (`tokenizer.ggml.token_type`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A piece of text.
    Normal,
    /// Stands for what the vocabulary lacks.
    Unknown,
    /// Never a piece of what somebody wrote: ends, roles.
    Control,
    /// Whole wherever it appears in a text.
    UserDefined,
    /// Has no use.
    Unused,
    /// One byte of a character that has no token.
    Byte,
}

impl Kind {
    /// Whether it is found in a text before the words are read.
    pub fn is_special(self) -> bool {
        matches!(self, Self::Control | Self::UserDefined | Self::Unknown)
    }
}

/// Metadata under `tokenizer.ggml.`.
pub(super) struct Metadata<'a>(pub &'a HashMap<String, Value>);

impl Metadata<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&format!("tokenizer.ggml.{key}"))
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Str(s)) => Some(s),
            _ => None,
        }
    }

    /// The flag under `key`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The token id under `key`.
    pub fn id(&self, key: &str) -> Option<u32> {
        match self.get(key) {
            Some(Value::Int(id)) => u32::try_from(*id).ok(),
            _ => None,
        }
    }

    /// The texts under `key`.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.get(key) {
            Some(Value::Strings(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A score for each of `size` tokens.
    pub fn scores(&self, size: usize) -> Result<Vec<f32>, CheckpointError> {
        let scores = match self.get("scores") {
            Some(Value::Floats(scores)) => scores.clone(),
            Some(Value::Ints(scores)) => scores.iter().map(|s| *s as f32).collect(),
            _ => return Err(CheckpointError::Tokenizer("its scores are missing".into())),
        };
        if scores.len() < size {
            return Err(too_few("scores", scores.len(), size));
        }
        Ok(scores)
    }

    /// Whether the model is a phi-3, whose special tokens swallow the white space after them. No file says that of a token:
    /// llama.cpp goes by the model's name.
    pub fn is_phi3(&self) -> bool {
        let text = |key: &str| match self.0.get(key) {
            Some(Value::Str(s)) => s.to_lowercase(),
            _ => String::new(),
        };
        let name = text("general.name");
        name.contains("phi-3") || name.contains("phi3") || text("general.architecture") == "phi3"
    }
}

/// Tokens and what they are for.
pub(super) struct Vocabulary<'a> {
    /// Text by id.
    pub tokens: &'a [String],
    /// As many as tokens.
    pub kinds: Vec<Kind>,
}

impl<'a> Vocabulary<'a> {
    /// The vocabulary of a GGUF file, or nothing where it has none.
    pub fn read(metadata: &'a Metadata) -> Result<Option<Self>, CheckpointError> {
        let Some(tokens) = metadata.texts("tokens") else { return Ok(None) };
        if tokens.is_empty() {
            return Err(CheckpointError::Tokenizer("its vocabulary is empty".into()));
        }
        if u32::try_from(tokens.len()).is_err() {
            return Err(CheckpointError::Tokenizer(format!("its vocabulary of {} tokens is too large", tokens.len())));
        }
        let kinds: Vec<Kind> = match metadata.get("token_type") {
            Some(Value::Ints(codes)) if codes.len() < tokens.len() => {
                return Err(too_few("token types", codes.len(), tokens.len()));
            }
            Some(Value::Ints(codes)) => codes.iter().take(tokens.len()).map(|code| kind(*code)).collect(),
            _ => tokens.iter().map(|t| if byte_token(t).is_some() { Kind::Byte } else { Kind::Normal }).collect(),
        };
        Ok(Some(Self { tokens, kinds }))
    }

    /// Ids with text and kind.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &'a str, Kind)> + '_ {
        (0u32..).zip(self.tokens.iter().zip(&self.kinds)).map(|(id, (token, kind))| (id, token.as_str(), *kind))
    }
}

fn kind(code: i32) -> Kind {
    match code {
        2 => Kind::Unknown,
        3 => Kind::Control,
        4 => Kind::UserDefined,
        5 => Kind::Unused,
        6 => Kind::Byte,
        _ => Kind::Normal,
    }
}

fn too_few(what: &str, have: usize, need: usize) -> CheckpointError {
    CheckpointError::Tokenizer(format!("it has {have} {what} for {need} tokens; fetch the file again"))
}

/// `<0x0A>` and its like.
pub(super) fn byte_token(text: &str) -> Option<u8> {
    let hex = text.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok())?
}
