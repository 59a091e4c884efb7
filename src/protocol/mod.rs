//! The typed messages between the page and an engine, and how one run is asked for.
//!
//! They cross as JSON text, so that a test or a benchmark can speak to an engine in a few lines of JavaScript; files
//! travel beside the text in the same `postMessage`.

mod backend;
mod failure;
mod run;
pub mod text;

pub use backend::{Backend, BackendChoice, BackendReport, Why};
pub use failure::{Failure, StorageFailure};
pub use run::{Need, Prompt, Response, Run, Template};

use serde::{Deserialize, Serialize};

use crate::explain::attribution::Mode;
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::methods::faithfulness::Faithfulness;
use crate::explain::methods::{How, is_default};
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::explain::{By, CheckpointInfo, ModelReport, PromptToken, ResponseToken, Unit};
use crate::model::Length;
use crate::model::gpu::check::Checked;

/// Numbers the jobs of one engine; every event carries its job's.
pub type JobId = u32;

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

/// Page to engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Request {
    /// Open a checkpoint in place of the present one, which stays if this fails, unless [`Event::Unloaded`] says that
    /// it had to make room.
    Load {
        /// This job.
        job: JobId,
        /// Where from.
        source: Source,
    },
    /// Compute on other hardware from now on: answered by [`Event::Backend`] once a model is there.
    Backend {
        /// Which.
        choice: BackendChoice,
    },
    /// Show how a prompt will be read, and whether it fits with its response: answered by [`Event::Prepared`].
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
    /// Check the picture that a run has made: answered by [`Event::PictureChecked`].
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
    /// Read a text as a response that begins with it: answered by [`Event::Tokenized`].
    Tokenize {
        /// This job.
        job: JobId,
        /// The text.
        text: String,
    },
    /// What a layer's heads relate, read from the weights: answered by [`Event::Heads`].
    Heads {
        /// This job.
        job: JobId,
        /// From 0.
        layer: usize,
        /// How.
        reading: Reading,
    },
    /// A layer's feed-forward components: answered by [`Event::Concepts`].
    Concepts {
        /// This job.
        job: JobId,
        /// From 0.
        layer: usize,
    },
    /// Compare another model's components with the same layer's of this one: answered by [`Event::Matches`].
    Match {
        /// This job.
        job: JobId,
        /// The base's.
        base: Box<LayerConcepts>,
    },
    /// A layer's attention on a sequence: answered by [`Event::Attention`].
    Attention {
        /// This job.
        job: JobId,
        /// The sequence.
        ids: Vec<u32>,
        /// From 0.
        layer: usize,
    },
    /// Which of a layer's components fire on a sequence: answered by [`Event::Firing`].
    Firing {
        /// This job.
        job: JobId,
        /// The sequence.
        ids: Vec<u32>,
        /// From 0.
        layer: usize,
    },
    /// Something about a text that both models read: answered by [`Event::Text`].
    Text {
        /// This job.
        job: JobId,
        /// What.
        question: text::Question,
    },
    /// Read the weights by other words from now on: a list of words and two files of word vectors, attached in this order,
    /// each of which may be left out. Answered by [`Event::Words`].
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
    /// Hold every operation of this machine's GPU against the CPU: answered by [`Event::Checked`]. Needs no checkpoint.
    CheckGpu {
        /// This job.
        job: JobId,
    },
    /// Ask a host for a short text, at once and beside whatever else is done: answered by [`Event::Answered`]. Needs no
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

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Bytes fetched.
    Download,
    /// Bytes copied to the browser's storage.
    Keep,
    /// Tensors read.
    Weights,
    /// Prompt tokens read.
    Prompt,
    /// Response tokens produced, of those asked for.
    Response,
    /// Parts of the reverse pass.
    Reverse,
    /// Parts of the check of a picture.
    Picture,
    /// Parts of the check of a GPU.
    Kernels,
    /// Layers that have read a sequence.
    Layers,
    /// Words compared with all others.
    Words,
    /// Bytes of a file of word vectors read.
    Vectors,
}

/// A checkpoint kept in the browser's storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// Its folder's name.
    pub key: String,
    /// Its files' names.
    pub files: Vec<String>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Whether it is whole; a broken-off download is kept to be resumed.
    pub complete: bool,
}

