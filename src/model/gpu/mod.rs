//! The GPU backend: the transformer with both derivatives as compute kernels, through wgpu (WebGPU in the browser,
//! Vulkan natively). Kernels ask for no more than WebGPU's least limits.

mod bind;
mod bindings;
mod cache;
pub mod check;
mod device;
mod embedded;
mod engine;
mod forward;
mod fused;
mod head;
#[cfg(not(test))]
mod kernels;
#[cfg(test)]
pub(crate) mod kernels;
mod matrix;
mod ops;
mod pack;
mod profile;
mod range;
mod reverse;
mod uniforms;
mod weights;

pub use device::{Gpu, GpuError};
pub use engine::{Counts, GpuEngine};
pub use profile::{Profile, Spent};
pub use weights::GpuModel;
