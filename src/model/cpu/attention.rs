//! Causal grouped-query attention after the rotation: value, jvp and vjp, one head and one query at a time.

use shiftlens_kernels::floats::{axpy, dot};

use crate::checkpoint::ModelConfig;
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;

/// Keys and values of one layer, growing with the sequence, and their tangents for every group.
#[derive(Default)]
pub(in crate::model) struct LayerCache {
    /// `[positions, kv_heads * head_width]`.
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
    /// For each group, from its first position on.
    pub key_tangents: Vec<Vec<f32>>,
    pub value_tangents: Vec<Vec<f32>>,
}

impl LayerCache {
    pub fn new(groups: usize) -> Self {
        Self { key_tangents: vec![Vec::new(); groups], value_tangents: vec![Vec::new(); groups], ..Self::default() }
    }

    /// Appends the stacked rows of new keys and values, each `[rows, kv_width]`.
    pub fn append(&mut self, plan: &RowPlan, keys: &[f32], values: &[f32], kv_width: usize) {
        self.keys.extend_from_slice(&keys[..plan.primal * kv_width]);
        self.values.extend_from_slice(&values[..plan.primal * kv_width]);
        for t in &plan.tangents {
            let rows = t.row * kv_width..(t.row + t.count) * kv_width;
            self.key_tangents[t.group].extend_from_slice(&keys[rows.clone()]);
            self.value_tangents[t.group].extend_from_slice(&values[rows]);
        }
    }
}