/// Engine to page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    /// The engine's code has started.
    Ready,
    /// True progress: `done` of `total`, 0 where the total is not known.
    Progress {
        /// The job.
        job: JobId,
        /// What is counted.
        stage: Stage,
        /// Done.
        done: u64,
        /// In all.
        total: u64,
    },
    /// A checkpoint is ready.
    Loaded {
        /// The job.
        job: JobId,
        /// What it is.
        info: Box<CheckpointInfo>,
        /// Its chat template's source.
        template: Option<String>,
        /// Its key in storage, if it is kept.
        stored: Option<String>,
        /// Why it could not be kept, if it should have been.
        not_kept: Option<Failure>,
        /// Bytes of the engine's memory, which never shrinks: so far the peak.
        memory: u64,
    },
    /// What computes from now on: follows [`Event::Loaded`], and comes when the GPU fails within a run, which then starts
    /// again.
    Backend {
        /// What, and why.
        report: BackendReport,
    },
    /// The checkpoint that was there had to make room for the one that is being loaded.
    Unloaded {
        /// The job.
        job: JobId,
    },
    /// How a prompt will be read.
    Prepared {
        /// The job.
        job: JobId,
        /// Its tokens.
        prompt: Vec<PromptToken>,
        /// What it takes of the context.
        length: Length,
        /// What a run of it takes of memory, where that is known.
        #[serde(default)]
        need: Option<Need>,
    },
    /// How the prompt is read, before anything runs. A run that starts again forgets what it has said.
    Started {
        /// The job.
        job: JobId,
        /// The prompt's tokens.
        prompt: Vec<PromptToken>,
        /// The rows to come.
        units: Vec<Unit>,
    },
    /// A response token.
    Token {
        /// The job.
        job: JobId,
        /// The token.
        token: ResponseToken,
        /// Its column `[units]`, in forward mode.
        column: Option<Vec<f32>>,
    },
    /// A run is complete.
    Finished {
        /// The job.
        job: JobId,
        /// All of it.
        report: Box<ModelReport>,
        /// Bytes of the engine's memory, which never shrinks: so far the peak.
        memory: u64,
        /// Threads of the processor that had a part in it.
        threads: usize,
    },
    /// How far a picture can be trusted.
    PictureChecked {
        /// The job.
        job: JobId,
        /// The checkpoint that it was checked with.
        weights: String,
        /// What was found.
        found: Box<Faithfulness>,
    },
    /// A text as tokens.
    Tokenized {
        /// The job.
        job: JobId,
        /// The checkpoint whose tokens these are.
        weights: String,
        /// Their ids and texts.
        tokens: Vec<(u32, String)>,
    },
    /// A layer's heads.
    Heads {
        /// The job.
        job: JobId,
        /// How they were read.
        reading: Reading,
        /// The layer.
        heads: Box<LayerHeads>,
        /// How coherent each is, where there is a judge.
        judged: Option<Judged>,
    },
    /// A layer's feed-forward components.
    Concepts {
        /// The job.
        job: JobId,
        /// The layer.
        concepts: Box<LayerConcepts>,
        /// How coherent its leading components are, where there is a judge.
        judged: Option<Judged>,
    },
    /// A layer's components compared.
    Matches {
        /// The job.
        job: JobId,
        /// The layer.
        matches: Box<LayerMatches>,
    },
    /// A layer's attention on a sequence.
    Attention {
        /// The job.
        job: JobId,
        /// The layer.
        attention: Box<LayerAttention>,
    },
    /// Which of a layer's components fire on a sequence.
    Firing {
        /// The job.
        job: JobId,
        /// The layer.
        firing: Box<LayerFiring>,
    },
    /// What was asked about a text.
    Text {
        /// The job.
        job: JobId,
        /// What was found.
        answer: Box<text::Answer>,
    },
    /// By which words the weights are read now.
    Words {
        /// The job.
        job: JobId,
        /// How many of the list's words the model writes with one or two tokens.
        count: usize,
        /// How many of them have a vector of their own, where vectors were given.
        vectors: Option<usize>,
        /// How many of them the judge knows, where there is one.
        judge: Option<usize>,
    },
    /// How a GPU computes.
    Checked {
        /// The job.
        job: JobId,
        /// The GPU's name.
        gpu: String,
        /// Every comparison.
        checked: Vec<Checked>,
    },
    /// What is kept.
    Listed {
        /// The job.
        job: JobId,
        /// The entries.
        entries: Vec<StoredEntry>,
        /// Bytes of results that are kept of weights read.
        results: u64,
        /// Bytes this site may still store, if the browser says.
        free: Option<u64>,
    },
    /// A host has answered, well or not.
    Answered {
        /// The job.
        job: JobId,
        /// HTTP's.
        status: u16,
        /// What the host adds to it for programs (X-Error-Code); empty if nothing.
        code: String,
        /// Seconds after which it may be asked again, if it says so.
        wait: Option<u64>,
        /// What it says.
        body: String,
    },
    /// A job failed; everything else is as it was.
    Failed {
        /// The job.
        job: JobId,
        /// Why.
        failure: Failure,
    },
    /// The engine cannot go on; the page starts another.
    Crashed {
        /// The panic's message.
        message: String,
    },
}

impl Event {
    /// The job that it is of; none if it is of the engine as a whole.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Ready | Self::Backend { .. } | Self::Crashed { .. } => None,
            Self::Progress { job, .. }
            | Self::Loaded { job, .. }
            | Self::Unloaded { job }
            | Self::Prepared { job, .. }
            | Self::Started { job, .. }
            | Self::Token { job, .. }
            | Self::Finished { job, .. }
            | Self::PictureChecked { job, .. }
            | Self::Tokenized { job, .. }
            | Self::Heads { job, .. }
            | Self::Concepts { job, .. }
            | Self::Matches { job, .. }
            | Self::Attention { job, .. }
            | Self::Firing { job, .. }
            | Self::Text { job, .. }
            | Self::Words { job, .. }
            | Self::Checked { job, .. }
            | Self::Listed { job, .. }
            | Self::Answered { job, .. }
            | Self::Failed { job, .. } => Some(*job),
        }
    }
}
