//! Bytes to [`Checkpoint`]: GGUF and safetensors readers, model configuration, tokenizer, chat template, known pairs.

mod blocks;
mod bytes;
pub mod catalogue;
mod chat;
mod config;
pub mod conversation;
#[cfg(not(target_arch = "wasm32"))]
mod disk;
mod error;
mod families;
pub mod gguf;
pub mod hub;
mod layer;
mod open;
mod quantization;
mod rope;
mod safetensors;
mod settings;
mod slots;
mod tokenizer;

pub use bytes::{ByteSource, InPlace, MemoryBytes};
pub use chat::{ChatTemplate, Own, Rendered};
pub use config::{ModelConfig, RopeLayout};
pub use conversation::{Said, Speaker, Turn};
#[cfg(not(target_arch = "wasm32"))]
pub use disk::FileBytes;
pub use error::CheckpointError;
pub use layer::{Activation, LayerSpec, Norms, Part, QkNorm};
pub use open::{Checkpoint, TensorEntry};
pub use tokenizer::{Piece, Tokenizer};
