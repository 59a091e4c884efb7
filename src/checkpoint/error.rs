//! What can be wrong with a checkpoint, in sentences a user can act on.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a checkpoint was refused. Crosses the worker boundary as a value.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
pub enum CheckpointError {
    /// Neither GGUF nor safetensors.
    #[error(
        "“{0}” is not a checkpoint: it is neither a GGUF file nor a safetensors file. Choose a .gguf file, or a .safetensors file together with its config.json and tokenizer.json."
    )]
    NotACheckpoint(String),
    /// The file ends before what its header promises.
    #[error(
        "The file is cut short: {what} needs {need} bytes, the file has {have}. It was probably not downloaded completely; fetch it again."
    )]
    Truncated {
        /// What was being read.
        what: String,
        /// Bytes needed from the file's start.
        need: u64,
        /// Bytes the file has.
        have: u64,
    },
    /// A count or length that cannot be true.
    #[error("The file is damaged: {what} claims to be {value}, which this file cannot hold (at most {limit}).")]
    Absurd {
        /// The quantity.
        what: String,
        /// Its claimed value.
        value: u64,
        /// The largest possible value.
        limit: u64,
    },
    /// The header contradicts itself or is not readable.
    #[error("The file is damaged: {0}.")]
    Damaged(String),
    /// A GGUF version that is not read here.
    #[error("This is GGUF version {0}; versions 2 and 3 can be read. Convert the model again with a current tool.")]
    GgufVersion(u32),
    /// A model family that is not implemented.
    #[error(
        "The model's architecture is “{0}”. Shiftlens reads llama (SmolLM2, TinyLlama, Llama 2 and 3, Mistral), qwen2, qwen3, gemma3, olmo2, granite, smollm3 and phi3."
    )]
    UnknownArchitecture(String),
    /// A tensor type that is not read.
    #[error(
        "Tensor “{tensor}” is stored as {found}, which Shiftlens cannot read. It reads F32, F16, BF16, Q4_0 to Q8_0 and Q2_K to Q8_K: {instead}."
    )]
    UnknownTensorType {
        /// The tensor's name.
        tensor: String,
        /// The type as the file gives it.
        found: String,
        /// What to fetch in its place.
        instead: String,
    },
    /// A tensor the architecture needs is absent.
    #[error("The file has no tensor “{0}”, which this architecture needs.")]
    MissingTensor(String),
    /// A tensor that the architecture has no use for.
    #[error(
        "The file has a tensor “{0}” that this architecture does not use: it is of a variant that Shiftlens does not read."
    )]
    UnusedTensor(String),
    /// A tensor's shape does not fit the configuration.
    #[error("Tensor “{tensor}” has shape {found:?}, the model's configuration asks for {expected:?}.")]
    Shape {
        /// The tensor's name.
        tensor: String,
        /// Rows, columns that the configuration implies.
        expected: Vec<usize>,
        /// Rows, columns in the file.
        found: Vec<usize>,
    },
    /// A configuration value is absent.
    #[error("The model's configuration lacks “{0}”.")]
    MissingSetting(String),
    /// A configuration value cannot be used.
    #[error("The model's setting “{key}” is {found}: {problem}.")]
    BadSetting {
        /// The setting.
        key: String,
        /// Its value.
        found: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No tokenizer came with the weights.
    #[error(
        "The checkpoint has no tokenizer. A GGUF file should carry one; for safetensors, add tokenizer.json to the selection."
    )]
    MissingTokenizer,
    /// The tokenizer cannot be built.
    #[error("The tokenizer cannot be used: {0}.")]
    Tokenizer(String),
    /// The chat template cannot be rendered.
    #[error("The chat template cannot be used: {0}. Turn the template off to run without it.")]
    Template(String),
    /// The chat template does not take such a conversation; its own words.
    #[error("The chat template refuses this conversation: “{0}”. Change the turns, or turn the template off.")]
    TemplateRefuses(String),
    /// A file of the set is absent.
    #[error("“{0}” is missing from the selection: choose all of the model's files together.")]
    MissingFile(String),
    /// The bytes could not be read.
    #[error("The file could not be read: {0}.")]
    Read(String),
}
