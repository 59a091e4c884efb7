//! The value and the jvp, from queries and what the cache holds.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Cache, Plan, Shape, Workspace, add_weighted, nanoseconds, scores, softmax, softmax_tangent};
use crate::matrix::Scratch;
use crate::pool::{MOST_PARTS, Task};
use crate::tasks::Shared;

/// Primal rows of a part.
const ROWS: usize = 8;
/// Tangents of a part, or more where there would be too many parts: each finds its rows' weights again, which costs about as much as
/// half a tangent.
const TANGENTS: usize = 12;

/// Tangents of a part, of so many in all.
fn tangents_of_part(shape: &Shape, tangents: usize) -> usize {
    tangents.div_ceil(MOST_PARTS / shape.kv_heads).max(TANGENTS)
}

/// Attention of stacked query rows. A part has the heads of one key/value head, some primal rows, and some of the tangents.
pub struct Forward<'a> {
    cache: &'a Cache,
    plan: Plan<'a>,
    queries: &'a [f32],
    /// Primal rows and tangents of a part, at most.
    rows: usize,
    tangents: usize,
    out: Shared<'a, f32>,
}

/// What a part has.
struct Place {
    kv: usize,
    rows: Range<usize>,
    tangents: Range<usize>,
}

impl<'a> Forward<'a> {
    /// Of `queries`, `[rows, heads * width]`, as `plan` lays them out; the cache already holds their positions. The result, of the
    /// same shape, goes to `out`.
    pub fn new(cache: &'a Cache, plan: Plan<'a>, queries: &'a [f32], out: &'a mut [f32]) -> Self {
        let tangents = tangents_of_part(&cache.shape, plan.tangents.len());
        // a long prompt: no more parts than a task may have
        let blocks = MOST_PARTS / (cache.shape.kv_heads * plan.tangents.len().div_ceil(tangents).max(1));
        let rows = plan.primal.div_ceil(blocks).max(ROWS);
        Self { cache, plan, queries, rows, tangents, out: Shared::new(out) }
    }

    /// The most floats that a part works in, beside what is given to it: for so many primal rows and tangents, with so many positions.
    pub fn workspace(shape: &Shape, primal: usize, tangents: usize, positions: usize) -> usize {
        let (heads, tangents) = (shape.heads_per_kv(), tangents.min(tangents_of_part(shape, tangents)));
        let result = primal.min(ROWS) * (tangents + 1) * heads * shape.width;
        result + (tangents + 3) * heads * positions + tangents * heads * shape.width
    }

    fn row_blocks(&self) -> usize {
        self.plan.primal.div_ceil(self.rows)
    }

    fn tangent_blocks(&self) -> usize {
        self.plan.tangents.len().div_ceil(self.tangents).max(1)
    }

    fn place(&self, part: usize) -> Place {
        let (kv, at) =
            (part / (self.row_blocks() * self.tangent_blocks()), part % (self.row_blocks() * self.tangent_blocks()));
        let (row, tangent) = (at / self.tangent_blocks() * self.rows, at % self.tangent_blocks() * self.tangents);
        Place {
            kv,
            rows: row..(row + self.rows).min(self.plan.primal),
            tangents: tangent..(tangent + self.tangents).min(self.plan.tangents.len()),
        }
    }

    /// The stacked rows of a part's result, in the order in which they are computed.
    fn results(&self, place: &Place) -> impl Iterator<Item = usize> {
        let (plan, tangents, with_value) = (self.plan, place.tangents.clone(), place.tangents.start == 0);
        place.rows.clone().flat_map(move |row| {
            let value = with_value.then_some(row);
            value.into_iter().chain(alive(&plan, &tangents, row).map(|(_, row)| row))
        })
    }
}

/// A primal row's heads of one key/value head.
struct Row {
    kv: usize,
    row: usize,
    seen: Range<usize>,
}

