//! The CPU backend: candle's tensors and quantized storage, our own kernels and derivatives.
//!
//! Activations are matrices `[rows, width]`. Each piece of a decoder layer has a file with its value, its
//! Jacobian-vector product (jvp, forward mode) and its vector-Jacobian product (vjp, reverse mode).

mod attention;
mod dequantize;
mod engine;
mod fixed;
mod fixed_transposed;
mod forward;
mod kernels;
mod linear;
mod mlp;
mod norm;
mod reverse;
mod rope;
mod rows;
mod trace;
mod weights;

pub(crate) use dequantize::dequantize;
pub use engine::CpuEngine;
pub(crate) use linear::project;
pub use trace::Trace;
pub use weights::CpuModel;

#[cfg(test)]
mod tests;
