//! The reading view: prompt and response as text, coloured by the chosen word.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::format;
use super::state::{Reading, Scale, Selection, Slot, State};
use crate::explain::Role;
use crate::explain::view::{Label, View};
use crate::wording::{attribution as wording, common, numbers};

/// A background for a cell or token: the scale is shared by both models.
pub fn shade(reading: &Reading, level: u8, signed: f32, extent: f32) -> Option<String> {
    match reading.scale {
        Scale::Levels if level == 0 => None,
        Scale::Levels => {
            Some(format!("var(--l{})", (u32::from(level) * 10).div_ceil(u32::from(reading.how.count)).clamp(1, 10)))
        }
        Scale::Signed => {
            let share = if extent > 0.0 { (signed / extent).clamp(-1.0, 1.0) } else { 0.0 };
            let percent = (share.abs().sqrt() * 85.0).round();
            (percent > 2.0).then(|| {
                format!(
                    "color-mix(in srgb, var(--{}) {percent}%, var(--panel))",
                    if share > 0.0 { "pos" } else { "neg" }
                )
            })
        }
    }
}

/// The ink that text on that background needs in place of the page's own.
fn ink(reading: &Reading, level: u8, signed: f32, extent: f32) -> Option<&'static str> {
    match reading.scale {
        Scale::Levels => match (u32::from(level) * 10).div_ceil(u32::from(reading.how.count)) {
            0..=6 => None,
            7 => Some("--on-l7"),
            _ => Some("--on-strong"),
        },
        Scale::Signed => (extent > 0.0 && (signed / extent).abs() > 0.6).then_some("--on-strong"),
    }
}

/// The largest magnitude on screen: one scale for both models.
pub fn extent(state: State) -> f32 {
    state.slots().iter().map(|s| s.view.with(View::extent)).fold(0.0, f32::max)
}

#[component]
fn Token(
    label: Label,
    index: usize,
    shade: Option<String>,
    ink: Option<&'static str>,
    selected: bool,
    focusable: bool,
    title: String,
    reading: Reading,
    choose: impl Fn(usize) + Copy + 'static,
) -> impl IntoView {
    let text = label.text.trim_start_matches(' ');
    let shown = match (reading.spaces || text.trim().is_empty(), label.text.starts_with(' ')) {
        (true, true) => format!("·{}", format::visible(text)),
        (true, false) => format::visible(text),
        (false, _) => text.to_owned(),
    };
    let lines = label.text.matches('\n').count();
    let mut style = shade.map(|s| format!("background:{s};")).unwrap_or_default();
    if let Some(ink) = ink {
        style.push_str(&format!("color:var({ink});"));
    }
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        if matches!(e.key().as_str(), "Enter" | " ") {
            e.prevent_default();
            choose(index);
        }
    };
    view! {
        {(label.spaced).then_some(" ")}
        <span
            class="tok" class:tpl=label.role == Role::Template class:instr=label.instruction class:sel=selected
            role="button" aria-pressed=selected.to_string() tabindex=if focusable { 0 } else { -1 } data-i=index
            style=style title=title on:click=move |_| choose(index) on:keydown=on_key
        >{shown}</span>
        {(0..lines).map(|_| view! { <br/> }).collect_view()}
    }
}

/// Arrow keys walk the tokens: focus goes to the neighbour.
pub fn walk(e: leptos::ev::KeyboardEvent) {
    let step = match e.key().as_str() {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        _ => return,
    };
    let Some(target) = e.target().and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) else { return };
    let Some(index) = target.dataset().get("i").and_then(|i| i.parse::<i64>().ok()) else { return };
    let Some(parent) = target.parent_element() else { return };
    let next = parent.query_selector(&format!("[data-i=\"{}\"]", index + step)).ok().flatten();
    if let Some(next) = next.and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok()) {
        e.prevent_default();
        let _ = next.focus();
    }
}

/// The prompt; coloured by the selected response unit.
#[component]
pub fn PromptText(state: State, half: Slot) -> impl IntoView {
    let choose = move |row: usize| {
        let now = half.selection.get_untracked();
        let row = (now.row != Some(row) || now.column.is_some()).then_some(row);
        state.select(half.side, Selection { row, column: None });
    };
    let tokens = move || {
        let (reading, selection, extent) = (state.reading.get(), half.selection.get(), extent(state));
        half.view.with(|v| {
            let focus = selection.row.unwrap_or(0);
            (0..v.rows.len())
                .map(|n| {
                    let label = v.rows[n].clone();
                    let cell = selection.column.filter(|&m| m < v.columns.len()).map(|m| (v.levels[n][m], v.signed[n][m]));
                    let (level, value) = cell.unwrap_or((0, 0.0));
                    let title = cell.map_or_else(String::new, |(l, s)| wording::word_and_level(label.text.trim(), l, &numbers::signed(s)));
                    let shade = cell.and_then(|_| shade(&reading, level, value, extent)).filter(|_| label.counted || reading.scale == Scale::Signed);
                    let ink = shade.as_ref().and_then(|_| ink(&reading, level, value, extent));
                    view! { <Token label index=n shade ink selected=selection.row == Some(n) focusable=n == focus title reading choose/> }
                })
                .collect_view()
        })
    };
    view! { <div class="read" role="group" aria-label=common::PROMPT on:keydown=walk>{tokens}</div> }
}

/// The response; coloured by the selected prompt unit.
#[component]
pub fn ResponseText(state: State, half: Slot) -> impl IntoView {
    let choose = move |column: usize| {
        let now = half.selection.get_untracked();
        state.select(half.side, Selection { row: None, column: (now.column != Some(column)).then_some(column) });
    };
    let tokens = move || {
        let (reading, selection, extent) = (state.reading.get(), half.selection.get(), extent(state));
        half.view.with(|v| {
            let focus = selection.column.unwrap_or(0);
            (0..v.columns.len())
                .map(|m| {
                    let label = v.columns[m].clone();
                    let cell = selection.row.filter(|&n| n < v.rows.len() && selection.column.is_none()).map(|n| (v.levels[n][m], v.signed[n][m]));
                    let (level, value) = cell.unwrap_or((0, 0.0));
                    let title = cell.map_or_else(String::new, |(l, s)| wording::word_and_level(label.text.trim(), l, &numbers::signed(s)));
                    let shade = cell.and_then(|_| shade(&reading, level, value, extent));
                    let ink = shade.as_ref().and_then(|_| ink(&reading, level, value, extent));
                    view! { <Token label index=m shade ink selected=selection.column == Some(m) focusable=m == focus title reading choose/> }
                })
                .collect_view()
        })
    };
    view! { <div class="read response" role="group" aria-label=common::RESPONSE on:keydown=walk>{tokens}</div> }
}
