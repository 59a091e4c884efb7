//! Which components carry a word?

use leptos::prelude::*;

use super::labels::{Place, View};
use crate::app::state::{Side, State};
use crate::app::weights;
use crate::wording::{common, concepts as wording};

/// Findings shown.
const SHOWN: usize = 24;

/// A component in which a word stands.
#[derive(Clone, PartialEq)]
struct Found {
    place: Place,
    strength: f32,
    /// Its place among the component's words, from 1.
    rank: usize,
}

fn search(state: State, word: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if word.is_empty() {
        return found;
    }
    for side in [Side::Base, Side::Tuned] {
        state.weights.half(side).concepts.with(|layers| {
            for layer in layers.iter().flatten() {
                for (number, component) in layer.components.iter().enumerate() {
                    let at = component.words.iter().position(|w| w.0.eq_ignore_ascii_case(word));
                    found.extend(at.map(|i| Found {
                        place: (side == Side::Tuned, layer.layer, number),
                        strength: component.words[i].1,
                        rank: i + 1,
                    }));
                }
            }
        });
    }
    found.sort_by(|a, b| b.strength.abs().total_cmp(&a.strength.abs()));
    found
}

/// The search field and what it finds.
#[component]
pub fn Search(state: State, view: View) -> impl IntoView {
    let word = RwSignal::new(String::new());
    let found = Memo::new(move |_| word.with(|w| search(state, w.trim())));
    let said = move || match (word.with(|w| w.trim().to_owned()), found.with(Vec::len)) {
        (w, _) if w.is_empty() => String::new(),
        (w, 0) => wording::not_found(&w),
        (_, n) => wording::found(n, SHOWN),
    };
    let item = move |f: Found| {
        let (tuned, layer, number) = f.place;
        let model = if tuned { wording::IN_TUNED } else { wording::IN_BASE };
        let go = move |_| {
            view.sought.set(Some(f.place));
            weights::choose_concepts(state, layer);
        };
        view! {
            <li><button type="button" class="found" on:click=go title=wording::strength(f.strength)>
                <b>{common::layer(layer)}</b>{wording::component_found(number, model, f.rank)}
            </button></li>
        }
    };
    view! {
        <div class="bar">
            <label>{wording::WHICH_CARRY}<input type="search" class="word" id="concept-search" placeholder=wording::A_WORD_TO_SEEK autocomplete="off" prop:value=word on:input=move |e| word.set(event_target_value(&e))/></label>
            <span class="cap" role="status" id="concept-found">{said}</span>
        </div>
        <ul class="founds">{move || found.get().into_iter().take(SHOWN).map(item).collect_view()}</ul>
    }
}
