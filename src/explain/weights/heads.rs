//! Word-word relations in attention heads, read from the weights (METHODS.md, section 2).

use std::collections::HashMap;

use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};
use shiftlens_kernels::floats::dot;

use super::related::Related;
use super::screen::Screen;
use super::vectors::Words;
use crate::checkpoint::{Checkpoint, Part};
use crate::model::{ModelError, cpu};

/// Words of a dimension that are paired in the paper's reading.
const TOP_WORDS: usize = 100;

/// How a head is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// As the form it computes: `(r_a W_q) . (r_b W_k) / sqrt(d')`, r the words' vectors at unit root mean square.
    #[default]
    Relation,
    /// Dimension by dimension, as the paper does.
    Paper,
}

/// How many of a head's pairs, the strongest, are compared across two models. In the paper's reading many are equally
/// strong, so it takes more of them.
pub fn compared_pairs(reading: Reading) -> usize {
    match reading {
        Reading::Relation => 200,
        Reading::Paper => 1000,
    }
}

/// A word that looks for another: query > key, positions in the list of words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The word whose query it is.
    pub query: u32,
    /// The word whose key it is.
    pub key: u32,
    /// The form's value; in the paper's reading the cosine, or for a whole head the number of dimensions.
    pub score: f32,
}

/// One dimension of a head, in the paper's reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Its number within the head.
    pub index: usize,
    /// The sum of squares of its query and key activations over all words, by which dimensions are ranked.
    pub weight: f32,
    /// Its pairs, the most related first.
    pub pairs: Vec<Pair>,
}

/// What one head relates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Head {
    /// Its pairs, the strongest first.
    pub pairs: Vec<Pair>,
    /// Its dimensions, the heaviest first; empty in the relation reading.
    pub dimensions: Vec<Dimension>,
    /// The form's values on a sample of pairs that only depends on the number of words, by which two models' heads are
    /// compared; empty in the paper's reading.
    pub sample: Vec<f32>,
}

/// What is read of every head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadOptions {
    /// How.
    pub reading: Reading,
    /// Most pairs of a head, and of a dimension.
    pub keep: usize,
}

/// Words with what every layer's heads need of them: made once for a model.
pub struct WordPairs {
    /// The words.
    pub words: Words,
    input: Tensor,
    related: Related,
    /// The pairs again, those of near words together: a head's vectors of so many words stay in the fast caches.
    tiles: Vec<(u32, u32)>,
    /// Where word a's pairs start in `related`.
    starts: Vec<usize>,
}

/// Words whose vectors stay in the fast caches together.
const TILE: u32 = 256;

/// Pairs that are screened before what is left of them is multiplied: products one after the other wait less for memory.
const TOGETHER: usize = 1024;

/// How many pairs the sample has.
const SAMPLE: u32 = 2048;

/// Pair number `i` of the sample: a fixed scatter over all words.
fn sampled(i: u32, words: usize) -> (u32, u32) {
    let place = |factor: u32| i.wrapping_mul(factor).wrapping_add(factor >> 3) % words.max(1) as u32;
    (place(2_654_435_761), place(2_246_822_519))
}

impl WordPairs {
    /// From the words, their input embeddings and the pairs among them that are related.
    pub fn new(words: Words, input: Tensor, related: Related) -> Self {
        let starts = (0..=words.words.len()).map(|a| related.pairs.partition_point(|p| (p.0 as usize) < a)).collect();
        let mut tiles = related.pairs.clone();
        tiles.sort_unstable_by_key(|(a, b)| (a / TILE, b / TILE, *a, *b));
        Self { words, input, related, tiles, starts }
    }

    /// The pairs that are related.
    pub fn related(&self) -> &Related {
        &self.related
    }

    /// The cosine of two words, if they are related.
    fn cosine(&self, a: u32, b: u32) -> Option<f32> {
        let (a, b) = (a.min(b), a.max(b));
        let from = self.starts[a as usize];
        let own = &self.related.pairs[from..self.starts[a as usize + 1]];
        own.binary_search(&(a, b)).ok().map(|i| self.related.cosines[from + i])
    }

    /// All heads of layer `layer`.
    pub fn heads(&self, checkpoint: &Checkpoint, layer: usize, how: HeadOptions) -> Result<Vec<Head>, ModelError> {
        let c = &checkpoint.config;
        // the paper takes the embeddings as they are; a bias only fits what the layer's norm makes of them
        let biased =
            [Part::Queries, Part::Keys].iter().any(|p| checkpoint.has(&format!("blk.{layer}.{}.bias", p.name())));
        let input = match how.reading {
            Reading::Paper if !biased => self.input.clone(),
            Reading::Paper | Reading::Relation => unit_rms(&self.input)?,
        };
        let (queries, keys) = cpu::queries_and_keys(checkpoint, layer, &input)?;
        let width = c.head_width;
        let group_size = c.heads / c.kv_heads;
        let part = |all: &Tensor, head: usize| -> Result<Vec<f32>, ModelError> {
            Ok(all.narrow(1, head * width, width)?.flatten_all()?.to_vec1()?)
        };
        let head = |h: usize| -> Result<Head, ModelError> {
            let (q, k) = (part(&queries, h)?, part(&keys, h / group_size)?);
            Ok(match how.reading {
                Reading::Relation => self.relation(&q, &k, (width, c.specs[layer].attention_scale), how.keep)?,
                Reading::Paper => self.paper(&q, &k, width, how.keep),
            })
        };
        (0..c.heads).map(head).collect()
    }

