//! What of the two loaded models can be compared.

use leptos::prelude::*;

use crate::app::state::State;
use crate::page::pair::{Differ, differ};
use crate::wording::pair as wording;

fn differences(state: State) -> Vec<Differ> {
    state.base.model.with(|base| {
        state.tuned.model.with(|tuned| match (&base.info, &tuned.info) {
            (Some(base), Some(tuned)) => differ(base, tuned),
            _ => Vec::new(),
        })
    })
}

/// All of it, where models are chosen.
#[component]
pub fn PairNote(state: State) -> impl IntoView {
    let found = Memo::new(move |_| differences(state));
    let item = |d: Differ| view! { <li><b>{d.title()}</b>". "{d.consequence()}</li> };
    view! {
        // always there, so that what comes into it is read out
        <div role="status" id="pair-differs">
            <Show when=move || found.with(|d| !d.is_empty())>
                <div class="note plain"><h3>{wording::WHAT_CAN_BE_COMPARED}</h3><ul>{move || found.get().into_iter().map(item).collect_view()}</ul></div>
            </Show>
        </div>
    }
}

/// One line above the results, if something cannot be compared.
#[component]
pub fn PairHint(state: State) -> impl IntoView {
    let grave = Memo::new(move |_| differences(state).into_iter().filter(|d| d.is_grave()).collect::<Vec<_>>());
    let titles = move || grave.with(|all| all.iter().map(|d| d.title()).collect::<Vec<_>>().join("; "));
    view! {
        <Show when=move || grave.with(|d| !d.is_empty())>
            <p class="note plain" id="pair-hint" role="status">{wording::ONLY_IN_PART}" "{titles}". "
                <button type="button" class="link" on:click=move |_| state.models_open.set(true)>{wording::SEE}</button>
            </p>
        </Show>
    }
}
