//! What a model's weights say without any prompt: word-word relations in attention heads and concepts in feed-forward
//! layers (METHODS.md, sections 2 and 3).

mod atlas;
pub mod coherence;
pub mod compare;
pub mod concepts;
pub mod graph;
mod groups;
pub mod heads;
pub mod lexicon;
pub mod matching;
mod nearest;
mod packed;
mod related;
pub mod scorer;
mod screen;
mod spectrum;
mod turn;
mod vectors;

pub use atlas::{Atlas, LayerConcepts, LayerHeads, NamedComponent, NamedDimension, NamedHead};
pub use groups::LayerGroup;
pub use nearest::Nearest;
pub use packed::Packed;
pub use related::{Related, Relatedness};
pub use vectors::Words;
