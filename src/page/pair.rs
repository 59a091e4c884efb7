//! What of two models can be compared, by what they say of themselves: told before any tab is opened.

use crate::explain::CheckpointInfo;
use crate::wording::pair as wording;

/// What is not as it is for a base and what was tuned from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differ {
    /// The weights are the same.
    SameWeights,
    /// They seem to be in each other's place.
    Swapped,
    /// They split text into different tokens.
    Tokens {
        /// Numbers of tokens in the vocabularies.
        vocab: [usize; 2],
    },
    /// Their residual streams have different widths.
    Widths([usize; 2]),
    /// They have different numbers of layers.
    Layers([usize; 2]),
    /// Their layers have different numbers of heads.
    Heads([usize; 2]),
    /// Their weights are stored differently.
    Storage,
}

/// What differs between `base` and `tuned`; nothing for a pair as it should be.
pub fn differ(base: &CheckpointInfo, tuned: &CheckpointInfo) -> Vec<Differ> {
    let mut found = Vec::new();
    if !base.weights.is_empty() && base.weights == tuned.weights {
        return vec![Differ::SameWeights];
    }
    // results that were sent, and files written earlier, do not say their widths and heads
    let apart = |of: fn(&CheckpointInfo) -> usize| {
        let both = [of(base), of(tuned)];
        (both[0] != both[1] && !both.contains(&0)).then_some(both)
    };
    if base.tokenizer != tuned.tokenizer {
        found.push(Differ::Tokens { vocab: [base.vocab, tuned.vocab] });
    }
    found.extend(apart(|c| c.width).map(Differ::Widths));
    found.extend(apart(|c| c.layers).map(Differ::Layers));
    found.extend(apart(|c| c.heads).map(Differ::Heads));
    if base.quantization != tuned.quantization {
        found.push(Differ::Storage);
    }
    if base.has_template && !tuned.has_template {
        found.push(Differ::Swapped);
    }
    found
}

impl Differ {
    /// What it is about.
    pub fn title(self) -> String {
        match self {
            Self::SameWeights => wording::SAME_TWICE.into(),
            Self::Swapped => wording::SWAPPED.into(),
            Self::Tokens { vocab: [b, t] } if b != t => wording::other_vocabularies(b, t),
            Self::Tokens { .. } => wording::OTHER_TOKENS.into(),
            Self::Widths([b, t]) => wording::other_widths(b, t),
            Self::Layers([b, t]) => wording::other_layers(b, t),
            Self::Heads([b, t]) => wording::other_heads(b, t),
            Self::Storage => wording::OTHER_STORAGE.into(),
        }
    }

    /// What can be compared all the same, and what cannot.
    pub fn consequence(self) -> String {
        match self {
            Self::SameWeights => wording::ZERO.into(),
            Self::Swapped => wording::OPEN_IN_PLACE.into(),
            Self::Tokens { .. } => wording::BY_WORD_ONLY.into(),
            Self::Widths(_) => wording::NOT_DIRECTIONS.into(),
            Self::Layers([b, t]) => wording::first_layers(b.min(t)),
            Self::Heads([b, t]) => wording::first_heads(b.min(t)),
            Self::Storage => wording::STORAGE_MAY_DIFFER.into(),
        }
    }

    /// Whether something cannot be compared.
    pub fn is_grave(self) -> bool {
        !matches!(self, Self::Storage | Self::Swapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(weights: &str) -> CheckpointInfo {
        CheckpointInfo {
            weights: weights.into(),
            tokenizer: "t".into(),
            quantization: "Q8_0".into(),
            vocab: 100,
            width: 64,
            layers: 12,
            heads: 8,
            ..CheckpointInfo::default()
        }
    }

    #[test]
    fn a_base_and_what_was_tuned_from_it_differ_in_nothing() {
        let tuned = CheckpointInfo { has_template: true, ..info("b") };
        assert_eq!(differ(&info("a"), &tuned), []);
    }

    #[test]
    fn each_difference_is_told_with_what_follows() {
        let changed = |change: fn(&mut CheckpointInfo)| {
            let mut tuned = info("b");
            change(&mut tuned);
            differ(&info("a"), &tuned)
        };
        assert_eq!(changed(|c| c.weights = "a".into()), [Differ::SameWeights]);
        let tokens = changed(|c| (c.tokenizer, c.vocab) = ("u".into(), 120));
        assert_eq!(tokens, [Differ::Tokens { vocab: [100, 120] }]);
        assert!(tokens[0].title().contains("100 and 120") && tokens[0].is_grave());
        assert_eq!(changed(|c| c.width = 128), [Differ::Widths([64, 128])]);
        let layers = changed(|c| c.layers = 10);
        assert_eq!(layers, [Differ::Layers([12, 10])]);
        assert!(layers[0].consequence().contains("the first 10 layers"));
        assert_eq!(changed(|c| c.heads = 9), [Differ::Heads([8, 9])]);
        let storage = changed(|c| c.quantization = "F16".into());
        assert!(storage == [Differ::Storage] && !storage[0].is_grave());
        assert_eq!(changed(|c| (c.width, c.heads) = (0, 0)), [], "sizes that are not known are no difference");
        let base = CheckpointInfo { has_template: true, ..info("a") };
        assert_eq!(differ(&base, &info("b")), [Differ::Swapped]);
    }
}
