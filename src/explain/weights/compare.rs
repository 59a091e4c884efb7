//! What tuning changed in a head: pairs gained, lost and kept.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::heads::{Head, Pair};

/// A pair by its words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedPair {
    /// The word whose query it is.
    pub query: String,
    /// The word whose key it is.
    pub key: String,
    /// See [`Pair::score`].
    pub score: f32,
}

/// `pairs` of a list of words by their names.
pub fn named(pairs: &[Pair], words: &[String]) -> Vec<NamedPair> {
    let name = |i: u32| words.get(i as usize).cloned().unwrap_or_default();
    pairs.iter().map(|p| NamedPair { query: name(p.query), key: name(p.key), score: p.score }).collect()
}

/// How one head differs between the base and the tuned model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HeadChange {
    /// Pairs of the tuned model only.
    pub gained: Vec<NamedPair>,
    /// Pairs of the base only.
    pub lost: Vec<NamedPair>,
    /// Pairs of both, with the tuned model's scores.
    pub kept: Vec<NamedPair>,
    /// How far the forms lie apart: the root mean square of their difference over that of the base's values, on the
    /// same sample of word pairs. Nothing where the models' words differ, or in the paper's reading.
    pub distance: Option<f32>,
}

impl HeadChange {
    /// Compares the same head of both models, each with its words.
    pub fn between(base: (&Head, &[String]), tuned: (&Head, &[String])) -> Self {
        let (before, after) = (named(&base.0.pairs, base.1), named(&tuned.0.pairs, tuned.1));
        let key = |p: &NamedPair| (p.query.clone(), p.key.clone());
        let old: HashMap<_, ()> = before.iter().map(|p| (key(p), ())).collect();
        let new: HashMap<_, ()> = after.iter().map(|p| (key(p), ())).collect();
        let (kept, gained) = after.into_iter().partition(|p| old.contains_key(&key(p)));
        let lost = before.into_iter().filter(|p| !new.contains_key(&key(p))).collect();
        let distance = (base.1 == tuned.1).then(|| apart(&base.0.sample, &tuned.0.sample)).flatten();
        Self { gained, lost, kept, distance }
    }
}

fn apart(base: &[f32], tuned: &[f32]) -> Option<f32> {
    let square = |v: &mut dyn Iterator<Item = f32>| v.map(|v| f64::from(v).powi(2)).sum::<f64>();
    let size = square(&mut base.iter().copied());
    let gap = square(&mut base.iter().zip(tuned).map(|(b, t)| t - b));
    (size > 0.0 && base.len() == tuned.len()).then(|| (gap / size).sqrt() as f32)
}

/// Of the heads that changed, the share in which `word` occurs in more pairs of the tuned model than of the base
/// (METHODS.md, "Shift statistic"); nothing if no head changed.
pub fn shift(word: &str, changes: &[HeadChange]) -> Option<f64> {
    let changed: Vec<_> = changes.iter().filter(|c| !c.gained.is_empty() || !c.lost.is_empty()).collect();
    let in_pairs = |pairs: &[NamedPair]| pairs.iter().filter(|p| p.query == word || p.key == word).count();
    let more = changed.iter().filter(|c| in_pairs(&c.gained) > in_pairs(&c.lost)).count();
    (!changed.is_empty()).then(|| more as f64 / changed.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|w| (*w).to_owned()).collect()
    }

    fn head(pairs: &[(u32, u32)], sample: &[f32]) -> Head {
        let pairs = pairs.iter().map(|&(query, key)| Pair { query, key, score: 1.0 }).collect();
        Head { pairs, dimensions: Vec::new(), sample: sample.to_vec() }
    }

    #[test]
    fn pairs_are_told_apart_by_word_and_direction() {
        let (one, other) = (words(&["write", "story", "cat"]), words(&["cat", "story", "write"]));
        let base = head(&[(0, 1), (1, 2)], &[1.0]);
        let tuned = head(&[(2, 1), (1, 2)], &[1.0]);
        let change = HeadChange::between((&base, &one), (&tuned, &other));
        let pair = |p: &NamedPair| format!("{} > {}", p.query, p.key);
        assert_eq!(change.kept.iter().map(pair).collect::<Vec<_>>(), ["write > story"]);
        assert_eq!(change.gained.iter().map(pair).collect::<Vec<_>>(), ["story > write"]);
        assert_eq!(change.lost.iter().map(pair).collect::<Vec<_>>(), ["story > cat"]);
        assert_eq!(change.distance, None);
        assert_eq!(shift("write", std::slice::from_ref(&change)), Some(1.0));
        assert_eq!(shift("cat", std::slice::from_ref(&change)), Some(0.0));
        assert_eq!(shift("cat", &[]), None);
    }

    #[test]
    fn the_distance_is_relative() {
        let list = words(&["a", "b"]);
        let change = HeadChange::between((&head(&[], &[3.0, 4.0]), &list), (&head(&[], &[3.0, 4.5]), &list));
        assert!((change.distance.unwrap() - 0.1).abs() < 1e-6);
    }
}
