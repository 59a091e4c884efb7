//! Causal grouped-query attention after the rotation: value, jvp and vjp. A part of the work has the query heads that share one
//! key/value head, so that its keys and values are read once for all of them.

mod cache;
mod forward;
mod vjp;

use alloc::vec::Vec;
use core::ops::Range;

pub use cache::{Cache, PAGE};
pub use forward::Forward;
pub use vjp::{Cotangents, Sequence, Vjp};

use crate::floats::{dot, product, transposed_product};

/// Sizes of a layer's attention, and how it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Width of a head.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads. Each serves `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// What a query's product with a key is multiplied by.
    pub scale: f32,
    /// A query sees so many positions, its own the last.
    pub window: Option<usize>,
}

impl Shape {
    /// Query heads that share one key/value head.
    pub fn heads_per_kv(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Width of all keys, or values, of a position.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.width
    }

    /// Where the heads of query row `row` are that share key/value head `kv`.
    fn queries(&self, row: usize, kv: usize) -> Range<usize> {
        let at = (row * self.heads + kv * self.heads_per_kv()) * self.width;
        at..at + self.heads_per_kv() * self.width
    }

    /// The positions that the query at `position` sees.
    pub fn seen(&self, position: usize) -> Range<usize> {
        self.window.map_or(0, |w| (position + 1).saturating_sub(w))..position + 1
    }
}

/// The tangent rows of one group among stacked rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tangent {
    /// Which group.
    pub group: usize,
    /// The first of its rows.
    pub row: usize,
    /// The sequence position of that row.
    pub position: usize,
    /// The number of rows, one for each position from there on.
    pub count: usize,
}

/// How stacked rows are laid out: the primal rows of positions `start..start + primal`, then tangents.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The first new position.
    pub start: usize,
    /// New positions.
    pub primal: usize,
    /// The tangents that have reached them.
    pub tangents: &'a [Tangent],
}

/// What one part of attention works in.
#[derive(Default)]
pub(crate) struct Workspace {
    /// `[heads, positions]`.
    weights: Vec<f32>,
    /// Coefficients of the values: `[rows, positions]`.
    coefficients: Vec<f32>,
    /// A block's own scores, or its coefficients transposed.
    scores: Vec<f32>,
    /// Rows of queries or cotangents, gathered: `[rows, width]`.
    queries: Vec<f32>,
    /// Queries, keys and values of one head, gathered: `[rows, width]` each.
    gathered: [Vec<f32>; 3],
}

/// `out[r][j] = x_r . row_j` for rows `x` of `width` and the rows of `pieces`, each with the place of its first row.
fn scores<'a>(x: &[f32], pieces: impl Iterator<Item = (usize, &'a [f32])>, width: usize, out: &mut [f32]) {
    if x.is_empty() {
        return;
    }
    let stride = out.len() / (x.len() / width);
    for (at, rows) in pieces {
        product(x, rows, width, &mut out[at..], stride);
    }
}

/// `y_r += sum over j of coefficients[r][j] * row_j`, for the same rows.
fn add_weighted<'a>(
    coefficients: &[f32],
    pieces: impl Iterator<Item = (usize, &'a [f32])>,
    width: usize,
    y: &mut [f32],
) {
    if y.is_empty() {
        return;
    }
    let stride = coefficients.len() / (y.len() / width);
    for (at, rows) in pieces {
        transposed_product(&coefficients[at..], stride, rows, width, y);
    }
}

impl Plan<'_> {
    /// All stacked rows.
    pub fn rows(&self) -> usize {
        self.tangents.last().map_or(self.primal, |t| t.row + t.count)
    }
}

/// The product of `factors` over `speed`, or the most that fits: on wasm32 the product may be beyond an address.
fn nanoseconds(factors: [usize; 4], speed: u64) -> u32 {
    let product = factors.iter().fold(1, |all: u64, factor| all.saturating_mul(*factor as u64));
    u32::try_from(product / speed).unwrap_or(u32::MAX)
}

/// The softmax of scores, in place.
pub fn softmax(scores: &mut [f32]) {
    let max = scores.iter().fold(f32::NEG_INFINITY, |max, s| max.max(*s));
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = libm::expf(*score - max);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// From a row of score tangents to that of the weights, in place: `w (s - w . s)`.
fn softmax_tangent(weights: &[f32], scores: &mut [f32]) {
    let mean = dot(weights, scores);
    scores.iter_mut().zip(weights).for_each(|(s, w)| *s = w * (*s - mean));
}

#[cfg(test)]
mod tests;
