//! What tuning changed in a head: pairs gained, lost and kept.

use std::collections::HashSet;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::atlas::{LayerHeads, NamedHead};
use super::heads::Pair;
use crate::explain::INSTRUCTION_VERBS;
use crate::explain::chance::Chance;

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

impl NamedPair {
    /// Whether `word` is one of the two.
    pub fn has(&self, word: &str) -> bool {
        self.query == word || self.key == word
    }
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
    /// Compares the pairs of the base with those of the tuned model.
    pub fn of(base: &[NamedPair], tuned: &[NamedPair]) -> Self {
        let key = |p: &NamedPair| (p.query.clone(), p.key.clone());
        let old: HashSet<_> = base.iter().map(key).collect();
        let new: HashSet<_> = tuned.iter().map(key).collect();
        let (kept, gained) = tuned.iter().cloned().partition(|p| old.contains(&key(p)));
        let lost = base.iter().filter(|p| !new.contains(&key(p))).cloned().collect();
        Self { gained, lost, kept, distance: None }
    }

    /// Compares every head of a layer; samples are compared where both models' words are the same.
    pub fn of_layer(base: &LayerHeads, tuned: &LayerHeads) -> Vec<Self> {
        let one = |(b, t): (&NamedHead, &NamedHead)| {
            let distance = (base.words == tuned.words).then(|| relative_difference(&b.sample.0, &t.sample.0)).flatten();
            Self { distance, ..Self::of(&b.pairs, &t.pairs) }
        };
        base.heads.iter().zip(&tuned.heads).map(one).collect()
    }

    /// The pairs that `filter` keeps.
    pub fn filtered(&self, filter: &Filter) -> Self {
        let keep = |pairs: &[NamedPair]| pairs.iter().filter(|p| filter.keeps(p)).cloned().collect();
        Self { gained: keep(&self.gained), lost: keep(&self.lost), kept: keep(&self.kept), distance: self.distance }
    }

    /// How many pairs were gained, lost and kept that `filter` keeps.
    pub fn counts(&self, filter: &Filter) -> [usize; 3] {
        [&self.gained, &self.lost, &self.kept].map(|pairs| pairs.iter().filter(|p| filter.keeps(p)).count())
    }
}

/// Which pairs are of interest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// One of the words begins with this, in lower case; empty for any.
    pub word: String,
    /// One of the words is an instruction verb of the paper.
    pub verbs: bool,
}

impl Filter {
    /// Whether `pair` is.
    pub fn keeps(&self, pair: &NamedPair) -> bool {
        let begins = |w: &str| w.to_lowercase().starts_with(&self.word);
        let verb = |w: &str| INSTRUCTION_VERBS.contains(&w);
        (self.word.is_empty() || begins(&pair.query) || begins(&pair.key))
            && (!self.verbs || verb(&pair.query) || verb(&pair.key))
    }
}

fn relative_difference(base: &[f32], tuned: &[f32]) -> Option<f32> {
    let square = |v: &mut dyn Iterator<Item = f32>| v.map(|v| f64::from(v).powi(2)).sum::<f64>();
    let size = square(&mut base.iter().copied());
    let gap = square(&mut base.iter().zip(tuned).map(|(b, t)| t - b));
    (size > 0.0 && !base.is_empty() && base.len() == tuned.len()).then(|| (gap / size).sqrt() as f32)
}

/// The share of each base head's pairs that each tuned head has too, `[base][tuned]`: a head against itself, and against
/// the other heads of its layer, which say what chance gives.
pub fn kept(base: &LayerHeads, tuned: &LayerHeads) -> Vec<Vec<f32>> {
    let pairs = |h: &NamedHead| h.pairs.iter().map(|p| (p.query.clone(), p.key.clone())).collect::<HashSet<_>>();
    let tuned: Vec<HashSet<_>> = tuned.heads.iter().map(pairs).collect();
    let share = |b: &HashSet<_>, t: &HashSet<_>| b.intersection(t).count() as f32 / b.len().max(1) as f32;
    base.heads.iter().map(pairs).map(|b| tuned.iter().map(|t| share(&b, t)).collect()).collect()
}

/// How many of their pairs heads keep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The mean share of a head's pairs that tuning left.
    pub own: f64,
    /// The mean share that another head of its layer has in the tuned model.
    pub others: f64,
    /// How often heads keep as much if they are confused within their layers.
    pub chance: Chance,
}

impl Kept {
    /// From [`kept`] of some layers; nothing if no layer has two heads.
    pub fn of(layers: &[&Vec<Vec<f32>>]) -> Option<Self> {
        let square = |l: &&&Vec<Vec<f32>>| l.len() > 1 && l.iter().all(|row| row.len() == l.len());
        let layers: Vec<&Vec<Vec<f32>>> = layers.iter().filter(square).copied().collect();
        let heads = layers.iter().map(|l| l.len()).sum::<usize>() as f64;
        let pairs = layers.iter().map(|l| l.len() * (l.len() - 1)).sum::<usize>() as f64;
        let own: f64 = layers.iter().flat_map(|l| l.iter().enumerate().map(|(i, row)| f64::from(row[i]))).sum();
        let all: f64 = layers.iter().flat_map(|l| l.iter().flatten()).map(|v| f64::from(*v)).sum();
        let mut order: Vec<usize> = Vec::new();
        (heads > 0.0).then(|| Self {
            own: own / heads,
            others: (all - own) / pairs,
            chance: Chance::of(own / heads, SEED, |rng| {
                let mut sum = 0.0;
                for layer in &layers {
                    order.clear();
                    order.extend(0..layer.len());
                    order.shuffle(rng);
                    sum += layer.iter().zip(&order).map(|(row, at)| f64::from(row[*at])).sum::<f64>();
                }
                sum / heads
            }),
        })
    }

