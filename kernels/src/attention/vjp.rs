//! The vjp, for several cotangents of one sequence at once.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Shape, Workspace, nanoseconds, softmax, softmax_tangent};
use crate::floats::{product, transposed_product};
use crate::matrix::Scratch;
use crate::pool::{MOST_PARTS, Task};
use crate::tasks::Shared;

/// Cotangents of a part: each part finds the attention weights again, which costs about a fifth of a cotangent.
const COTANGENTS: usize = 4;
/// Queries that are worked on at once.
const QUERIES: usize = 16;

/// A sequence as attention saw it.
#[derive(Clone, Copy)]
pub struct Sequence<'a> {
    /// `[positions, heads * width]`.
    pub queries: &'a [f32],
    /// `[positions, kv_heads * width]`.
    pub keys: &'a [f32],
    /// `[positions, kv_heads * width]`.
    pub values: &'a [f32],
}

/// Where cotangents of queries, keys and values go, for stacked rows.
pub struct Cotangents<'a> {
    /// `[rows, heads * width]`.
    pub queries: &'a mut [f32],
    /// `[rows, kv_heads * width]`.
    pub keys: &'a mut [f32],
    /// `[rows, kv_heads * width]`.
    pub values: &'a mut [f32],
}

/// The vjp of attention. A part has the heads of one key/value head, and some of the cotangents.
pub struct Vjp<'a> {
    shape: Shape,
    sequence: Sequence<'a>,
    lengths: &'a [usize],
    c: &'a [f32],
    each: usize,
    queries: Shared<'a, f32>,
    keys: Shared<'a, f32>,
    values: Shared<'a, f32>,
}

/// The cotangents of a part, in its result one after the other.
struct Place {
    kv: usize,
    cotangents: Range<usize>,
}

/// One head's queries of a block of rows, and what they attend to.
struct Head<'a> {
    /// Which rows of the sequence.
    rows: Range<usize>,
    /// `[rows, width]`.
    queries: &'a [f32],
    /// From the first position on, `[positions, width]`.
    keys: &'a [f32],
    values: &'a [f32],
    /// `[rows, positions up to the block's end]`.
    weights: &'a [f32],
}

impl<'a> Vjp<'a> {
    /// Cotangent number i covers the rows `0..lengths[i]` of the sequence; all are stacked in `c`, `[rows, heads * width]`.
    pub fn new(shape: Shape, sequence: Sequence<'a>, lengths: &'a [usize], c: &'a [f32], into: Cotangents<'a>) -> Self {
        let each = lengths.len().div_ceil(MOST_PARTS / shape.kv_heads).max(COTANGENTS);
        let Cotangents { queries, keys, values } = into;
        let [queries, keys, values] = [queries, keys, values].map(Shared::new);
        Self { shape, sequence, lengths, c, each, queries, keys, values }
    }

    /// The most floats that a part works in, beside what is given to it: for `count` cotangents, the longest of so many rows.
    pub fn workspace(shape: &Shape, count: usize, longest: usize) -> usize {
        let result = count.min(COTANGENTS) * longest * (shape.heads_per_kv() + 2) * shape.width;
        result + 2 * (longest + QUERIES) * shape.width + 4 * QUERIES * longest
    }

    fn blocks(&self) -> usize {
        self.lengths.len().div_ceil(self.each)
    }

    fn place(&self, part: usize) -> Place {
        let from = part % self.blocks() * self.each;
        Place { kv: part / self.blocks(), cotangents: from..(from + self.each).min(self.lengths.len()) }
    }

    /// Floats of a cotangent's result: queries `[heads, rows, width]`, then keys and values, `[rows, width]` each.
    fn floats(&self, rows: usize) -> usize {
        rows * (self.shape.heads_per_kv() + 2) * self.shape.width
    }

    /// The first of a cotangent's stacked rows.
    fn start(&self, cotangent: usize) -> usize {
        self.lengths[..cotangent].iter().sum()
    }

    /// The attention weights of the queries of rows `rows`, `[rows, rows.end]`; zero where a query does not see.
    fn weights(&self, rows: &Range<usize>, queries: &[f32], keys: &[f32], weights: &mut Vec<f32>) {
        let (shape, end) = (&self.shape, rows.end);
        weights.clear();
        weights.resize(rows.len() * end, 0.0);
        product(queries, &keys[..end * shape.width], shape.width, weights, end);
        for (row, weights) in rows.clone().zip(weights.chunks_exact_mut(end)) {
            let seen = shape.seen(row);
            weights[..seen.start].fill(0.0);
            weights[seen.end..].fill(0.0);
            let weights = &mut weights[seen];
            weights.iter_mut().for_each(|score| *score *= shape.scale);
            softmax(weights);
        }
    }

    /// Adds what a head's queries give for rows `c` of a cotangent: to its queries of these rows, its keys and its values.
    fn add(&self, head: &Head, c: &[f32], workspace: &mut Workspace, [queries, keys, values]: [&mut [f32]; 3]) {
        let (width, end, rows) = (self.shape.width, head.rows.end, c.len() / self.shape.width);
        let weights = &head.weights[..rows * end];
        workspace.coefficients.clear();
        workspace.coefficients.resize(rows * end, 0.0);
        product(c, &head.values[..end * width], width, &mut workspace.coefficients, end);
        for (scores, weights) in workspace.coefficients.chunks_exact_mut(end).zip(weights.chunks_exact(end)) {
            softmax_tangent(weights, scores); // its derivative is symmetric
            scores.iter_mut().for_each(|s| *s *= self.shape.scale);
        }
        transposed_product(&workspace.coefficients, end, &head.keys[..end * width], width, queries);
        transpose(&workspace.coefficients, end, &mut workspace.scores);
        transposed_product(&workspace.scores, rows, &head.queries[..rows * width], width, keys);
        transpose(weights, end, &mut workspace.scores);
        transposed_product(&workspace.scores, rows, c, width, values);
    }

