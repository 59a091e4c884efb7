//! Both engines: started, given checkpoints, and heard.

use leptos::prelude::*;
use web_sys::File;

use super::engine::Engine;
use super::findings::state as findings;
use super::state::{Model, Progress, Side, Slot, State, Stored};
use super::{backend, memory, now};
use crate::explain::CheckpointInfo;
use crate::page::facts::{bundled, origin};
use crate::page::{self, Msg};
use crate::protocol::{Choice, Event, Failure, Request, Source};

/// Starts both engines and loads what the last visit used, or the bundled pair, unless something is there.
pub fn begin(state: State) {
    begin_with(state, |_| None);
}

/// Starts both engines, unless they were, and loads what `wanted` says, or what the last visit used, or the bundled pair.
pub fn begin_with(state: State, wanted: impl Fn(Slot) -> Option<Source>) {
    engines(state);
    for slot in state.slots() {
        let there = slot.model.with_untracked(|m| m.info.is_some() || m.loading.is_some());
        let remembered = || memory::get(&memory_key(slot.side)).and_then(|s| serde_json::from_str(&s).ok());
        let here = match slot.model.with_untracked(|m| m.loading.is_some()) {
            true => slot.opening.get_value(),
            false => slot.source.get_untracked(),
        };
        let source = match wanted(slot) {
            // what is there already, or on its way, stays
            Some(source) if there && here.as_ref() == Some(&source) => continue,
            Some(source) => source,
            None if there => continue,
            None => remembered().unwrap_or_else(|| bundled(slot.side)),
        };
        load(slot, source, &[]);
    }
}

/// Starts both engines, unless they were; a picture that was sent is shown without.
pub fn engines(state: State) {
    if !state.begun.get_untracked() {
        state.begun.set(true);
        for slot in state.slots() {
            let hear = move |epoch, event| {
                state.hear(slot.side, epoch, event).into_iter().for_each(|event| take(state, slot, event));
            };
            slot.engine.set_value(Some(Engine::new(hear)));
        }
    }
}

fn memory_key(side: Side) -> String {
    format!("shiftlens.{}", side.key())
}

pub fn engine(slot: Slot) -> Option<Engine> {
    slot.engine.get_value()
}

/// Opens a checkpoint in `slot`; the present one stays if this fails.
pub fn load(slot: Slot, source: Source, files: &[File]) {
    let Some(engine) = engine(slot) else { return };
    if let Some((job, _)) = slot.model.with_untracked(|m| m.loading) {
        engine.send(&Request::Cancel { job }, &[]);
    }
    let job = slot.next_job();
    slot.opening.set_value(Some(source.clone()));
    slot.model.update(|m| {
        m.loading = Some((job, None));
        m.failure = None;
        m.not_kept = None;
    });
    engine.send(&Request::Backend { choice: backend::wanted() }, &[]);
    engine.send(&Request::Load { job, source }, files);
}

/// Has both engines compute on other hardware.
pub fn use_backend(state: State, choice: Choice) {
    for engine in state.slots().into_iter().filter_map(engine) {
        engine.send(&Request::Backend { choice }, &[]);
    }
}

