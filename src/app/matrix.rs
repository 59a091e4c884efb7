//! The matrix of one model: a canvas with a cursor for the mouse and for the arrow keys.

use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::canvas::{Cell, Layout, Picture, draw, follow_theme};
use super::format;
use super::reading::extent;
use super::state::{Scale, Selection, Slot, State};
use crate::wording::{common, matrix as wording, numbers};

/// Redraws when the width of the canvas's frame changes.
pub fn on_resize(canvas: NodeRef<Canvas>, width: RwSignal<f64>) {
    Effect::new(move |_| {
        if let Some(frame) = canvas.get().and_then(|c| c.parent_element()) {
            follow_width(frame, width);
        }
    });
}

/// Keeps `width` at the width of `frame`.
pub fn watch_width(frame: NodeRef<Div>, width: RwSignal<f64>) {
    Effect::new(move |_| {
        if let Some(frame) = frame.get() {
            follow_width(frame.into(), width);
        }
    });
}

fn follow_width(frame: web_sys::Element, width: RwSignal<f64>) {
    let observed = frame.clone();
    let callback = Closure::<dyn FnMut()>::new(move || {
        width.try_update(|w| *w = f64::from(observed.client_width()));
    });
    let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return };
    observer.observe(&frame);
    // both go with the effect, and with them the element that they hold
    let held = StoredValue::new_local(Some((observer, callback)));
    on_cleanup(move || {
        if let Some((observer, _)) = held.try_update_value(Option::take).flatten() {
            observer.disconnect();
        }
    });
}

/// The matrix of `slot`.
#[component]
pub fn Matrix(state: State, half: Slot) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let layout = RwSignal::new(Layout::default());
    let width = RwSignal::new(0.0);
    let hover = RwSignal::new(None::<(usize, usize)>);
    on_resize(canvas, width);
    Effect::new(move |_| {
        follow_theme();
        width.track();
        let Some(canvas) = canvas.get() else { return };
        let (reading, selection, extent) = (state.reading.get(), half.selection.get(), extent(state));
        let seen = half.seen();
        half.view.with(|v| {
            let cell = |n: usize, m: usize| {
                let (level, value) = (v.levels[n][seen.start + m], v.signed[n][seen.start + m]);
                match reading.scale {
                    Scale::Levels if level == 0 => Cell::Empty,
                    Scale::Levels => Cell::Level(f32::from(level) / f32::from(reading.how.count)),
                    Scale::Signed if extent > 0.0 => Cell::Signed(value / extent),
                    Scale::Signed => Cell::Empty,
                }
            };
            let picture = Picture {
                rows: &v.rows,
                columns: &v.columns[seen.range()],
                cell: &cell,
                row: selection.row,
                column: seen.place(selection.column),
            };
            if let Some(drawn) = draw(&canvas, &picture) {
                layout.set(drawn);
            }
        });
    });
    let locate = move |e: &leptos::ev::MouseEvent| {
        let (row, column) = layout.get_untracked().at(f64::from(e.offset_x()), f64::from(e.offset_y()));
        (row, column.map(|m| m + untrack(|| half.seen()).start))
    };
    let on_move = move |e: leptos::ev::MouseEvent| {
        let (row, column) = locate(&e);
        hover.set(row.zip(column));
    };
    let choose = move |selection: Selection| {
        state.select(half.side, selection);
    };
    let on_click = move |e: leptos::ev::MouseEvent| match locate(&e) {
        // a cell or a column's label chooses the response unit, a row's label the prompt unit
        (_, Some(column)) => choose(Selection { row: None, column: Some(column) }),
        (Some(row), None) => choose(Selection { row: Some(row), column: None }),
        _ => {}
    };
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        let (rows, seen) = (half.view.with_untracked(|v| v.rows.len()), untrack(|| half.seen()));
        let begin = half.selection.get_untracked().column.filter(|m| seen.range().contains(m)).unwrap_or(seen.start);
        let (row, column) = hover.get_untracked().unwrap_or((0, begin));
        let next = match e.key().as_str() {
            "ArrowRight" => (row, (column + 1).min(seen.end.saturating_sub(1))),
            "ArrowLeft" => (row, column.saturating_sub(1).max(seen.start)),
            "ArrowDown" => ((row + 1).min(rows.saturating_sub(1)), column),
            "ArrowUp" => (row.saturating_sub(1), column),
            "Enter" | " " => {
                e.prevent_default();
                return choose(Selection { row: None, column: Some(column) });
            }
            "Escape" => return state.select(half.side, Selection::default()),
            _ => return,
        };
        e.prevent_default();
        hover.set(Some(next));
    };
    let words = move || {
        let Some((n, m)) = hover.get() else {
            return wording::POINT_OR_WALK.to_owned();
        };
        half.view.with(|v| match (v.rows.get(n), v.columns.get(m)) {
            (Some(row), Some(column)) => {
                let said = wording::level_and_value(v.levels[n][m], &numbers::signed(v.signed[n][m]));
                common::from_to(&format::label(&row.text, 40), &format::label(&column.text, 40), &said)
            }
            _ => String::new(),
        })
    };
    view! {
        <div class="frame">
            <canvas
                node_ref=canvas tabindex="0" role="img"
                aria-label=wording::picture_of(half.side.name())
                on:mousemove=on_move on:mouseleave=move |_| hover.set(None) on:click=on_click on:keydown=on_key
            ></canvas>
        </div>
        <p class="cap value" aria-live="polite">{words}</p>
    }
}
