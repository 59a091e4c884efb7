//! What the page remembers while it is open.

use std::ops::Range;
use std::sync::Arc;

use leptos::prelude::*;

use super::engine::Engine;
use super::findings::state::Findings;
use super::shell::{Drawn, Shell};
use super::teach::Teach;
use super::weights::Weights;
use crate::explain::CheckpointInfo;
use crate::explain::view::{Source, View, present};
use crate::page::gpu_check::Check;
use crate::page::linked::Picture;
use crate::page::prepared::Prepared;
pub use crate::page::runs::{Half, Phase, Shown};
use crate::page::stored::Kept;
use crate::page::{self, Wish, slots};
pub use crate::page::{Progress, Side};
use crate::protocol::{BackendReport, Failure, JobId};
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
    /// The prompt in the editor as this model will read it, with what it takes of the context.
    pub prepared: ReadSignal<Option<Prepared>>,
    /// What computes, once that is decided.
    pub backend: ReadSignal<Option<BackendReport>>,
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
    pub prompt: ReadSignal<String>,
    /// The user's own mark in it; found automatically if absent.
    pub marked: ReadSignal<Option<Range<usize>>>,
    pub options: ReadSignal<Options>,
    pub reading: ReadSignal<Reading>,
    pub stored: ReadSignal<Kept>,
    pub models_open: RwSignal<bool>,
    pub share_open: RwSignal<bool>,
    pub backend_open: RwSignal<bool>,
    pub gpu_check: ReadSignal<Check>,
    /// A picture that was sent, until something else is run.
    pub linked: ReadSignal<Option<Picture>>,
    /// What could not be opened, in words.
    pub notice: ReadSignal<Option<String>>,
    pub tab: ReadSignal<Tab>,
    /// What waits for the models.
    pub wishes: ReadSignal<Vec<Wish>>,
    /// The page has had nothing to do, and has left the models where they are.
    pub rested: ReadSignal<bool>,
    pub weights: Weights,
    pub findings: Findings,
    pub teach: Teach,
}

impl State {
    pub fn new() -> Self {
        let shell = Shell::new();
        let drawn = shell.read();
        let slot = |side| Slot::new(shell, side, &drawn);
        Self {
            shell,
            base: slot(Side::Base),
            tuned: slot(Side::Tuned),
            spec: drawn.spec,
            shown: drawn.shown,
            prompt: drawn.prompt,
            marked: drawn.marked,
            options: drawn.options,
            reading: drawn.reading,
            stored: drawn.stored,
            models_open: RwSignal::new(false),
            share_open: RwSignal::new(false),
            backend_open: RwSignal::new(false),
            gpu_check: drawn.gpu_check,
            linked: drawn.linked,
            notice: drawn.notice,
            tab: drawn.tab,
            wishes: drawn.wishes,
            rested: drawn.rested,
            weights: drawn.weights,
            findings: drawn.findings,
            teach: Teach::new(&drawn),
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
    fn new(shell: Shell, side: Side, drawn: &Drawn) -> Self {
        let (spec, reading, run) = (drawn.spec, drawn.reading, drawn.run[side.index()]);
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
            prepared: drawn.prepared[side.index()],
            backend: drawn.backend[side.index()],
        }
    }
}
