//! Attribution as a graph: one model's in its card, what differs beneath, and both as one picture.

mod net;
mod save;

use leptos::prelude::*;

use super::reading::extent;
use super::state::{Form, Reading, Scale, Selection, Side, Slot, State};
use super::{format, memory};
use crate::explain::view::View;
use crate::explain::weights::graph::Origin;
use crate::share::figure::{Drawn, RibbonKey, dotted, ribbon_keys};
use crate::share::graph::{Colours, Graph, Layout, Pointed, Ribbon, Strip, Word, swatch, unit};
use crate::wording::{common, graph as wording, numbers};
use net::Net;
pub use save::{SaveBoth, method, slide, slide_of_difference};

/// Under this name the form that was chosen last outlives the visit.
const REMEMBERED: &str = "shiftlens.form";

const GRAPH: &str = "graph";

/// Whether results are drawn as graphs.
pub fn is_on(state: State) -> bool {
    state.reading.with(|r| r.form == Form::Graph)
}

/// Draws results as the last visit did.
pub fn recall(state: State) {
    if memory::get(REMEMBERED).as_deref() == Some(GRAPH) {
        state.set_reading(|r| r.form = Form::Graph);
    }
}

/// Draws results in this form, now and on the next visit.
pub fn set_form(state: State, form: Form) {
    state.set_reading(|r| r.form = form);
    memory::keep(state, REMEMBERED, if form == Form::Graph { GRAPH } else { "matrix" });
}

/// Whose ribbons.
fn origin(side: Side) -> Origin {
    match side {
        Side::Base => Origin::Base,
        Side::Tuned => Origin::Tuned,
    }
}

/// The graph of one model, as it is read now.
fn graph(state: State, side: Side) -> Graph {
    let (reading, extent) = (state.reading.get(), extent(state));
    let slot = state.slot(side);
    slot.view.with(|v| Graph::of(v, &reading, extent, slot.seen(), origin(side)))
}

/// What differs, where both models explain the same response.
fn changed(state: State) -> Option<Graph> {
    let (reading, extent) = (state.reading.get(), extent(state));
    state.base.view.with(|b| state.tuned.view.with(|t| Graph::changed(b, t, &reading, extent, state.tuned.seen())))
}

/// How wide a ribbon of strength 1 is in both models' graphs.
fn common_unit(state: State) -> f32 {
    let [base, tuned] = Side::BOTH.map(|side| graph(state, side));
    unit(&[&base, &tuned])
}

/// The form in which the figure of `side` is saved.
pub fn drawn(state: State, side: Side) -> Drawn {
    untrack(|| match is_on(state) {
        false => Drawn::Matrix,
        true => Drawn::Graph { origin: origin(side), unit: common_unit(state), seen: state.slot(side).seen() },
    })
}

/// A graph with its places in a frame.
#[derive(Debug, Clone, PartialEq, Default)]
struct Shown {
    graph: Graph,
    layout: Layout,
}

impl Shown {
    /// In a frame that is `width` pixels wide, if it has a width yet.
    fn of(graph: Graph, width: f64, unit: f32) -> Self {
        let layout = if width > 0.0 { Layout::of(&graph, width as f32, unit) } else { Layout::default() };
        Self { graph, layout }
    }

    fn text(&self, word: Word) -> String {
        let (labels, at) = match word {
            Word::Row(at) => (&self.graph.rows, at),
            Word::Column(at) => (&self.graph.columns, at),
        };
        labels
            .iter()
            .find(|(n, _)| *n == at)
            .map_or_else(String::new, |(_, label)| format::label(label.text.trim(), 40))
    }

    /// What is pointed at, in words.
    fn said(&self, pointed: Option<Pointed>, reading: &Reading, extent: f32, differs: bool) -> String {
        /// Words that are named.
        const NAMED: usize = 6;
        let value = |strip: &Strip| value(&strip.ribbon, reading, extent, differs);
        match pointed {
            None => wording::POINT_OR_WALK.to_owned(),
            Some(Pointed::Ribbon(at)) => self.layout.strips.get(at).map_or_else(String::new, |strip| {
                let (row, column) = (Word::Row(strip.ribbon.row), Word::Column(strip.ribbon.column));
                common::from_to(&self.text(row), &self.text(column), &value(strip))
            }),
            Some(Pointed::Word(word)) => {
                let strips = self.layout.of_word(word);
                let named = strips.iter().take(NAMED).map(|strip| (self.text(strip.other(word)), value(strip)));
                let (named, more) = (named.collect::<Vec<_>>(), strips.len().saturating_sub(NAMED));
                match word {
                    _ if named.is_empty() => wording::alone(&self.text(word)),
                    Word::Row(_) => wording::influenced(&self.text(word), &named, more),
                    Word::Column(_) => wording::came_from(&self.text(word), &named, more),
                }
            }
        }
    }

