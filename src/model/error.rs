//! What can go wrong while a model is loaded or run.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::checkpoint::CheckpointError;

/// Why a computation did not finish. Crosses the worker boundary as a value.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
pub enum ModelError {
    /// The checkpoint could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// More tokens than the model was made for.
    #[error(
        "The prompt and its response take {tokens} tokens; this model reads at most {context}. Shorten the prompt or ask for a shorter response."
    )]
    TooLong {
        /// Tokens asked for.
        tokens: usize,
        /// The model's context length.
        context: usize,
    },
    /// Nothing to run on.
    #[error("The prompt is empty. Write something to ask the models.")]
    EmptyPrompt,
    /// A token id outside the vocabulary.
    #[error("Token {id} does not exist in this model, which knows {vocab} tokens.")]
    UnknownToken {
        /// The id.
        id: u32,
        /// The vocabulary's size.
        vocab: usize,
    },
    /// The user stopped the job.
    #[error("Stopped.")]
    Cancelled,
    /// The computation produced something that is not a number.
    #[error("The model's output is not a number: the checkpoint is damaged or not supported by this backend.")]
    NotANumber,
    /// A tensor operation failed: a defect of ours.
    #[error("The computation failed: {0}. This is a defect in Shiftlens; please report it.")]
    Tensor(String),
}

impl From<candle_core::Error> for ModelError {
    fn from(e: candle_core::Error) -> Self {
        Self::Tensor(e.to_string())
    }
}
