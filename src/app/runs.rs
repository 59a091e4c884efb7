//! What happens: checkpoints loaded, runs started and stopped, events taken in.

use leptos::prelude::*;
use web_sys::File;

use super::backend;
use super::engine::Engine;
use super::findings::state as findings;
use super::loading;
use super::memory;
use super::share::linked;
use super::state::{Chat, Model, Progress, RunState, Selection, Shown, Side, Slot, State, Stored, Whose};
use super::weights;
use crate::checkpoint::catalogue::BUNDLED;
use crate::explain::By;
use crate::protocol::{Choice, Event, Failure, Prompt, Request, Response, Run, Source, Template};

/// Models below this many parameters are explained by token whatever is shown: it costs them nothing.
const SMALL: u64 = 30_000_000;

/// Seconds on the page's clock.
fn now() -> f64 {
    super::window().performance().map_or(0.0, |p| p.now() / 1e3)
}

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
            slot.engine.set_value(Some(Engine::new(move |event| take(state, slot, event))));
        }
    }
}

fn memory_key(side: Side) -> String {
    format!("shiftlens.{}", side.key())
}

/// The bundled checkpoint of `side`.
pub fn bundled(side: Side) -> Source {
    let file = match side {
        Side::Base => BUNDLED.base,
        Side::Tuned => BUNDLED.tuned,
    };
    Source::Bundled { url: file.url.to_owned() }
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
    let job = engine.next_job();
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
        let job = engine.next_job();
        engine.send(&Request::List { job }, &[]);
    }
}

/// Deletes a kept checkpoint.
pub fn delete(state: State, key: String) {
    if let Some(engine) = engine(state.tuned) {
        let job = engine.next_job();
        engine.send(&Request::Delete { job, key }, &[]);
    }
}

/// Deletes what is kept of weights read; what is on screen stays.
pub fn forget(state: State) {
    if let Some(engine) = engine(state.tuned) {
        let job = engine.next_job();
        engine.send(&Request::Forget { job }, &[]);
    }
}

/// What waits for the models, in words, when Run is pressed before they are there.
pub const A_RUN: &str = "the prompt is run";

/// Runs the prompt on every loaded model, as the options say, once they are there.
pub fn run(state: State) {
    loading::then(state, A_RUN, move || {
        linked::forget(state);
        run_again(state);
    });
}

/// The same, while a picture that was sent is to be compared with what comes of it.
pub fn run_again(state: State) {
    let options = state.options.get_untracked();
    let loaded = |s: Slot| s.model.with_untracked(|m| m.info.is_some());
    state.follow.set(None);
    let own = || Response::Own { limit: options.limit, sampling: options.sampling };
    let first = match options.whose {
        Whose::Own => None,
        Whose::Tuned => Some((state.tuned, state.base)),
        Whose::Base => Some((state.base, state.tuned)),
        Whose::Typed => {
            for slot in state.slots().into_iter().filter(|s| loaded(*s)) {
                start(state, slot, Response::Text { text: options.typed.clone() });
            }
            return;
        }
    };
    match first {
        None => state.slots().into_iter().filter(|s| loaded(*s)).for_each(|s| start(state, s, own())),
        Some((speaker, listener)) => {
            start(state, speaker, own());
            if loaded(speaker) && loaded(listener) {
                remember(listener);
                listener.run.update(|r| *r = RunState::default());
                state.follow.set(Some(listener.side));
            }
        }
    }
}

fn start(state: State, slot: Slot, response: Response) {
    let Some(engine) = engine(slot) else { return };
    let options = state.options.get_untracked();
    let text = state.prompt.get_untracked();
    let info = slot.model.with_untracked(|m| m.info.clone());
    let Some(info) = info else {
        slot.run.update(|r| r.failure = Some(Failure::NotLoaded));
        return;
    };
    let by = if info.parameters < SMALL { By::Token } else { state.reading.with_untracked(|r| r.by) };
    let job = engine.next_job();
    slot.selection.set(Selection::default());
    slot.progress.set_value(None);
    remember(slot);
    let given = !matches!(response, Response::Own { .. });
    slot.run.set(RunState { job: Some(job), text: text.clone(), by, given, ..RunState::default() });
    let run = Run {
        prompt: Prompt::Text { text, template: template(state, slot.side) },
        response,
        by,
        target: options.target,
        mode: options.mode,
        instruction: state.marked.get_untracked(),
    };
    engine.send(&Request::Run { job, run }, &[]);
}

/// Keeps the result on screen for the case that the next run comes to nothing. A slot that waits for the other's response
/// was emptied, and has kept it already.
fn remember(slot: Slot) {
    slot.run.with_untracked(|r| {
        if r.report.is_some() || !r.response.is_empty() {
            slot.before.set_value(r.report.is_some().then(|| r.clone()));
        }
    });
}

