//! All heads at once: a map of layers by heads, or a ranking.

use leptos::prelude::*;

use super::{Measure, Order, View};
use crate::app::format;
use crate::app::state::State;
use crate::explain::weights::compare::{Filter, HeadChange};
use crate::wording::{common, heads as wording};

/// A head's value under a measure; nothing where there is none.
fn value(change: &HeadChange, measure: Measure, filter: &Filter) -> Option<f32> {
    match measure {
        Measure::Changed => {
            let [gained, lost, _] = change.counts(filter);
            Some((gained + lost) as f32)
        }
        Measure::Verbs => {
            let [gained, lost, _] = change.counts(&Filter { verbs: true, ..filter.clone() });
            Some((gained + lost) as f32)
        }
        Measure::Distance => change.distance,
    }
}

fn written(value: f32, measure: Measure) -> String {
    match measure {
        Measure::Distance if value < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// What a head's cell says to those who point at it or cannot see its colour.
fn spoken(change: &HeadChange, layer: usize, head: usize, filter: &Filter) -> String {
    let [gained, lost, _] = change.counts(&Filter { verbs: true, ..filter.clone() });
    wording::spoken((layer, head), change.counts(filter), (gained, lost), change.distance)
}

/// One head on the map.
#[derive(Clone, PartialEq)]
struct Cell {
    layer: usize,
    head: usize,
    value: Option<f32>,
    spoken: String,
}

fn cells(state: State, view: View) -> Vec<Vec<Cell>> {
    let (measure, filter) = (view.measure.get(), view.filter.get());
    state.weights.changes.with(|layers| {
        let row = |(layer, changes): (usize, &Option<std::sync::Arc<Vec<HeadChange>>>)| match changes {
            None => Vec::new(),
            Some(changes) => changes
                .iter()
                .enumerate()
                .map(|(head, change)| Cell {
                    layer,
                    head,
                    value: value(change, measure, &filter),
                    spoken: spoken(change, layer, head, &filter),
                })
                .collect(),
        };
        layers.iter().enumerate().map(row).collect()
    })
}

/// The map or the ranking.
#[component]
pub fn Map(state: State, view: View) -> impl IntoView {
    let cells = Memo::new(move |_| cells(state, view));
    let most =
        Memo::new(move |_| cells.with(|rows| rows.iter().flatten().filter_map(|c| c.value).fold(0.0f32, f32::max)));
    let legend = move || match view.measure.get() {
        Measure::Changed => wording::GAINED_AND_LOST,
        Measure::Verbs => wording::VERBS_GAINED_AND_LOST,
        Measure::Distance => wording::RELATIVE_DISTANCE,
    };
    let no_distance = move || {
        view.measure.get() == Measure::Distance
            && cells.with(|rows| {
                let mut all = rows.iter().flatten().peekable();
                all.peek().is_some() && all.all(|c| c.value.is_none())
            })
    };
    view! {
        <div class="legend">
            <span>"0"</span>
            <span class="ramp">{(1..=10).map(|i| view! { <i style=format!("background:var(--l{i})")></i> }).collect_view()}</span>
            <span>{move || written(most.get(), view.measure.get())}</span><span class="hint">{legend}</span>
        </div>
        <Show when=no_distance>
            <p class="note" role="status">{wording::NO_DISTANCE}</p>
        </Show>
        {move || match view.order.get() {
            Order::Map => view! { <Grid state view cells most/> }.into_any(),
            Order::Ranking => view! { <Ranking state view cells most/> }.into_any(),
        }}
    }
}

/// The background and ink of a value.
fn paint(value: Option<f32>, most: f32) -> String {
    let level = value.map_or(0, |v| if most > 0.0 { (v / most * 10.0).ceil() as u32 } else { 0 });
    format::level_style(level)
}

#[component]
fn Grid(state: State, view: View, cells: Memo<Vec<Vec<Cell>>>, most: Memo<f32>) -> impl IntoView {
    let heads = move || cells.with(|rows| rows.iter().map(Vec::len).max().unwrap_or(0));
    let on_key = move |e: leptos::ev::KeyboardEvent| {
        let (layer, head) = view.chosen.get_untracked();
        let (rows, columns) = cells.with_untracked(|r| (r.len(), r.iter().map(Vec::len).max().unwrap_or(0)));
        let (layer, head) = match e.key().as_str() {
            "ArrowRight" => (layer, (head + 1).min(columns.saturating_sub(1))),
            "ArrowLeft" => (layer, head.saturating_sub(1)),
            "ArrowDown" => ((layer + 1).min(rows.saturating_sub(1)), head),
            "ArrowUp" => (layer.saturating_sub(1), head),
            _ => return,
        };
        e.prevent_default();
        view.choose(state, layer, head);
        crate::app::focus(&format!("head-{layer}-{head}"));
    };
    let cell = move |cell: Cell| {
        let (layer, head) = (cell.layer, cell.head);
        let on = move || view.chosen.get() == (layer, head);
        let text = cell.value.map_or_else(|| "–".into(), |v| written(v, view.measure.get_untracked()));
        let (title, spoken) = (cell.spoken.clone(), cell.spoken);
        view! {
            <td>
                <button
                    type="button" class="cell" id=format!("head-{layer}-{head}") class:on=on aria-pressed=move || on().to_string()
                    tabindex=move || if on() { 0 } else { -1 } title=title
                    style=paint(cell.value, most.get_untracked()) on:click=move |_| view.choose(state, layer, head)
                >{text}<span class="visually-hidden">" "{spoken}</span></button>
            </td>
        }
    };
    let row = move |(layer, row): (usize, Vec<Cell>)| {
        let waiting = row.is_empty();
        view! {
            <tr>
                <th scope="row"><button type="button" class="link" title=wording::READ_NEXT on:click=move |_| view.choose(state, layer, view.chosen.get_untracked().1)>{layer}</button></th>
                {if waiting { view! { <td class="cap waiting" colspan=heads().max(1).to_string()>{wording::NOT_READ_YET}</td> }.into_any() } else { row.into_iter().map(cell).collect_view().into_any() }}
            </tr>
        }
    };
    view! {
        <div class="frame map-frame" id="head-map">
            <table class="map" aria-label=wording::HEADS_OF_BOTH on:keydown=on_key>
                <thead><tr><th scope="col" class="corner">{wording::LAYER}</th>{move || (0..heads()).map(|h| view! { <th scope="col">{h}</th> }).collect_view()}</tr></thead>
                <tbody>{move || { most.track(); cells.get().into_iter().enumerate().map(row).collect_view() }}</tbody>
            </table>
        </div>
        <p class="hint">{wording::ABOUT_MAP}</p>
    }
}

/// Heads shown in the ranking.
const RANKED: usize = 40;

#[component]
fn Ranking(state: State, view: View, cells: Memo<Vec<Vec<Cell>>>, most: Memo<f32>) -> impl IntoView {
    let ranked = move || {
        let mut all: Vec<Cell> = cells.get().into_iter().flatten().filter(|c| c.value.is_some()).collect();
        all.sort_by(|a, b| b.value.unwrap_or(0.0).total_cmp(&a.value.unwrap_or(0.0)));
        all.truncate(RANKED);
        all
    };
    let item = move |cell: Cell| {
        let (layer, head) = (cell.layer, cell.head);
        let on = move || view.chosen.get() == (layer, head);
        let value = cell.value.unwrap_or(0.0);
        let share = if most.get_untracked() > 0.0 { value / most.get_untracked() * 100.0 } else { 0.0 };
        view! {
            <li>
                <button type="button" class="rank" class:on=on aria-pressed=move || on().to_string() title=cell.spoken on:click=move |_| view.choose(state, layer, head)>
                    <span>{common::head(layer, head)}</span><i style=format!("width:{share:.1}%")></i><span class="n">{written(value, view.measure.get_untracked())}</span>
                </button>
            </li>
        }
    };
    view! { <ol class="ranking">{move || ranked().into_iter().map(item).collect_view()}</ol> }
}
