//! What chance gives, above the pictures of heads and concepts.

use std::sync::Arc;

use leptos::prelude::*;

use super::concepts::labels::View as Labels;
use super::shell::Mirror;
use super::state::{Side, State};
use super::weights::Layers;
use crate::explain::findings::{Controls, percent};
use crate::explain::weights::coherence::{self, Coherence, Judged};
use crate::explain::weights::compare::Kept;
use crate::explain::weights::matching::Turn;
use crate::explain::weights::scorer::Task;
use crate::wording::{chance as wording, common};

const SIDES: [Side; 2] = [Side::Base, Side::Tuned];

fn together(layers: Mirror<Layers<Judged>>) -> Option<Coherence> {
    layers.with(|all| coherence::together(all.iter().flatten().map(Arc::as_ref)))
}

/// Of the less coherent model's heads, where a judge was brought.
pub fn heads_coherence(state: State) -> Option<Coherence> {
    let [base, tuned] = SIDES.map(|side| together(state.weights.half(side).judged_heads));
    Coherence::lesser(base, tuned)
}

/// What the concepts' finding is held against.
pub fn controls(state: State) -> Controls {
    let [base, tuned] = SIDES.map(|side| together(state.weights.half(side).judged_concepts));
    let turn = state.weights.matches.with(|m| Turn::of(m.iter().flatten().map(Arc::as_ref)));
    Controls { turn, coherence: Coherence::lesser(base, tuned) }
}

/// A sentence, or a warning if chance does as well.
fn line(said: String, by_chance: bool) -> impl IntoView {
    view! { <p class=if by_chance { "note" } else { "cap" }>{said}</p> }
}

/// The coherence of both models, and where one's is nil, what of: "These pairs are no closer than random words."
fn coherences(state: State, of: fn(Side, State) -> Option<Coherence>, nil: &'static str) -> impl IntoView {
    move || {
        let known: Vec<(Side, Coherence)> =
            SIDES.into_iter().filter_map(|side| Some((side, of(side, state)?))).collect();
        let said: Vec<String> = known.iter().map(|(side, c)| wording::of_side(side.name(), &c.words())).collect();
        let nothing = known.iter().any(|(_, c)| c.nil());
        let mut all = if nothing { vec![nil] } else { Vec::new() };
        all.extend(said.iter().map(String::as_str));
        (!known.is_empty()).then(|| line(common::sentences(&all), nothing))
    }
}

/// What chance would show of the heads that have been read.
#[component]
pub fn HeadsByChance(state: State) -> impl IntoView {
    let kept = Memo::new(move |_| {
        state.weights.kept.with(|all| Kept::of(&all.iter().flatten().map(Arc::as_ref).collect::<Vec<_>>()))
    });
    let said = move || {
        kept.get().map(|k| {
            let numbers = wording::kept(&percent(k.own), &percent(k.others));
            match k.by_chance() {
                true => line(common::sentences(&[wording::HEADS_NO_BETTER, &numbers]), true),
                false => line(numbers, false),
            }
        })
    };
    let of = |side, state: State| together(state.weights.half(side).judged_heads);
    view! {
        <div id="heads-chance" role="status">
            {said}
            {coherences(state, of, wording::PAIRS_NO_CLOSER)}
        </div>
    }
}

/// What chance would show of the components that have been read.
#[component]
pub fn ConceptsByChance(state: State, labels: Labels) -> impl IntoView {
    let turn = Memo::new(move |_| controls(state).turn);
    let turned = move || {
        turn.get().map(|t| {
            let numbers = wording::matched(&t.words());
            match t.verdict() {
                Some(verdict) => line(common::sentences(&[verdict, &numbers]), true),
                None => line(numbers, false),
            }
        })
    };
    let unlabelled = move || {
        let [base, tuned] = SIDES.map(|side| {
            state.weights.half(side).concepts.with(|layers| {
                let mut counted = (0, 0);
                for layer in layers.iter().flatten() {
                    for (number, component) in layer.components.iter().enumerate() {
                        let place = (side == Side::Tuned, layer.layer, number);
                        let none = labels.task(state, place, component).0.value == Task::None;
                        counted = (counted.0 + usize::from(none), counted.1 + 1);
                    }
                }
                counted
            })
        });
        let (none, all) = (base.0 + tuned.0, base.1 + tuned.1);
        let share = none as f64 / all.max(1) as f64;
        (all > 0).then(|| line(wording::unlabelled(&percent(share)), share > 0.9))
    };
    let of = |side, state: State| together(state.weights.half(side).judged_concepts);
    view! {
        <div id="concepts-chance" role="status">
            {turned}{unlabelled}
            {coherences(state, of, wording::COMPONENTS_NO_CLOSER)}
        </div>
    }
}
