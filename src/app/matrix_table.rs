//! The matrix of one model as a table: for screen readers, and to be copied into a spreadsheet.

use leptos::prelude::*;

use super::state::{Scale, Slot, State};
use super::{format, is_open};
use crate::explain::view::Label;
use crate::wording::{matrix as wording, numbers};

/// The table, made when it is opened.
#[component]
pub fn MatrixTable(state: State, half: Slot) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <details class="fold matrix-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::AS_A_TABLE}</summary>
            <Show when=move || open.get()><Cells state half/></Show>
        </details>
    }
}

#[component]
fn Cells(state: State, half: Slot) -> impl IntoView {
    let name = |label: &Label| format::label(label.text.trim(), 40);
    let values = move || match state.reading.get().scale {
        Scale::Levels => wording::LEVELS,
        Scale::Signed => wording::SIGNED_VALUES,
    };
    let head = move || {
        half.view.with(|v| {
            let cell = |c: &Label| view! { <th scope="col" class="num">{name(c)}</th> };
            v.columns.iter().map(cell).collect_view()
        })
    };
    let rows = move || {
        let scale = state.reading.get().scale;
        half.view.with(|v| {
            let value = |n: usize, m: usize| match scale {
                Scale::Levels => v.levels[n][m].to_string(),
                Scale::Signed => numbers::signed(v.signed[n][m]),
            };
            let row = |(n, label): (usize, &Label)| {
                let cells = (0..v.columns.len()).map(|m| view! { <td class="num">{value(n, m)}</td> });
                view! { <tr><th scope="row">{name(label)}</th>{cells.collect_view()}</tr> }
            };
            v.rows.iter().enumerate().map(row).collect_view()
        })
    };
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::table_of(half.side.name())>
            <table class="components">
                <caption>{move || wording::caption(half.side.name(), values())}</caption>
                <thead><tr><td></td>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
