//! Why a repository cannot be looked into or opened, in sentences a visitor can act on.

use thiserror::Error;

/// What came in the way between a repository's name and its files.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubError {
    /// Nothing was written.
    #[error("Write a repository's name (Qwen/Qwen3-0.6B), its address, or the address of a file.")]
    NoName,
    /// No repository is called that.
    #[error(
        "“{0}” is neither an address nor a repository's name. A name is an owner and a model, as in Qwen/Qwen3-0.6B."
    )]
    NotARepository(String),
    /// A data set, a space and the like.
    #[error("“{0}” is a page of the hub that holds no model. Write a model's name, as in Qwen/Qwen3-0.6B.")]
    NotAModel(String),
    /// The hub knows none, or none that it shows to everybody.
    #[error(
        "The hub has no repository “{0}” that is open to everybody. Check how it is spelt, capitals included; if it is private or asks for an agreement, download its files in your browser, where you are signed in, and choose them here."
    )]
    NotThere(String),
    /// The repository has no such branch, tag or commit.
    #[error("“{repository}” has no revision “{revision}”. Leave the revision out to get its newest.")]
    NoRevision {
        /// The repository.
        repository: String,
        /// What was asked for.
        revision: String,
    },
    /// Its files are given out after an agreement only.
    #[error(
        "“{0}” gives its files only to people who have agreed to its terms, and Shiftlens signs in nowhere. Agree on its page (https://huggingface.co/{0}) and download there either one .gguf file, or the .safetensors with config.json, tokenizer.json and tokenizer_config.json; then choose them here. What you choose stays on this machine."
    )]
    Gated(String),
    /// Asked too often.
    #[error(
        "The hub has had too many questions from your network and asks for a pause{}. Try again then; what is loaded and your prompt stay as they are.",
        wait.map_or(String::new(), |s| format!(" of {s} seconds"))
    )]
    Busy {
        /// Seconds, if the hub says so.
        wait: Option<u64>,
    },
    /// The hub's own trouble.
    #[error(
        "The hub cannot answer at the moment ({0}). Try again in a few minutes; what is loaded and your prompt stay as they are."
    )]
    Down(u16),
    /// Another refusal.
    #[error("The hub answered {status} when it was asked for “{asked}”. Check the name, or choose the files yourself.")]
    Status {
        /// Of HTTP.
        status: u16,
        /// The repository.
        asked: String,
    },
    /// Nobody answered.
    #[error(
        "The hub could not be reached ({0}). Check the network; without one, the models kept in this browser and files on this machine can be opened, and your prompt stays as it is."
    )]
    Unreachable(String),
    /// The answer makes no sense.
    #[error("The hub's answer cannot be used: {0}. Give the address of a file instead, or choose files.")]
    Answer(String),
    /// There is nothing in it to open.
    #[error("“{repository}” holds nothing that Shiftlens can open: {why}.")]
    Nothing {
        /// The repository.
        repository: String,
        /// The reason, or the first of several.
        why: String,
    },
    /// None of the repositories that were guessed is there.
    #[error("None of the repositories that it may be is there: {0}. Write the name of the other half yourself.")]
    NoGuess(String),
}

impl HubError {
    /// What an answer with `status` means, which is none of success: `code` is what the hub adds to it (X-Error-Code), `wait`
    /// the seconds after which it may be asked again, `asked` the repository and its revision.
    pub fn of_status(status: u16, code: &str, wait: Option<u64>, (asked, revision): (&str, Option<&str>)) -> Self {
        let repository = asked.to_owned();
        match (status, code, revision) {
            (_, "GatedRepo", _) => Self::Gated(repository),
            (404, "RevisionNotFound", Some(revision)) => Self::NoRevision { repository, revision: revision.to_owned() },
            // the hub does not tell strangers whether a private repository exists
            (401 | 404, ..) => Self::NotThere(repository),
            (403, ..) => Self::Gated(repository),
            (429, ..) => Self::Busy { wait },
            (500.., ..) => Self::Down(status),
            _ => Self::Status { status, asked: repository },
        }
    }

    /// Whether another repository may still be asked: this one is not there, or holds nothing to open.
    pub fn is_of_one_repository(&self) -> bool {
        matches!(
            self,
            Self::NotThere(_) | Self::Nothing { .. } | Self::Gated(_) | Self::NoRevision { .. } | Self::Answer(_)
        )
    }
}
