//! A model's settings under one roof: GGUF's metadata, or Hugging Face's config.json.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::CheckpointError;
use super::gguf::Value;

/// A setting's names: in GGUF, after the family's own, and in config.json. An empty one is not there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(pub &'static str, pub &'static str);

/// Where settings come from.
pub(super) enum Settings<'a> {
    /// Metadata, and the family that prefixes its keys.
    Gguf(&'a HashMap<String, Value>, &'a str),
    /// config.json.
    Json(&'a Json),
}

impl Settings<'_> {
    /// Whether it is GGUF's.
    pub fn is_gguf(&self) -> bool {
        matches!(self, Self::Gguf(..))
    }

    /// As the user finds it in the file.
    fn name(&self, key: Key) -> String {
        match self {
            Self::Gguf(_, family) => format!("{family}.{}", key.0),
            Self::Json(_) => key.1.to_owned(),
        }
    }

    /// Refuses what it says.
    pub fn bad(&self, key: Key, found: impl ToString, problem: &str) -> CheckpointError {
        bad(&self.name(key), found.to_string(), problem)
    }

    fn gguf(&self, key: Key) -> Option<&Value> {
        match self {
            Self::Gguf(metadata, _) if !key.0.is_empty() => metadata.get(&self.name(key)),
            _ => None,
        }
    }

    /// What config.json holds under the key; null where it holds nothing.
    pub fn json(&self, key: &str) -> &Json {
        match self {
            Self::Json(config) if !key.is_empty() => &config[key],
            _ => &Json::Null,
        }
    }

    /// A positive whole number, if it is given.
    pub fn int(&self, key: Key) -> Result<Option<usize>, CheckpointError> {
        let whole = |i: i64| positive(&self.name(key), i).map(Some);
        match (self.gguf(key), self.json(key.1)) {
            (Some(Value::Int(i)), _) => whole(*i),
            (Some(other), _) => Err(self.bad(key, format!("{other:?}"), "a whole number is needed")),
            (None, Json::Null) => Ok(None),
            (None, v) => v.as_i64().ok_or_else(|| self.bad(key, v, "a whole number is needed")).and_then(whole),
        }
    }

    /// The same, which has to be there.
    pub fn need(&self, key: Key) -> Result<usize, CheckpointError> {
        self.int(key)?.ok_or_else(|| CheckpointError::MissingSetting(self.name(key)))
    }

    /// A finite number, if it is given.
    pub fn float(&self, key: Key) -> Result<Option<f64>, CheckpointError> {
        let found = match (self.gguf(key), self.json(key.1)) {
            (Some(Value::Float(f)), _) => *f,
            (Some(Value::Int(i)), _) => *i as f64,
            (Some(other), _) => return Err(self.bad(key, format!("{other:?}"), "a number is needed")),
            (None, Json::Null) => return Ok(None),
            (None, v) => v.as_f64().ok_or_else(|| self.bad(key, v, "a number is needed"))?,
        };
        if found.is_finite() { Ok(Some(found)) } else { Err(self.bad(key, found, "it must be finite")) }
    }

    /// The same, which has to be there.
    pub fn need_float(&self, key: Key) -> Result<f64, CheckpointError> {
        self.float(key)?.ok_or_else(|| CheckpointError::MissingSetting(self.name(key)))
    }

    /// A positive number, or what stands for it.
    pub fn scale(&self, key: Key, default: f64) -> Result<f32, CheckpointError> {
        match self.float(key)? {
            None => Ok(default as f32),
            // also as the f32 that is computed with, and its inverse
            Some(f) if (f as f32).is_normal() && f > 0.0 => Ok(f as f32),
            Some(f) => Err(self.bad(key, f, "it must be positive, and no larger or smaller than an f32 can be")),
        }
    }

    /// A number for every layer, if such a list is given.
    pub fn each_layer(&self, key: Key, layers: usize) -> Result<Option<Vec<i32>>, CheckpointError> {
        match self.gguf(key) {
            Some(Value::Ints(all)) if all.len() == layers => Ok(Some(all.clone())),
            Some(Value::Ints(all)) => Err(self.bad(key, all.len(), "it must name every layer")),
            _ => Ok(None),
        }
    }

    /// Text, if it is given.
    pub fn text(&self, key: Key) -> Option<&str> {
        match self.gguf(key) {
            Some(Value::Str(s)) => Some(s),
            _ => self.json(key.1).as_str(),
        }
    }

    /// Whether config.json says yes; GGUF has no such settings.
    pub fn says(&self, key: &str) -> bool {
        self.json(key).as_bool() == Some(true)
    }
}

fn positive(key: &str, value: i64) -> Result<usize, CheckpointError> {
    match usize::try_from(value) {
        Ok(v) if v > 0 && v < 1 << 31 => Ok(v),
        _ => Err(bad(key, value.to_string(), "it is out of range")),
    }
}

/// Refuses a setting.
pub(super) fn bad(key: &str, found: String, problem: &str) -> CheckpointError {
    CheckpointError::BadSetting { key: key.to_owned(), found, problem: problem.to_owned() }
}
