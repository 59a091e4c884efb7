//! `tokenizer.json` texts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::checkpoint::CheckpointError;

/// The largest id that is believed; every id up to the largest takes memory.
const MAX_ID: u32 = 1 << 24;

/// Parses a `tokenizer.json` text.
pub(super) fn parse(text: &str) -> Result<tokenizers::Tokenizer, CheckpointError> {
    check_merges(text)?;
    text.parse().map_err(|e: tokenizers::Error| CheckpointError::Tokenizer(e.to_string()))
}

/// One more than the largest id.
pub(super) fn size(tokenizer: &tokenizers::Tokenizer) -> Result<usize, CheckpointError> {
    let largest = tokenizer.get_vocab(true).into_values().max();
    match largest {
        None => Err(CheckpointError::Tokenizer("its vocabulary is empty".into())),
        Some(id) if id >= MAX_ID => Err(CheckpointError::Tokenizer(format!("its largest id, {id}, is too large"))),
        Some(id) => Ok(id as usize + 1),
    }
}

/// The library panics on a merge that makes more than the longest token, and on one shorter than what is to be cut off it: such
/// a file is refused before it sees it.
fn check_merges(text: &str) -> Result<(), CheckpointError> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        model: Model,
    }
    #[derive(Default, Deserialize)]
    struct Model {
        #[serde(default)]
        vocab: LongestKey,
        #[serde(default)]
        merges: LongestMerge,
        #[serde(default)]
        continuing_subword_prefix: Option<String>,
    }
    let model = match serde_json::from_str(text) {
        Ok(File { model }) => model,
        Err(e) => return without_merges(text).then_some(()).ok_or_else(|| CheckpointError::Tokenizer(e.to_string())),
    };
    if model.merges.0 > model.vocab.0 {
        return Err(CheckpointError::Tokenizer("it merges tokens into one that it does not have".into()));
    }
    if model.merges.0 > 0 && model.continuing_subword_prefix.is_some_and(|p| !p.is_empty()) {
        return Err(CheckpointError::Tokenizer("it marks the middles of words, which is not implemented".into()));
    }
    Ok(())
}

/// Whether the text describes another kind of model, which is the library's to judge.
fn without_merges(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|v| v["model"]["merges"].is_null())
}

/// Bytes of a map's longest key; 0 of anything else.
#[derive(Default)]
struct LongestKey(usize);

impl<'de> Deserialize<'de> for LongestKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = LongestKey;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("tokens")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LongestKey, A::Error> {
                let mut longest = 0;
                while let Some((key, _)) = map.next_entry::<Cow<'de, str>, IgnoredAny>()? {
                    longest = longest.max(key.len());
                }
                Ok(LongestKey(longest))
            }
        }
        from.deserialize_map(Keys)
    }
}

/// Bytes of the longest token that a list of merges makes. A merge is two strings, or one with a space between its sides.
#[derive(Default)]
struct LongestMerge(usize);

impl<'de> Deserialize<'de> for LongestMerge {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Merge {
            Sides(String, String),
            Text(String),
        }
        struct Merges;
        impl<'de> Visitor<'de> for Merges {
            type Value = LongestMerge;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("merges")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut merges: A) -> Result<LongestMerge, A::Error> {
                let mut longest = 0;
                while let Some(merge) = merges.next_element::<Merge>()? {
                    longest = longest.max(match merge {
                        Merge::Sides(left, right) => left.len() + right.len(),
                        Merge::Text(text) if text.starts_with("#version") => 0,
                        Merge::Text(text) => text.len().saturating_sub(1),
                    });
                }
                Ok(LongestMerge(longest))
            }
        }
        from.deserialize_seq(Merges)
    }
}
