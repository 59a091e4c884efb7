//! Two runs side by side: what differs in what was asked, and what of their results can be compared.

use std::sync::Arc;

use leptos::prelude::*;

use crate::app::format;
use crate::app::header::Mark;
use crate::app::state::{Reading, Side, State};
use crate::app::view_table::ViewTable;
use crate::explain::ModelReport;
use crate::explain::view::View;
use crate::explain::weights::graph::Origin;
use crate::page::History;
use crate::page::history::{Differing, Entry, Refused, differing, refused};
use crate::share::graph::{Colours, Graph, Layout, drawing, unit};
use crate::share::window::Window;
use crate::wording::history as wording;

/// How wide the graphs are, in their own pixels; they are drawn as wide as there is room.
const GRAPH: f32 = 420.0;

type Pair = [Arc<Entry>; 2];

/// The half of `side` as it is read.
pub fn view_of(entry: &Entry, side: Side, reading: &Reading) -> View {
    entry.round.half(side).view(&entry.round.spec, reading)
}

/// Which models, by which method.
pub fn about(entry: &Entry) -> String {
    let report = |side: Side| entry.round.half(side).report.as_ref();
    let name = |side: Side| report(side).map(|r| r.checkpoint.name.as_str());
    let what = Side::BOTH.into_iter().find_map(report).map(|r| r.what()).unwrap_or_default();
    wording::about(name(Side::Base), name(Side::Tuned), &what)
}

/// What is pinned, while it is two.
#[component]
pub fn Compared(state: State) -> impl IntoView {
    let pair = move || state.history.with(|all| state.pinned.with(|pinned| History::pair(all, pinned)));
    view! {
        <section class="panel card" id="compared" aria-label=wording::COMPARED>
            <div class="head"><h2>{wording::COMPARED}</h2></div>
            {move || pair().map(|pair| view! {
                <Differences pair=pair.clone()/>
                {Side::BOTH.map(|side| view! { <Results state side pair=pair.clone()/> }).into_iter().collect_view()}
            })}
        </section>
    }
}

/// What was asked differently, as a table.
#[component]
fn Differences(pair: Pair) -> impl IntoView {
    let [a, b] = pair;
    let found = differing(&a.round, &b.round);
    let heads = [&a, &b].map(|entry| view! { <th scope="col">{wording::run(entry.number)}</th> });
    let row = |d: Differing| {
        let value = |text: String| if text.is_empty() { wording::NONE.to_owned() } else { text };
        let values = d.values.map(|text| view! { <td>{value(text)}</td> });
        view! { <tr><th scope="row">{d.what}</th>{values.into_iter().collect_view()}</tr> }
    };
    if found.is_empty() {
        return view! { <p id="what-differs">{wording::NOTHING_DIFFERS}</p> }.into_any();
    }
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::WHAT_DIFFERS>
            <table class="components differs" id="what-differs">
                <caption class="cap">{wording::WHAT_DIFFERS}</caption>
                <thead><tr><th scope="col">{wording::SETTING}</th>{heads.into_iter().collect_view()}</tr></thead>
                <tbody>{found.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Natural logarithm of the whole response's probability.
fn total(report: &ModelReport) -> f64 {
    report.response.iter().map(|t| f64::from(t.probability).ln()).sum()
}

/// Both results of one model.
#[component]
fn Results(state: State, side: Side, pair: Pair) -> impl IntoView {
    let [a, b] = pair.clone();
    let refusals = refused(&a.round, &b.round, side);
    let missing = refusals.iter().any(|r| matches!(r, Refused::Missing(_)));
    let totals = [&a, &b].map(|entry| entry.round.half(side).report.as_ref().map(total));
    let same = match totals {
        [Some(before), Some(after)] if refusals.is_empty() || refusals == [Refused::Units] => {
            (before.is_finite() && after.is_finite()).then(|| wording::same_response(before, after))
        }
        _ => None,
    };
    let numbers = [a.number, b.number];
    let why = refusals.iter().map(|refused| {
        let words = match refused {
            Refused::Missing(at) => wording::missing(numbers[*at], side.name()),
            Refused::Units => wording::OTHER_UNITS.to_owned(),
            Refused::Responses => wording::OTHER_RESPONSES.to_owned(),
        };
        view! { <p class="note not-compared">{words}</p> }
    });
    let one_scale = !refusals.contains(&Refused::Units);
    let why = why.collect_view();
    // drawn anew as results are read
    let columns = move || {
        let reading = state.reading.get();
        let views = pair.each_ref().map(|entry| view_of(entry, side, &reading));
        let extents = views.each_ref().map(View::extent);
        let common = extents[0].max(extents[1]);
        let origin = if side == Side::Base { Origin::Base } else { Origin::Tuned };
        let graph = |at: usize| {
            let (view, extent) = (&views[at], if one_scale { common } else { extents[at] });
            Graph::of(view, &reading, extent, Window::first(view.columns.len()), origin)
        };
        let graphs = [graph(0), graph(1)];
        let common = unit(&graphs.iter().collect::<Vec<_>>());
        let units = graphs.each_ref().map(|graph| if one_scale { common } else { unit(&[graph]) });
        let one = |at: usize| column(state, &pair[at], side, &views[at], &Layout::of(&graphs[at], GRAPH, units[at]));
        [one(0), one(1)].into_iter().collect_view()
    };
    view! {
        <section class="compared-side" aria-label=side.name()>
            <div class="head"><Mark side/><h3>{side.name()}</h3></div>
            {same.map(|words| view! { <p class="cap">{words}</p> })}
            {why}
            {(!missing).then(|| view! { <div class="cols">{columns}</div> })}
        </section>
    }
}

/// One run's answer: its text, its score, its graph and the same as a table.
fn column(state: State, entry: &Entry, side: Side, view: &View, layout: &Layout) -> impl IntoView + use<> {
    let text: String = entry.round.half(side).response.iter().map(|t| t.text.as_str()).collect();
    let score = view.score.map(|s| format!("{s:.2}"));
    let picture = (!text.is_empty()).then(|| {
        let size = layout.size;
        // our own drawing, every text in it escaped
        view! { <svg class="compared-graph" aria-hidden="true" viewBox=format!("0 0 {} {}", size.0, size.1) inner_html=drawing(layout, &Colours::PAGE, false)></svg> }
    });
    let table = view.clone();
    let name = format!("{}, {}", wording::run(entry.number), side.name());
    view! {
        <div class="compared">
            <div class="head"><h4>{wording::run(entry.number)}</h4>{score.map(|s| view! { <span class="score">{wording::SCORE}" "<b>{s}</b></span> })}</div>
            <p class="cap">{format::label(&entry.round.spec.prompt, 160)}</p>
            <p class="answer">{if text.is_empty() { wording::NO_ANSWER.to_owned() } else { text }}</p>
            <p class="cap">{about(entry)}</p>
            {picture}
            <ViewTable state view=Signal::stored(table) summary=wording::AS_A_TABLE of=name/>
        </div>
    }
}
