//! When models are loaded: as soon as something needs them, or else when the page has nothing to do. What is pressed before
//! they are there waits for them, and then happens.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::models::loading_words;
use super::share::linked;
use super::state::{Model, Slot, State, Tab};
use super::{document, engines, page, window};

/// What waits for the models.
#[derive(Clone, Copy)]
pub struct Waiting {
    /// In words, in the order in which it was asked for.
    what: RwSignal<Vec<&'static str>>,
    acts: StoredValue<Vec<Box<dyn FnOnce()>>, LocalStorage>,
    /// Loading was stopped by the user: nothing is loaded unasked any more.
    declined: StoredValue<bool>,
    /// The page has had nothing to do, and has left the models where they are.
    pub rested: RwSignal<bool>,
}

impl Waiting {
    pub fn new() -> Self {
        Self {
            what: RwSignal::new(Vec::new()),
            acts: StoredValue::new_local(Vec::new()),
            declined: StoredValue::new(false),
            rested: RwSignal::new(false),
        }
    }

    /// Whether `what` waits.
    pub fn has(&self, what: &str) -> bool {
        self.what.with(|all| all.contains(&what))
    }

    /// What waits happens no more; the models still come.
    pub fn forget(&self, what: &str) {
        let Some(at) = self.what.with_untracked(|all| all.iter().position(|w| *w == what)) else { return };
        self.acts.update_value(|acts| drop(acts.remove(at)));
        self.what.update(|all| {
            all.remove(at);
        });
    }

    fn add(&self, what: &'static str, act: Box<dyn FnOnce()>) {
        self.forget(what); // pressed twice, it happens once
        self.acts.update_value(|acts| acts.push(act));
        self.what.update(|all| all.push(what));
    }

    fn take(&self) -> Vec<Box<dyn FnOnce()>> {
        self.what.set(Vec::new());
        self.acts.try_update_value(std::mem::take).unwrap_or_default()
    }
}

/// How far a slot is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nobody has asked for a model, or somebody has stopped it.
    Absent,
    Coming,
    There,
    Failed,
}

fn phase(m: &Model) -> Phase {
    match (&m.info, &m.loading, &m.failure) {
        (Some(_), ..) => Phase::There,
        (None, Some(_), _) => Phase::Coming,
        (None, None, Some(_)) => Phase::Failed,
        (None, None, None) => Phase::Absent,
    }
}

fn phases(state: State) -> [Phase; 2] {
    state.slots().map(|s| s.model.with(phase))
}

/// Loads what is missing. A model that has failed is tried again only if the other is not there either.
pub fn need(state: State) {
    let now = untrack(|| phases(state));
    if now.contains(&Phase::Absent) || !now.contains(&Phase::There) && !now.contains(&Phase::Coming) {
        linked::load_models(state); // those of a picture that was sent, or else the visitor's own
    }
}

/// Does `act`, once the models are there; they are loaded for it.
pub fn then(state: State, what: &'static str, act: impl FnOnce() + 'static) {
    let now = untrack(|| phases(state));
    let still_to_come = now.iter().any(|p| matches!(p, Phase::Absent | Phase::Coming));
    if now.contains(&Phase::There) && !still_to_come {
        return act();
    }
    need(state);
    state.waiting.add(what, Box::new(act));
}

/// Stops what is being loaded for the first time, and what waits for it.
pub fn cancel(state: State) {
    state.waiting.declined.set_value(true);
    drop(state.waiting.take());
    for slot in state.slots().into_iter().filter(|s| s.model.with_untracked(phase) == Phase::Coming) {
        engines::cancel_load(state, slot.side); // what is pressed next asks for it anew
    }
}

/// Does what has waited as soon as the models are there; drops it if they will not come, which is said where they are
/// loaded.
pub fn follow(state: State) {
    Effect::new(move |_| {
        let now = phases(state);
        if state.waiting.what.with(Vec::is_empty) || now.contains(&Phase::Coming) {
            return;
        }
        let acts = state.waiting.take();
        if now.contains(&Phase::There) {
            untrack(|| acts.into_iter().for_each(|act| act()));
        }
    });
}

