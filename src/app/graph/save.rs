//! Graphs as pictures of their own, for files and slides.

use leptos::prelude::*;

use super::{changed, common_unit, dotted_key, graph, is_on, keys};
use crate::app::share::picture::{Drawn, SavePicture, provenance_of_runs};
use crate::app::state::{Scale, Side, Slot, State};
use crate::explain::methods::Method;
use crate::explain::weights::graph::Origin;
use crate::share::figure::RibbonKey;
use crate::share::graph::{Graph, Key, Layout, Panel, Poster, unit};
use crate::wording::graph as wording;

/// How wide a graph is in a file, pixels.
const WIDTH: f32 = 560.0;

/// What becomes of a ribbon, with how many of each kind there are: gained, lost, kept.
pub fn kinds([gained, lost, kept]: [usize; 3]) -> Vec<RibbonKey> {
    vec![
        ((Origin::Tuned, false, true), wording::gained(gained)),
        ((Origin::Base, false, true), wording::lost(lost)),
        ((Origin::Both, false, true), wording::kept(kept)),
    ]
}

/// The method of the runs on screen, in words.
pub fn method(state: State) -> String {
    let of = |slot: Slot| slot.run.with_untracked(|half| half.report.as_ref().map(|report| report.what()));
    of(state.tuned).or_else(|| of(state.base)).unwrap_or_else(|| Method::default().words().to_owned())
}

/// Both models' graphs side by side, of the models that have a result; `bare` leaves heading and caption out.
fn both(state: State, bare: bool) -> Option<Drawn> {
    let there = state.slots().into_iter().filter(|s| s.view.with(|v| !v.columns.is_empty()));
    let sides: Vec<Side> = there.map(|s| s.side).collect();
    let unit = common_unit(state);
    let layouts: Vec<Layout> = sides.iter().map(|side| Layout::of(&graph(state, *side), WIDTH, unit)).collect();
    let panels = sides.iter().zip(&layouts).map(|(side, layout)| Panel { heading: side.name().into(), layout });
    let keys: Vec<RibbonKey> = sides.iter().flat_map(|side| keys(state, *side)).collect();
    let legend = keys.iter().map(|(kind, words)| (*kind, words.as_str())).take(if bare { 0 } else { 4 });
    let poster = Poster {
        title: if bare { String::new() } else { wording::BOTH_TITLE.into() },
        panels: panels.collect(),
        legend: legend.collect(),
        differs: false,
        caption: if bare { String::new() } else { wording::both_caption(&method(state), &provenance_of_runs(state)) },
    };
    (!sides.is_empty()).then(|| (poster.svg(), poster.size()))
}

/// What differs; `bare` leaves heading and caption out.
fn difference(state: State, bare: bool) -> Option<Drawn> {
    let graph: Graph = changed(state)?;
    let layout = Layout::of(&graph, WIDTH, unit(&[&graph]).min(common_unit(state)));
    let mut kinds = kinds([Origin::Tuned, Origin::Base, Origin::Both].map(|origin| graph.count(origin)));
    if state.reading.get().scale == Scale::Signed {
        kinds.extend(dotted_key(state));
    }
    let legend: Vec<Key> = kinds.iter().map(|(kind, words)| (*kind, words.as_str())).collect();
    let drawn = wording::drawn(graph.ribbons.len(), graph.above, graph.all, state.reading.get().how.floor);
    let poster = Poster {
        title: if bare { String::new() } else { wording::DIFFERENCE_TITLE.into() },
        panels: vec![Panel { heading: String::new(), layout: &layout }],
        legend,
        differs: true,
        caption: match bare {
            true => String::new(),
            false => wording::difference_caption(&method(state), &drawn, &provenance_of_runs(state)),
        },
    };
    Some((poster.svg(), poster.size()))
}

/// Saves what differs.
#[component]
pub fn SaveDifference(state: State) -> impl IntoView {
    view! { <SavePicture name="graph-difference" make=move || untrack(|| difference(state, false))/> }
}

/// Saves both models' graphs as one picture, while results are drawn as graphs.
#[component]
pub fn SaveBoth(state: State) -> impl IntoView {
    let shown = move || is_on(state) && state.slots().iter().all(|s| s.view.with(|v| !v.columns.is_empty()));
    view! {
        <Show when=shown>
            <div id="save-both-graphs"><SavePicture name="graphs" what=wording::BOTH_AS_ONE make=move || untrack(|| both(state, false))/></div>
        </Show>
    }
}

/// Both graphs for a slide.
pub fn slide(state: State) -> Option<String> {
    both(state, true).map(|(svg, _)| svg)
}

/// What differs, for a slide.
pub fn slide_of_difference(state: State) -> Option<String> {
    difference(state, true).map(|(svg, _)| svg)
}
