//! When models are loaded: as soon as something needs them, or else when the page has nothing to do; `page::waiting`
//! decides.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::models::loading_words;
use super::state::{Slot, State, Tab};
use super::{document, window};
use crate::page::slots::Presence;
use crate::page::waiting::Command;
use crate::page::{Msg, Wish};
use crate::wording::{common, loading as wording};

fn presence(half: Slot) -> Presence {
    half.model.with(|_| half.shell.with(|page| page.slots.presence(&page.facts)[half.side.index()]))
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Waiting(command));
}

/// Loads what is missing.
pub fn need(state: State) {
    command(state, Command::Need);
}

/// Stops what is being loaded for the first time, and what waits for it.
pub fn cancel(state: State) {
    command(state, Command::Cancel); // what is pressed next asks for it anew
}

/// Loads the models once everything else has come and been drawn, if that is welcome.
pub async fn when_idle(state: State) {
    page_has_come().await;
    for _ in 0..2 {
        next_frame().await; // a page that nobody sees draws none, and loads nothing
    }
    idle().await;
    command(state, Command::Idle { welcome: !super::embedded() && !saves_data() });
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
        true => !matches!(state.tab.get(), Tab::Prompt | Tab::Study),
        false => state.tab.get() == Tab::Prompt && state.wishes.with(|w| !w.is_empty()),
    };
    let coming = move || wanted() && state.slots().map(presence).contains(&Presence::Coming);
    let stopped = move || wanted() && !coming() && state.slots().map(presence).contains(&Presence::Absent);
    let why = move || state.wishes.with(|all| wording::loading_for(&all.iter().map(Wish::words).collect::<Vec<_>>()));
    let line = move |half: Slot| {
        let shown = move || half.model.with(|m| m.loading.filter(|_| m.info.is_none()));
        let words = move || {
            let name = half.side.name();
            match presence(half) {
                Presence::There => wording::here(name),
                Presence::Failed => wording::failed(name),
                _ => common::of(name, &loading_words(shown().and_then(|(_, p)| p))),
            }
        };
        let value = move || {
            let there = presence(half) == Presence::There;
            let progress = shown().and_then(|(_, p)| p).filter(|p| p.total > 0);
            progress.map(|p| p.done as f64 / p.total as f64).or(there.then_some(1.0)).map(|v| v.to_string())
        };
        view! { <div class="progress"><span>{words}</span><progress max="1" value=value aria-label=common::model(half.side.name())></progress></div> }
    };
    let id = if among_weights { "waiting-weights" } else { "waiting" };
    view! {
        <Show when=coming>
            <div class="note linked coming" id=id>
                <div class="row">
                    <span class="grow" role="status">{why}</span>
                    <button type="button" class="btn" id=format!("{id}-cancel") on:click=move |_| cancel(state)>{common::CANCEL}</button>
                </div>
                <div class="reading-progress">{state.slots().map(line).collect_view()}</div>
            </div>
        </Show>
        <Show when=stopped>
            <p class="note linked coming" id=format!("{id}-stopped")>{wording::NOT_LOADED}" "
                <button type="button" class="btn" id=format!("{id}-load") on:click=move |_| need(state)>{wording::LOAD_THEM}</button>
            </p>
        </Show>
    }
}