/// Asks how the present prompt will be read, and whether it fits; a newer question makes an older one moot.
pub fn prepare(state: State, slot: Slot) {
    let engine = engine(slot).filter(|_| slot.model.with_untracked(|m| m.info.is_some()));
    let Some(engine) = engine else { return slot.prepared.set(None) };
    let (text, template) = untrack(|| (state.prompt.get(), template(state, slot.side)));
    let response = state.options.with_untracked(|o| match o.whose {
        Whose::Typed => Response::Text { text: o.typed.clone() },
        _ => Response::Own { limit: o.limit, sampling: o.sampling },
    });
    let job = engine.next_job();
    slot.preparing.set_value(Some(job));
    engine.send(&Request::Prepare { job, prompt: Prompt::Text { text, template }, response }, &[]);
}

/// The template that `side` uses under the present options.
pub fn template(state: State, side: Side) -> Template {
    template_under(state, state.options.with(|o| o.chat), side)
}

/// The template that `side` uses under `chat`.
pub fn template_under(state: State, chat: Chat, side: Side) -> Template {
    let given = || match state.tuned.model.with(|m| m.template.clone()) {
        Some(source) => Template::Given { source },
        None => Template::Own,
    };
    match (chat, side) {
        (Chat::Off, _) | (Chat::TunedOnly, Side::Base) => Template::Off,
        (Chat::TunedOnly, Side::Tuned) => Template::Own,
        (Chat::Both, Side::Tuned) => Template::Own,
        (Chat::Both, Side::Base) => given(),
    }
}

/// Stops whatever runs.
pub fn cancel(state: State) {
    let begun = state.slots().iter().any(|s| s.run.with_untracked(|r| r.job.is_some() && !r.response.is_empty()));
    nobody_follows(state, !begun);
    for slot in state.slots() {
        if let (Some(engine), Some(job)) = (engine(slot), slot.run.with_untracked(|r| r.job)) {
            engine.send(&Request::Cancel { job }, &[]);
        }
    }
}

/// Takes in an event of `slot`'s engine.
fn take(state: State, slot: Slot, event: Event) {
    match event {
        Event::Ready => engine(slot).into_iter().for_each(|e| e.ready()),
        Event::Progress { job, stage, done, total } => {
            let advance = |before: Option<Progress>| {
                let began = before.filter(|p| p.stage == stage).map_or_else(now, |p| p.began);
                Progress { stage, done, total, began, elapsed: now() - began }
            };
            if slot.model.with_untracked(|m| m.loading.is_some_and(|(j, _)| j == job)) {
                slot.model.update(|m| m.loading = m.loading.map(|(j, p)| (j, Some(advance(p)))));
            } else if weights::advance(state, slot.side, job, advance) || backend::advance(state, slot, job, advance) {
                // shown where it was asked for
            } else if slot.run.with_untracked(|r| r.job == Some(job)) {
                slot.progress.update_value(|p| *p = Some(advance(*p)));
                draw_with_next_frame(slot);
            }
        }
        Event::Loaded { job, info, template, stored, not_kept, .. } => {
            loaded(slot, job, info, template, stored, not_kept);
            weights::another_model(state, slot);
            findings::another_model(state);
        }
        Event::Backend { report } => slot.backend.set(Some(report)),
        Event::Checked { job, gpu, checked } => backend::done(state, slot, job, gpu, checked),
        Event::Unloaded { .. } => slot.model.update(|m| m.info = None),
        Event::Started { job, prompt, units } if slot.run.with_untracked(|r| r.job == Some(job)) => {
            slot.arrived.update_value(Vec::clear); // a run that starts again forgets what it has said
            slot.run.update(|r| {
                (r.prompt, r.units) = (prompt, units);
                r.response.clear();
                r.columns.clear();
            });
        }
        Event::Started { .. } => {}
        Event::Prepared { job, prompt, length } if slot.preparing.get_value() == Some(job) => {
            slot.prepared.set(Some((prompt, length)));
        }
        Event::Prepared { .. } => {}
        Event::Token { job, token, column } => {
            slot.arrived.update_value(|a| a.push((job, token, column)));
            draw_with_next_frame(slot);
        }
        Event::Finished { job, report, .. } if slot.run.with_untracked(|r| r.job == Some(job)) => {
            let (text, given) = slot.run.with_untracked(|r| (r.text.clone(), r.given));
            slot.run.set(RunState { given, ..RunState::of(*report, text, Shown::Computed) });
            follow(state, slot);
        }
        Event::Finished { job, report, .. } => drop(findings::finished(state, slot, job, &report)),
        Event::Heads { job, reading, heads, judged } => {
            weights::heads_arrived(state, slot, job, reading, *heads, judged);
        }
        Event::Concepts { job, concepts, judged } => weights::concepts_arrived(state, slot, job, *concepts, judged),
        Event::Matches { job, matches } => weights::matches_arrived(state, slot, job, *matches),
        Event::Attention { job, attention } => weights::attention_arrived(state, slot, job, *attention),
        Event::Firing { job, firing } => weights::firing_arrived(state, slot, job, *firing),
        Event::Words { job, count, vectors, judge } => {
            weights::words_taken(state, slot, job, count, vectors, judge);
        }
        Event::Listed { entries, results, free, .. } => state.stored.set(Stored { entries, results, free }),
        Event::Failed { job, failure } => failed(state, slot, job, failure),
        Event::Crashed { message } => crashed(state, slot, message),
    }
}

