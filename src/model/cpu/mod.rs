//! The CPU backend: candle's tensors and quantized storage, our own kernels and derivatives.
//!
//! Activations are matrices `[rows, width]`. Each piece of a decoder layer has a file with its value, its
//! Jacobian-vector product (jvp, forward mode) and its vector-Jacobian product (vjp, reverse mode).

pub(super) mod attention;
mod cores;
mod embedded;
mod engine;
mod forward;
mod layer;
mod linear;
mod memory;
pub(super) mod mlp;
mod norm;
mod position_free;
mod residual;
mod reverse;
pub(super) mod rope;
pub(super) mod rows;
mod scaling;
mod trace;
mod weights;

pub use cores::{Cores, MATRICES, Product, VALUES};
pub use engine::{CpuEngine, Pause};
pub(super) use linear::{Linear, storage};
pub use memory::Memory;
pub(super) use norm::RmsNorm;
pub(crate) use position_free::queries_and_keys;
pub use residual::{Contribution, Residual, Source, Written};
pub use scaling::{Scaled, Scaling};
pub use trace::Trace;
pub use weights::{CpuModel, weight_bytes};

#[cfg(test)]
mod tests;
