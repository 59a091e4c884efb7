//! The studies' tests in one binary: they share the cores, and the library's generic code is compiled once for them.

mod backend;
mod bundle;
mod chain;
mod hub;
mod import;
mod large;
mod machines;
mod notebook;
mod picture;
mod python;
mod sharded;
mod support;