    /// The form over all related pairs, both ways.
    fn relation(&self, q: &[f32], k: &[f32], (width, scale): (usize, f32), keep: usize) -> Result<Head, ModelError> {
        let form = |a: u32, b: u32| scale * dot(&q[a as usize * width..][..width], &k[b as usize * width..][..width]);
        let (mut pairs, mut near) = (Strongest::new(keep), Vec::new());
        let screen = Screen::new(q, k, width)?;
        for some in self.tiles.chunks(TOGETHER) {
            near.clear();
            match &screen {
                Some(screen) => screen.near(some, pairs.bound / scale, &mut near),
                None => near.extend(some.iter().flat_map(|&(a, b)| [(a, b), (b, a)])),
            }
            for &(query, key) in &near {
                pairs.push(Pair { query, key, score: form(query, key) });
            }
        }
        let words = self.words.words.len();
        let sample =
            (0..if words == 0 { 0 } else { SAMPLE }).map(|i| sampled(i, words)).map(|(a, b)| form(a, b)).collect();
        Ok(Head { pairs: pairs.finish(), dimensions: Vec::new(), sample })
    }

    /// Dimension by dimension; the head's pairs are those of more than one dimension.
    fn paper(&self, q: &[f32], k: &[f32], width: usize, keep: usize) -> Head {
        let mut dimensions: Vec<Dimension> = (0..width).map(|c| self.dimension(q, k, width, c)).collect();
        let mut counted: HashMap<(u32, u32), (u32, f32)> = HashMap::new();
        for pair in dimensions.iter().flat_map(|d| &d.pairs) {
            counted.entry((pair.query, pair.key)).or_insert((0, pair.score)).0 += 1;
        }
        let mut several: Vec<_> = counted.into_iter().filter(|(_, (n, _))| *n > 1).collect();
        // the most frequent first, among equals the most related
        several.sort_by(|(a, (n, x)), (b, (m, y))| m.cmp(n).then(y.total_cmp(x)).then(a.cmp(b)));
        several.truncate(keep);
        let pairs = several.into_iter().map(|((query, key), (n, _))| Pair { query, key, score: n as f32 }).collect();
        dimensions.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        dimensions.iter_mut().for_each(|d| d.pairs.truncate(keep));
        Head { pairs, dimensions, sample: Vec::new() }
    }

    fn dimension(&self, q: &[f32], k: &[f32], width: usize, index: usize) -> Dimension {
        let column = |all: &[f32]| all.iter().skip(index).step_by(width).copied().collect::<Vec<f32>>();
        let (q, k) = (column(q), column(k));
        let weight = q.iter().chain(&k).map(|v| v * v).sum();
        let mut pairs = Vec::new();
        let keys = largest(&k);
        for query in largest(&q) {
            for &key in &keys {
                if query == key || q[query as usize] * k[key as usize] <= 0.0 {
                    continue;
                }
                pairs.extend(self.cosine(query, key).map(|score| Pair { query, key, score }));
            }
        }
        let all = pairs.len();
        strongest(&mut pairs, all);
        Dimension { index, weight, pairs }
    }
}

/// Rows at unit root mean square, as the model's own input norm makes them.
fn unit_rms(rows: &Tensor) -> Result<Tensor, ModelError> {
    let square = rows.sqr()?.mean_keepdim(D::Minus1)?;
    Ok(rows.broadcast_div(&square.sqrt()?.maximum(1e-12)?)?)
}

/// The strongest of millions of pairs, without holding them all.
struct Strongest {
    keep: usize,
    pairs: Vec<Pair>,
    /// What falls below cannot be among them.
    bound: f32,
}

impl Strongest {
    fn new(keep: usize) -> Self {
        Self { keep, pairs: Vec::new(), bound: f32::NEG_INFINITY }
    }

    fn push(&mut self, pair: Pair) {
        if pair.score < self.bound {
            return;
        }
        self.pairs.push(pair);
        if self.pairs.len() >= 2 * self.keep.max(128) {
            strongest(&mut self.pairs, self.keep);
            self.bound = self.pairs.last().map_or(f32::NEG_INFINITY, |p| p.score);
        }
    }

    fn finish(mut self) -> Vec<Pair> {
        strongest(&mut self.pairs, self.keep);
        self.pairs
    }
}

/// Leaves the `keep` strongest, the strongest first; equal ones in the order of the words.
fn strongest(pairs: &mut Vec<Pair>, keep: usize) {
    let order = |a: &Pair, b: &Pair| b.score.total_cmp(&a.score).then((a.query, a.key).cmp(&(b.query, b.key)));
    if keep < pairs.len() {
        pairs.select_nth_unstable_by(keep, order);
        pairs.truncate(keep);
    }
    pairs.sort_by(order);
}

/// The words with the largest absolute values.
fn largest(column: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..column.len() as u32).collect();
    let by = |a: &u32, b: &u32| column[*b as usize].abs().total_cmp(&column[*a as usize].abs()).then(a.cmp(b));
    if TOP_WORDS < order.len() {
        order.select_nth_unstable_by(TOP_WORDS, by);
        order.truncate(TOP_WORDS);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_of_many_are_those_of_all() {
        let pair = |i: u32| Pair { query: i % 97, key: i / 97, score: ((i * i) as f32 * 0.37).sin() };
        let mut all: Vec<Pair> = (0..20_000).map(pair).collect();
        let mut some = Strongest::new(50);
        all.iter().for_each(|p| some.push(*p));
        strongest(&mut all, 50);
        assert_eq!(some.finish(), all);
    }
}
