//! Tuned minus base, where both explain the same response.

use leptos::html::Canvas;
use leptos::prelude::*;

use super::canvas::{Cell, Layout, Picture, draw, follow_theme};
use super::format;
use super::graph::{self, DifferenceGraph};
use super::matrix::on_resize;
use super::method::MadeBy;
use super::reading::extent;
use super::share::picture::{Drawn, SavePicture, provenance_of_runs};
use super::state::{Slot, State};
use super::teach::{Explain, NotShown};
use crate::explain::view::difference;
use crate::share::sheet::{Legend, Sheet, signed_colour};
use crate::teach::terms::{self, Panel};
use crate::wording::{attribution as wording, common, graph as graph_wording, methods, numbers};

/// The third panel.
#[component]
pub fn Difference(state: State) -> impl IntoView {
    let what = |slot: super::state::Slot| slot.run.with(|half| half.report.as_ref().map(|report| report.what()));
    let alike = Memo::new(move |_| match (what(state.base), what(state.tuned)) {
        (Some(base), Some(tuned)) => base == tuned,
        _ => true, // one run has one method
    });
    let both = Memo::new(move |_| {
        let both = || state.base.view.with(|b| state.tuned.view.with(|t| difference(b, t)));
        alike.get().then(both).flatten()
    });
    let differ = move || {
        let tokenizer = |s: Slot| s.run.with(|half| half.report.as_ref().map(|r| r.checkpoint.tokenizer.clone()));
        matches!((tokenizer(state.base), tokenizer(state.tuned)), (Some(b), Some(t)) if b != t)
    };
    let shown = move || state.slots().iter().all(|s| s.view.with(|v| !v.columns.is_empty()));
    let why_not = move || match (alike.get(), differ()) {
        (false, _) => methods::OTHER_METHODS,
        (true, true) => wording::OTHER_TOKENS,
        (true, false) => wording::OTHER_RESPONSES,
    };
    view! {
        <Show when=shown>
            <article class="panel card" id="difference" aria-label=wording::DIFFERENCE>
                <div class="head"><h2>{wording::DIFFERENCE}</h2><Explain of=Panel::Difference/><span class="cap">{move || if graph::is_on(state) { graph_wording::WHAT_CHANGED } else { wording::TUNED_MINUS_BASE }}</span></div>
                <Show when=move || both.with(Option::is_some) fallback=move || view! { <p class="empty">{why_not}</p> }>
                    <MadeBy half=state.tuned class="cap made"/>
                    <Show when=move || graph::is_on(state) fallback=move || view! {
                    <div class="legend"><span>{wording::MORE_TO_BASE}</span><span class="ramp diverging"></span><span>{wording::MORE_TO_TUNED}</span></div>
                    <DifferenceMatrix state both/>
                    <SavePicture name="difference" make=move || picture(state, both)/>
                    }><DifferenceGraph state/></Show>
                    <NotShown of=terms::Picture::Difference/>
                </Show>
            </article>
        </Show>
    }
}

/// The difference as a figure.
fn picture(state: State, both: Memo<Both>) -> Option<Drawn> {
    let extent = extent(state).max(f32::MIN_POSITIVE);
    let columns = state.tuned.view.with_untracked(|v| v.columns.clone());
    let what = graph::method(state);
    both.with_untracked(|both| {
        let (rows, values) = both.as_ref()?;
        let sheet = Sheet {
            title: wording::DIFFERENCE_TITLE.into(),
            rows,
            columns: &columns,
            fill: &|n, m| signed_colour(values[n][m] / extent),
            tip: &|n, m| format!("{:+.4e}", values[n][m]),
            legend: Legend::Signed(wording::MORE_TO_BASE, wording::MORE_TO_TUNED),
            caption: wording::difference_caption(&what, extent, &provenance_of_runs(state)),
        };
        Some((sheet.svg(), sheet.size()))
    })
}

type Both = Option<(Vec<crate::explain::view::Label>, Vec<Vec<f32>>)>;

#[component]
fn DifferenceMatrix(state: State, both: Memo<Both>) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let layout = RwSignal::new(Layout::default());
    let width = RwSignal::new(0.0);
    let hover = RwSignal::new(None::<(usize, usize)>);
    on_resize(canvas, width);
    Effect::new(move |_| {
        follow_theme();
        width.track();
        let (Some(canvas), extent) = (canvas.get(), extent(state)) else { return };
        both.with(|both| {
            let Some((rows, values)) = both else { return };
            let seen = state.tuned.seen();
            state.tuned.view.with(|v| {
                let value = |n: usize, m: usize| values[n][seen.start + m] / extent;
                let cell = |n: usize, m: usize| if extent > 0.0 { Cell::Signed(value(n, m)) } else { Cell::Empty };
                let picture = Picture { rows, columns: &v.columns[seen.range()], cell: &cell, row: None, column: None };
                if let Some(drawn) = draw(&canvas, &picture) {
                    layout.set(drawn);
                }
            });
        });
    });
    let on_move = move |e: leptos::ev::MouseEvent| {
        let (row, column) = layout.get_untracked().at(f64::from(e.offset_x()), f64::from(e.offset_y()));
        hover.set(row.zip(column.map(|m| m + untrack(|| state.tuned.seen()).start)));
    };
    let words = move || {
        let (n, m) = hover.get()?;
        both.with(|both| {
            let (rows, values) = both.as_ref()?;
            let column = state.tuned.view.with(|v| v.columns.get(m).map(|c| c.text.clone()))?;
            let (row, value) = (format::label(&rows.get(n)?.text, 40), *values.get(n)?.get(m)?);
            Some(common::from_to(&row, &format::label(&column, 40), &numbers::signed(value)))
        })
    };
    view! {
        <div class="frame"><canvas node_ref=canvas role="img" aria-label=wording::DIFFERENCE_MATRIX on:mousemove=on_move on:mouseleave=move |_| hover.set(None)></canvas></div>
        <p class="cap value" aria-live="polite">{move || words().unwrap_or_else(|| wording::POINT_AT_A_CELL.to_owned())}</p>
    }
}
