//! The tests that need no browser, in one binary: the library's generic code is compiled once for all of them, and they share the
//! cores. Those that count allocations have binaries of their own.

#[macro_use]
mod each_family;

mod backends;
mod bundled;
mod context;
mod divergence;
mod documents;
mod faithfulness;
mod families;
mod gold;
mod gpu;
mod inside;
mod interventions;
mod methods;
mod models;
mod modules;
mod residual;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod tokenizer;
mod weights;
mod wording;
