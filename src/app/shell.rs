//! Between the page's native core and the browser: messages in, effects out, and what has changed into signals.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use web_sys::File;

use super::findings::state::{Findings, FindingsMirror};
use super::state::{Half, Model, Progress, Selection, Shown, Side, State, Tab};
use super::teach::lesson;
use super::weights::{Weights, WeightsMirror};
use super::{engines, examples, memory, window};
use crate::page::gpu_check::Check;
use crate::page::guess::Guess;
use crate::page::lesson::Current;
use crate::page::linked::Picture;
use crate::page::prepared::Prepared;
use crate::page::runs::Command;
use crate::page::stored::Kept;
use crate::page::{Effect, Files, Msg, Page, Tracked, Wish, editor, linked, scores};
use crate::protocol::{BackendReport, Event, Request};
use crate::share::RunSpec;
use crate::share::screen::{Options, Reading};

/// Under this name the scores last measured outlive the visit.
const SCORES: &str = "shiftlens.scores-3";

/// How long nothing is typed until a prompt is counted.
const PAUSE: Duration = Duration::from_millis(400);

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
    prompt: Mirror<String>,
    marked: Mirror<Option<Range<usize>>>,
    options: Mirror<Options>,
    reading: Mirror<Reading>,
    wishes: Mirror<Vec<Wish>>,
    rested: Mirror<bool>,
    linked: Mirror<Option<Picture>>,
    notice: Mirror<Option<String>>,
    spec: Mirror<Arc<RunSpec>>,
    shown: Mirror<Shown>,
    model: [Mirror<Model>; 2],
    run: [Mirror<Half>; 2],
    progress: [Mirror<Option<Progress>>; 2],
    prepared: [Mirror<Option<Prepared>>; 2],
    backend: [Mirror<Option<BackendReport>>; 2],
    gpu_check: Mirror<Check>,
    stored: Mirror<Kept>,
    lesson: Mirror<Option<Current>>,
    guess: Mirror<Option<Guess>>,
    selection: [Mirror<Selection>; 2],
    weights: WeightsMirror,
    findings: FindingsMirror,
    /// Files of the user's that the core names by number.
    files: StoredValue<HashMap<Files, Vec<File>>, LocalStorage>,
    /// The pause that the core waits for.
    pause: StoredValue<Option<TimeoutHandle>>,
}

/// What views read of the core.
pub struct Drawn {
    pub tab: ReadSignal<Tab>,
    pub prompt: ReadSignal<String>,
    pub marked: ReadSignal<Option<Range<usize>>>,
    pub options: ReadSignal<Options>,
    pub reading: ReadSignal<Reading>,
    pub wishes: ReadSignal<Vec<Wish>>,
    pub rested: ReadSignal<bool>,
    pub linked: ReadSignal<Option<Picture>>,
    pub notice: ReadSignal<Option<String>>,
    pub spec: ReadSignal<Arc<RunSpec>>,
    pub shown: ReadSignal<Shown>,
    pub model: [ReadSignal<Model>; 2],
    pub run: [ReadSignal<Half>; 2],
    pub progress: [ReadSignal<Option<Progress>>; 2],
    pub prepared: [ReadSignal<Option<Prepared>>; 2],
    pub backend: [ReadSignal<Option<BackendReport>>; 2],
    pub gpu_check: ReadSignal<Check>,
    pub stored: ReadSignal<Kept>,
    pub lesson: ReadSignal<Option<Current>>,
    pub guess: ReadSignal<Option<Guess>>,
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
            prompt: Mirror::new(),
            marked: Mirror::new(),
            options: Mirror::new(),
            reading: Mirror::new(),
            wishes: Mirror::new(),
            rested: Mirror::new(),
            linked: Mirror::new(),
            notice: Mirror::new(),
            spec: Mirror::new(),
            shown: Mirror::new(),
            model: both(),
            run: both(),
            progress: both(),
            prepared: both(),
            backend: both(),
            gpu_check: Mirror::new(),
            stored: Mirror::new(),
            lesson: Mirror::new(),
            guess: Mirror::new(),
            selection: both(),
            weights: WeightsMirror::new(),
            findings: FindingsMirror::new(),
            files: StoredValue::new_local(HashMap::new()),
            pause: StoredValue::new(None),
        }
    }

    /// What views see of it.
    pub fn read(&self) -> Drawn {
        Drawn {
            tab: self.tab.read(),
            prompt: self.prompt.read(),
            marked: self.marked.read(),
            options: self.options.read(),
            reading: self.reading.read(),
            wishes: self.wishes.read(),
            rested: self.rested.read(),
            linked: self.linked.read(),
            notice: self.notice.read(),
            spec: self.spec.read(),
            shown: self.shown.read(),
            model: self.model.each_ref().map(Mirror::read),
            run: self.run.each_ref().map(Mirror::read),
            progress: self.progress.each_ref().map(Mirror::read),
            prepared: self.prepared.each_ref().map(Mirror::read),
            backend: self.backend.each_ref().map(Mirror::read),
            gpu_check: self.gpu_check.read(),
            stored: self.stored.read(),
            lesson: self.lesson.read(),
            guess: self.guess.read(),
            selection: self.selection.each_ref().map(Mirror::read),
            weights: self.weights.read(),
            findings: self.findings.read(),
        }
    }

    /// Reads the core; nothing is called again when it changes.
    pub fn with<R>(&self, read: impl FnOnce(&Page) -> R) -> R {
        self.page.with_value(read)
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
            let editor = &mut page.facts.editor;
            self.prompt.draw(&mut editor.prompt);
            self.marked.draw(&mut editor.marked);
            self.options.draw(&mut editor.options);
            self.reading.draw(&mut editor.reading);
            self.wishes.draw(&mut page.waiting.wishes);
            self.rested.draw(&mut page.waiting.rested);
            self.linked.draw(&mut page.linked.picture);
            self.notice.draw(&mut page.linked.notice);
            self.spec.draw(&mut round.spec);
            Side::BOTH.into_iter().zip(&self.model).for_each(|(side, model)| {
                model.put(Model::of(page.slots.slot(side), page.facts.model(side)));
            });
            self.shown.put(round.shown);
            self.run.iter().zip(&mut round.halves).for_each(|(set, half)| set.draw(half));
            each(round.selections.changed(), &self.selection);
            each(progress.changed(), &self.progress);
            each(page.preparing.prepared.changed(), &self.prepared);
            Side::BOTH.into_iter().zip(&self.backend).for_each(|(side, backend)| {
                backend.put(page.slots.slot(side).backend.clone());
            });
            self.gpu_check.draw(&mut page.gpu_check.0);
            self.stored.draw(&mut page.stored.kept);
            self.lesson.draw(&mut page.lessons.current);
            self.guess.draw(&mut page.guessing.guess);
            self.weights.draw(&mut page.weights);
            self.findings.draw(&mut page.scores);
        });
    }
}