    /// How much of it is drawn.
    fn count(&self, reading: &Reading) -> String {
        let drawn = wording::drawn(self.graph.ribbons.len(), self.graph.above, self.graph.all, reading.how.floor);
        let left_out = Some(self.graph.left_out).filter(|n| *n > 0).map(wording::left_out);
        common::sentences(&[&drawn, left_out.as_deref().unwrap_or_default()])
    }
}

/// How strong a ribbon is, in words; of a difference, also what became of it.
fn value(ribbon: &Ribbon, reading: &Reading, extent: f32, differs: bool) -> String {
    let strength = match reading.scale {
        Scale::Levels => wording::level((ribbon.strength * f32::from(reading.how.count)).round() as u32),
        Scale::Signed => numbers::signed(if ribbon.lowers { -1.0 } else { 1.0 } * ribbon.strength * extent),
    };
    let how = match ribbon.origin {
        Origin::Base => wording::LOST,
        Origin::Tuned => wording::GAINED,
        Origin::Both => wording::KEPT,
    };
    if differs { wording::changed(how, &strength) } else { strength }
}

/// Pieces of ribbon with what they mean.
fn legend(keys: Vec<RibbonKey>) -> impl IntoView {
    let key = |(kind, words): RibbonKey| {
        // our own drawing, without any text
        view! { <span class="row"><svg class="swatch" viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" inner_html=swatch((0.0, 0.0), kind, &Colours::PAGE)></svg>{words}</span> }
    };
    view! { <div class="legend" role="group" aria-label=wording::LEGEND>{keys.into_iter().map(key).collect_view()}</div> }
}

/// What the ribbons of `side` mean in its picture.
fn keys(state: State, side: Side) -> Vec<RibbonKey> {
    let scale = state.reading.get().scale;
    let how = state.spec.with(|spec| spec.how.clone());
    state.slot(side).run.with(|half| ribbon_keys(half.report.as_ref(), &how, origin(side), scale))
}

/// What a dotted ribbon of the difference means, where there are any.
fn dotted_key(state: State) -> Option<RibbonKey> {
    let how = state.spec.with(|spec| spec.how.clone());
    let words = state.tuned.run.with(|half| dotted(half.report.as_ref(), &how))?;
    Some(((Origin::Both, true, false), words))
}

fn chosen(view: &View, selection: Selection) -> Option<Word> {
    let row = selection.row.filter(|&n| n < view.rows.len()).map(Word::Row);
    selection.column.filter(|&m| m < view.columns.len()).map(Word::Column).or(row)
}

/// The graph of one model. Choosing a word chooses it in the texts above as well.
#[component]
pub fn ModelGraph(state: State, half: Slot) -> impl IntoView {
    let width = RwSignal::new(0.0);
    let shown = Memo::new(move |_| Shown::of(graph(state, half.side), width.get(), common_unit(state)));
    let pointed = Signal::derive(move || half.view.with(|v| chosen(v, half.selection.get())));
    let choose = move |word: Option<Word>| {
        let selection = match word {
            Some(Word::Row(row)) => Selection { row: Some(row), column: None },
            Some(Word::Column(column)) => Selection { row: None, column: Some(column) },
            None => Selection::default(),
        };
        state.select(half.side, selection);
    };
    let said = move |at: Option<Pointed>| shown.with(|s| s.said(at, &state.reading.get(), extent(state), false));
    let keys = move || legend(keys(state, half.side));
    let id = match half.side {
        Side::Base => "graph-base",
        Side::Tuned => "graph-tuned",
    };
    view! {
        {keys}
        <Net id name=wording::graph_of(half.side.name()) width layout=Signal::derive(move || shown.with(|s| s.layout.clone())) differs=false chosen=pointed choose said/>
        <p class="cap drawn">{move || shown.with(|s| s.count(&state.reading.get()))}</p>
    }
}

/// What differs, where both models explain the same response.
#[component]
pub fn DifferenceGraph(state: State) -> impl IntoView {
    let width = RwSignal::new(0.0);
    let shown = Memo::new(move |_| {
        let graph = changed(state).unwrap_or_default();
        let unit = unit(&[&graph]).min(common_unit(state));
        Shown::of(graph, width.get(), unit)
    });
    let here = RwSignal::new(None::<Word>);
    let said = move |at: Option<Pointed>| shown.with(|s| s.said(at, &state.reading.get(), extent(state), true));
    let keys = move || {
        let counts = shown.with(|s| [Origin::Tuned, Origin::Base, Origin::Both].map(|origin| s.graph.count(origin)));
        let mut all = save::kinds(counts);
        if state.reading.get().scale == Scale::Signed {
            all.extend(dotted_key(state));
        }
        legend(all)
    };
    view! {
        {keys}
        <Net id="graph-difference" name=wording::graph_of_difference() width layout=Signal::derive(move || shown.with(|s| s.layout.clone())) differs=true chosen=here choose=move |word| here.set(word) said/>
        <p class="cap drawn">{move || shown.with(|s| s.count(&state.reading.get()))}</p>
        <save::SaveDifference state/>
    }
}
