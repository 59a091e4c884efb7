//! Attention on the CPU: its kernels, run here or on the threads that share a memory, and the patterns that traces show.

use std::rc::Rc;

use shiftlens_kernels::Scratch;
use shiftlens_kernels::attention::{Cache, Cotangents, Forward, Sequence, Shape, Vjp, softmax};
use shiftlens_kernels::floats::{axpy, dot};
use shiftlens_kernels::pool::Task;

use super::cores::{Cores, SharedCache};
use crate::checkpoint::ModelConfig;
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;

/// The sizes of a network's layer, and how it weighs.
pub(in crate::model) fn shape(config: &ModelConfig, attend: Attend) -> Shape {
    let (width, heads, kv_heads) = (config.head_width, config.heads, config.kv_heads);
    Shape { width, heads, kv_heads, scale: attend.scale, window: attend.window }
}

/// Keys and values of one layer, growing with the sequence, and their tangents for every group.
pub(super) enum LayerCache {
    Here(Box<Cache>),
    Shared(SharedCache),
}

impl LayerCache {
    /// An empty one for so many groups, in the memory that `cores` share if there are any.
    pub fn new(shape: Shape, groups: usize, cores: Option<&Rc<dyn Cores>>) -> Self {
        let shared = cores.and_then(|cores| SharedCache::new(cores, shape, groups));
        shared.map_or_else(|| Self::Here(Box::new(Cache::new(shape, groups))), Self::Shared)
    }

    /// Forgets every position from `length` on, which is no more than there are; tells whether it could: not those that threads
    /// share, nor those of groups.
    pub fn truncate(&mut self, length: usize) -> bool {
        match self {
            Self::Here(cache) => cache.truncate(length),
            Self::Shared(_) => false,
        }
    }

    /// Appends the stacked rows of new keys and values, `[rows, kv_heads * width]`, and attends to all so far from stacked query rows
    /// `[rows, heads * width]`: value and jvp, of the queries' shape.
    pub fn attend(
        &mut self,
        plan: &RowPlan,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        match self {
            Self::Here(cache) => {
                cache.append(&plan.plan(), keys, values);
                Ok(forward(cache, plan, queries))
            }
            Self::Shared(cache) => cache.attend(plan, queries, keys, values),
        }
    }
}

/// Value and jvp for stacked query rows `[rows, heads * width]`; the cache already holds these positions.
pub(in crate::model) fn forward(cache: &Cache, plan: &RowPlan, queries: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; queries.len()];
    run(&Forward::new(cache, plan.plan(), queries, &mut out));
    out
}

/// Cotangents of queries, keys and values, stacked as those of attention's output are.
pub(in crate::model) struct QkvCotangents {
    pub queries: Vec<f32>,
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
}

impl QkvCotangents {
    pub(super) fn zeros(shape: &Shape, rows: usize) -> Self {
        let [queries, keys, values] =
            [shape.heads * shape.width, shape.kv_width(), shape.kv_width()].map(|width| vec![0.0; rows * width]);
        Self { queries, keys, values }
    }
}

/// The vjp for several cotangents at once, each over the rows `0..lengths[i]` of one sequence, stacked in `c`.
pub(in crate::model) fn vjp(shape: Shape, sequence: Sequence, lengths: &[usize], c: &[f32]) -> QkvCotangents {
    let mut cotangents = QkvCotangents::zeros(&shape, lengths.iter().sum());
    let QkvCotangents { queries, keys, values } = &mut cotangents;
    run(&Vjp::new(shape, sequence, lengths, c, Cotangents { queries, keys, values }));
    cotangents
}

#[cfg(target_arch = "wasm32")]
fn run(task: &dyn Task) {
    let mut scratch = Scratch::default();
    for part in 0..task.parts() {
        task.compute(part, &mut scratch);
        task.write(part, &scratch);
    }
}

/// Natively the parts are shared out over the cores.
#[cfg(not(target_arch = "wasm32"))]
fn run(task: &dyn Task) {
    use rayon::prelude::*;
    (0..task.parts()).into_par_iter().for_each_init(Scratch::default, |scratch, part| {
        task.compute(part, scratch);
        task.write(part, scratch);
    });
}

#[cfg(test)]
thread_local! {
    /// How many queries have weighed their keys, for tests that count the work.
    pub(super) static ATTENTION_ROWS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Attention weights of the query at the last position of `weights`, for one head; keys before its window weigh nothing.
fn attention_weights(s: Shape, query: &[f32], keys: &[f32], head: usize, weights: &mut [f32]) {
    #[cfg(test)]
    ATTENTION_ROWS.set(ATTENTION_ROWS.get() + 1);
    let seen = s.seen(weights.len() - 1);
    let (before, weights) = weights.split_at_mut(seen.start);
    before.fill(0.0);
    for (j, w) in seen.zip(weights.iter_mut()) {
        *w = dot(query, &keys[key_at(s, j, head)]) * s.scale;
    }
    softmax(weights);
}

/// The key, or value, of `position` that query head `head` attends to.
fn key_at(s: Shape, position: usize, head: usize) -> std::ops::Range<usize> {
    let at = position * s.kv_width() + head / s.heads_per_kv() * s.width;
    at..at + s.width
}

/// Head `head` of query row `row`.
fn query_at(s: Shape, row: usize, head: usize) -> std::ops::Range<usize> {
    let at = (row * s.heads + head) * s.width;
    at..at + s.width
}

/// What the heads put out for the query at `position` alone, `[heads * width]`, from the keys and values of a sequence that reaches
/// it.
pub(in crate::model) fn attended(s: Shape, queries: &[f32], keys: &[f32], values: &[f32], position: usize) -> Vec<f32> {
    let mut out = vec![0.0; s.heads * s.width];
    let mut weights = vec![0.0; position + 1];
    for head in 0..s.heads {
        attention_weights(s, &queries[query_at(s, position, head)], keys, head, &mut weights);
        for j in s.seen(position) {
            axpy(weights[j], &values[key_at(s, j, head)], &mut out[query_at(s, 0, head)]);
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
pub(in crate::model) fn pattern(s: Shape, queries: &[f32], keys: &[f32], head: usize) -> Vec<f32> {
    let count = keys.len() / s.kv_width();
    let mut weights = vec![0.0; row(count).start];
    for query in 0..count {
        attention_weights(s, &queries[query_at(s, query, head)], keys, head, &mut weights[row(query)]);
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
pub(in crate::model) fn roll(s: Shape, queries: &[f32], keys: &[f32], rolled: &mut [f32]) {
    let count = keys.len() / s.kv_width();
    let (mut mean, mut weights, mut sum) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
    // from the last query on: none needs those after it
    for query in (0..count).rev() {
        let (mean, sum) = (&mut mean[..=query], &mut sum[..=query]);
        mean.fill(0.0);
        mean[query] = 0.5;
        for head in 0..s.heads {
            let weights = &mut weights[..=query];
            attention_weights(s, &queries[query_at(s, query, head)], keys, head, weights);
            axpy(0.5 / s.heads as f32, weights, mean);
        }
        sum.fill(0.0);
        for (key, share) in mean.iter().enumerate() {
            axpy(*share, &rolled[row(key)], &mut sum[..=key]);
        }
        rolled[row(query)].copy_from_slice(sum);
    }
}
