//! Attention heads: which words each one relates, in both models, and what tuning changed.

mod graph;
mod local;
mod map;
mod overview;
mod pairs;
mod tiles;
mod words;

use leptos::prelude::*;

use super::chance::HeadsByChance;
use super::progress::Reading as ReadingProgress;
use super::share::picture::{Drawn, SavePicture, of_page, provenance};
use super::shell::Mirror;
use super::state::{Side, State};
use super::switching::SwitchHead;
use super::teach::{Explain, NotShown};
use super::toolbar::Segmented;
use super::weights;
use crate::explain::weights::coherence::written;
use crate::explain::weights::compare::{Filter, HeadChange};
use crate::explain::weights::heads::Reading;
use crate::teach::terms::{Panel, Picture};
use crate::wording::{common, heads as wording};
use graph::HeadGraph;
use local::OnPrompt;
use map::Map;
use overview::Overview;
use pairs::Pairs;
use words::WordFiles;

/// What the map shows of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    #[default]
    Changed,
    Verbs,
    Distance,
}

/// The order of heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Map,
    Ranking,
}

/// What the view remembers while it is open.
#[derive(Clone, Copy)]
pub struct View {
    pub measure: RwSignal<Measure>,
    pub order: RwSignal<Order>,
    pub word: RwSignal<String>,
    pub verbs: RwSignal<bool>,
    /// Layer and head.
    pub chosen: Mirror<(usize, usize)>,
    /// In the paper's reading: one dimension of the chosen head, or all.
    pub dimension: RwSignal<Option<usize>>,
    pub filter: Memo<Filter>,
}

impl View {
    fn new(state: State) -> Self {
        let (word, verbs) = (RwSignal::new(String::new()), RwSignal::new(false));
        Self {
            measure: RwSignal::new(Measure::default()),
            order: RwSignal::new(Order::default()),
            word,
            verbs,
            chosen: state.weights.head,
            dimension: RwSignal::new(None),
            filter: Memo::new(move |_| Filter { word: word.get().trim().to_lowercase(), verbs: verbs.get() }),
        }
    }

    /// Chooses a head; its layer is read next if it has not been.
    pub fn choose(self, state: State, layer: usize, head: usize) {
        self.dimension.set(None);
        weights::choose_head(state, layer, head);
    }
}

const READINGS: &[(Reading, &str)] = &[(Reading::Relation, wording::RELATION), (Reading::Paper, wording::PAPER)];
const MEASURES: &[(Measure, &str)] = &[
    (Measure::Changed, wording::PAIRS_CHANGED),
    (Measure::Verbs, wording::INSTRUCTION_VERBS),
    (Measure::Distance, wording::DISTANCE),
];
const ORDERS: &[(Order, &str)] = &[(Order::Map, wording::MAP), (Order::Ranking, wording::RANKING)];

/// The change of the chosen head, or of its chosen dimension, before any filter.
fn chosen_change(state: State, view: View) -> Option<HeadChange> {
    let (layer, head) = view.chosen.get();
    let Some(dimension) = view.dimension.get() else {
        return state.weights.changes.with(|c| c.get(layer)?.as_ref()?.get(head).cloned());
    };
    let pairs = |side| {
        state.weights.half(side).heads.with(|h| {
            let found = h.get(layer)?.as_ref()?.heads.get(head)?;
            Some(found.dimensions.iter().find(|d| d.index == dimension)?.pairs.clone())
        })
    };
    Some(HeadChange::of(&pairs(Side::Base)?, &pairs(Side::Tuned)?))
}

