//! Every string that a person reads on the page, and nothing else: what to change to reword it, or to translate it.
//!
//! A file a feature, named after where the page shows it. What never changes is a constant; what holds a name or a number
//! is a function, which also chooses between one and many. Nothing here knows the rest of the crate: values come as text
//! and numbers. Sentences of the engine (an error, a verdict) come with their values from the modules that find them.
#![expect(missing_docs, reason = "each is named after what it says")]

pub mod attribution;
pub mod backend;
pub mod brush;
pub mod chance;
pub mod common;
pub mod concepts;
pub mod conversation;
pub mod edited;
pub mod findings;
pub mod frame;
pub mod graph;
pub mod heads;
pub mod history;
pub mod loading;
pub mod matrix;
pub mod methods;
pub mod models;
pub mod next_word;
pub mod numbers;
pub mod overview;
pub mod pair;
pub mod prompt;
pub mod share;
pub mod study;
pub mod switching;
pub mod teach;
pub mod text;
