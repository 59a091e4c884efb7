//! Shiftlens: what instruction tuning did to a language model, computed and shown in the browser.
//!
//! The rooms, from the ground up (each uses only those above it): [`checkpoint`], [`model`], [`explain`], [`protocol`],
//! [`worker`], [`share`], [`teach`], [`page`], `app`. ARCHITECTURE.md says where to look for what.

pub mod checkpoint;
pub mod explain;
pub mod model;
pub mod page;
pub mod protocol;
pub mod share;
pub mod teach;
pub mod worker;

#[cfg(target_arch = "wasm32")]
pub mod app;
