//! What views read, and how they tell the core what the user wants.

use std::ops::Deref;

use leptos::prelude::*;
use web_sys::File;

use super::shell::{Mirror, Shell, Signals};
use crate::explain::view::View;
use crate::page::prepared::Prepared;
use crate::page::runs::{self, is_given};
pub use crate::page::runs::{Half, Phase, Shown};
use crate::page::{Files, Msg, editor, linked};
pub use crate::page::{Progress, Side};
use crate::protocol::BackendReport;
pub use crate::share::screen::{Chat, Form, Options, Reading, Scale, Selection, Tab, Whose};
use crate::share::window::Window;

pub use super::shell::Model;

/// One model's half of the page.
#[derive(Clone, Copy)]
pub struct Slot {
    pub shell: Shell,
    pub side: Side,
    pub model: Mirror<Model>,
    /// What this model made of the run on screen.
    pub run: Mirror<Half>,
    pub progress: Mirror<Option<Progress>>,
    pub selection: Mirror<Selection>,
    pub view: Memo<View>,
    /// The part of its response that was chosen to be drawn.
    pub window: RwSignal<Option<Window>>,
    /// The prompt in the editor as this model will read it, with what it takes of the context.
    pub prepared: Mirror<Option<Prepared>>,
    /// What computes, once that is decided.
    pub backend: Mirror<Option<BackendReport>>,
}

/// Everything, copied freely: signals are handles. It reads like the [`Signals`].
#[derive(Clone, Copy)]
pub struct State {
    pub shell: Shell,
    pub base: Slot,
    pub tuned: Slot,
    pub models_open: RwSignal<bool>,
    pub share_open: RwSignal<bool>,
    pub backend_open: RwSignal<bool>,
    pub learn_open: RwSignal<bool>,
    pub presenting: RwSignal<bool>,
    /// Files of the user's that the core names by number.
    files: StoredValue<Vec<Option<Vec<File>>>, LocalStorage>,
}

impl Deref for State {
    type Target = Signals;

    fn deref(&self) -> &Signals {
        &self.shell.signals
    }
}

impl State {
    pub fn new() -> Self {
        let shell = Shell::new();
        Self {
            shell,
            base: Slot::new(shell, Side::Base),
            tuned: Slot::new(shell, Side::Tuned),
            models_open: RwSignal::new(false),
            share_open: RwSignal::new(false),
            backend_open: RwSignal::new(false),
            learn_open: RwSignal::new(false),
            presenting: RwSignal::new(false),
            files: StoredValue::new_local(Vec::new()),
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

    /// Takes a message to the core.
    pub fn dispatch(&self, msg: Msg) {
        self.shell.dispatch(msg);
    }

    /// The user changes the settings.
    pub fn edit(&self, command: editor::Command) {
        self.dispatch(Msg::Edit(command));
    }

    /// Changes the options of the next run.
    pub fn set_options(&self, change: impl FnOnce(&mut Options)) {
        let mut options = self.options.get_untracked();
        change(&mut options);
        self.edit(editor::Command::Options(options));
    }

    /// Changes how results are read.
    pub fn set_reading(&self, change: impl FnOnce(&mut Reading)) {
        let mut reading = self.reading.get_untracked();
        change(&mut reading);
        self.edit(editor::Command::Reading(reading));
    }

    /// Says what could not be done.
    pub fn notify(&self, what: String) {
        self.dispatch(Msg::Linked(linked::Command::Notice(Some(what))));
    }

    /// Chooses what to look at in the result of `side`.
    pub fn select(&self, side: Side, selection: Selection) {
        self.dispatch(Msg::Runs(runs::Command::Select(side, selection)));
    }

    /// Holds files for the core, which names them by number.
    pub fn hold(&self, files: Vec<File>) -> Files {
        let held = self.files.try_update_value(|all| {
            all.push(Some(files));
            all.len() - 1
        });
        Files(held.and_then(|at| u32::try_from(at).ok()).unwrap_or_default())
    }

    /// The files of this number, while they are held.
    pub fn files(&self, number: Files) -> Vec<File> {
        self.files.with_value(|all| all.get(number.0 as usize).cloned().flatten().unwrap_or_default())
    }

    /// They are not needed any more.
    pub fn drop_files(&self, number: Files) {
        self.files.update_value(|all| {
            if let Some(files) = all.get_mut(number.0 as usize) {
                *files = None;
            }
        });
    }
}

impl Slot {
    fn new(shell: Shell, side: Side) -> Self {
        let (signals, at) = (shell.signals, side.index());
        let (spec, reading, run) = (signals.spec, signals.reading, signals.run[at]);
        let view = Memo::new(move |_| {
            let (reading, spec) = (reading.get(), spec.get());
            run.with(|half| half.view(&spec, &reading))
        });
        Self {
            shell,
            side,
            model: signals.model[at],
            run,
            progress: signals.progress[at],
            selection: signals.selection[at],
            view,
            window: RwSignal::new(None),
            prepared: signals.prepared[at],
            backend: signals.backend[at],
        }
    }

    /// The part of its response that is drawn; reactive.
    pub fn seen(&self) -> Window {
        let count = self.view.with(|v| v.columns.len());
        self.window.get().map_or(Window::first(count), |window| window.within(count))
    }

    /// Whether the response on screen was given to this model, and is not its own.
    pub fn is_given(&self) -> bool {
        self.shell.signals.spec.with(|spec| is_given(spec.options.whose, self.side))
    }
}
