//! Owns one checkpoint and runs jobs on it, one at a time. `runner` works anywhere; `browser` is the web worker.

mod backends;
pub mod budget;
mod by_method;
mod intervention;
mod picture;
mod proof;
mod reader;
mod runner;

#[cfg(target_arch = "wasm32")]
pub mod browser;

pub use backends::Backends;
pub use runner::{Runner, Update};
