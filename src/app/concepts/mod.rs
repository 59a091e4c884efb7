//! Feed-forward concepts: each layer's components in both models, matched, and what they are about.

mod chart;
mod firing;
pub mod labels;
mod layers;
mod search;
mod shares;
mod table;

use std::sync::Arc;

use leptos::prelude::*;

use super::chance::ConceptsByChance;
use super::progress::Reading;
use super::share::picture::{Drawn, SavePicture, of_page, provenance};
use super::state::{Side, State};
use super::teach::{Explain, NotShown};
use crate::explain::weights::coherence::{Judged, Judgement, written};
use crate::explain::weights::matching::LayerMatches;
use crate::explain::weights::scorer::{self, Label, Level};
use crate::explain::weights::{LayerConcepts, NamedComponent};
use crate::teach::terms::{Panel, Picture};
use crate::wording::{common, concepts as wording};
use chart::Charts;
use firing::Firing;
use labels::View;
use layers::LayerStrip;
use search::Search;
use shares::Shares;
use table::Table;

/// A component's leading words, those against it marked.
fn leading(component: &NamedComponent, count: usize) -> impl IntoView + use<> {
    // signs are arbitrary in common: the strongest word counts as positive
    let turn = component.words.first().map_or(1.0, |w| w.1.signum());
    let word = |(word, strength): &(String, f32)| {
        let against = strength * turn < 0.0;
        let sign = if against { "−" } else { "" };
        view! { <span class="concept-word" class:against=against title=format!("{strength:+.3}")>{sign}{word.clone()}</span>" " }
    };
    component.words.iter().take(count).map(word).collect_view()
}

/// What is known of one layer.
#[derive(Clone, PartialEq)]
pub struct Layer {
    base: Option<Arc<LayerConcepts>>,
    tuned: Option<Arc<LayerConcepts>>,
    matches: Option<Arc<LayerMatches>>,
    /// How coherent the components of base and tuned are, where a judge was brought.
    judged: [Option<Arc<Judged>>; 2],
}

impl Layer {
    /// The coherence of component `number`: its words along the direction, and against it.
    fn coherence(&self, side: Side, number: usize) -> Option<String> {
        let judged = self.judged[usize::from(side == Side::Tuned)].as_ref()?;
        let [along, against] = [0, 1].map(|side| judged.get(2 * number + side));
        let bound = [along?, against?].into_iter().flatten().next()?.bound;
        let value = |of: &Option<Judgement>| of.map_or_else(|| "–".into(), |j| written(j.coherence));
        Some(wording::coherence(&value(along?), &value(against?), &written(bound)))
    }

    fn of(&self, side: Side) -> Option<&Arc<LayerConcepts>> {
        match side {
            Side::Base => self.base.as_ref(),
            Side::Tuned => self.tuned.as_ref(),
        }
    }
}

fn layer(state: State, at: usize) -> Layer {
    let concepts = |side| state.weights.half(side).concepts.with(|c| c.get(at).cloned().flatten());
    Layer {
        base: concepts(Side::Base),
        tuned: concepts(Side::Tuned),
        matches: state.weights.matches.with(|m| m.get(at).cloned().flatten()),
        judged: [Side::Base, Side::Tuned]
            .map(|side| state.weights.half(side).judged_concepts.with(|j| j.get(at).cloned().flatten())),
    }
}

fn level_of(component: &NamedComponent) -> Label<Level> {
    scorer::level(component)
}

/// The layer's chart number `which` as a file.
fn chart(state: State, view: View, which: usize, about: &str) -> Option<Drawn> {
    let title = common::layer(view.layer.get_untracked());
    of_page(&format!(".charts .chart:nth-child({which}) svg"), &title, &wording::caption(about, &provenance(state)))
}

/// The whole view.
#[component]
pub fn Concepts(state: State) -> impl IntoView {
    let view = View::new(state);
    let shown = Memo::new(move |_| layer(state, view.layer.get()));
    view! {
        <section class="panel card" aria-label=wording::CONCEPTS_OF_BOTH>
            <div class="head"><h2>{wording::TITLE}</h2><Explain of=Panel::Concepts/></div>
            <p class="cap">{wording::ABOUT}</p>
            <Reading state of=wording::LAYERS_OF_CONCEPTS count=move |side| state.weights.half(side).concepts.with(|c| (c.iter().flatten().count(), c.len()))/>
            <ConceptsByChance state labels=view/>
            <LayerStrip state view/>
            <Search state view/>
            <NotShown of=Picture::Concepts/>
        </section>
        <section class="panel card" aria-label=wording::CHOSEN_LAYER>
            <div class="head"><h2>{move || common::layer(view.layer.get())}</h2><Explain of=Panel::Layer/></div>
            <Charts shown/>
            <Show when=move || shown.with(|l| l.base.is_some() && l.tuned.is_some())>
                <SavePicture name="variance" what=wording::THE_VARIANCE make=move || chart(state, view, 1, wording::VARIANCE_CAPTION)/>
                <SavePicture name="angles" what=wording::THE_ANGLES make=move || chart(state, view, 2, wording::ANGLES_CAPTION)/>
            </Show>
            <Table state view shown/>
        </section>
        <section class="panel card" id="firing" aria-label=wording::FIRE_ON_PROMPT>
            <Firing state view/>
        </section>
        <section class="panel card" id="shares" aria-label=wording::TASKS_AND_LEVELS>
            <Shares state view/>
        </section>
    }
}