impl Forward<'_> {
    fn row(&self, row: usize, kv: usize) -> Row {
        Row { kv, row, seen: self.cache.shape.seen(self.plan.start + row) }
    }

    /// The queries of stacked row `row`.
    fn queries(&self, at: &Row, row: usize) -> &[f32] {
        &self.queries[self.cache.shape.queries(row, at.kv)]
    }

    /// The attention weights, `[heads, positions]`.
    fn weights(&self, at: &Row, weights: &mut Vec<f32>) {
        let (shape, count) = (&self.cache.shape, at.seen.len());
        weights.clear();
        weights.resize(shape.heads_per_kv() * count, 0.0);
        scores(self.queries(at, at.row), self.cache.keys(at.kv, &at.seen), shape.width, weights);
        for weights in weights.chunks_exact_mut(count) {
            weights.iter_mut().for_each(|score| *score *= shape.scale);
            softmax(weights);
        }
    }

    /// Appends the weights' tangents to the coefficients: `[tangents that are alive, heads, positions]`.
    fn weight_tangents(&self, at: &Row, tangents: &Range<usize>, workspace: &mut Workspace) {
        let (shape, count) = (&self.cache.shape, at.seen.len());
        let (heads, width) = (shape.heads_per_kv(), shape.width);
        let groups = || alive(&self.plan, tangents, at.row);
        workspace.queries.clear();
        groups().for_each(|(_, row)| workspace.queries.extend_from_slice(self.queries(at, row)));
        let before = workspace.coefficients.len();
        workspace.coefficients.resize(before + workspace.queries.len() / width * count, 0.0);
        let all = &mut workspace.coefficients[before..];
        // through the query's tangent, for all groups at once; then through the keys' tangents
        scores(&workspace.queries, self.cache.keys(at.kv, &at.seen), width, all);
        for ((group, _), tangents) in groups().zip(all.chunks_exact_mut(heads * count)) {
            workspace.scores.clear();
            workspace.scores.resize(heads * count, 0.0);
            let keys = self.cache.key_tangents(group, at.kv, &at.seen);
            scores(self.queries(at, at.row), keys, width, &mut workspace.scores);
            tangents.iter_mut().zip(&workspace.scores).for_each(|(a, b)| *a = (*a + b) * shape.scale);
            for (tangents, weights) in tangents.chunks_exact_mut(count).zip(workspace.weights.chunks_exact(count)) {
                softmax_tangent(weights, tangents);
            }
        }
    }

    /// Appends the sums of the values and of their tangents: `[rows, heads, width]`, in the order of the coefficients.
    fn sum(&self, at: &Row, tangents: &Range<usize>, workspace: &Workspace, result: &mut Vec<f32>) {
        let (shape, count, before) = (&self.cache.shape, at.seen.len(), result.len());
        let heads = shape.heads_per_kv() * shape.width;
        result.resize(before + workspace.coefficients.len() / count * shape.width, 0.0);
        let out = &mut result[before..];
        add_weighted(&workspace.coefficients, self.cache.values(at.kv, &at.seen), shape.width, out);
        let out = if tangents.start == 0 { &mut out[heads..] } else { out };
        for ((group, _), out) in alive(&self.plan, tangents, at.row).zip(out.chunks_exact_mut(heads)) {
            let values = self.cache.value_tangents(group, at.kv, &at.seen);
            add_weighted(&workspace.weights, values, shape.width, out);
        }
    }
}

/// The groups among `tangents` that have reached primal row `row`, with their stacked rows there.
fn alive<'a>(plan: &Plan<'a>, tangents: &Range<usize>, row: usize) -> impl Iterator<Item = (usize, usize)> + use<'a> {
    let position = plan.start + row;
    let tangents = plan.tangents[tangents.clone()].iter().filter(move |t| t.position <= position);
    tangents.map(move |t| (t.group, t.row + position - t.position))
}

impl Task for Forward<'_> {
    fn parts(&self) -> usize {
        self.cache.shape.kv_heads * self.row_blocks() * self.tangent_blocks()
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let Scratch { result, attention: workspace, .. } = scratch;
        let place = self.place(part);
        result.clear();
        result.reserve(self.results(&place).count() * self.cache.shape.heads_per_kv() * self.cache.shape.width);
        for row in place.rows.clone() {
            let at = self.row(row, place.kv);
            self.weights(&at, &mut workspace.weights);
            workspace.coefficients.clear();
            if place.tangents.start == 0 {
                workspace.coefficients.extend_from_slice(&workspace.weights);
            }
            self.weight_tangents(&at, &place.tangents, workspace);
            self.sum(&at, &place.tangents, workspace, result);
        }
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        let (shape, place) = (self.cache.shape, self.place(part));
        let heads = scratch.result.chunks_exact(shape.heads_per_kv() * shape.width);
        for (row, heads) in self.results(&place).zip(heads) {
            self.out.put(shape.queries(row, place.kv).start, heads);
        }
    }

    fn cost(&self) -> u32 {
        let shape = &self.cache.shape;
        let (rows, tangents) = (self.rows.min(self.plan.primal), self.tangents.min(self.plan.tangents.len()));
        // four sums over all positions for a tangent, about four products a nanosecond
        nanoseconds([4 * rows, tangents + 1, shape.heads_per_kv() * shape.width, self.cache.length()], 4)
    }
}