    /// Adds what a head's queries give to a cotangent's whole result. The head is number `head` of its key/value head.
    fn add_cotangent(
        &self,
        head: &Head,
        number: usize,
        (kv, cotangent): (usize, usize),
        workspace: &mut Workspace,
        result: &mut [f32],
    ) {
        let (shape, n) = (&self.shape, self.lengths[cotangent]);
        let (width, heads) = (shape.width, shape.heads_per_kv());
        let rows = head.rows.start..head.rows.end.min(n);
        if rows.is_empty() {
            return;
        }
        let (start, column) = (self.start(cotangent), (kv * heads + number) * width);
        let mut c = core::mem::take(&mut workspace.queries);
        gather(self.c, shape.heads * width, start + rows.start..start + rows.end, column..column + width, &mut c);
        let (queries, rest) = result.split_at_mut(heads * n * width);
        let (keys, values) = rest.split_at_mut(n * width);
        let (queries, seen) = (&mut queries[number * n * width..], head.rows.end.min(n) * width);
        let queries = &mut queries[rows.start * width..rows.end * width];
        self.add(head, &c, workspace, [queries, &mut keys[..seen], &mut values[..seen]]);
        workspace.queries = c;
    }
}

/// Rows `[n, width]` as columns.
fn transpose(rows: &[f32], width: usize, into: &mut Vec<f32>) {
    let count = rows.len() / width;
    into.clear();
    into.resize(rows.len(), 0.0);
    for (r, row) in rows.chunks_exact(width).enumerate() {
        row.iter().zip(into[r..].iter_mut().step_by(count)).for_each(|(value, to)| *to = *value);
    }
}

/// Columns `columns` of rows `rows` of a matrix whose rows are `width` wide, one row after the other.
fn gather(from: &[f32], width: usize, rows: Range<usize>, columns: Range<usize>, into: &mut Vec<f32>) {
    into.clear();
    for row in rows {
        into.extend_from_slice(&from[row * width..(row + 1) * width][columns.clone()]);
    }
}

impl Task for Vjp<'_> {
    fn parts(&self) -> usize {
        self.shape.kv_heads * self.blocks()
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let Scratch { result, attention: workspace, .. } = scratch;
        let (place, shape) = (self.place(part), &self.shape);
        let (width, heads) = (shape.width, shape.heads_per_kv());
        let lengths = &self.lengths[place.cotangents.clone()];
        let longest = lengths.iter().copied().max().unwrap_or(0);
        result.clear();
        result.resize(lengths.iter().map(|n| self.floats(*n)).sum(), 0.0);
        let [mut queries, mut keys, mut values] = core::mem::take(&mut workspace.gathered);
        let mut weights = core::mem::take(&mut workspace.weights);
        let own = place.kv * width..(place.kv + 1) * width;
        gather(self.sequence.keys, shape.kv_width(), 0..longest, own.clone(), &mut keys);
        gather(self.sequence.values, shape.kv_width(), 0..longest, own, &mut values);
        for from in (0..longest).step_by(QUERIES) {
            let rows = from..(from + QUERIES).min(longest);
            for number in 0..heads {
                let column = (place.kv * heads + number) * width;
                gather(self.sequence.queries, shape.heads * width, rows.clone(), column..column + width, &mut queries);
                self.weights(&rows, &queries, &keys, &mut weights);
                let (rows, queries, keys, values, weights) = (rows.clone(), &queries, &keys, &values, &weights);
                let head = Head { rows, queries, keys, values, weights };
                let mut result = &mut result[..];
                for cotangent in place.cotangents.clone() {
                    let (own, rest) = result.split_at_mut(self.floats(self.lengths[cotangent]));
                    self.add_cotangent(&head, number, (place.kv, cotangent), workspace, own);
                    result = rest;
                }
            }
        }
        workspace.weights = weights;
        workspace.gathered = [queries, keys, values];
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        let (place, shape) = (self.place(part), &self.shape);
        let (width, heads) = (shape.width, shape.heads_per_kv());
        let mut result = &scratch.result[..];
        for cotangent in place.cotangents {
            let (n, start) = (self.lengths[cotangent], self.start(cotangent));
            let (own, rest) = result.split_at(self.floats(n));
            result = rest;
            let (queries, rest) = own.split_at(heads * n * width);
            for (at, query) in queries.chunks_exact(width).enumerate() {
                let (head, row) = (place.kv * heads + at / n, start + at % n);
                self.queries.put((row * shape.heads + head) * width, query);
            }
            let (keys, values) = rest.split_at(n * width);
            for (row, (key, value)) in keys.chunks_exact(width).zip(values.chunks_exact(width)).enumerate() {
                let at = (start + row) * shape.kv_width() + place.kv * width;
                self.keys.put(at, key);
                self.values.put(at, value);
            }
        }
    }

    fn cost(&self) -> u32 {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        // five products of half the square of positions for each head, about four products a nanosecond
        let heads = self.shape.heads_per_kv() * self.shape.width * self.each;
        nanoseconds([5, longest, longest, heads], 2 * 4)
    }
}
