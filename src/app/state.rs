//! What the page remembers while it is open.

use std::ops::Range;
use std::sync::Arc;

use leptos::prelude::*;

use super::backend::Check;
use super::engine::Engine;
use super::findings::state::Findings;
use super::loading::Waiting;
use super::share::linked::Linked;
use super::shell::{Drawn, Shell};
use super::teach::Teach;
use super::weights::Weights;
use crate::explain::view::{Source, View, present};
use crate::explain::{CheckpointInfo, PromptToken};
use crate::model::Length;
pub use crate::page::runs::{Half, Phase, Shown};
use crate::page::{self, slots};
pub use crate::page::{Progress, Side};
use crate::protocol::{BackendReport, Failure, JobId, StoredEntry};
use crate::share::RunSpec;
pub use crate::share::screen::{Chat, Options, Reading, Scale, Selection, Tab, Whose};

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

/// A prompt as a model will read it.
pub type Prepared = (Vec<PromptToken>, Length);

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
    pub shell: Shell,
    pub side: Side,
    pub model: ReadSignal<Model>,
    /// What this model made of the run on screen.
    pub run: ReadSignal<Half>,
    pub progress: ReadSignal<Option<Progress>>,
    pub selection: ReadSignal<Selection>,
    pub view: Memo<View>,
    pub engine: StoredValue<Option<Engine>, LocalStorage>,
    /// The prompt in the editor as this model will read it, with what it takes of the context, and the job that asked.
    pub prepared: RwSignal<Option<Prepared>>,
    pub preparing: StoredValue<Option<JobId>>,
    /// What computes, once that is decided.
    pub backend: RwSignal<Option<BackendReport>>,
}

impl Model {
    /// What a slot shows.
    pub fn of(slot: &slots::Slot, model: Option<&page::Model>) -> Self {
        Self {
            info: model.map(|m| m.info.clone()),
            template: model.and_then(|m| m.template.clone()),
            loading: slot.loading.as_ref().map(|l| (l.job, l.progress)),
            failure: slot.failure.clone(),
            not_kept: slot.not_kept.clone(),
        }
    }
}

/// Everything, copied freely: signals are handles.
#[derive(Clone, Copy)]
pub struct State {
    pub shell: Shell,
    pub base: Slot,
    pub tuned: Slot,
    /// What both halves of the run on screen were asked, and where they come from.
    pub spec: ReadSignal<Arc<RunSpec>>,
    pub shown: ReadSignal<Shown>,
    /// The editor's text.
    pub prompt: RwSignal<String>,
    /// The user's own mark in it; found automatically if absent.
    pub marked: RwSignal<Option<Range<usize>>>,
    pub options: RwSignal<Options>,
    pub reading: RwSignal<Reading>,
    pub stored: RwSignal<Stored>,
    pub models_open: RwSignal<bool>,
    pub share_open: RwSignal<bool>,
    pub backend_open: RwSignal<bool>,
    pub gpu_check: RwSignal<Check>,
    /// A picture that was sent, until something else is run.
    pub linked: RwSignal<Option<Linked>>,
    /// What could not be opened, in words.
    pub notice: RwSignal<Option<String>>,
    pub tab: ReadSignal<Tab>,
    /// What waits for the models.
    pub waiting: Waiting,
    pub weights: Weights,
    pub findings: Findings,
    pub teach: Teach,
}

impl State {
    pub fn new() -> Self {
        let reading = RwSignal::new(Reading::default());
        let shell = Shell::new();
        let drawn = shell.read();
        let slot = |side| Slot::new(shell, side, reading, &drawn);
        Self {
            shell,
            base: slot(Side::Base),
            tuned: slot(Side::Tuned),
            spec: drawn.spec,
            shown: drawn.shown,
            prompt: RwSignal::new(String::new()),
            marked: RwSignal::new(None),
            options: RwSignal::new(Options::default()),
            reading,
            stored: RwSignal::new(Stored::default()),
            models_open: RwSignal::new(false),
            share_open: RwSignal::new(false),
            backend_open: RwSignal::new(false),
            gpu_check: RwSignal::new(Check::default()),
            linked: RwSignal::new(None),
            notice: RwSignal::new(None),
            tab: drawn.tab,
            waiting: Waiting::new(),
            weights: drawn.weights,
            findings: drawn.findings,
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
        self.slots().iter().any(|s| s.run.with(|r| r.phase != Phase::Over))
    }
}

impl Slot {
    /// A number that no job of this engine had before.
    pub fn next_job(&self) -> JobId {
        self.shell.next_job(self.side)
    }

    fn new(shell: Shell, side: Side, reading: RwSignal<Reading>, drawn: &Drawn) -> Self {
        let (spec, run) = (drawn.spec, drawn.run[side.index()]);
        let view = Memo::new(move |_| {
            let (reading, spec) = (reading.get(), spec.get());
            run.with(|r| {
                let source = Source {
                    text: &spec.prompt,
                    units: &r.units,
                    by: r.by,
                    columns: &r.columns,
                    response: &r.response,
                    instruction: spec.instruction(),
                };
                present(&source, reading.by, reading.how)
            })
        });
        Self {
            shell,
            side,
            model: drawn.model[side.index()],
            run,
            progress: drawn.progress[side.index()],
            selection: drawn.selection[side.index()],
            view,
            engine: StoredValue::new_local(None),
            prepared: RwSignal::new(None),
            preparing: StoredValue::new(None),
            backend: RwSignal::new(None),
        }
    }
}
