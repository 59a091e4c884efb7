//! The picture of the prompt as it was and that of the edited prompt, beside each other.

use std::ops::Range;

use leptos::html::Canvas;
use leptos::prelude::*;

use crate::app::canvas::{Cell, Picture, draw, follow_theme};
use crate::app::matrix::on_resize;
use crate::app::state::{Half, Scale, Slot, State};
use crate::app::{format, is_open};
use crate::explain::view::{Label, View};
use crate::page::edited::Trial;
use crate::share::link::Origin;
use crate::wording::{edited as wording, matrix, numbers};

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
        <Table state view=after/>
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

/// The edited prompt's matrix in numbers, made when it is opened; the other's is in its card.
#[component]
fn Table(state: State, view: Signal<View>) -> impl IntoView {
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
            let values = if scale == Scale::Levels { matrix::LEVELS } else { matrix::SIGNED_VALUES };
            view! {
                <table class="components"><caption>{values}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>
            }
        })
    };
    view! {
        <details class="fold matrix-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::AFTER_AS_TABLE}</summary>
            {move || open.get().then(|| view! { <div class="frame" tabindex="0" role="region" aria-label=wording::AFTER_AS_TABLE>{table}</div> })}
        </details>
    }
}
