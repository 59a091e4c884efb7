//! A matrix whose weights stay quantized: what the integers' kernels take is repacked once ([`packed`]), the rest unpacked tile by
//! tile, once for all rows of the input.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

use crate::attention;
use crate::dequantize::dequantize;
use crate::fixed::{self, Rounded, Weights};
use crate::fixed_transposed::{self, Panels};
use crate::floats::{axpy, product, transposed_product};
use crate::packed::{self, Affine, GROUP};
use crate::storage::Storage;
use crate::tile::{self, BLOCK, Tile};

/// f32 values in a tile: with the rows of the input beside it, it stays in the fast caches.
const TILE: usize = 12 * 1024;

/// f32 values of the transposed product's result that are worked on at once: they are added to by every tile, and so
/// have to stay in the second-level cache; each tile is unpacked once for all of them.
const SHARE: usize = 96 * 1024;

/// Values of a product's input that are multiplied by all tiles before the next: rounded, they stay in the second-level cache.
const TOGETHER: usize = 64 * 1024;

/// Rows from which on a transposed product takes integers: the weights have to be rearranged for it.
const FEW: usize = 4;

/// The input of a product, in the form that suits the weights' storage.
pub enum Input<'a> {
    /// As it is, `[rows, inputs]`.
    Floats(&'a [f32]),
    /// Rounded to 16 bits.
    Rounded(&'a Rounded),
}

/// Buffers for one tile, used again for the next.
#[derive(Default)]
pub struct Scratch {
    floats: Vec<f32>,
    tile: Tile,
    affine: Affine,
    panels: Panels,
    bytes: Vec<u8>,
    /// `[blocks][rows][32]`.
    by_blocks: Vec<[f32; BLOCK]>,
    /// An input's rows, rounded.
    pub(crate) rounded: Rounded,
    /// A part's result.
    pub(crate) result: Vec<f32>,
    pub(crate) attention: attention::Workspace,
}

/// `W`, `[outputs, inputs]`.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// How the rows are stored.
    pub storage: Storage,
    /// The rows, as [`Matrix::pack`] arranges them.
    pub bytes: &'a [u8],
    /// Rows.
    pub outputs: usize,
    /// Columns, a whole number of the storage's blocks.
    pub inputs: usize,
}