/// Tokens can come faster than they can be drawn: what has arrived is shown once a frame.
fn draw_with_next_frame(slot: Slot) {
    if slot.frame_asked.get_value() {
        return;
    }
    slot.frame_asked.set_value(true);
    request_animation_frame(move || {
        slot.frame_asked.set_value(false);
        show_arrived(slot);
    });
}

fn show_arrived(slot: Slot) {
    let arrived = slot.arrived.try_update_value(std::mem::take).unwrap_or_default();
    slot.run.update(|r| {
        for (job, token, column) in arrived {
            if r.job == Some(job) {
                r.response.push(token);
                r.columns.extend(column);
            }
        }
        r.progress = slot.progress.get_value().filter(|_| r.job.is_some());
    });
}

fn loaded(
    slot: Slot,
    job: u32,
    info: crate::explain::CheckpointInfo,
    template: Option<String>,
    stored: Option<String>,
    not_kept: Option<Failure>,
) {
    if !slot.model.with_untracked(|m| m.loading.is_some_and(|(j, _)| j == job)) {
        return;
    }
    // A failure that is still on screen says why this model took another's place.
    slot.model
        .update(|m| *m = Model { info: Some(info), template, loading: None, failure: m.failure.take(), not_kept });
    let source = stored.map(|key| Source::Stored { key }).or_else(|| slot.opening.get_value());
    // What is not kept cannot be found again on the next visit.
    if let Some(source @ (Source::Stored { .. } | Source::Bundled { .. })) = &source
        && let Ok(text) = serde_json::to_string(source)
    {
        memory::set(&memory_key(slot.side), &text);
    }
    slot.source.set(source);
}

/// The speaker is done: the listener explains the same response.
fn follow(state: State, speaker: Slot) {
    let Some(side) = state.follow.get_untracked().filter(|s| *s != speaker.side) else { return };
    state.follow.set(None);
    let tokenizer = |s: Slot| s.model.with_untracked(|m| m.info.as_ref().map(|i| i.tokenizer.clone()));
    let listener = state.slot(side);
    let response = speaker.run.with_untracked(|r| match tokenizer(speaker) == tokenizer(listener) {
        true => Response::Ids { ids: r.response.iter().map(|t| t.id).collect() },
        false => Response::Text { text: r.response.iter().map(|t| t.text.as_str()).collect() },
    });
    start(state, listener, response);
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
    } else if slot.run.with_untracked(|r| r.job == Some(job)) {
        let restored = end_run(slot, failure);
        nobody_follows(state, restored);
    } else if backend::failed(state, slot, job, &failure)
        || findings::failed(state, slot, job, &failure)
        || weights::failed(state, slot, job, &failure)
    {
        // said where it was asked for
    } else if slot.preparing.get_value() == Some(job) {
        slot.prepared.set(None); // the run itself will say why
    } else if !matches!(failure, Failure::Cancelled) {
        slot.model.update(|m| m.failure = Some(failure));
    }
}

/// The slot that waited for the other's response will not get one; its earlier result returns if the other's did.
fn nobody_follows(state: State, restored: bool) {
    let Some(side) = state.follow.get_untracked() else { return };
    state.follow.set(None);
    let waiting = state.slot(side);
    if let Some(before) = waiting.before.get_value().filter(|_| restored) {
        waiting.run.set(before);
    }
}

/// A run came to nothing or to a part of itself: that part stays on screen, or else the result before it. Tells whether
/// it is the latter.
fn end_run(slot: Slot, failure: Failure) -> bool {
    show_arrived(slot);
    let mut restored = false;
    slot.run.update(|r| {
        r.job = None;
        r.progress = None;
        let whole = r.columns.len().min(r.response.len());
        if whole > 0 {
            r.response.truncate(whole);
            r.columns.truncate(whole);
        }
        let nothing = r.response.is_empty();
        if let Some(before) = slot.before.get_value().filter(|_| nothing) {
            *r = before;
        }
        r.failure = Some(failure);
        restored = nothing;
    });
    restored
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
    let ran = slot.run.with_untracked(|r| r.job.is_some());
    let restored = ran && end_run(slot, failure.clone());
    nobody_follows(state, restored);
    weights::engine_gone(state, slot);
    findings::engine_gone(state, slot);
    backend::engine_gone(state, slot, &failure);
    slot.model.update(|m| *m = Model { failure: Some(failure), ..Model::default() });
    if engine.came_up() {
        engine.restart();
        load_instead(slot, opening); // what crashed the engine while it was loaded is not loaded again
    }
}
