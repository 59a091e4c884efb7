//! Products and attention on several cores: weights, keys and values in a memory that threads share.

use std::ops::Range;
use std::rc::Rc;

use shiftlens_kernels::Matrix;
use shiftlens_kernels::attention::{Plan, Sequence, Shape};

use super::attention::QkvCotangents;
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;

/// The most matrices that one input is multiplied by at once.
pub const MATRICES: usize = 3;

/// The kind of product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Product {
    /// `y = x W^T`, for `[rows, inputs]`.
    Plain,
    /// `y = x W`, for `[rows, outputs]`, in floats.
    Transposed,
    /// The same in integers.
    TransposedIntegers,
    /// `y = x W` for one row; rows of W whose value in x is at most this are not read.
    Sparse(f32),
}

/// Threads with a memory of their own.
pub trait Cores {
    /// Allocates `bytes` bytes for good, and returns their address; `None` if there is no room.
    fn reserve(&self, bytes: usize) -> Option<u32>;
    /// Copies `bytes` to address `at`.
    fn write(&self, at: u32, bytes: &[u8]) -> Result<(), ModelError>;
    /// Copies `into.len()` bytes from address `at`.
    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), ModelError>;
    /// Multiplies `x` by each of some matrices, at most [`MATRICES`], or by the transpose of one: their bytes are at these addresses
    /// (their own `bytes` are empty). They have as many inputs, and take them in the same form. The results are overwritten.
    fn multiply(
        &self,
        what: Product,
        matrices: &[(Matrix, u32)],
        x: &[f32],
        y: &mut [&mut [f32]],
    ) -> Result<(), ModelError>;
    /// Makes an empty cache of keys and values, and of their tangents for so many groups; `None` if there is no room.
    fn cache(&self, shape: Shape, groups: usize) -> Option<u32>;
    /// Frees it.
    fn free_cache(&self, cache: u32);
    /// Appends to a cache of this shape, and attends: see [`shiftlens_kernels::attention::Forward`]. `out` is overwritten.
    fn attend(&self, cache: u32, plan: Plan, rows: Sequence, out: &mut [f32]) -> Result<(), ModelError>;
    /// See [`shiftlens_kernels::attention::Vjp`]. Gives the cotangents of queries, keys and values.
    fn attention_vjp(
        &self,
        shape: Shape,
        sequence: Sequence,
        lengths: &[usize],
        c: &[f32],
    ) -> Result<[Vec<f32>; 3], ModelError>;
}

/// The most values of a call's input or result in the shared memory. More rows are computed in several calls, so that little memory is
/// needed beside the weights and the caches.
pub const VALUES: usize = 1 << 20;

/// A layer's cache in the shared memory.
pub(super) struct SharedCache {
    cores: Rc<dyn Cores>,
    at: u32,
    shape: Shape,
}

impl SharedCache {
    /// An empty one, if there is room.
    pub fn new(cores: &Rc<dyn Cores>, shape: Shape, groups: usize) -> Option<Self> {
        Some(Self { at: cores.cache(shape, groups)?, cores: cores.clone(), shape })
    }

    /// See [`super::attention::LayerCache::attend`].
    pub fn attend(
        &mut self,
        plan: &RowPlan,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        let (wide, narrow) = (self.shape.heads * self.shape.width, self.shape.kv_width());
        let mut out = vec![0.0; queries.len()];
        let most = VALUES / (wide + 2 * narrow);
        if plan.rows() <= most {
            self.cores.attend(self.at, plan.plan(), Sequence { queries, keys, values }, &mut out)?;
            return Ok(out);
        }
        // some positions after the others, with all rows that stand there
        let step = (most / (plan.tangents.len() + 1)).max(1);
        for from in (0..plan.primal).step_by(step) {
            let (part, rows) = plan.part(from..(from + step).min(plan.primal));
            let [q, k, v] =
                [(queries, wide), (keys, narrow), (values, narrow)].map(|(of, width)| gather(of, width, &rows));
            let mut found = vec![0.0; q.len()];
            self.cores.attend(self.at, part.plan(), Sequence { queries: &q, keys: &k, values: &v }, &mut found)?;
            for (row, found) in rows.iter().zip(found.chunks_exact(wide)) {
                out[row * wide..(row + 1) * wide].copy_from_slice(found);
            }
        }
        Ok(out)
    }
}

impl Drop for SharedCache {
    fn drop(&mut self) {
        self.cores.free_cache(self.at);
    }
}

/// Rows `rows` of `[…, width]`.
fn gather(of: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|row| &of[row * width..(row + 1) * width]).copied().collect()
}

/// The vjp of attention on `cores`: see [`super::attention::vjp`].
pub(super) fn attention_vjp(
    cores: &dyn Cores,
    shape: Shape,
    sequence: Sequence,
    lengths: &[usize],
    c: &[f32],
) -> Result<QkvCotangents, ModelError> {
    let (wide, narrow) = (shape.heads * shape.width, shape.kv_width());
    let most = VALUES.saturating_sub(sequence.queries.len() + 2 * sequence.keys.len()) / (wide + 2 * narrow);
    let mut cotangents = QkvCotangents::zeros(&shape, lengths.iter().sum());
    let (mut from, mut at) = (0, 0);
    while from < lengths.len() {
        let mut rows = lengths[from];
        let mut to = from + 1;
        while to < lengths.len() && rows + lengths[to] <= most {
            rows += lengths[to];
            to += 1;
        }
        let c = &c[at * wide..(at + rows) * wide];
        let [queries, keys, values] = cores.attention_vjp(shape, sequence, &lengths[from..to], c)?;
        cotangents.queries[at * wide..(at + rows) * wide].copy_from_slice(&queries);
        cotangents.keys[at * narrow..(at + rows) * narrow].copy_from_slice(&keys);
        cotangents.values[at * narrow..(at + rows) * narrow].copy_from_slice(&values);
        (from, at) = (to, at + rows);
    }
    Ok(cotangents)
}

/// A matrix in the shared memory.
pub(super) struct Kept {
    cores: Rc<dyn Cores>,
    at: u32,
    /// Bytes written so far.
    done: usize,
}

impl Kept {
    /// Allocates room for a matrix of `bytes` bytes, if there is any.
    pub fn new(cores: &Rc<dyn Cores>, bytes: usize) -> Option<Self> {
        Some(Self { at: cores.reserve(bytes)?, cores: cores.clone(), done: 0 })
    }

    /// Appends bytes of the matrix.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.cores.write(self.at + self.done as u32, bytes)?; // within what was reserved, whose end is an address
        self.done += bytes.len();
        Ok(())
    }

    /// Some of the bytes.
    pub fn read(&self, range: Range<usize>) -> Result<Vec<u8>, ModelError> {
        let mut bytes = vec![0; range.len()];
        self.cores.read(self.at + range.start as u32, &mut bytes)?; // an address as above
        Ok(bytes)
    }

    /// See [`Cores::multiply`].
    pub fn multiply(&self, what: Product, matrix: Matrix, x: &[f32], y: &mut [f32]) -> Result<(), ModelError> {
        self.cores.multiply(what, &[(matrix, self.at)], x, &mut [y])
    }

    /// Multiplies `x` by several matrices in the same memory, this one's first.
    pub fn multiply_all(&self, all: &[(Matrix, &Kept)], x: &[f32], y: &mut [&mut [f32]]) -> Result<(), ModelError> {
        let placed: Vec<(Matrix, u32)> = all.iter().map(|(matrix, kept)| (*matrix, kept.at)).collect();
        self.cores.multiply(Product::Plain, &placed, x, y)
    }
}
