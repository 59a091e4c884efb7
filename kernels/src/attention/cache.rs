//! Keys and values of a sequence, and their tangents, in pages that are never moved. The keys of two key/value heads and
//! seventy positions:
//!
//! ```text
//! pages[0]  head 0, positions  0..32     pages[1]  head 1, positions  0..32
//! pages[2]  head 0, positions 32..64     pages[3]  head 1, positions 32..64
//! pages[4]  head 0, positions 64..70     pages[5]  head 1, positions 64..70, and 26 rows to come
//! ```

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Plan, Shape};

/// Positions in a page: room is taken for so many at once.
pub const PAGE: usize = 32;

/// Keys or values, growing with the sequence: page after page, each `[32, head width]` of one key/value head.
#[derive(Default)]
struct Rows {
    /// `[pages][kv_heads]`.
    pages: Vec<Vec<f32>>,
    count: usize,
}

impl Rows {
    /// Appends rows `[n, kv_heads * width]`.
    fn append(&mut self, shape: &Shape, rows: &[f32]) {
        for row in rows.chunks_exact(shape.kv_width()) {
            let at = self.count % PAGE;
            if at == 0 {
                self.pages.resize_with(self.pages.len() + shape.kv_heads, || vec![0.0; PAGE * shape.width]);
            }
            let first = self.pages.len() - shape.kv_heads;
            for (page, head) in self.pages[first..].iter_mut().zip(row.chunks_exact(shape.width)) {
                page[at * shape.width..(at + 1) * shape.width].copy_from_slice(head);
            }
            self.count += 1;
        }
    }

    /// Forgets the rows from `count` on.
    fn truncate(&mut self, shape: &Shape, count: usize) {
        if count < self.count {
            self.pages.truncate(count.div_ceil(PAGE) * shape.kv_heads);
            self.count = count;
        }
    }

    /// Head `kv`'s rows `range`, in pieces, each with the place of its first row within the range.
    fn of(&self, shape: &Shape, kv: usize, range: Range<usize>) -> impl Iterator<Item = (usize, &[f32])> {
        let (width, heads) = (shape.width, shape.kv_heads);
        let pages = if range.is_empty() { 0..0 } else { range.start / PAGE..range.end.div_ceil(PAGE) };
        pages.map(move |page| {
            let rows = range.start.max(page * PAGE)..range.end.min((page + 1) * PAGE);
            let within = (rows.start - page * PAGE) * width..(rows.end - page * PAGE) * width;
            (rows.start - range.start, &self.pages[page * heads + kv][within])
        })
    }
}

/// A group's tangents of keys and values.
#[derive(Default)]
struct GroupRows {
    /// The position of the first.
    first: usize,
    keys: Rows,
    values: Rows,
}

/// Keys and values of one layer's attention, and their tangents for every group.
pub struct Cache {
    pub(super) shape: Shape,
    keys: Rows,
    values: Rows,
    groups: Vec<GroupRows>,
}

impl Cache {
    /// An empty one, for so many groups.
    pub fn new(shape: Shape, groups: usize) -> Self {
        let groups = (0..groups).map(|_| GroupRows::default()).collect();
        Self { shape, keys: Rows::default(), values: Rows::default(), groups }
    }

    /// The sizes that it was made for.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Positions so far.
    pub fn length(&self) -> usize {
        self.keys.count
    }

    /// Forgets every position from `length` on, and tells that it did; not where there are groups, whose tangents begin later.
    pub fn truncate(&mut self, length: usize) -> bool {
        if !self.groups.is_empty() {
            return false;
        }
        self.keys.truncate(&self.shape, length);
        self.values.truncate(&self.shape, length);
        true
    }

    /// Appends the stacked rows of new keys and values, each `[rows, kv_heads * width]`.
    pub fn append(&mut self, plan: &Plan, keys: &[f32], values: &[f32]) {
        let (shape, width) = (self.shape, self.shape.kv_width());
        self.keys.append(&shape, &keys[..plan.primal * width]);
        self.values.append(&shape, &values[..plan.primal * width]);
        for t in plan.tangents {
            let (group, rows) = (&mut self.groups[t.group], t.row * width..(t.row + t.count) * width);
            if group.keys.count == 0 {
                group.first = t.position;
            }
            group.keys.append(&shape, &keys[rows.clone()]);
            group.values.append(&shape, &values[rows]);
        }
    }

    /// Head `kv`'s keys at the positions `seen`, in pieces: where each begins within `seen`, and its rows `[n, width]`.
    pub(super) fn keys(&self, kv: usize, seen: &Range<usize>) -> impl Iterator<Item = (usize, &[f32])> {
        self.keys.of(&self.shape, kv, seen.clone())
    }

    /// The same of the values.
    pub(super) fn values(&self, kv: usize, seen: &Range<usize>) -> impl Iterator<Item = (usize, &[f32])> {
        self.values.of(&self.shape, kv, seen.clone())
    }

    /// A group's tangents of these keys. There are none before its first position.
    pub(super) fn key_tangents(
        &self,
        group: usize,
        kv: usize,
        seen: &Range<usize>,
    ) -> impl Iterator<Item = (usize, &[f32])> {
        self.tangents(group, |group| &group.keys, kv, seen)
    }

    /// A group's tangents of these values.
    pub(super) fn value_tangents(
        &self,
        group: usize,
        kv: usize,
        seen: &Range<usize>,
    ) -> impl Iterator<Item = (usize, &[f32])> {
        self.tangents(group, |group| &group.values, kv, seen)
    }

    fn tangents(
        &self,
        group: usize,
        rows: fn(&GroupRows) -> &Rows,
        kv: usize,
        seen: &Range<usize>,
    ) -> impl Iterator<Item = (usize, &[f32])> {
        let group = &self.groups[group];
        let from = seen.start.max(group.first).min(seen.end);
        let before = from - seen.start;
        let pieces = rows(group).of(&self.shape, kv, from - group.first..seen.end.max(group.first) - group.first);
        pieces.map(move |(at, rows)| (before + at, rows))
    }
}
