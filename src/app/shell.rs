//! Between the page's native core and the browser: messages in, effects out, and what has changed into signals.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use web_sys::File;

use super::findings::state::{Findings, FindingsMirror};
use super::state::{Half, Model, Progress, Selection, Shown, Side, State, Tab};
use super::weights::{Weights, WeightsMirror};
use super::{backend, engines, memory};
use crate::page::runs::Command;
use crate::page::{Effect, Files, Msg, Page, Tracked, scores};
use crate::protocol::{Event, JobId, Request};
use crate::share::RunSpec;

/// Under this name the scores last measured outlive the visit.
const SCORES: &str = "shiftlens.scores-3";

/// A signal that views read and only the shell sets.
pub struct Mirror<T: 'static> {
    read: ReadSignal<T>,
    write: WriteSignal<T>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mirror<T> {}

impl<T: Clone + Default + Send + Sync + 'static> Mirror<T> {
    pub fn new() -> Self {
        let (read, write) = signal(T::default());
        Self { read, write }
    }

    /// For views.
    pub fn read(&self) -> ReadSignal<T> {
        self.read
    }

    /// Takes the value over, if it was changed since this was last called.
    pub fn draw(&self, value: &mut Tracked<T>) {
        if let Some(value) = value.changed() {
            self.write.set(value);
        }
    }

    /// Takes the value over, if it is another.
    fn put(&self, value: T)
    where
        T: PartialEq,
    {
        if self.read.with_untracked(|before| *before != value) {
            self.write.set(value);
        }
    }
}

/// The core, and the signals that only this file sets.
#[derive(Clone, Copy)]
pub struct Shell {
    page: StoredValue<Page>,
    tab: Mirror<Tab>,
    spec: Mirror<Arc<RunSpec>>,
    shown: Mirror<Shown>,
    model: [Mirror<Model>; 2],
    run: [Mirror<Half>; 2],
    progress: [Mirror<Option<Progress>>; 2],
    selection: [Mirror<Selection>; 2],
    weights: WeightsMirror,
    findings: FindingsMirror,
    /// Files of the user's that the core names by number.
    files: StoredValue<HashMap<Files, Vec<File>>, LocalStorage>,
}

/// What views read of the core.
pub struct Drawn {
    pub tab: ReadSignal<Tab>,
    pub spec: ReadSignal<Arc<RunSpec>>,
    pub shown: ReadSignal<Shown>,
    pub model: [ReadSignal<Model>; 2],
    pub run: [ReadSignal<Half>; 2],
    pub progress: [ReadSignal<Option<Progress>>; 2],
    pub selection: [ReadSignal<Selection>; 2],
    pub weights: Weights,
    pub findings: Findings,
}

/// One for each side.
fn both<T: Clone + Default + Send + Sync + 'static>() -> [Mirror<T>; 2] {
    [Mirror::new(), Mirror::new()]
}

impl Shell {
    /// A page on which nothing has happened.
    pub fn new() -> Self {
        Self {
            page: StoredValue::new(Page::default()),
            tab: Mirror::new(),
            spec: Mirror::new(),
            shown: Mirror::new(),
            model: both(),
            run: both(),
            progress: both(),
            selection: both(),
            weights: WeightsMirror::new(),
            findings: FindingsMirror::new(),
            files: StoredValue::new_local(HashMap::new()),
        }
    }

    /// What views see of it.
    pub fn read(&self) -> Drawn {
        Drawn {
            tab: self.tab.read(),
            spec: self.spec.read(),
            shown: self.shown.read(),
            model: self.model.each_ref().map(Mirror::read),
            run: self.run.each_ref().map(Mirror::read),
            progress: self.progress.each_ref().map(Mirror::read),
            selection: self.selection.each_ref().map(Mirror::read),
            weights: self.weights.read(),
            findings: self.findings.read(),
        }
    }

    /// Reads the core; nothing is called again when it changes.
    pub fn with<R>(&self, read: impl FnOnce(&Page) -> R) -> R {
        self.page.with_value(read)
    }

