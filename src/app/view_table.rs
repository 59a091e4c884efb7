//! Any picture as a table, made when it is opened.

use leptos::prelude::*;

use super::state::{Scale, State};
use super::{format, is_open};
use crate::explain::view::{Label, View};
use crate::wording::{matrix as wording, numbers};

/// The table of `view` by the present scale, behind `summary`.
#[component]
pub fn ViewTable(
    state: State,
    view: Signal<View>,
    summary: &'static str,
    #[prop(optional, into)] of: String,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let name = |label: &Label| format::label(label.text.trim(), 40);
    let table = move || {
        let scale = state.reading.get().scale;
        view.with(|v| {
            let value = |n: usize, m: usize| match scale {
                Scale::Levels => v.levels[n][m].to_string(),
                Scale::Signed => numbers::signed(v.signed[n][m]),
            };
            let head = v.columns.iter().map(|c| view! { <th scope="col" class="num">{name(c)}</th> }).collect_view();
            let row = |(n, label): (usize, &Label)| {
                let cells = (0..v.columns.len()).map(|m| view! { <td class="num">{value(n, m)}</td> });
                view! { <tr><th scope="row">{name(label)}</th>{cells.collect_view()}</tr> }
            };
            let rows = v.rows.iter().enumerate().map(row).collect_view();
            let values = if scale == Scale::Levels { wording::LEVELS } else { wording::SIGNED_VALUES };
            view! {
                <table class="components"><caption>{values}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>
            }
        })
    };
    let label = if of.is_empty() { summary.to_owned() } else { of };
    view! {
        <details class="fold matrix-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{summary}</summary>
            {move || open.get().then(|| view! { <div class="frame" tabindex="0" role="region" aria-label=label.clone()>{table}</div> })}
        </details>
    }
}
