//! Carries out what the core wants done: workers, storage, the address, fetches, frames.

use std::time::Duration;

use leptos::prelude::*;

use super::engine::{Cores, EngineHandle};
use super::state::{Side, State};
use super::teach::lesson;
use super::{engines, examples, history, memory, now, window};
use crate::page::{Effect, Msg, scores};
use crate::protocol::{Event, Request};

/// Under this name the scores last measured outlive the visit.
const SCORES: &str = "shiftlens.scores-3";
/// How long nothing is typed until a prompt is counted.
const PAUSE: Duration = Duration::from_millis(400);

/// What is at work for the core.
#[derive(Clone, Copy)]
struct Effects {
    state: State,
    engines: StoredValue<[Option<EngineHandle>; 2], LocalStorage>,
    cores: StoredValue<Cores, LocalStorage>,
    /// What came beside the event that is being heard.
    rows: StoredValue<Option<js_sys::ArrayBuffer>, LocalStorage>,
    /// The pause that the core waits for.
    pause: StoredValue<Option<TimeoutHandle>>,
}

/// Carries out from now on what the core of `state` wants done.
pub fn carry_out(state: State) {
    let effects = Effects {
        state,
        engines: StoredValue::new_local([None, None]),
        cores: StoredValue::new_local(Cores::of_machine(2)),
        rows: StoredValue::new_local(None),
        pause: StoredValue::new(None),
    };
    state.shell.carry_out(move |effect| effects.perform(effect));
}

impl Effects {
    fn perform(self, effect: Effect) {
        let state = self.state;
        match effect {
            Effect::Start(side, epoch) => self.start(side, epoch),
            Effect::Send(side, request) => self.send(side, &request, &[]),
            Effect::SendRows(side, request) => self.send_rows(side, &request),
            Effect::Remember(side, source) => engines::remember(state, side, &source),
            Effect::SendFiles(side, request, files) => self.send(side, &request, &state.files(files)),
            Effect::KeepSpeed(text) => memory::keep(state, memory::SPEED, &text),
            Effect::WriteScores(text) if memory::set(SCORES, &text) => {}
            Effect::WriteScores(_) => state.dispatch(Msg::Scores(scores::Command::NotWritten)),
            Effect::WriteHistory(text) => history::keep(&text),
            Effect::RecallScores => state.dispatch(Msg::Scores(scores::Command::Recalled(memory::get(SCORES)))),
            Effect::DropFiles(files) => state.drop_files(files),
            Effect::FetchExample(at) => leptos::task::spawn_local(examples::fetch(state, at)),
            Effect::ClearAddress => clear_address(),
            Effect::KeepLesson(text) => lesson::keep(state, &text),
            Effect::ForgetLesson => lesson::forget(),
            Effect::Persist => leptos::task::spawn_local(persist(state)),
            Effect::Pause => self.begin_pause(),
            Effect::Frame => request_animation_frame(move || state.dispatch(Msg::Frame)),
        }
    }

    fn engine(self, side: Side) -> Option<EngineHandle> {
        self.engines.with_value(|engines| engines[side.index()].clone())
    }

    /// Starts the worker of `epoch` in place of the one before.
    fn start(self, side: Side, epoch: u32) {
        if let Some(engine) = self.engine(side) {
            return engine.restart(epoch);
        }
        let state = self.state;
        let hear = move |epoch, event: Event, rows| {
            self.rows.set_value(rows);
            state.dispatch(Msg::Engine { side, epoch, event: Box::new(event), at: now() });
            self.rows.set_value(None); // those that nobody has sent on are let go
        };
        // events can come before the engine is in its place
        let engine = EngineHandle::new(self.cores.get_value(), side.index() as u32, hear);
        self.engines.update_value(|engines| engines[side.index()] = Some(engine.clone()));
        engine.restart(epoch);
    }

    fn send(self, side: Side, request: &Request, files: &[web_sys::File]) {
        if let Some(engine) = self.engine(side) {
            engine.send(request, files);
        }
    }

    fn send_rows(self, side: Side, request: &Request) {
        let rows = self.rows.try_update_value(Option::take).flatten();
        match (self.engine(side), rows) {
            (Some(engine), Some(rows)) => engine.send_rows(request, &rows),
            // the engine says what is missing, so that nobody waits for its answer
            (_, None) => self.send(side, request, &[]),
            (None, _) => {}
        }
    }

    /// Tells the core when nothing has asked for a pause for a while.
    fn begin_pause(self) {
        let state = self.state;
        if let Some(before) = self.pause.get_value() {
            before.clear();
        }
        let ended = move || state.dispatch(Msg::Paused);
        self.pause.set_value(set_timeout_with_handle(ended, PAUSE).ok());
    }
}

/// Asks the browser not to clear what is stored when it runs out of room.
async fn persist(state: State) {
    let Ok(promise) = window().navigator().storage().persist() else { return };
    if let Ok(lasting) = wasm_bindgen_futures::JsFuture::from(promise).await {
        state.dispatch(Msg::Lasting(lasting.is_truthy()));
    }
}

/// Takes the fragment out of the address.
fn clear_address() {
    if let (Ok(history), Ok(path)) = (window().history(), window().location().pathname()) {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}
