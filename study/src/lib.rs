//! Shiftlens on prompt sets, many checkpoints and many machines (docs/studies.md).

pub mod bundle;
pub mod error;
pub mod fetch;
pub mod folder;
pub mod hub;
pub mod import;
mod loose;
pub mod merge;
mod models;
pub mod parts;
pub mod picture;
pub mod plan;
pub mod row;
pub mod run;
pub mod sources;
pub mod study;
pub mod tables;
pub mod weights;
