//! Why a job failed, as values that cross the worker, with sentences for the user.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::model::ModelError;

/// A failed job.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
pub enum Failure {
    /// The checkpoint was refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model could not run.
    #[error(transparent)]
    Model(ModelError),
    /// The server answered, but not with the file.
    #[error("The server answered {status} for {url}. {}", what_to_do(*status))]
    Http {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
    },
    /// No answer, or the connection broke.
    #[error("The download of {url} broke off ({message}). What has arrived is kept: load it again to resume.")]
    Network {
        /// The address.
        url: String,
        /// The browser's words.
        message: String,
    },
    /// What was downloaded is not what its address promises.
    #[error(
        "{file} is not the file that was asked for: its SHA-256 is {found}, not {wanted}. It was damaged on the way or changed by its publisher, and has been deleted; try again, or ask for it without the checksum."
    )]
    Checksum {
        /// The file's name.
        file: String,
        /// Lower-case hexadecimal.
        wanted: String,
        /// Lower-case hexadecimal.
        found: String,
    },
    /// The browser's storage failed.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    /// The model is too large for the page.
    #[error(
        "The model needs {need_mib} MiB of memory; the browser gives this page {have_mib} MiB. Choose a smaller model or a smaller quantization."
    )]
    Memory {
        /// Needed, MiB.
        need_mib: u64,
        /// To be had, MiB.
        have_mib: u64,
    },
    /// A run was asked of an engine without a checkpoint.
    #[error("No model is loaded yet.")]
    NotLoaded,
    /// A picture was asked about that another checkpoint has made.
    #[error("Another model is loaded now than the one that made this picture. Run the prompt again, then ask.")]
    OtherModel,
    /// The user stopped the job.
    #[error("Stopped.")]
    Cancelled,
    /// The engine's code could not be fetched or run.
    #[error("The engine could not be started ({0}). Reload the page; if that does not help, update the browser.")]
    NoEngine(String),
    /// The engine stopped unexpectedly.
    #[error("The engine stopped unexpectedly ({0}). It has been started again; your prompt is still here.")]
    Crashed(String),
    /// It stopped twice at the same work.
    #[error("The engine stopped twice while it did this, and is not asked again by itself. It said: {0}")]
    StoppedTwice(String),
}

/// What helps against an answer with this status.
fn what_to_do(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            "The file is private, or given only to people who have agreed to its publisher's terms: download it in your browser, where you are signed in, and choose it here."
        }
        429 => "It has had too many requests from your network: wait some minutes. What has arrived is kept.",
        500.. => "It is in trouble itself: try again in some minutes. What has arrived is kept.",
        _ => "Check the address, and whether the file is public.",
    }
}

impl From<ModelError> for Failure {
    fn from(e: ModelError) -> Self {
        match e {
            ModelError::Checkpoint(e) => Self::Checkpoint(e),
            ModelError::Cancelled => Self::Cancelled,
            other => Self::Model(other),
        }
    }
}

/// What the browser's storage can refuse.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
pub enum StorageFailure {
    /// Not offered, as in some private windows.
    #[error(
        "This browser keeps no files for the page (a private window, perhaps): the model is used but will have to be loaded again next time."
    )]
    Unavailable,
    /// No room.
    #[error("The browser's storage is full: the model is used but not kept. Delete stored models to make room.")]
    Full,
    /// The entry is gone.
    #[error("The stored model is no longer there. Load it again.")]
    Missing,
    /// Anything else.
    #[error("The browser's storage failed: {0}.")]
    Other(String),
}
