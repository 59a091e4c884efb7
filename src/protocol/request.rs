//! From the page to an engine.

use serde::{Deserialize, Serialize};

use super::{BackendChoice, JobId, Prompt, Response, Run, text};
use crate::explain::By;
use crate::explain::attribution::Mode;
use crate::explain::methods::{How, is_default};
use crate::explain::weights::LayerConcepts;
use crate::explain::weights::heads::Reading;

/// Where a checkpoint comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Source {
    /// Shipped with the page; the URL is relative to it.
    Bundled {
        /// Relative URL.
        url: String,
    },
    /// Downloaded, and kept.
    Url {
        /// Absolute URLs of the set's files.
        urls: Vec<String>,
    },
    /// Files the user chose, attached to the message, and kept.
    Files {
        /// Their names, for display.
        names: Vec<String>,
    },
    /// Kept from an earlier visit.
    Stored {
        /// The key of its [`StoredEntry`].
        key: String,
    },
}

/// What an engine is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Request {
    /// Open a checkpoint in place of the present one, which stays if this fails, unless [`super::Event::Unloaded`] says that
    /// it had to make room.
    Load {
        /// This job.
        job: JobId,
        /// Where from.
        source: Source,
    },
    /// Compute on other hardware from now on: answered by [`super::Event::Backend`] once a model is there.
    Backend {
        /// Which.
        choice: BackendChoice,
    },
    /// Show how a prompt will be read, and whether it fits with its response: answered by [`super::Event::Prepared`].
    Prepare {
        /// This job.
        job: JobId,
        /// The prompt.
        prompt: Prompt,
        /// The response to come.
        response: Response,
        /// Granularity of the prompt's units.
        #[serde(default)]
        by: By,
        /// Forward or reverse.
        #[serde(default)]
        mode: Mode,
        /// By which method.
        #[serde(default, skip_serializing_if = "is_default")]
        how: How,
    },
    /// Run and explain.
    Run {
        /// This job.
        job: JobId,
        /// What.
        run: Run,
    },
    /// Check the picture that a run has made: answered by [`super::Event::PictureChecked`].
    CheckPicture {
        /// This job.
        job: JobId,
        /// The run, with the ids of its response and of those that they were set against.
        run: Box<Run>,
        /// The prompt's ids as the run read them.
        prompt: Vec<u32>,
        /// The picture, `[units][response]`.
        importance: Vec<Vec<f32>>,
    },
    /// Read a text as a response that begins with it: answered by [`super::Event::Tokenized`].
    Tokenize {
        /// This job.
        job: JobId,
        /// The text.
        text: String,
    },
    /// What a layer's heads relate, read from the weights: answered by [`super::Event::Heads`].
    Heads {
        /// This job.
        job: JobId,
        /// From 0.
        layer: usize,
        /// How.
        reading: Reading,
    },
    /// A layer's feed-forward components: answered by [`super::Event::Concepts`].
    Concepts {
        /// This job.
        job: JobId,
        /// From 0.
        layer: usize,
    },
    /// Compare another model's components with the same layer's of this one: answered by [`super::Event::Matches`].
    Match {
        /// This job.
        job: JobId,
        /// The base's.
        base: Box<LayerConcepts>,
    },
    /// A layer's attention on a sequence: answered by [`super::Event::Attention`].
    Attention {
        /// This job.
        job: JobId,
        /// The sequence.
        ids: Vec<u32>,
        /// From 0.
        layer: usize,
    },
    /// Which of a layer's components fire on a sequence: answered by [`super::Event::Firing`].
    Firing {
        /// This job.
        job: JobId,
        /// The sequence.
        ids: Vec<u32>,
        /// From 0.
        layer: usize,
    },
    /// Something about a text that both models read: answered by [`super::Event::Text`].
    Text {
        /// This job.
        job: JobId,
        /// What.
        question: text::Question,
    },
    /// Read the weights by other words from now on: a list of words and two files of word vectors, attached in this order,
    /// each of which may be left out. Answered by [`super::Event::Words`].
    Words {
        /// This job.
        job: JobId,
        /// Whether a list is attached; the bundled English one if not.
        list: bool,
        /// Whether vectors are attached that say which words are related; the model's own embeddings if not.
        vectors: bool,
        /// Whether vectors are attached that judge the coherence of what is read.
        #[serde(default)]
        judge: bool,
    },
    /// Hold every operation of this machine's GPU against the CPU: answered by [`super::Event::Checked`]. Needs no checkpoint.
    CheckGpu {
        /// This job.
        job: JobId,
    },
    /// Ask a host for a short text, at once and beside whatever else is done: answered by [`super::Event::Answered`]. Needs no
    /// checkpoint.
    Ask {
        /// This job.
        job: JobId,
        /// Where.
        url: String,
        /// Bytes that are read at most.
        most: u64,
    },
    /// Stop a job, also one that waits.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// List what is kept in the browser's storage.
    List {
        /// This job.
        job: JobId,
    },
    /// Delete a kept checkpoint.
    Delete {
        /// This job.
        job: JobId,
        /// Its key.
        key: String,
    },
    /// Delete the results that are kept of weights read.
    Forget {
        /// This job.
        job: JobId,
    },
}
