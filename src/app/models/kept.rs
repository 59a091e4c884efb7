//! What is kept in the browser's storage.

use leptos::prelude::*;

use crate::app::state::{Slot, State};
use crate::app::{engines, format};
use crate::page::Msg;
use crate::page::stored::Command;
use crate::protocol::{Source, StoredEntry};

/// Has the storage listed, or something in it deleted.
pub fn stored(state: State, command: Command) {
    state.dispatch(Msg::Stored(command));
}

/// The list.
#[component]
pub fn Stored(state: State) -> impl IntoView {
    let item = move |e: StoredEntry| {
        let size = format!(" · {}{}", format::bytes(e.bytes), if e.complete { "" } else { " · incomplete" });
        let load =
            |half: Slot, key: String| move |_| engines::load(state, half.side, Source::Stored { key: key.clone() });
        let key = e.key.clone();
        view! {
            <li>
                <span><b>{e.files.join(", ")}</b><span class="cap">{size}</span></span>
                <span class="row">
                    <button class="btn" disabled=!e.complete on:click=load(state.base, e.key.clone())>"As base"</button>
                    <button class="btn" disabled=!e.complete on:click=load(state.tuned, e.key.clone())>"As tuned"</button>
                    <button class="btn" on:click=move |_| stored(state, Command::Delete(key.clone()))>"Delete"</button>
                </span>
            </li>
        }
    };
    let empty = move || state.stored.with(|s| s.entries.is_empty() && s.results == 0);
    view! {
        <h3>"Kept in this browser"</h3>
        <Show when=empty><p class="cap">"Nothing yet. Models that you open or download are kept here, so that the next visit does not fetch them again."</p></Show>
        <ul class="list" id="stored">{move || state.stored.get().entries.into_iter().map(item).collect_view()}</ul>
        <Show when=move || state.stored.with(|s| s.results != 0)>
            <ul class="list" id="results-kept"><li>
                <span><b>"Heads and concepts read from weights"</b><span class="cap">{move || format!(" · {}", format::bytes(state.stored.with(|s| s.results)))}</span></span>
                <button class="btn" on:click=move |_| stored(state, Command::Forget)>"Delete"</button>
            </li></ul>
        </Show>
        <Show when=move || state.stored.with(|s| s.lasting == Some(false))><p class="cap" id="not-lasting">"The browser may delete these when the disk is full."</p></Show>
        <p class="cap">{move || state.stored.get().free.map(|free| format!("The browser has room for {} more.", format::bytes(free)))}</p>
    }
}
