//! The transformer and its two derivatives, behind one trait for every backend.

pub mod cpu;
mod engine;
mod error;
pub mod head;

pub use engine::{Engine, Group, Tick};
pub use error::ModelError;
