//! Between the page's native core and the browser: messages in, effects out, and what has changed into signals.

use std::sync::Arc;

use leptos::prelude::*;

use super::engines::engine;
use super::state::{Half, Progress, Selection, Shown, Side, State};
use crate::page::runs::Command;
use crate::page::{Effect, Msg, Page};
use crate::protocol::{Event, JobId};
use crate::share::RunSpec;

/// The core, and the signals that only this file sets.
#[derive(Clone, Copy)]
pub struct Shell {
    page: StoredValue<Page>,
    spec: WriteSignal<Arc<RunSpec>>,
    shown: WriteSignal<Shown>,
    run: [WriteSignal<Half>; 2],
    progress: [WriteSignal<Option<Progress>>; 2],
    selection: [WriteSignal<Selection>; 2],
}

/// What views read of the core.
pub struct Drawn {
    pub spec: ReadSignal<Arc<RunSpec>>,
    pub shown: ReadSignal<Shown>,
    pub run: [ReadSignal<Half>; 2],
    pub progress: [ReadSignal<Option<Progress>>; 2],
    pub selection: [ReadSignal<Selection>; 2],
}

/// A signal for each side.
fn both<T: Clone + Default + Send + Sync + 'static>() -> ([ReadSignal<T>; 2], [WriteSignal<T>; 2]) {
    let [(base, set_base), (tuned, set_tuned)] = [(); 2].map(|()| signal(T::default()));
    ([base, tuned], [set_base, set_tuned])
}

impl Shell {
    /// A page on which nothing has happened, and what it shows.
    pub fn new() -> (Self, Drawn) {
        let ((spec, set_spec), (shown, set_shown)) = (signal(Arc::default()), signal(Shown::default()));
        let ((run, set_run), (progress, set_progress), (selection, set_selection)) = (both(), both(), both());
        let shell = Self {
            page: StoredValue::new(Page::default()),
            spec: set_spec,
            shown: set_shown,
            run: set_run,
            progress: set_progress,
            selection: set_selection,
        };
        (shell, Drawn { spec, shown, run, progress, selection })
    }

    /// Reads the core; nothing is called again when it changes.
    pub fn with<R>(&self, read: impl FnOnce(&Page) -> R) -> R {
        self.page.with_value(read)
    }

    /// A number that no job of `side` had before.
    pub fn next_job(&self, side: Side) -> JobId {
        self.page.try_update_value(|page| page.ledger.number(side)).unwrap_or_default()
    }

    /// Sets the signals of what has changed.
    fn draw(&self) {
        let changed = self.page.try_update_value(|page| {
            let (round, progress) = (&mut page.runs.round, &mut page.runs.progress);
            let halves = round.halves.each_mut().map(|half| half.changed());
            (round.spec.changed(), round.shown, halves, round.selections.changed(), progress.changed())
        });
        let Some((spec, shown, halves, selections, progress)) = changed else { return };
        spec.into_iter().for_each(|spec| self.spec.set(spec));
        self.shown.maybe_update(|before| std::mem::replace(before, shown) != shown);
        halves.into_iter().zip(self.run).for_each(|(half, run)| half.into_iter().for_each(|half| run.set(half)));
        each(selections, self.selection);
        each(progress, self.progress);
    }
}

/// Sets what differs of a changed pair.
fn each<T: Copy + PartialEq + Send + Sync + 'static>(changed: Option<[T; 2]>, signals: [WriteSignal<T>; 2]) {
    for (value, signal) in changed.into_iter().flatten().zip(signals) {
        signal.maybe_update(|before| std::mem::replace(before, value) != value);
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
            Effect::Send(side, request) => {
                if let Some(engine) = engine(self.slot(side)) {
                    engine.send(&request, &[]);
                }
            }
            Effect::Frame => request_animation_frame(move || self.dispatch(Msg::Frame)),
        }
    }

    /// Takes in an event of an engine if its job is in the ledger; gives back any other.
    pub fn hear(self, side: Side, epoch: u32, event: Event) -> Option<Event> {
        if !self.shell.with(|page| page.owns(side, &event)) {
            return Some(event);
        }
        self.dispatch(Msg::Engine { side, epoch, event, at: super::now() });
        None
    }

    /// Chooses what to look at in the result of `side`.
    pub fn select(self, side: Side, selection: Selection) {
        self.dispatch(Msg::Runs(Command::Select(side, selection)));
    }
}
