//! Figures and tables of what is on screen.

use leptos::prelude::*;

use super::picture::save_png;
use crate::app::state::{Slot, State};
use crate::app::{export, graph, reading, today};
use crate::share::figure::{Drawn, Figure, citation};
use crate::share::one_page;
use crate::wording::{common, share as wording};

/// Hands the figure of `slot` to `f`, if there is one.
fn with<R>(state: State, slot: Slot, f: impl FnOnce(&Figure) -> R) -> Option<R> {
    let extent = reading::extent(state);
    let date = today();
    slot.run.with_untracked(|r| {
        let report = r.report.as_ref()?;
        let f = slot.view.with_untracked(|view| {
            let (side, reading) = (slot.side.name(), state.reading.get_untracked());
            let (turns, drawn) = (&state.spec.get_untracked().turns, graph::drawn(state, slot.side));
            f(&Figure { side, report, view, reading, turns, extent, date: &date, drawn })
        });
        Some(f)
    })
}

/// The figure of `slot` in the form that is on screen, and its size.
pub fn drawn(state: State, slot: Slot) -> Option<(String, (f32, f32))> {
    with(state, slot, |f| (f.svg(), f.size()))
}

/// The matrix of `slot` for a slide, if there is one.
pub fn bare(state: State, slot: Slot) -> Option<String> {
    with(state, slot, |f| f.bare())
}

fn name(state: State, slot: Slot, kind: &str) -> String {
    format!("{}-{}.{kind}", export::slug(&state.spec.get_untracked().prompt), slot.side.key())
}

/// Both models as one file.
fn save_page(state: State) {
    let date = today();
    let extent = reading::extent(state);
    let reading = state.reading.get_untracked();
    let held: Vec<_> = state
        .slots()
        .into_iter()
        .filter_map(|s| Some((s.side.name(), s.run.with_untracked(|r| r.report.clone())?, s.view.get_untracked())))
        .collect();
    let spec = state.spec.get_untracked();
    let (prompt, turns) = (&spec.prompt, &spec.turns);
    let drawn = Drawn::Matrix;
    let figure = |(side, report, view)| Figure { side, report, view, reading, turns, extent, date: &date, drawn };
    let figures: Vec<Figure> = held.iter().map(|(side, report, view)| figure((*side, report, view))).collect();
    let _ = export::save(&format!("{}.html", export::slug(prompt)), "text/html", &one_page(prompt, &figures)); // as above
}

/// Buttons for each model's figure, and the citation.
#[component]
pub fn Figures(state: State) -> impl IntoView {
    let problem = RwSignal::new(None::<String>);
    let cited = RwSignal::new(None::<bool>);
    let row = move |slot: Slot| {
        let there = move || slot.run.with(|r| r.report.is_some());
        let key = slot.side.key();
        let svg = move |_| {
            if let Some(svg) = with(state, slot, |f| f.svg()) {
                let _ = export::save(&name(state, slot, "svg"), "image/svg+xml", &svg); // a browser that refuses says so itself
            }
        };
        let png = move |_| {
            if let Some(drawn) = drawn(state, slot) {
                save_png(name(state, slot, "png"), drawn, problem);
            }
        };
        let table = move |_| {
            if let Some(Ok(text)) = with(state, slot, |f| f.csv()) {
                let _ = export::save(&name(state, slot, "csv"), "text/csv", &text);
            }
        };
        view! {
            <div class="row figures">
                <span class="cap">{slot.side.name()}</span>
                <button class="btn" id=format!("svg-{key}") disabled=move || !there() on:click=svg>{wording::SVG}</button>
                <button class="btn" id=format!("png-{key}") disabled=move || !there() on:click=png>{wording::PNG}</button>
                <button class="btn" id=format!("csv-{key}") disabled=move || !there() on:click=table>{wording::CSV}</button>
            </div>
        }
    };
    let cite = move |_| {
        let text = citation(&super::address(), &today()[..4]);
        leptos::task::spawn_local(async move { cited.set(Some(super::to_clipboard(&text).await.is_some())) });
    };
    view! {
        <h3>{wording::FIGURES_AND_TABLES}</h3>
        <p class="cap">{wording::ABOUT_FIGURES}</p>
        {row(state.base)}{row(state.tuned)}
        <div class="row figures"><span class="cap">{wording::BOTH}</span><button class="btn" id="one-page" on:click=move |_| save_page(state)>{wording::ONE_PAGE}</button></div>
        <Show when=move || problem.get().is_some()><p class="error" role="alert">{move || problem.get().unwrap_or_default()}</p></Show>
        <button class="link" id="cite" on:click=cite>{wording::CITE}</button>
        " "<span class="cap" role="status">{move || cited.get().map(common::copied)}</span>
    }
}