/// Loads the models once everything else has come and been drawn, if that is welcome.
pub async fn when_idle(state: State) {
    page_has_come().await;
    for _ in 0..2 {
        next_frame().await; // a page that nobody sees draws none, and loads nothing
    }
    idle().await;
    let welcome = state.linked.with_untracked(Option::is_none)
        && !state.waiting.declined.get_value()
        && !page::embedded()
        && !saves_data();
    if welcome {
        need(state);
    } else {
        state.waiting.rested.set(true);
    }
}

/// Whether the visitor has asked sites to spare their connection.
fn saves_data() -> bool {
    let get = |of: &JsValue, key: &str| js_sys::Reflect::get(of, &key.into()).unwrap_or_default();
    get(&get(&window().navigator(), "connection"), "saveData").is_truthy()
}

/// What `start` hands the promise's answer to.
async fn promise(mut start: impl FnMut(js_sys::Function)) {
    let promise = js_sys::Promise::new(&mut |resolve, _| start(resolve));
    let _ = JsFuture::from(promise).await;
}

async fn page_has_come() {
    if document().ready_state() != "complete" {
        promise(|done| drop(window().add_event_listener_with_callback("load", &done))).await;
    }
}

async fn next_frame() {
    promise(|done| drop(window().request_animation_frame(&done))).await;
}

/// The browser has nothing to do; one that cannot say so (Safari) is given the time of a few frames.
async fn idle() {
    let can_say = js_sys::Reflect::get(&window(), &"requestIdleCallback".into()).is_ok_and(|f| f.is_function());
    promise(|done| match can_say {
        true => drop(window().request_idle_callback(&done)),
        false => drop(window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, 200)),
    })
    .await;
}

/// How far the models have come, with a way to stop, where something waits for them: a press in the first tab, or another
/// tab as a whole.
#[component]
pub fn WaitingNote(state: State, among_weights: bool) -> impl IntoView {
    let wanted = move || match among_weights {
        true => state.tab.get() != Tab::Prompt,
        false => state.tab.get() == Tab::Prompt && state.waiting.what.with(|w| !w.is_empty()),
    };
    let coming = move || wanted() && phases(state).contains(&Phase::Coming);
    let stopped = move || wanted() && !coming() && phases(state).contains(&Phase::Absent);
    let why = move || {
        let what = state.waiting.what.get();
        match what.as_slice() {
            [] => "The models are being loaded.".to_owned(),
            all => format!("The models are being loaded. Then: {}.", all.join(", ")),
        }
    };
    let line = move |half: Slot| {
        let shown = move || half.model.with(|m| m.loading.filter(|_| m.info.is_none()));
        let words = move || {
            let name = half.side.name();
            match half.model.with(phase) {
                Phase::There => format!("{name}: here"),
                Phase::Failed => format!("{name}: could not be loaded"),
                _ => format!("{name}: {}", loading_words(shown().and_then(|(_, p)| p))),
            }
        };
        let value = move || {
            let there = half.model.with(phase) == Phase::There;
            let progress = shown().and_then(|(_, p)| p).filter(|p| p.total > 0);
            progress.map(|p| p.done as f64 / p.total as f64).or(there.then_some(1.0)).map(|v| v.to_string())
        };
        view! { <div class="progress"><span>{words}</span><progress max="1" value=value aria-label=format!("{} model", half.side.name())></progress></div> }
    };
    let id = if among_weights { "waiting-weights" } else { "waiting" };
    view! {
        <Show when=coming>
            <div class="note linked coming" id=id>
                <div class="row">
                    <span class="grow" role="status">{why}</span>
                    <button type="button" class="btn" id=format!("{id}-cancel") on:click=move |_| cancel(state)>"Cancel"</button>
                </div>
                <div class="reading-progress">{state.slots().map(line).collect_view()}</div>
            </div>
        </Show>
        <Show when=stopped>
            <p class="note linked coming" id=format!("{id}-stopped")>"This needs the models, which are not loaded. "
                <button type="button" class="btn" id=format!("{id}-load") on:click=move |_| need(state)>"Load them"</button>
            </p>
        </Show>
    }
}
