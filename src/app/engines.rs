//! Both engines as the page uses them; `page::slots` decides what they load, and what happens when one is gone.

use leptos::prelude::*;
use web_sys::File;

use super::engine::Engine;
use super::state::{Side, Slot, State, Stored};
use super::{backend, memory, now};
use crate::page::slots::Command;
use crate::page::{Msg, Progress};
use crate::protocol::{Choice, Event, Failure, Request, Source};

/// Starts both engines and loads what the last visit used, or the bundled pair, unless something is there.
pub fn begin(state: State) {
    begin_with(state, [None, None]);
}

/// Starts both engines, unless they were, and loads what is `wanted`, or what the last visit used, or the bundled pair.
pub fn begin_with(state: State, wanted: [Option<Source>; 2]) {
    let remembered = |side| memory::get(&memory_key(side)).and_then(|text| serde_json::from_str(&text).ok());
    let remembered = Side::BOTH.map(remembered);
    command(state, Command::Begin { wanted, remembered });
}

/// Starts both engines, unless they were; a picture that was sent is shown without.
pub fn engines(state: State) {
    command(state, Command::Start);
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Slots(command));
}

fn memory_key(side: Side) -> String {
    format!("shiftlens.{}", side.key())
}

/// Remembers for the next visit what is in a slot.
pub fn remember(side: Side, source: &Source) {
    if let Ok(text) = serde_json::to_string(source) {
        memory::set(&memory_key(side), &text);
    }
}

pub fn engine(slot: Slot) -> Option<Engine> {
    slot.engine.get_value()
}

/// Starts the worker of `epoch` in place of the one before.
pub fn start(state: State, side: Side, epoch: u32) {
    let slot = state.slot(side);
    match engine(slot) {
        Some(engine) => engine.restart(epoch),
        None => {
            // events can come before the engine is in its place
            let engine = Engine::new(move |epoch, event| state.hear(side, epoch, event));
            slot.engine.set_value(Some(engine.clone()));
            engine.restart(epoch);
        }
    }
}

/// Opens a checkpoint in `slot`; the present one stays if this fails.
pub fn load(state: State, side: Side, source: Source) {
    command(state, Command::Load { side, source, files: None });
}

/// The same with files of the user's.
pub fn load_files(state: State, side: Side, files: Vec<File>) {
    if !files.is_empty() {
        let names = files.iter().map(File::name).collect();
        let files = Some(state.shell.hold(files));
        command(state, Command::Load { side, source: Source::Files { names }, files });
    }
}

/// Has both engines compute on other hardware.
pub fn use_backend(state: State, choice: Choice) {
    for engine in state.slots().into_iter().filter_map(engine) {
        engine.send(&Request::Backend { choice }, &[]);
    }
}

/// Stops a load.
pub fn cancel_load(state: State, side: Side) {
    command(state, Command::Cancel(side));
}

/// Asks for the list of kept checkpoints.
pub fn list(state: State) {
    if let Some(engine) = engine(state.tuned) {
        let job = state.tuned.next_job();
        engine.send(&Request::List { job }, &[]);
    }
}

/// Deletes a kept checkpoint.
pub fn delete(state: State, key: String) {
    if let Some(engine) = engine(state.tuned) {
        let job = state.tuned.next_job();
        engine.send(&Request::Delete { job, key }, &[]);
    }
}

/// Deletes what is kept of weights read; what is on screen stays.
pub fn forget(state: State) {
    if let Some(engine) = engine(state.tuned) {
        let job = state.tuned.next_job();
        engine.send(&Request::Forget { job }, &[]);
    }
}

/// Takes in an event that is not the core's.
pub fn take(state: State, slot: Slot, event: Event) {
    match event {
        Event::Progress { job, stage, done, total } => {
            backend::advance(state, slot, job, |before| Progress::next(before, (stage, done, total), now()));
        }
        Event::Backend { report } => slot.backend.set(Some(report)),
        Event::Checked { job, gpu, checked } => backend::done(state, slot, job, gpu, checked),
        Event::Prepared { job, prompt, length } if slot.preparing.get_value() == Some(job) => {
            slot.prepared.set(Some((prompt, length)));
        }
        Event::Listed { entries, results, free, .. } => state.stored.set(Stored { entries, results, free }),
        Event::Failed { job, failure } => failed(state, slot, job, &failure),
        // of a job that nobody waits for any more
        _ => {}
    }
}

fn failed(state: State, slot: Slot, job: u32, failure: &Failure) {
    if backend::failed(state, slot, job, failure) {
        // said where it was asked for
    } else if slot.preparing.get_value() == Some(job) {
        slot.prepared.set(None); // the run itself will say why
    } else if !matches!(failure, Failure::Cancelled) {
        state.notice.set(Some(failure.to_string()));
    }
}

/// The engine is gone, and with it what is not the core's yet.
pub fn gone(state: State, slot: Slot) {
    if let Some(failure) = slot.model.with_untracked(|m| m.failure.clone()) {
        backend::engine_gone(state, slot, &failure);
    }
}
