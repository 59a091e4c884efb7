//! Products on several cores: weights in a memory that threads share.

use std::ops::Range;
use std::rc::Rc;

use shiftlens_kernels::Matrix;

use crate::model::ModelError;

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
    /// Multiplies `x` by the matrix whose bytes are at address `at` (its own `bytes` are empty). `y` is overwritten.
    fn multiply(&self, what: Product, matrix: &Matrix, at: u32, x: &[f32], y: &mut [f32]) -> Result<(), ModelError>;
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
    pub fn multiply(&self, what: Product, matrix: &Matrix, x: &[f32], y: &mut [f32]) -> Result<(), ModelError> {
        self.cores.multiply(what, matrix, self.at, x, y)
    }
}
