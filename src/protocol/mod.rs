//! The typed messages between the page and an engine, and how one run is asked for.
//!
//! They cross as JSON text, so that a test or a benchmark can speak to an engine in a few lines of JavaScript. Files and long rows
//! of numbers travel beside the text in the same `postMessage`.

mod backend;
mod event;
mod failure;
mod numbers;
mod request;
mod run;
pub mod text;

pub use backend::{Backend, BackendChoice, BackendReport, Why};
pub use event::{Event, Stage, StoredEntry};
pub use failure::{Failure, StorageFailure};
pub use request::{Request, Source};
pub use run::{Need, Prompt, Response, Run, Template};

/// Numbers the jobs of one engine; every event carries its job's.
pub type JobId = u32;
