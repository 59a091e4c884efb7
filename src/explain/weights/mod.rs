//! What a model's weights say without any prompt: word-word relations in attention heads and concepts in feed-forward
//! layers (METHODS.md, sections 2 and 3).

pub mod compare;
pub mod concepts;
pub mod heads;
pub mod lexicon;
mod related;
mod spectrum;
mod vectors;

pub use related::{Related, Relatedness};
pub use vectors::Words;
