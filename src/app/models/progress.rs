//! How far a load is.

use leptos::prelude::*;

use crate::app::engines;
use crate::app::state::{Model, Progress, Slot, State};
use crate::protocol::Stage;
use crate::wording::{common, loading as wording, numbers};

/// What a load is doing: bytes of all bytes, and the time left.
pub fn loading_words(progress: Option<Progress>) -> String {
    let Some(p) = progress else { return wording::OPENING.to_owned() };
    if p.stage == Stage::Weights {
        return wording::reading_weights(p.done, p.total);
    }
    let verb = if p.stage == Stage::Keep { wording::STORING } else { wording::DOWNLOADING };
    let left = (p.done > 0 && p.elapsed > 1.0 && p.total > p.done)
        .then(|| numbers::seconds(p.elapsed * (p.total - p.done) as f64 / p.done as f64));
    let all = (p.total > 0).then(|| numbers::bytes(p.total));
    wording::bytes_of(verb, &numbers::bytes(p.done), all.as_deref(), left.as_deref())
}

/// Progress in bytes with the time left, a way to stop, and what went wrong.
#[component]
pub fn Loading(state: State, half: Slot) -> impl IntoView {
    let progress = move || half.model.with(|m| m.loading.map(|(_, p)| p));
    let words = move || loading_words(progress().flatten());
    let value =
        move || progress().flatten().filter(|p| p.total > 0).map(|p| (p.done as f64 / p.total as f64).to_string());
    let message = |get: fn(&Model) -> Option<String>| move || half.model.with(get);
    let failure = message(|m| m.failure.as_ref().map(ToString::to_string));
    let not_kept = message(|m| m.not_kept.as_ref().map(ToString::to_string));
    view! {
        <Show when=move || progress().is_some()>
            <div class="progress" role="status">
                <span>{words}</span><progress max="1" value=value></progress>
                <button class="btn" on:click=move |_| engines::cancel_load(state, half.side)>{common::CANCEL}</button>
            </div>
        </Show>
        <Show when=move || failure().is_some()><p class="error" role="alert">{move || failure().unwrap_or_default()}</p></Show>
        <Show when=move || not_kept().is_some()><p class="note" role="status">{move || not_kept().unwrap_or_default()}</p></Show>
    }
}
