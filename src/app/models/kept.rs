//! What is kept in the browser's storage.

use leptos::prelude::*;

use crate::app::engines;
use crate::app::state::{Slot, State};
use crate::page::Msg;
use crate::page::stored::Command;
use crate::protocol::{Source, StoredEntry};
use crate::wording::{common, models as wording, numbers};

/// Has the storage listed, or something in it deleted.
pub fn stored(state: State, command: Command) {
    state.dispatch(Msg::Stored(command));
}

/// The list.
#[component]
pub fn Stored(state: State) -> impl IntoView {
    let item = move |e: StoredEntry| {
        let size = wording::kept_size(&numbers::bytes(e.bytes), e.complete);
        let load =
            |half: Slot, key: String| move |_| engines::load(state, half.side, Source::Stored { key: key.clone() });
        let key = e.key.clone();
        view! {
            <li>
                <span><b>{e.files.join(", ")}</b><span class="cap">{size}</span></span>
                <span class="row">
                    <button class="btn" disabled=!e.complete on:click=load(state.base, e.key.clone())>{wording::AS_BASE}</button>
                    <button class="btn" disabled=!e.complete on:click=load(state.tuned, e.key.clone())>{wording::AS_TUNED}</button>
                    <button class="btn" on:click=move |_| stored(state, Command::Delete(key.clone()))>{common::DELETE}</button>
                </span>
            </li>
        }
    };
    let empty = move || state.stored.with(|s| s.entries.is_empty() && s.results == 0);
    view! {
        <h3>{wording::KEPT}</h3>
        <Show when=empty><p class="cap">{wording::NOTHING_KEPT}</p></Show>
        <ul class="list" id="stored">{move || state.stored.get().entries.into_iter().map(item).collect_view()}</ul>
        <Show when=move || state.stored.with(|s| s.results != 0)>
            <ul class="list" id="results-kept"><li>
                <span><b>{wording::READ_FROM_WEIGHTS}</b><span class="cap">{move || wording::kept_size(&numbers::bytes(state.stored.with(|s| s.results)), true)}</span></span>
                <button class="btn" on:click=move |_| stored(state, Command::Forget)>{common::DELETE}</button>
            </li></ul>
        </Show>
        <Show when=move || state.stored.with(|s| s.lasting == Some(false))><p class="cap" id="not-lasting">{wording::MAY_BE_DELETED}</p></Show>
        <p class="cap">{move || state.stored.get().free.map(|free| wording::room_left(&numbers::bytes(free)))}</p>
    }
}
