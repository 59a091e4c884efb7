//! Bytes to [`Checkpoint`]: GGUF and safetensors readers, model configuration, tokenizer, chat template, known pairs.

mod bytes;
pub mod catalogue;
mod chat;
mod config;
mod error;
mod families;
pub mod gguf;
mod layer;
mod open;
mod rope;
mod safetensors;
mod settings;
mod slots;
mod tokenizer;
mod tokenizer_json;

#[cfg(not(target_arch = "wasm32"))]
pub use bytes::FileBytes;
pub use bytes::{ByteSource, MemoryBytes};
pub use chat::{ChatTemplate, Rendered};
pub use config::{ModelConfig, RopeLayout};
pub use error::CheckpointError;
pub use layer::{Activation, LayerSpec, Norms, Part, QkNorm};
pub use open::{Checkpoint, TensorEntry};
pub use tokenizer::{Piece, Tokenizer};
