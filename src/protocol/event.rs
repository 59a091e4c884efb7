//! From an engine to the page.

use serde::{Deserialize, Serialize};

use super::{BackendReport, Failure, JobId, Need, text};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::explain::methods::faithfulness::Faithfulness;
use crate::explain::weights::coherence::Judged;
use crate::explain::weights::heads::Reading;
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::{LayerConcepts, LayerHeads};
use crate::explain::{CheckpointInfo, ModelReport, PromptToken, ResponseToken, Unit};
use crate::model::Length;
use crate::model::gpu::check::Checked;

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
    /// Tokens of the response with nothing switched off or scaled, of those asked for.
    Without,
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

/// What an engine says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The engine's code has started.
    Ready {},
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
            Self::Ready {} | Self::Backend { .. } | Self::Crashed { .. } => None,
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