    /// A number that no job of `side` had before.
    pub fn next_job(&self, side: Side) -> JobId {
        self.page.try_update_value(|page| page.ledger.number(side)).unwrap_or_default()
    }

    /// Holds files for the core, which names them by number.
    pub fn hold(&self, files: Vec<File>) -> Files {
        let held = self.files.try_update_value(|all| {
            let number = all.keys().max().map_or(Files(0), |last| Files(last.0 + 1));
            all.insert(number, files);
            number
        });
        held.unwrap_or(Files(0))
    }

    /// Sets the signals of what has changed.
    fn draw(&self) {
        self.page.update_value(|page| {
            let (round, progress) = (&mut page.runs.round, &mut page.runs.progress);
            self.tab.put(page.facts.tab);
            self.spec.draw(&mut round.spec);
            Side::BOTH.into_iter().zip(&self.model).for_each(|(side, model)| {
                model.put(Model::of(page.slots.slot(side), page.facts.model(side)));
            });
            self.shown.put(round.shown);
            self.run.iter().zip(&mut round.halves).for_each(|(set, half)| set.draw(half));
            each(round.selections.changed(), &self.selection);
            each(progress.changed(), &self.progress);
            self.weights.draw(&mut page.weights);
            self.findings.draw(&mut page.scores);
        });
    }
}

/// Sets what differs of a changed pair.
fn each<T: Copy + Default + PartialEq + Send + Sync + 'static>(changed: Option<[T; 2]>, signals: &[Mirror<T>; 2]) {
    changed.into_iter().flatten().zip(signals).for_each(|(value, set)| set.put(value));
}

impl State {
    /// Takes a message to the core, shows what it changes, and does what it wants done.
    pub fn dispatch(self, msg: Msg) {
        let effects = self.shell.page.try_update_value(|page| page.update(msg)).unwrap_or_default();
        self.shell.draw();
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    fn perform(self, effect: Effect) {
        match effect {
            Effect::Start(side, epoch) => engines::start(self, side, epoch),
            Effect::Send(side, request) => self.send(side, &request, &[]),
            Effect::Remember(side, source) => engines::remember(side, &source),
            Effect::SendFiles(side, request, files) => {
                let files = self.shell.files.with_value(|all| all.get(&files).cloned().unwrap_or_default());
                self.send(side, &request, &files);
            }
            Effect::WriteScores(text) if memory::set(SCORES, &text) => {}
            Effect::WriteScores(_) => self.dispatch(Msg::Scores(scores::Command::NotWritten)),
            Effect::RecallScores => self.dispatch(Msg::Scores(scores::Command::Recalled(memory::get(SCORES)))),
            Effect::DropFiles(files) => self.shell.files.update_value(|all| drop(all.remove(&files))),
            Effect::Frame => request_animation_frame(move || self.dispatch(Msg::Frame)),
        }
    }

    fn send(self, side: Side, request: &Request, files: &[File]) {
        let Some(engine) = engines::engine(self.slot(side)) else { return };
        if matches!(request, Request::Load { .. }) {
            // what is to compute is known before there is something to
            engine.send(&Request::Backend { choice: backend::wanted() }, &[]);
        }
        engine.send(request, files);
    }

    /// Takes in an event of an engine.
    pub fn hear(self, side: Side, epoch: u32, event: Event) {
        if !self.shell.with(|page| page.owns(side, &event)) {
            return engines::take(self, self.slot(side), event);
        }
        let crashed = matches!(event, Event::Crashed { .. });
        self.dispatch(Msg::Engine { side, epoch, event: Box::new(event), at: super::now() });
        if crashed {
            engines::gone(self, self.slot(side));
        }
    }

    /// Chooses what to look at in the result of `side`.
    pub fn select(self, side: Side, selection: Selection) {
        self.dispatch(Msg::Runs(Command::Select(side, selection)));
    }
}