    /// Whether a head is no more like itself than like any other head of its layer.
    pub fn by_chance(&self) -> bool {
        self.chance.p() >= 0.05
    }
}

const SEED: u64 = 5;

/// Of the heads in which the number of pairs with `word` changed, the share in which it rose (METHODS.md, "Shift
/// statistic"); nothing if it changed in no head.
pub fn shift<C: std::borrow::Borrow<HeadChange>>(word: &str, changes: &[C]) -> Option<f64> {
    let in_pairs = |pairs: &[NamedPair]| pairs.iter().filter(|p| p.has(word)).count();
    let moved = changes.iter().map(|c| (in_pairs(&c.borrow().gained), in_pairs(&c.borrow().lost)));
    let (rose, fell) = moved.fold((0, 0), |(rose, fell), (gained, lost)| match gained.cmp(&lost) {
        std::cmp::Ordering::Greater => (rose + 1, fell),
        std::cmp::Ordering::Less => (rose, fell + 1),
        std::cmp::Ordering::Equal => (rose, fell),
    });
    (rose + fell > 0).then(|| f64::from(rose) / f64::from(rose + fell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::weights::Packed;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|w| (*w).to_owned()).collect()
    }

    fn layer(list: &[String], pairs: &[(u32, u32)], sample: &[f32]) -> LayerHeads {
        let pairs: Vec<Pair> = pairs.iter().map(|&(query, key)| Pair { query, key, score: 1.0 }).collect();
        let head = NamedHead { pairs: named(&pairs, list), dimensions: Vec::new(), sample: Packed(sample.to_vec()) };
        LayerHeads { layer: 0, words: list.concat(), heads: vec![head] }
    }

    #[test]
    fn pairs_are_told_apart_by_word_and_direction() {
        let (one, other) = (words(&["write", "story", "cat"]), words(&["cat", "story", "write"]));
        let base = layer(&one, &[(0, 1), (1, 2)], &[1.0]);
        let tuned = layer(&other, &[(2, 1), (1, 2)], &[1.0]);
        let change = HeadChange::of_layer(&base, &tuned).remove(0);
        let pair = |p: &NamedPair| format!("{} > {}", p.query, p.key);
        assert_eq!(change.kept.iter().map(pair).collect::<Vec<_>>(), ["write > story"]);
        assert_eq!(change.gained.iter().map(pair).collect::<Vec<_>>(), ["story > write"]);
        assert_eq!(change.lost.iter().map(pair).collect::<Vec<_>>(), ["story > cat"]);
        assert_eq!(change.distance, None);
        let with = |word: &str, verbs| change.counts(&Filter { word: word.into(), verbs });
        assert_eq!((with("", false), with("ca", false), with("", true)), ([1, 1, 1], [0, 1, 0], [1, 0, 1]));
        assert_eq!(change.filtered(&Filter { word: "cat".into(), verbs: false }).lost, change.lost);
        assert_eq!(shift("write", std::slice::from_ref(&change)), Some(1.0));
        assert_eq!(shift("cat", std::slice::from_ref(&change)), Some(0.0));
        assert_eq!(shift("story", std::slice::from_ref(&change)), None, "as many pairs as before");
        assert_eq!(shift::<HeadChange>("cat", &[]), None);
    }

    #[test]
    fn the_distance_is_relative() {
        let list = words(&["a", "b"]);
        let change = HeadChange::of_layer(&layer(&list, &[], &[3.0, 4.0]), &layer(&list, &[], &[3.0, 4.5])).remove(0);
        assert!((change.distance.unwrap() - 0.1).abs() < 1e-6);
    }

    #[test]
    fn heads_that_keep_their_pairs_are_told_from_heads_that_do_not() {
        let list: Vec<String> = (0..90).map(|i| i.to_string()).collect();
        let of = |shift: u32| {
            let heads = (0..4).map(|h| {
                let pairs: Vec<Pair> =
                    (0..20).map(|i| Pair { query: h * 20 + i, key: i + shift, score: 1.0 }).collect();
                NamedHead { pairs: named(&pairs, &list), ..NamedHead::default() }
            });
            LayerHeads { heads: heads.collect(), ..LayerHeads::default() }
        };
        let same = kept(&of(0), &of(0));
        assert_eq!((same[1][1], same[1][2]), (1.0, 0.0));
        let found = Kept::of(&[&same, &same]).unwrap();
        assert_eq!((found.own, found.others), (1.0, 0.0));
        assert!(!found.by_chance(), "one order in 576");
        assert!(Kept::of(&[&kept(&of(0), &of(50)), &same[..1].to_vec()]).unwrap().by_chance());
        assert_eq!(Kept::of(&[]), None);
    }
}
