//! Whether what a head relates, or a component is named by, hangs together: in the word vectors of another model
//! (METHODS.md, "Coherence, and what chance gives").
//!
//! The judge's vectors must be no part of what they judge: where they themselves chose a head's related pairs, its
//! coherence says nothing. Components are chosen by the model's output embeddings alone.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::index;
use serde::{Deserialize, Serialize};

use super::atlas::{LayerConcepts, LayerHeads, NamedComponent};
use super::compare::NamedPair;
use super::related::Relatedness;
use crate::explain::chance::{below, seeded};

/// A head's pairs that are judged, the strongest.
pub const HEAD_PAIRS: usize = 60;
/// Words of one sign of a component that are judged, all their pairs.
pub const COMPONENT_WORDS: usize = 10;
/// Components of a layer that are judged, the leading ones.
pub const COMPONENTS: usize = 20;
/// Fewer known pairs than this say nothing: those of five words.
const FEWEST: usize = 10;
/// Random pairs whose cosines set the scale.
const RANDOM_PAIRS: usize = 20_000;
/// Random sets of words that say how far chance reaches, and random words in place of one head's.
const RANDOM_SETS: usize = 2_000;
const RENAMINGS: usize = 400;
/// The share of random sets below a bound.
const WITHIN: f64 = 0.95;
const SEED: u64 = 60;

/// Another model's word vectors.
pub struct Judge {
    at: HashMap<String, usize>,
    /// Unit vectors.
    units: Vec<Vec<f32>>,
    /// Of the cosines of random pairs.
    mean: f64,
    deviation: f64,
    /// 95 % of [`COMPONENT_WORDS`] random words are less coherent.
    words_bound: f64,
}

/// One set of words, judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// How much nearer they are than random words, in standard deviations of random pairs' cosines.
    pub coherence: f64,
    /// 95 % of random words in their place are less coherent.
    pub bound: f64,
}

/// The coherence of many heads, or of many signs of components.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coherence {
    /// How many were judged.
    pub n: usize,
    /// Their mean, standard deviations of random pairs' cosines.
    pub mean: f64,
    /// The most coherent one's.
    pub best: f64,
    /// The mean of their bounds: what one random set in twenty exceeds.
    pub bound: f64,
    /// The share of them above its own bound: 0.05 by chance.
    pub above: f64,
}

impl Coherence {
    /// Of many; nothing if there are none.
    pub fn of(judged: impl IntoIterator<Item = Judgement>) -> Option<Self> {
        let judged: Vec<Judgement> = judged.into_iter().collect();
        let n = judged.len() as f64;
        let mean = |of: fn(&Judgement) -> f64| judged.iter().map(of).sum::<f64>() / n;
        (!judged.is_empty()).then(|| Self {
            n: judged.len(),
            mean: mean(|j| j.coherence),
            best: judged.iter().map(|j| j.coherence).fold(f64::NEG_INFINITY, f64::max),
            bound: mean(|j| j.bound),
            above: mean(|j| f64::from(j.coherence > j.bound)),
        })
    }

    /// On average no nearer than one random set in twenty is.
    pub fn nil(&self) -> bool {
        self.mean <= self.bound
    }

    /// "coherence 0.27 on average, best 1.20; 30 % exceed what 5 % of random words do (0.29)".
    pub fn words(&self) -> String {
        format!(
            "coherence {} on average, best {}; {:.0} % exceed what 5 % of random words do ({})",
            written(self.mean),
            written(self.best),
            self.above * 100.0,
            written(self.bound)
        )
    }

    /// The one whose mean is less.
    pub fn lesser(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).min_by(|a, b| a.mean.total_cmp(&b.mean))
    }
}

/// A coherence to two digits; what rounds to nothing has no sign.
pub fn written(value: f64) -> String {
    format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0).replace('-', "−")
}

/// One layer, judged: every head, or both signs of each leading component. Nothing where the judge knows too few words.
pub type Judged = Vec<Option<Judgement>>;

/// All layers that have been judged together.
pub fn together<'a>(layers: impl IntoIterator<Item = &'a Judged>) -> Option<Coherence> {
    Coherence::of(layers.into_iter().flatten().flatten().copied())
}

impl Judge {
    /// Judges by `vectors`, by word. Random pairs are drawn from those of `words`, the words that are read, that have one.
    /// Nothing if these are fewer than 100, or all alike.
    pub fn new(vectors: &HashMap<String, Vec<f32>>, words: &[String]) -> Option<Self> {
        let (mut at, mut units) = (HashMap::new(), Vec::new());
        for word in words {
            if let Some(unit) = vectors.get(word).and_then(|v| unit(v))
                && at.insert(word.clone(), units.len()).is_none()
            {
                units.push(unit);
            }
        }
        let mut judge = Self { at, units, mean: 0.0, deviation: 1.0, words_bound: 0.0 };
        if judge.units.len() < 100 {
            return None;
        }
        let mut rng = seeded(SEED);
        let cosines: Vec<f64> = (0..RANDOM_PAIRS).map(|_| judge.random_pair(&mut rng)).collect();
        let scale = crate::explain::statistics::Summary::of(&cosines);
        if scale.deviation < 1e-6 {
            return None;
        }
        (judge.mean, judge.deviation) = (scale.mean, scale.deviation);
        let sets = (0..RANDOM_SETS)
            .filter_map(|_| judge.all_pairs(&index::sample(&mut rng, judge.units.len(), COMPONENT_WORDS).into_vec()));
        judge.words_bound = quantile(sets.collect());
        Some(judge)
    }