#[cfg(test)]
thread_local! {
    /// How many queries have weighed their keys, for tests that count the work.
    pub(super) static WEIGHED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Sizes that every loop needs, and how attention weighs.
#[derive(Clone, Copy)]
pub(in crate::model) struct Heads {
    width: usize,
    heads: usize,
    /// Query heads that share a key/value head.
    share: usize,
    kv_width: usize,
    attend: Attend,
}

impl Heads {
    /// Of a network's layer.
    pub fn of(config: &ModelConfig, attend: Attend) -> Self {
        Self {
            width: config.head_width,
            heads: config.heads,
            share: config.heads / config.kv_heads,
            kv_width: config.kv_width(),
            attend,
        }
    }

    /// Head `head` of query row `row`.
    fn query(self, row: usize, head: usize) -> std::ops::Range<usize> {
        let at = (row * self.heads + head) * self.width;
        at..at + self.width
    }

    /// The key/value of `position` that query head `head` attends to.
    fn key(self, position: usize, head: usize) -> std::ops::Range<usize> {
        let at = position * self.kv_width + head / self.share * self.width;
        at..at + self.width
    }

    /// Attention weights of the query at the last position of `weights`; keys before its window weigh nothing. Gives the
    /// positions that it sees.
    fn weigh(self, query: &[f32], keys: &[f32], head: usize, weights: &mut [f32]) -> std::ops::Range<usize> {
        #[cfg(test)]
        WEIGHED.set(WEIGHED.get() + 1);
        let seen = self.attend.first(weights.len() - 1)..weights.len();
        let (before, weights) = weights.split_at_mut(seen.start);
        before.fill(0.0);
        let mut max = f32::NEG_INFINITY;
        for (j, w) in seen.clone().zip(weights.iter_mut()) {
            *w = dot(query, &keys[self.key(j, head)]) * self.attend.scale;
            max = max.max(*w);
        }
        let mut sum = 0.0;
        for w in weights.iter_mut() {
            *w = (*w - max).exp();
            sum += *w;
        }
        weights.iter_mut().for_each(|w| *w /= sum);
        seen
    }
}

/// Value and jvp for stacked query rows `[rows, heads * head_width]`; the cache already holds these positions.
/// `first` is the first position of each group's tangent.
pub(in crate::model) fn forward(
    s: Heads,
    queries: &[f32],
    plan: &RowPlan,
    first: &[usize],
    cache: &LayerCache,
) -> Vec<f32> {
    let mut out = vec![0.0; queries.len()];
    let mut weights = vec![0.0; plan.start + plan.primal];
    let mut slopes = weights.clone();
    for row in 0..plan.primal {
        let position = plan.start + row;
        for head in 0..s.heads {
            let query = &queries[s.query(row, head)];
            let weights = &mut weights[..=position];
            let seen = s.weigh(query, &cache.keys, head, weights);
            let o = &mut out[s.query(row, head)];
            for j in seen.clone() {
                axpy(weights[j], &cache.values[s.key(j, head)], o);
            }
            for t in plan.tangents.iter().filter(|t| t.position <= position) {
                let (start, row) = (first[t.group], t.row + position - t.position);
                let (dk, dv) = (&cache.key_tangents[t.group], &cache.value_tangents[t.group]);
                let dq = &queries[s.query(row, head)];
                let mut mean = 0.0;
                for j in seen.clone() {
                    let mut d = dot(dq, &cache.keys[s.key(j, head)]);
                    if j >= start {
                        d += dot(query, &dk[s.key(j - start, head)]);
                    }
                    slopes[j] = d * s.attend.scale;
                    mean += weights[j] * slopes[j];
                }
                let o = &mut out[s.query(row, head)];
                for j in seen.clone() {
                    axpy(weights[j] * (slopes[j] - mean), &cache.values[s.key(j, head)], o);
                    if j >= start {
                        axpy(weights[j], &dv[s.key(j - start, head)], o);
                    }
                }
            }
        }
    }
    out
}

/// What the heads put out for the query at `position` alone, `[heads * head_width]`, from the keys and values of a sequence that
/// reaches it.
pub(in crate::model) fn attended(s: Heads, queries: &[f32], keys: &[f32], values: &[f32], position: usize) -> Vec<f32> {
    let mut out = vec![0.0; s.heads * s.width];
    let mut weights = vec![0.0; position + 1];
    for head in 0..s.heads {
        for j in s.weigh(&queries[s.query(position, head)], keys, head, &mut weights) {
            axpy(weights[j], &values[s.key(j, head)], &mut out[s.query(0, head)]);
        }
    }
    out
}

/// Where a query's weights lie in a pattern that holds for every query the keys up to itself.
fn row(query: usize) -> std::ops::Range<usize> {
    let at = query * (query + 1) / 2;
    at..at + query + 1
}

/// The attention weights of one head on a whole sequence: for every query the keys up to itself.
pub(in crate::model) fn pattern(s: Heads, queries: &[f32], keys: &[f32], head: usize) -> Vec<f32> {
    let count = keys.len() / s.kv_width;
    let mut weights = vec![0.0; row(count).start];
    for query in 0..count {
        s.weigh(&queries[s.query(query, head)], keys, head, &mut weights[row(query)]);
    }
    weights
}

/// The pattern in which every token keeps to itself.
pub(in crate::model) fn own(count: usize) -> Vec<f32> {
    let mut pattern = vec![0.0; row(count).start];
    (0..count).for_each(|query| pattern[row(query).end - 1] = 1.0);
    pattern
}

/// Takes a layer's mean pattern, half of it each token's own way, into the product of those below, `rolled`.
pub(in crate::model) fn roll(s: Heads, queries: &[f32], keys: &[f32], rolled: &mut [f32]) {
    let count = keys.len() / s.kv_width;
    let (mut mean, mut weights, mut sum) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
    // from the last query on: none needs those after it
    for query in (0..count).rev() {
        let (mean, sum) = (&mut mean[..=query], &mut sum[..=query]);
        mean.fill(0.0);
        mean[query] = 0.5;
        for head in 0..s.heads {
            let weights = &mut weights[..=query];
            s.weigh(&queries[s.query(query, head)], keys, head, weights);
            axpy(0.5 / s.heads as f32, weights, mean);
        }
        sum.fill(0.0);
        for (key, share) in mean.iter().enumerate() {
            axpy(*share, &rolled[row(key)], &mut sum[..=key]);
        }
        rolled[row(query)].copy_from_slice(sum);
    }
}

/// Cotangents of queries, keys and values, for one sequence.
pub(in crate::model) struct Cotangents {
    pub queries: Vec<f32>,
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
}

/// The vjp for several cotangents at once, each over the rows `0..lengths[i]` of one primal sequence, stacked in `c`.
/// The attention weights are found once for all of them.
pub(in crate::model) fn vjp(
    s: Heads,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    lengths: &[usize],
    c: &[f32],
) -> Cotangents {
    let total: usize = lengths.iter().sum();
    let mut out = Cotangents {
        queries: vec![0.0; total * s.heads * s.width],
        keys: vec![0.0; total * s.kv_width],
        values: vec![0.0; total * s.kv_width],
    };
    let starts: Vec<usize> = lengths.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let (mut weights, mut slopes) = (vec![0.0; longest], vec![0.0; longest]);
    for row in 0..longest {
        for head in 0..s.heads {
            let query = &queries[s.query(row, head)];
            let weights = &mut weights[..=row];
            let seen = s.weigh(query, keys, head, weights);
            for (&start, _) in starts.iter().zip(lengths).filter(|(_, n)| row < **n) {
                let co = &c[s.query(start + row, head)];
                let mut mean = 0.0;
                for j in seen.clone() {
                    slopes[j] = dot(co, &values[s.key(j, head)]);
                    mean += weights[j] * slopes[j];
                }
                let dq = &mut out.queries[s.query(start + row, head)];
                for j in seen.clone() {
                    let d = weights[j] * (slopes[j] - mean) * s.attend.scale;
                    axpy(d, &keys[s.key(j, head)], dq);
                    axpy(d, query, &mut out.keys[s.key(start + j, head)]);
                    axpy(weights[j], co, &mut out.values[s.key(start + j, head)]);
                }
            }
        }
    }
    out
}