/// Stops a load.
pub fn cancel_load(slot: Slot) {
    if let (Some(engine), Some((job, _))) = (engine(slot), slot.model.with_untracked(|m| m.loading)) {
        engine.send(&Request::Cancel { job }, &[]);
    }
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

/// Takes in an event of `slot`'s engine.
fn take(state: State, slot: Slot, event: Event) {
    match event {
        Event::Ready => engine(slot).into_iter().for_each(|e| e.ready()),
        Event::Progress { job, stage, done, total } => {
            let advance = |before: Option<Progress>| Progress::next(before, (stage, done, total), now());
            if slot.model.with_untracked(|m| m.loading.is_some_and(|(j, _)| j == job)) {
                slot.model.update(|m| m.loading = m.loading.map(|(j, p)| (j, Some(advance(p)))));
            } else {
                backend::advance(state, slot, job, advance);
            }
        }
        Event::Loaded { job, info, template, stored, not_kept, .. } => {
            loaded(state, slot, job, info, template, stored, not_kept);
            findings::another_model(state);
        }
        Event::Backend { report } => slot.backend.set(Some(report)),
        Event::Checked { job, gpu, checked } => backend::done(state, slot, job, gpu, checked),
        Event::Unloaded { .. } => {
            slot.model.update(|m| m.info = None);
            state.dispatch(Msg::Model(slot.side, None));
        }
        Event::Prepared { job, prompt, length } if slot.preparing.get_value() == Some(job) => {
            slot.prepared.set(Some((prompt, length)));
        }
        Event::Finished { job, report, .. } => drop(findings::finished(state, slot, job, &report)),
        Event::Listed { entries, results, free, .. } => state.stored.set(Stored { entries, results, free }),
        Event::Failed { job, failure } => failed(state, slot, job, failure),
        Event::Crashed { message } => crashed(state, slot, message),
        // of a job that nobody waits for any more
        _ => {}
    }
}

fn loaded(
    state: State,
    slot: Slot,
    job: u32,
    info: CheckpointInfo,
    template: Option<String>,
    stored: Option<String>,
    not_kept: Option<Failure>,
) {
    if !slot.model.with_untracked(|m| m.loading.is_some_and(|(j, _)| j == job)) {
        return;
    }
    let source = stored.map(|key| Source::Stored { key }).or_else(|| slot.opening.get_value());
    let origin = origin(source.as_ref(), &info.file);
    let model = page::Model { info: info.clone(), template: template.clone(), origin };
    state.dispatch(Msg::Model(slot.side, Some(model)));
    // A failure that is still on screen says why this model took another's place.
    slot.model
        .update(|m| *m = Model { info: Some(info), template, loading: None, failure: m.failure.take(), not_kept });
    // What is not kept cannot be found again on the next visit.
    if let Some(source @ (Source::Stored { .. } | Source::Bundled { .. })) = &source
        && let Ok(text) = serde_json::to_string(source)
    {
        memory::set(&memory_key(slot.side), &text);
    }
    slot.source.set(source);
}

fn failed(state: State, slot: Slot, job: u32, failure: Failure) {
    if slot.model.with_untracked(|m| m.loading.is_some_and(|(j, _)| j == job)) {
        slot.model.update(|m| {
            m.loading = None;
            m.failure = (failure != Failure::Cancelled).then_some(failure);
        });
        // a first load that was stopped leaves nothing behind that should come back
        let stopped = slot.model.with_untracked(|m| m.failure.is_none()) && slot.source.with_untracked(Option::is_none);
        if slot.model.with_untracked(|m| m.info.is_none()) && !stopped {
            load_instead(slot, slot.opening.get_value());
        }
    } else if backend::failed(state, slot, job, &failure) || findings::failed(state, slot, job, &failure) {
        // said where it was asked for
    } else if slot.preparing.get_value() == Some(job) {
        slot.prepared.set(None); // the run itself will say why
    } else if !matches!(failure, Failure::Cancelled) {
        slot.model.update(|m| m.failure = Some(failure));
    }
}

/// Nothing is loaded any more: the checkpoint that was last there, or else the bundled one, takes its place under the
/// message, unless it is itself what `failed`.
fn load_instead(slot: Slot, failed: Option<Source>) {
    let again = |s: &Source| !matches!(s, Source::Files { .. }) && failed.as_ref() != Some(s);
    let candidates = [slot.source.get_untracked(), Some(bundled(slot.side))];
    slot.source.set(None); // each is tried once
    if let Some(source) = candidates.into_iter().flatten().find(again) {
        let message = slot.model.with_untracked(|m| m.failure.clone());
        load(slot, source, &[]);
        slot.model.update(|m| m.failure = message);
    }
}

/// The engine is gone: start another with the same checkpoint, and keep what is on screen.
fn crashed(state: State, slot: Slot, message: String) {
    let Some(engine) = engine(slot) else { return };
    let opening = slot.model.with_untracked(|m| m.loading.is_some()).then(|| slot.opening.get_value()).flatten();
    // An engine that never came up will not come up now.
    let failure = if engine.came_up() { Failure::Crashed(message) } else { Failure::NoEngine(message) };
    state.dispatch(Msg::Gone(slot.side, failure.clone()));
    findings::engine_gone(state, slot);
    backend::engine_gone(state, slot, &failure);
    slot.model.update(|m| *m = Model { failure: Some(failure), ..Model::default() });
    if engine.came_up() {
        engine.restart(state.shell.with(|page| page.ledger.epoch(slot.side)));
        load_instead(slot, opening); // what crashed the engine while it was loaded is not loaded again
    }
}
