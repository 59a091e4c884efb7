//! Shiftlens on prompt sets, many checkpoints and many machines (docs/studies.md).

pub mod error;
pub mod folder;
mod loose;
pub mod merge;
pub mod parts;
pub mod plan;
pub mod row;
pub mod run;
pub mod study;
pub mod tables;