/// The whole view.
#[component]
pub fn Heads(state: State) -> impl IntoView {
    let view = View::new(state);
    let reading = state.weights.reading;
    let shown = Memo::new(move |_| chosen_change(state, view).map(|change| view.filter.with(|f| change.filtered(f))));
    let about = move || match reading.get() {
        Reading::Relation => wording::ABOUT_RELATION,
        Reading::Paper => wording::ABOUT_PAPER,
    };
    view! {
        <section class="panel card" aria-label=wording::HEADS_OF_BOTH>
            <div class="head"><h2>{wording::TITLE}</h2><Explain of=Panel::Heads/></div>
            <div class="bar" role="toolbar" aria-label=wording::HOW_TO_READ>
                <Segmented name=wording::READING options=READINGS value=*reading set=move |r| { view.dimension.set(None); weights::read(state, r) }/>
                <Segmented name=wording::MEASURE options=MEASURES value=view.measure set=move |m| view.measure.set(m)/>
                <Segmented name=wording::ORDER options=ORDERS value=view.order set=move |o| view.order.set(o)/>
                <label>{wording::ONLY_PAIRS_WITH}<input type="search" class="word" id="head-word" placeholder=wording::A_WORD autocomplete="off" prop:value=view.word on:input=move |e| view.word.set(event_target_value(&e))/></label>
                <label><input type="checkbox" id="head-verbs" prop:checked=view.verbs on:change=move |e| view.verbs.set(event_target_checked(&e))/>{wording::AN_INSTRUCTION_VERB}</label>
            </div>
            <p class="cap">{about}</p>
            <ReadingProgress state of=wording::LAYERS_OF_HEADS count=move |side| state.weights.half(side).heads.with(|h| (h.iter().flatten().count(), h.len()))/>
            <HeadsByChance state/>
            <Map state view/>
            <WordFiles state/>
            <NotShown of=Picture::Heads/>
        </section>
        <section class="panel card" id="head" aria-label=wording::CHOSEN_HEAD>
            <div class="head">
                <h2>{move || { let (l, h) = view.chosen.get(); common::head(l, h) }}</h2>
                <span class="cap">{move || shown.with(|c| c.as_ref().map_or_else(String::new, pairs::counted))}</span>
                <Explain of=Panel::Head/>
            </div>
            <SwitchHead state chosen=*view.chosen/>
            {move || coherence(state, view).map(|said| view! { <p class="cap" id="head-coherence">{said}</p> })}
            <Show when=move || reading.get() == Reading::Paper><Dimensions state view/></Show>
            <Show when=move || shown.with(Option::is_some) fallback=move || view! { <p class="empty">{common::READ_NO_LAYER_YET}</p> }>
                <div class="head-cols">
                    <div><HeadGraph change=shown/><SavePicture name="head" make=move || picture(state, view)/></div>
                    <Pairs change=shown reading=(*reading).into()/>
                </div>
            </Show>
        </section>
        <Overview state view/>
        <section class="panel card" id="on-prompt" tabindex="-1" aria-label=wording::ATTENTION_ON_PROMPT>
            <OnPrompt state view/>
        </section>
    }
}

/// How coherent the chosen head's strongest pairs are, where a judge was brought.
fn coherence(state: State, view: View) -> Option<String> {
    let (layer, head) = view.chosen.get();
    let of = |side: Side| {
        state.weights.half(side).judged_heads.with(|all| {
            let judged = all.get(layer)?.as_ref()?;
            let found = (*judged.get(head)?)?;
            Some(wording::coherence_of(side.name(), &written(found.coherence), &written(found.bound)))
        })
    };
    let sides: Vec<String> = [Side::Base, Side::Tuned].into_iter().filter_map(of).collect();
    (!sides.is_empty()).then(|| wording::coherence(&sides))
}

/// The graph as a file.
fn picture(state: State, view: View) -> Option<Drawn> {
    let (layer, head) = view.chosen.get_untracked();
    let paper = state.weights.reading.get_untracked() == Reading::Paper;
    let about = wording::graph_caption(paper, &provenance(state));
    of_page("#head .net", &common::head(layer, head), &about)
}

/// Which dimension of the head, the heaviest first.
#[component]
fn Dimensions(state: State, view: View) -> impl IntoView {
    let options = move || {
        let (layer, head) = view.chosen.get();
        state.weights.half(Side::Tuned).heads.with(|h| {
            let found = h.get(layer).and_then(|l| l.as_ref()?.heads.get(head).cloned());
            found.map_or_else(Vec::new, |f| f.dimensions.iter().map(|d| (d.index, d.weight, d.pairs.len())).collect())
        })
    };
    let change = move |e| view.dimension.set(event_target_value(&e).parse().ok());
    view! {
        <label class="inline">{wording::DIMENSION}
            <select id="dimension" on:change=change>
                <option value="" selected=move || view.dimension.get().is_none()>{wording::ALL_DIMENSIONS}</option>
                {move || options().into_iter().map(|(index, weight, pairs)| view! {
                    <option value=index.to_string() selected=move || view.dimension.get() == Some(index)>{wording::dimension(index, weight, pairs)}</option>
                }).collect_view()}
            </select>
        </label>
    }
}