impl Matrix<'_> {
    /// Rows of a tile: a multiple of eight, so that the kernels stay on their widest paths.
    pub fn tile(&self) -> usize {
        (TILE / self.inputs / 8 * 8).max(8).min(self.outputs)
    }

    /// Rows of a transposed product's result that are worked on at once: even, as its kernels go by twos.
    pub fn share(&self) -> usize {
        (SHARE / self.inputs / 2 * 2).max(6)
    }

    /// Whether products are taken in integers.
    pub fn in_integers(&self) -> bool {
        tile::applies(self.storage, self.inputs)
    }

    /// Arranges rows as a file stores them; those that are not taken in integers stay as they are.
    pub fn pack(storage: Storage, bytes: &[u8], inputs: usize) -> Cow<'_, [u8]> {
        match tile::applies(storage, inputs) {
            true => packed::pack(storage, bytes, inputs).into(),
            false => bytes.into(),
        }
    }

    /// Rows that are packed together: rows may be packed in parts of so many.
    pub const GROUP: usize = GROUP;

    /// Bytes of all rows, packed.
    pub fn packed_bytes(&self) -> usize {
        self.outputs.checked_sub(1).map_or(0, |last| self.bytes_with(last).0.end)
    }

    /// Where the bytes of row `index` are, and which row of these it is: the rows of a group lie together.
    pub fn bytes_with(&self, index: usize) -> (Range<usize>, usize) {
        let (rows, bytes) = match self.in_integers() {
            true => (GROUP, packed::group_bytes(self.storage, self.inputs)),
            false => (1, self.storage.bytes_of(self.inputs)),
        };
        (index / rows * bytes..(index / rows + 1) * bytes, index % rows)
    }

    /// Dequantizes some columns of rows `from..`, as many as `scratch` has place for with that width.
    fn unpack(&self, rows: Range<usize>, columns: &Range<usize>, scratch: &mut Scratch) {
        let Scratch { floats, tile, affine, bytes, .. } = scratch;
        floats.resize(rows.len() * columns.len(), 0.0);
        if self.in_integers() {
            let blocks = columns.start / BLOCK..columns.end / BLOCK;
            packed::unpack(self.storage, self.inputs, self.bytes, rows, blocks, affine, tile);
            tile.expand(floats);
        } else {
            dequantize(self.storage, self.part(rows, columns, bytes), floats);
        }
    }

    /// Row `index`, dequantized.
    pub fn row(&self, index: usize) -> Vec<f32> {
        let mut scratch = Scratch::default();
        self.unpack(index..index + 1, &(0..self.inputs), &mut scratch);
        scratch.floats
    }

    /// Rows `x`, `[rows, inputs]`, as [`Matrix::tile_product`] takes them, rounded in `room` if need be.
    pub fn input<'a>(&self, x: &'a [f32], room: &'a mut Rounded) -> Input<'a> {
        if !self.in_integers() {
            return Input::Floats(x);
        }
        room.round(x);
        Input::Rounded(room)
    }

    /// The rows of a tile from `from` on, applied to every row of the input: `y[r * stride + o]`.
    pub fn tile_product(&self, x: &Input, from: usize, scratch: &mut Scratch, y: &mut [f32], stride: usize) {
        let count = self.tile().min(self.outputs - from);
        match x {
            Input::Floats(x) => {
                self.unpack(from..from + count, &(0..self.inputs), scratch);
                product(x, &scratch.floats, self.inputs, y, stride);
            }
            Input::Rounded(x) => {
                let (first, last) = (self.bytes_with(from).0, self.bytes_with(from + count - 1).0);
                let bytes = &self.bytes[first.start..last.end];
                let weights = Weights { storage: self.storage, inputs: self.inputs, bytes, outputs: count };
                fixed::product(x, &weights, &mut scratch.affine, y, stride);
            }
        }
    }

    /// `y = x W^T`, for `[rows, inputs]`.
    pub fn product(&self, x: &[f32], y: &mut [f32]) {
        let (mut rounded, mut scratch) = (Rounded::default(), Scratch::default());
        let rows = self.rows_together();
        for (x, y) in x.chunks(rows * self.inputs).zip(y.chunks_mut(rows * self.outputs)) {
            let x = self.input(x, &mut rounded);
            for from in (0..self.outputs).step_by(self.tile()) {
                self.tile_product(&x, from, &mut scratch, &mut y[from..], self.outputs);
            }
        }
    }

    /// Rows of a product's input that are worked on at once: a multiple of eight, so that the kernels stay on their widest paths.
    pub fn rows_together(&self) -> usize {
        (TOGETHER / self.inputs / 8 * 8).max(8)
    }

    /// `y = c W`, for `[rows, outputs]`; `y` holds zeros before.
    pub fn transposed_product(&self, c: &[f32], y: &mut [f32]) {
        let (share, mut scratch) = (self.share(), Scratch::default());
        let integers = self.transposes_integers(y.len() / self.inputs);
        for (y, c) in y.chunks_mut(share * self.inputs).zip(c.chunks(share * self.outputs)) {
            self.transposed_columns(c, integers, 0..self.inputs, &mut scratch, y);
        }
    }

    /// Whether the transposed product of so many rows is taken in integers.
    pub fn transposes_integers(&self, rows: usize) -> bool {
        self.in_integers() && rows >= FEW
    }

    /// Columns that [`Matrix::transposed_columns`] may be asked for are multiples of this, or the last.
    pub fn column_step(&self) -> usize {
        self.storage.block_size().max(BLOCK)
    }

    /// Some columns of the transposed product, `y = c W[.., columns]`: `y` is `[rows, columns]` and holds zeros before. They
    /// begin at a multiple of [`Matrix::column_step`], and end at one or at the last.
    pub fn transposed_columns(
        &self,
        c: &[f32],
        integers: bool,
        columns: Range<usize>,
        scratch: &mut Scratch,
        y: &mut [f32],
    ) {
        let width = columns.len();
        if integers {
            return self.transposed_fixed(c, columns, scratch, y);
        }
        for from in (0..self.outputs).step_by(self.tile()) {
            let count = self.tile().min(self.outputs - from);
            self.unpack(from..from + count, &columns, scratch);
            transposed_product(&c[from..], self.outputs, &scratch.floats, width, y);
        }
    }

    /// The stored bytes of some columns of some rows, gathered in `room` unless they lie together.
    fn part<'a>(&'a self, rows: Range<usize>, columns: &Range<usize>, room: &'a mut Vec<u8>) -> &'a [u8] {
        let row = self.storage.bytes_of(self.inputs);
        let rows = &self.bytes[rows.start * row..rows.end * row];
        if columns.len() == self.inputs {
            return rows;
        }
        let at = self.storage.bytes_of(columns.start)..self.storage.bytes_of(columns.end);
        room.clear();
        for row in rows.chunks_exact(row) {
            room.extend_from_slice(&row[at.clone()]);
        }
        room
    }

    fn transposed_fixed(&self, c: &[f32], columns: Range<usize>, scratch: &mut Scratch, y: &mut [f32]) {
        let (width, blocks) = (columns.len(), columns.len() / BLOCK);
        let count = y.len() / width;
        scratch.by_blocks.clear();
        scratch.by_blocks.resize(blocks * count, [0.0; BLOCK]);
        for from in (0..self.outputs).step_by(fixed_transposed::ROWS) {
            let height = fixed_transposed::ROWS.min(self.outputs - from);
            let (rows, of) = (from..from + height, columns.start / BLOCK..columns.end / BLOCK);
            packed::unpack(self.storage, self.inputs, self.bytes, rows, of, &mut scratch.affine, &mut scratch.tile);
            scratch.panels.arrange(&scratch.tile, blocks);
            fixed_transposed::product(&c[from..], self.outputs, height, &scratch.panels, &mut scratch.by_blocks);
        }
        for (r, y) in y.chunks_exact_mut(width).enumerate() {
            for (b, y) in y.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
                *y = scratch.by_blocks[b * count + r];
            }
        }
    }

    /// `y += c W[.., columns]` for one sparse row `[outputs]`: weight rows whose cotangents are at most `floor` are not read. The
    /// columns are as for [`Matrix::transposed_columns`].
    pub fn transposed_sparse(
        &self,
        c: &[f32],
        floor: f32,
        columns: Range<usize>,
        scratch: &mut Scratch,
        y: &mut [f32],
    ) {
        for (o, &c) in c.iter().enumerate().filter(|(_, c)| c.abs() > floor) {
            self.unpack(o..o + 1, &columns, scratch);
            axpy(c, &scratch.floats, y);
        }
    }
}