/// Sets what differs of a changed pair.
fn each<T: Clone + Default + PartialEq + Send + Sync + 'static>(changed: Option<[T; 2]>, signals: &[Mirror<T>; 2]) {
    changed.into_iter().flatten().zip(signals).for_each(|(value, set)| set.put(value));
}

/// Takes the fragment out of the address.
fn clear_address() {
    if let (Ok(history), Ok(path)) = (window().history(), window().location().pathname()) {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
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
            Effect::FetchExample(at) => leptos::task::spawn_local(examples::fetch(self, at)),
            Effect::ClearAddress => clear_address(),
            Effect::KeepLesson(text) => lesson::keep(&text),
            Effect::ForgetLesson => lesson::forget(),
            Effect::Pause => self.pause(),
            Effect::Frame => request_animation_frame(move || self.dispatch(Msg::Frame)),
        }
    }

    /// Tells the core when nothing has asked for a pause for a while.
    fn pause(self) {
        let ended = move || self.dispatch(Msg::Paused);
        let before = self.shell.pause.get_value();
        if let Some(before) = before {
            before.clear();
        }
        self.shell.pause.set_value(set_timeout_with_handle(ended, PAUSE).ok());
    }

    fn send(self, side: Side, request: &Request, files: &[File]) {
        if let Some(engine) = engines::engine(self.slot(side)) {
            engine.send(request, files);
        }
    }

    /// Takes in an event of an engine.
    pub fn hear(self, side: Side, epoch: u32, event: Event) {
        self.dispatch(Msg::Engine { side, epoch, event: Box::new(event), at: super::now() });
    }

    /// The user changes the settings.
    pub fn edit(self, command: editor::Command) {
        self.dispatch(Msg::Edit(command));
    }

    /// Changes the options of the next run.
    pub fn set_options(self, change: impl FnOnce(&mut Options)) {
        let mut options = self.options.get_untracked();
        change(&mut options);
        self.edit(editor::Command::Options(options));
    }

    /// Changes how results are read.
    pub fn set_reading(self, change: impl FnOnce(&mut Reading)) {
        let mut reading = self.reading.get_untracked();
        change(&mut reading);
        self.edit(editor::Command::Reading(reading));
    }

    /// Says what could not be done.
    pub fn notify(self, what: String) {
        self.dispatch(Msg::Linked(linked::Command::Notice(Some(what))));
    }

    /// Chooses what to look at in the result of `side`.
    pub fn select(self, side: Side, selection: Selection) {
        self.dispatch(Msg::Runs(Command::Select(side, selection)));
    }
}
