//! What the page remembers while it is open.

use std::ops::Range;

use leptos::prelude::*;

use super::backend::Check;
use super::engine::Engine;
use super::findings::state::Findings;
use super::loading::Waiting;
use super::share::linked::Linked;
use super::teach::Teach;
use super::weights::Weights;
use crate::explain::view::{Source, View, present};
use crate::explain::{By, CheckpointInfo, ModelReport, PromptToken, ResponseToken, Unit};
use crate::model::Length;
pub use crate::protocol::Source as From;
use crate::protocol::{BackendReport, Failure, JobId, Stage, StoredEntry};
pub use crate::share::screen::{Chat, Options, Reading, Scale, Selection, Tab, Whose};

/// Which of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Base,
    Tuned,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "Base",
            Self::Tuned => "Tuned",
        }
    }
    /// For ids, classes and storage keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Tuned => "tuned",
        }
    }
}

/// True progress of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    pub stage: Stage,
    pub done: u64,
    pub total: u64,
    /// When the stage began, and how long it has taken, seconds.
    pub began: f64,
    pub elapsed: f64,
}

/// A slot's checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub info: Option<CheckpointInfo>,
    pub template: Option<String>,
    /// The load in progress, with its job.
    pub loading: Option<(JobId, Option<Progress>)>,
    pub failure: Option<Failure>,
    pub not_kept: Option<Failure>,
}

/// Where a result came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// Computed in this page.
    #[default]
    Computed,
    /// Shipped with it.
    Shipped,
    /// Sent by a link or in a file.
    Linked,
}

/// A slot's run, in progress or done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunState {
    pub job: Option<JobId>,
    pub progress: Option<Progress>,
    pub text: String,
    pub prompt: Vec<PromptToken>,
    pub units: Vec<Unit>,
    pub by: By,
    pub response: Vec<ResponseToken>,
    /// `[response][units]`.
    pub columns: Vec<Vec<f32>>,
    pub report: Option<ModelReport>,
    pub failure: Option<Failure>,
    /// Where it came from.
    pub shown: Shown,
    /// The response was given, not the model's own.
    pub given: bool,
}

impl RunState {
    /// A finished run from its report.
    pub fn of(report: ModelReport, text: String, shown: Shown) -> Self {
        let columns = (0..report.response.len()).map(|m| report.importance.iter().map(|row| row[m]).collect());
        Self {
            job: None,
            progress: None,
            text,
            prompt: report.prompt.clone(),
            units: report.units.clone(),
            by: report.by,
            response: report.response.clone(),
            columns: if report.importance.is_empty() { Vec::new() } else { columns.collect() },
            report: Some(report),
            failure: None,
            shown,
            given: false,
        }
    }
}

/// A prompt as a model will read it.
pub type Prepared = (Vec<PromptToken>, Length);

/// A response token of a job, with its column.
pub type Arrived = (JobId, ResponseToken, Option<Vec<f32>>);

/// What is kept in the browser's storage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    pub entries: Vec<StoredEntry>,
    /// Bytes of what was read from weights.
    pub results: u64,
    /// Bytes that may still be stored, if the browser says.
    pub free: Option<u64>,
}

/// One model's half of the page.
#[derive(Clone, Copy)]
pub struct Slot {
    pub side: Side,
    pub model: RwSignal<Model>,
    pub run: RwSignal<RunState>,
    pub selection: RwSignal<Selection>,
    pub view: Memo<View>,
    pub engine: StoredValue<Option<Engine>, LocalStorage>,
    /// Tokens with their columns that wait for the next frame, and whether one is asked for.
    pub arrived: StoredValue<Vec<Arrived>>,
    pub progress: StoredValue<Option<Progress>>,
    pub frame_asked: StoredValue<bool>,
    /// The finished run that the present one replaces: it comes back if nothing comes of this one.
    pub before: StoredValue<Option<RunState>>,
    /// The prompt in the editor as this model will read it, with what it takes of the context, and the job that asked.
    pub prepared: RwSignal<Option<Prepared>>,
    pub preparing: StoredValue<Option<JobId>>,
    /// What computes, once that is decided.
    pub backend: RwSignal<Option<BackendReport>>,
    /// Where the present checkpoint came from, to load it again when it is lost.
    pub source: RwSignal<Option<From>>,
    /// Where the one comes from that is being loaded.
    pub opening: StoredValue<Option<From>>,
}

