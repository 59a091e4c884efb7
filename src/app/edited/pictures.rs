//! The picture of the prompt as it was and that of the edited prompt, beside each other.

use std::ops::Range;

use leptos::html::Canvas;
use leptos::prelude::*;

use crate::app::canvas::{Cell, Picture, draw, follow_theme};
use crate::app::matrix::on_resize;
use crate::app::state::{Half, Scale, Slot, State};
use crate::app::view_table::ViewTable;
use crate::explain::view::View;
use crate::page::edited::Trial;
use crate::share::link::Origin;
use crate::wording::edited as wording;

/// Both, once the second is there.
#[component]
pub fn Pictures(state: State, half: Slot) -> impl IntoView {
    let edited = state.edited;
    let after = Memo::new(move |_| {
        let trial = edited.trial.get()?;
        let report = edited.same.with(|found| found.done().cloned())?;
        let reading = state.reading.get();
        Some(Half::of((*report).clone(), Origin::Elsewhere).view(&trial.edit.spec, &reading))
    });
    let before = Signal::derive(move || half.view.get());
    let after = Signal::derive(move || after.get().unwrap_or_default());
    let extent = Signal::derive(move || before.with(View::extent).max(after.with(View::extent)));
    let scale = move || match state.reading.get().scale {
        Scale::Levels => wording::OWN_LEVELS,
        Scale::Signed => wording::SAME_SCALE,
    };
    let prompts = move || edited.trial.get().map(|trial| prompts(state, &trial)).unwrap_or_default();
    let text = move |at: usize| {
        move || {
            let (text, changed) = prompts()[at].clone();
            let part = |range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
            let (start, end) = (part(0..changed.start), part(changed.end..text.len()));
            let changed = part(changed);
            let changed = (!changed.is_empty()).then(|| match at {
                0 => view! { <del>{changed}</del> }.into_any(),
                _ => view! { <ins>{changed}</ins> }.into_any(),
            });
            view! { {start}{changed}{end} }
        }
    };
    let row = Signal::derive(move || half.selection.get().row);
    let no_row = Signal::derive(|| None);
    view! {
        <div class="cols">
            <figure class="edit-picture">
                <figcaption class="label">{wording::BEFORE}</figcaption>
                <p class="answer">{text(0)}</p>
                <Matrix state half view=before extent row label=wording::PICTURE_BEFORE/>
            </figure>
            <figure class="edit-picture">
                <figcaption class="label">{wording::AFTER}</figcaption>
                <p class="answer">{text(1)}</p>
                <Matrix state half view=after extent row=no_row label=wording::PICTURE_AFTER/>
            </figure>
        </div>
        <p class="cap">{scale}</p>
        <ViewTable state view=after summary=wording::AFTER_AS_TABLE/>
    }
}

/// Both prompts, each with the bytes that are not the other's.
fn prompts(state: State, trial: &Trial) -> [(String, Range<usize>); 2] {
    let edit = &trial.edit;
    [(state.spec.with(|spec| spec.prompt.clone()), edit.gone.clone()), (edit.spec.prompt.clone(), edit.new.clone())]
}

/// A matrix by the present scale.
#[component]
fn Matrix(
    state: State,
    half: Slot,
    view: Signal<View>,
    extent: Signal<f32>,
    row: Signal<Option<usize>>,
    label: &'static str,
) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let width = RwSignal::new(0.0);
    on_resize(canvas, width);
    Effect::new(move |_| {
        follow_theme();
        width.track();
        let Some(canvas) = canvas.get() else { return };
        let (reading, extent, seen) = (state.reading.get(), extent.get(), half.seen());
        view.with(|v| {
            let seen = seen.within(v.columns.len());
            let cell = |n: usize, m: usize| {
                let (level, value) = (v.levels[n][seen.start + m], v.signed[n][seen.start + m]);
                match reading.scale {
                    Scale::Levels if level == 0 => Cell::Empty,
                    Scale::Levels => Cell::Level(f32::from(level) / f32::from(reading.how.count)),
                    Scale::Signed if extent > 0.0 => Cell::Signed(value / extent),
                    Scale::Signed => Cell::Empty,
                }
            };
            let (rows, columns) = (&v.rows, &v.columns[seen.range()]);
            draw(&canvas, &Picture { rows, columns, cell: &cell, row: row.get(), column: None });
        });
    });
    view! { <div class="frame"><canvas node_ref=canvas role="img" aria-label=label></canvas></div> }
}
