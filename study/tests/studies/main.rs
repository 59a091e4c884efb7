//! The studies' tests in one binary: they share the cores, and the library's generic code is compiled once for them.

mod bundle;
mod chain;
mod import;
mod large;
mod notebook;
mod picture;
mod sharded;
mod support;