/// Everything, copied freely: signals are handles.
#[derive(Clone, Copy)]
pub struct State {
    pub base: Slot,
    pub tuned: Slot,
    pub prompt: RwSignal<String>,
    /// The user's own mark; found automatically if absent.
    pub marked: RwSignal<Option<Range<usize>>>,
    pub options: RwSignal<Options>,
    pub reading: RwSignal<Reading>,
    pub stored: RwSignal<Stored>,
    pub models_open: RwSignal<bool>,
    pub share_open: RwSignal<bool>,
    pub backend_open: RwSignal<bool>,
    pub gpu_check: RwSignal<Check>,
    /// Whether engines were started: a picture that was sent is shown without.
    pub begun: RwSignal<bool>,
    /// A picture that was sent, until something else is run.
    pub linked: RwSignal<Option<Linked>>,
    /// What could not be opened, in words.
    pub notice: RwSignal<Option<String>>,
    /// The slot that gets the other's response when that is done.
    pub follow: RwSignal<Option<Side>>,
    pub tab: RwSignal<Tab>,
    /// What waits for the models.
    pub waiting: Waiting,
    pub weights: Weights,
    pub findings: Findings,
    pub teach: Teach,
}

impl State {
    pub fn new() -> Self {
        let reading = RwSignal::new(Reading::default());
        let marked = RwSignal::new(None);
        let slot = |side| Slot::new(side, reading, marked);
        Self {
            base: slot(Side::Base),
            tuned: slot(Side::Tuned),
            prompt: RwSignal::new(String::new()),
            marked,
            options: RwSignal::new(Options::default()),
            reading,
            stored: RwSignal::new(Stored::default()),
            models_open: RwSignal::new(false),
            share_open: RwSignal::new(false),
            backend_open: RwSignal::new(false),
            gpu_check: RwSignal::new(Check::default()),
            begun: RwSignal::new(false),
            linked: RwSignal::new(None),
            notice: RwSignal::new(None),
            follow: RwSignal::new(None),
            tab: RwSignal::new(Tab::default()),
            waiting: Waiting::new(),
            weights: Weights::new(),
            findings: Findings::new(),
            teach: Teach::new(),
        }
    }

    pub fn slot(&self, side: Side) -> Slot {
        match side {
            Side::Base => self.base,
            Side::Tuned => self.tuned,
        }
    }

    pub fn slots(&self) -> [Slot; 2] {
        [self.base, self.tuned]
    }

    /// Whether either model is at work on a run.
    pub fn running(&self) -> bool {
        self.slots().iter().any(|s| s.run.with(|r| r.job.is_some())) || self.follow.get().is_some()
    }
}

impl Slot {
    fn new(side: Side, reading: RwSignal<Reading>, marked: RwSignal<Option<Range<usize>>>) -> Self {
        let run = RwSignal::new(RunState::default());
        let view = Memo::new(move |_| {
            let reading = reading.get();
            run.with(|r| {
                let automatic = || crate::explain::find_instruction(&r.text);
                let instruction = marked.get().filter(|m| m.end <= r.text.len()).unwrap_or_else(automatic);
                let source = Source {
                    text: &r.text,
                    units: &r.units,
                    by: r.by,
                    columns: &r.columns,
                    response: &r.response,
                    instruction,
                };
                present(&source, reading.by, reading.how)
            })
        });
        Self {
            side,
            model: RwSignal::new(Model::default()),
            run,
            selection: RwSignal::new(Selection::default()),
            view,
            engine: StoredValue::new_local(None),
            arrived: StoredValue::new(Vec::new()),
            progress: StoredValue::new(None),
            frame_asked: StoredValue::new(false),
            before: StoredValue::new(None),
            prepared: RwSignal::new(None),
            preparing: StoredValue::new(None),
            backend: RwSignal::new(None),
            source: RwSignal::new(None),
            opening: StoredValue::new(None),
        }
    }
}
