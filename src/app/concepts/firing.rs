//! Which components of the layer fire at each token of the last prompt and its response.

use std::sync::Arc;

use leptos::prelude::*;

use super::{Layer, View, layer, leading};
use crate::app::state::{Side, Slot, State};
use crate::app::switching::WholeModel;
use crate::app::teach::Explain;
use crate::app::weights::Task;
use crate::app::{format, weights};
use crate::explain::local::LayerFiring;
use crate::teach::terms::Panel;
use crate::wording::{common, concepts as wording};

const WORDS: usize = 6;

fn firing(state: State, view: View, slot: Slot) -> Option<Arc<LayerFiring>> {
    let ids = weights::sequence(slot);
    state.weights.half(slot.side).firing.with(|f| weights::present(f, &ids, view.layer.get(), |f| f.layer))
}

/// The section.
#[component]
pub fn Firing(state: State, view: View) -> impl IntoView {
    let ran = move || weights::has_sequence(state);
    view! {
        <div class="head"><h2>{wording::ON_YOUR_PROMPT}</h2><Explain of=Panel::Firing/><span class="cap">{wording::ABOUT_FIRING}</span></div>
        <Show when=ran fallback=|| view! { <p class="empty">{wording::RUN_FIRST}</p> }>
            <WholeModel state/>
            <div class="cols">{state.slots().map(|slot| view! { <Half state view half=slot/> }).collect_view()}</div>
        </Show>
    }
}

#[component]
fn Half(state: State, view: View, half: Slot) -> impl IntoView {
    let chosen = RwSignal::new(0usize);
    let found = Memo::new(move |_| firing(state, view, half));
    let shown = Memo::new(move |_| layer(state, view.layer.get()));
    let texts = move || {
        half.run.with(|r| {
            let report = r.report.as_ref();
            let prompt = report.map_or(&[][..], |r| &r.prompt).iter().map(|t| t.text.clone());
            prompt.chain(report.map_or(&[][..], |r| &r.response).iter().map(|t| t.text.clone())).collect::<Vec<_>>()
        })
    };
    // the last token of the prompt: what the answer begins with
    Effect::new(move |_| {
        chosen.set(half.run.with(|r| r.report.as_ref().map_or(0, |r| r.prompt.len().saturating_sub(1))))
    });
    let token = move |(i, text): (usize, String)| {
        let on = move || chosen.get() == i;
        view! { <button type="button" class="tok" class:sel=on aria-pressed=move || on().to_string() on:click=move |_| chosen.set(i)>{format::label(&text, 24)}</button> }
    };
    let lines = move || {
        let (firing, at) = (found.get()?, chosen.get());
        let fired = firing.tokens.get(at)?.clone();
        let most = fired.first().map_or(1.0, |f| f.1.abs()).max(f32::MIN_POSITIVE);
        shown.with(|l| fires(l, half.side, &fired, most))
    };
    view! {
        <div id=format!("firing-{}", half.side.key())>
            <p class="sub">{half.side.name()}</p>
            <div class="tokens" role="group" aria-label=wording::TOKENS>{move || texts().into_iter().enumerate().map(token).collect_view()}</div>
            <Show when=move || found.with(Option::is_some) && shown.with(|l| l.of(half.side).is_some()) fallback=move || not_there(state, half)>
                <ul class="fires">{lines}</ul>
            </Show>
        </div>
    }
}

/// What stands where nothing is shown.
fn not_there(state: State, slot: Slot) -> impl IntoView {
    move || match weights::refused(state, slot, Task::Firing(0)) {
        Some(why) => view! { <p class="error" role="status">{why}</p> }.into_any(),
        None => view! { <p class="empty">{common::NOT_READ_YET}</p> }.into_any(),
    }
}

fn fires(l: &Layer, side: Side, fired: &[(usize, f32)], most: f32) -> Option<impl IntoView + use<>> {
    let concepts = l.of(side)?;
    let line = |(number, strength): &(usize, f32)| {
        let component = concepts.components.get(*number)?;
        let turn = component.words.first().map_or(1.0, |w| w.1.signum());
        let along = strength * turn > 0.0;
        Some(view! {
            <li title=wording::activation(*strength)>
                <b>{*number}</b><span class="bar-in" aria-hidden="true"><i style=format!("width:{:.0}%", strength.abs() / most * 100.0)></i></span>
                <span class="cap">{if along { wording::TOWARDS } else { wording::AWAY_FROM }}</span><span>{leading(component, WORDS)}</span>
            </li>
        })
    };
    Some(fired.iter().filter_map(line).collect_view())
}
