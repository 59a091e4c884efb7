//! What can go wrong while a model is loaded or run.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::gpu::GpuError;
use super::{Length, Shortage};
use crate::checkpoint::CheckpointError;

/// Why a computation did not finish. Crosses the worker boundary as a value.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
pub enum ModelError {
    /// The checkpoint could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// More tokens than the model was made for.
    #[error("{0}")]
    TooLong(Length),
    /// More than memory can hold.
    #[error("{0}")]
    Memory(Shortage),
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
    /// None of a list's words are words of the model.
    #[error(
        "The model writes none of the list's words with one or two tokens. Choose a list of words in its language."
    )]
    NoWords,
    /// No two words are related.
    #[error("No two of the words are related: the word vectors hold too few of them.")]
    NoRelations,
    /// A file of word vectors without any of the words.
    #[error(
        "The file holds no vectors of the list's words. Each line should be a word and its numbers, with spaces between."
    )]
    NoVectors,
    /// Word vectors that would judge what they themselves chose.
    #[error("The vectors that choose the related words cannot judge them: bring those of another model.")]
    JudgeChooses,
    /// Word vectors that cannot judge coherence.
    #[error(
        "The file holds vectors of fewer than 100 of the words that the model reads, or vectors that are all alike: too few to judge coherence by."
    )]
    NoJudge,
    /// A layer that is not there.
    #[error("There is no layer {layer}: the model has {layers}, numbered from 0.")]
    NoLayer {
        /// The layer asked for.
        layer: usize,
        /// How many there are.
        layers: usize,
    },
    /// A head that is not there.
    #[error("There is no head {head} in layer {layer}: the model's layers have {heads}, numbered from 0.")]
    NoHead {
        /// The layer.
        layer: usize,
        /// The head asked for.
        head: usize,
        /// How many there are.
        heads: usize,
    },
    /// A component of a feed-forward block that is not there.
    #[error("There is no component {component} in layer {layer}: the model has {components}, numbered from 0.")]
    NoComponent {
        /// The layer.
        layer: usize,
        /// The component asked for.
        component: usize,
        /// How many there are.
        components: usize,
    },
    /// Two models of different widths.
    #[error("The two models are of different widths, so their components cannot be compared.")]
    NotComparable,
    /// Two models whose distributions are over different tokens.
    #[error(
        "The base model knows {base} tokens and the tuned model {tuned}: their probabilities cannot be compared token by token. Open two models with the same vocabulary."
    )]
    OtherVocabulary {
        /// The base model's.
        base: usize,
        /// The tuned model's.
        tuned: usize,
    },
    /// Rows of probabilities that belong to another response.
    #[error(
        "The other model read a response of {rows} tokens and this one has {tokens}. Run both on the same response."
    )]
    OtherResponse {
        /// Tokens that the other model read.
        rows: usize,
        /// Tokens of this response.
        tokens: usize,
    },
    /// Tokens to set a response against that are not as many as the response's.
    #[error(
        "{ids} tokens were named to set the response's against, and the response has {tokens}. Name one for each, or let the strongest other token be found."
    )]
    OtherCount {
        /// Tokens named.
        ids: usize,
        /// Tokens of the response.
        tokens: usize,
    },
    /// A picture to be checked that is of another run.
    #[error(
        "The picture does not fit what the model reads and says here. Run the prompt again, then check its picture."
    )]
    OtherPicture,
    /// A padding word without tokens.
    #[error("The baseline's text has no tokens. Name a word to put in place of the prompt's tokens, or mean, or zero.")]
    EmptyBaseline,
    /// The user stopped the job.
    #[error("Stopped.")]
    Cancelled,
    /// The computation produced something that is not a number.
    #[error("The model's output is not a number: the checkpoint is damaged or not supported by this backend.")]
    NotANumber,
    /// The engine's threads failed. Their memory can no longer be trusted: the engine has to be started again.
    #[error("The engine's threads failed ({0}).")]
    Threads(String),
    /// The GPU could not go on.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// A tensor operation failed: a defect of ours.
    #[error("The computation failed: {0}. This is a defect in Shiftlens; please report it.")]
    Tensor(String),
}

impl From<Shortage> for ModelError {
    fn from(shortage: Shortage) -> Self {
        Self::Memory(shortage)
    }
}

impl From<candle_core::Error> for ModelError {
    fn from(e: candle_core::Error) -> Self {
        Self::Tensor(e.to_string())
    }
}
