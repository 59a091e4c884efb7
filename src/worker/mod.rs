//! Owns one checkpoint and runs jobs on it, one at a time. `runner` works anywhere; `browser` is the web worker.

mod backends;
mod by_method;
mod proof;
mod reader;
pub mod room;
mod runner;

#[cfg(target_arch = "wasm32")]
pub mod browser;

pub use backends::Backends;
pub use runner::{Runner, Update};
