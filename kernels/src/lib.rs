//! Matrix products with weights as a file stores them, attention, and how threads share them out.
//!
//! Without std, so that the same source serves as a part of the engine and, built once more with atomics, as the module that
//! several threads run on one shared memory (`module`).

#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod attention;
pub mod dequantize;
pub mod fixed;
pub mod fixed_transposed;
pub mod floats;
mod matrix;
pub mod packed;
pub mod pool;
mod storage;
pub mod tasks;
pub mod tile;
pub mod units;

#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod allocator;
#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod module;

pub use matrix::{Input, Matrix, Scratch};
pub use storage::Storage;