    /// The same by vectors that were read from a file.
    pub fn by(vectors: &Relatedness, words: &[String]) -> Option<Self> {
        match vectors {
            Relatedness::Given(vectors) => Self::new(vectors, words),
            Relatedness::Own => None,
        }
    }

    /// How many words it knows.
    pub fn words(&self) -> usize {
        self.units.len()
    }

    /// A head's strongest pairs that the judge knows both words of; nothing if it knows too few. Chance keeps the head's own
    /// web: its words are exchanged for random ones, as a word that stands in many pairs, or a pair that is there both ways,
    /// lets the mean stray further than as many pairs of their own would.
    pub fn head(&self, pairs: &[NamedPair]) -> Option<Judgement> {
        let known = pairs.iter().filter_map(|p| Some((*self.at.get(&p.query)?, *self.at.get(&p.key)?)));
        let pairs: Vec<(usize, usize)> = known.take(HEAD_PAIRS).collect();
        if pairs.len() < FEWEST {
            return None;
        }
        let mut words: Vec<usize> = pairs.iter().flat_map(|p| [p.0, p.1]).collect();
        words.sort_unstable();
        words.dedup();
        let place = |word: usize| words.partition_point(|w| *w < word);
        let web: Vec<(usize, usize)> = pairs.iter().map(|p| (place(p.0), place(p.1))).collect();
        let of = |words: &[usize]| {
            let sum: f64 = web.iter().map(|(a, b)| self.cosine(words[*a], words[*b])).sum();
            self.scaled(sum / web.len() as f64)
        };
        let mut rng = seeded(SEED);
        let random = |_| of(&index::sample(&mut rng, self.units.len(), words.len()).into_vec());
        Some(Judgement { coherence: of(&words), bound: quantile((0..RENAMINGS).map(random).collect()) })
    }

    /// The strongest words on the side of a component's first word, and on the other side (signs are arbitrary); nothing
    /// for a side of which the judge knows too few. `words`: with their strengths, the strongest first.
    pub fn component(&self, words: &[(String, f32)]) -> [Option<Judgement>; 2] {
        let turn = words.first().map_or(1.0, |w| w.1.signum());
        [turn, -turn].map(|sign| {
            let own = words.iter().filter(|(_, strength)| strength * sign > 0.0);
            let known: Vec<usize> =
                own.filter_map(|(word, _)| self.at.get(word).copied()).take(COMPONENT_WORDS).collect();
            self.all_pairs(&known).map(|coherence| Judgement { coherence, bound: self.words_bound })
        })
    }

    /// Every head of a layer.
    pub fn heads(&self, layer: &LayerHeads) -> Judged {
        layer.heads.iter().map(|h| self.head(&h.pairs)).collect()
    }

    /// A layer's leading components: both sides of the first, both sides of the second, ...
    pub fn components(&self, layer: &LayerConcepts) -> Judged {
        let one = |c: &NamedComponent| self.component(&c.words);
        layer.components.iter().take(COMPONENTS).flat_map(one).collect()
    }

    /// All heads of `layers` together.
    pub fn of_heads<'a>(&self, layers: impl IntoIterator<Item = &'a LayerHeads>) -> Option<Coherence> {
        Coherence::of(layers.into_iter().flat_map(|l| self.heads(l)).flatten())
    }

    /// All signs of the leading components of `layers` together.
    pub fn of_components<'a>(&self, layers: impl IntoIterator<Item = &'a LayerConcepts>) -> Option<Coherence> {
        Coherence::of(layers.into_iter().flat_map(|l| self.components(l)).flatten())
    }

    fn scaled(&self, cosine: f64) -> f64 {
        (cosine - self.mean) / self.deviation
    }

    fn cosine(&self, a: usize, b: usize) -> f64 {
        self.units[a].iter().zip(&self.units[b]).map(|(a, b)| f64::from(a * b)).sum()
    }

    /// The cosine of two different words.
    fn random_pair(&self, rng: &mut StdRng) -> f64 {
        let count = self.units.len();
        let a = below(rng, count);
        let b = (a + 1 + below(rng, count - 1)) % count;
        self.cosine(a, b)
    }

    fn all_pairs(&self, words: &[usize]) -> Option<f64> {
        let rest = |(i, a): (usize, &usize)| words[i + 1..].iter().map(|b| self.cosine(*a, *b)).collect::<Vec<_>>();
        let cosines: Vec<f64> = words.iter().enumerate().flat_map(rest).collect();
        (cosines.len() >= FEWEST).then(|| self.scaled(cosines.iter().sum::<f64>() / cosines.len() as f64))
    }
}

fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    (length > 0.0 && length.is_finite()).then(|| vector.iter().map(|v| v / length).collect())
}

fn quantile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * WITHIN) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    const TOPICS: usize = 20;
    const EACH: usize = 30;

    /// Words of twenty topics: those of one topic lie near each other.
    fn judge() -> Judge {
        let mut rng = seeded(3);
        let noise = |rng: &mut StdRng| 0.4 * (rng.random::<f32>() - 0.5);
        let word = |i: usize, rng: &mut StdRng| {
            let vector = (0..TOPICS + 20).map(|d| noise(rng) + if d == i / EACH { 1.0 } else { 0.0 }).collect();
            (name(i), vector)
        };
        let vectors: HashMap<String, Vec<f32>> = (0..TOPICS * EACH).map(|i| word(i, &mut rng)).collect();
        let mut words: Vec<String> = vectors.keys().cloned().chain(["unknown".into()]).collect();
        words.sort();
        Judge::new(&vectors, &words).unwrap()
    }

    fn name(i: usize) -> String {
        format!("word{i}")
    }

    fn pair(a: usize, b: usize) -> NamedPair {
        NamedPair { query: name(a), key: name(b), score: 1.0 }
    }

    #[test]
    fn words_of_one_topic_are_coherent() {
        let judge = judge();
        assert_eq!(judge.words(), TOPICS * EACH);
        let together: Vec<NamedPair> = (0..60).map(|i| pair(i % EACH, (i * 7 + 3) % EACH)).collect();
        let found = judge.head(&together).unwrap();
        assert!(found.coherence > 1.5 && found.coherence > found.bound, "{found:?}");
        let all = Coherence::of([found, Judgement { coherence: 0.0, bound: 0.3 }]).unwrap();
        assert_eq!((all.n, all.best, all.above, all.nil()), (2, found.coherence, 0.5, false));
        assert_eq!(Coherence::of([]), None);
        assert_eq!((written(-0.001), written(-1.234)), ("0.00".into(), "−1.23".into()));
    }

    /// Random words in a web of pairs: each on its own, or all about a few words and both ways. One in twenty exceeds its
    /// bound, however tightly the web is knit, and what is knit tightly has the wider one.
    #[test]
    fn one_random_head_in_twenty_exceeds_its_bound() {
        let (judge, mut rng) = (judge(), seeded(9));
        let mut bounds = Vec::new();
        for hubs in [60, 3] {
            let mut random = || {
                let words = index::sample(&mut rng, TOPICS * EACH, hubs + 60).into_vec();
                let around =
                    |i: usize| [pair(words[i % hubs], words[hubs + i / 2]), pair(words[hubs + i / 2], words[i % hubs])];
                let alone = |i: usize| [pair(words[i], words[60 + i])];
                if hubs == 3 { (0..30).flat_map(around).collect() } else { (0..60).flat_map(alone).collect::<Vec<_>>() }
            };
            let heads: Vec<Judgement> = (0..400).filter_map(|_| judge.head(&random())).collect();
            let found = Coherence::of(heads).unwrap();
            assert!(found.nil() && (0.02..0.09).contains(&found.above), "{hubs}: {found:?}");
            bounds.push(found.bound);
        }
        assert!(bounds[1] > 1.3 * bounds[0], "{bounds:?}");
    }

    #[test]
    fn each_sign_of_a_component_is_judged_on_its_own() {
        let judge = judge();
        // positive: one topic; negative: a word of every topic
        let words: Vec<(String, f32)> = (0..10).flat_map(|i| [(name(i), 1.0), (name(i * EACH + 5), -1.0)]).collect();
        let [positive, negative] = judge.component(&words).map(Option::unwrap);
        assert!(positive.coherence > 1.5 && negative.coherence < negative.bound, "{positive:?} {negative:?}");
        assert_eq!(judge.component(&words[..6]), [None, None], "three words of a sign are too few");
    }

    #[test]
    fn what_the_judge_does_not_know_is_left_out() {
        let judge = judge();
        let strangers = NamedPair { query: "unknown".into(), key: name(1), score: 2.0 };
        let known: Vec<NamedPair> = (0..12).map(|i| pair(i, i + 1)).collect();
        let with: Vec<NamedPair> = std::iter::once(strangers.clone()).chain(known.clone()).collect();
        assert_eq!(judge.head(&with), judge.head(&known));
        assert_eq!(judge.head(&vec![strangers; 40]), None);
        let vectors: HashMap<String, Vec<f32>> = (0..50).map(|i| (name(i), vec![1.0, i as f32])).collect();
        let words: Vec<String> = vectors.keys().cloned().collect();
        assert!(Judge::new(&vectors, &words).is_none(), "too few words");
        let alike: HashMap<String, Vec<f32>> = (0..200).map(|i| (name(i), vec![1.0, 0.0])).collect();
        let words: Vec<String> = alike.keys().cloned().collect();
        assert!(Judge::new(&alike, &words).is_none(), "all alike");
    }
}
