//! All layers at a glance: how far their components have turned.

use leptos::prelude::*;

use super::View;
use crate::app::format;
use crate::app::state::State;
use crate::explain::weights::matching::LayerMatches;
use crate::wording::concepts as wording;

/// The mean angle of a layer's components.
fn mean_angle(matches: &LayerMatches) -> f32 {
    matches.matches.iter().map(|m| m.angle).sum::<f32>() / matches.matches.len().max(1) as f32
}

/// A button for each layer.
#[component]
pub fn LayerStrip(state: State, view: View) -> impl IntoView {
    let angles = Memo::new(move |_| {
        state.weights.matches.with(|m| m.iter().map(|l| l.as_ref().map(|l| mean_angle(l))).collect::<Vec<_>>())
    });
    let cell = move |(layer, angle): (usize, Option<f32>)| {
        let on = move || view.layer.get() == layer;
        let level = angle.map_or(0, |a| (a / 9.0).ceil() as u32).min(10);
        let style = format::level_style(level);
        let said = angle.map_or_else(|| wording::NOT_COMPARED_YET.into(), wording::rotated);
        view! {
            <button type="button" class="layer-cell" id=format!("layer-{layer}") class:on=on aria-pressed=move || on().to_string() style=style title=said.clone() on:click=move |_| view.choose(state, layer)>
                <span>{layer}</span><b>{angle.map_or_else(|| "–".into(), |a| format!("{a:.0}°"))}</b><span class="visually-hidden">{wording::layer_and_rotation(layer, &said)}</span>
            </button>
        }
    };
    view! {
        <div class="legend"><span>"0°"</span><span class="ramp">{(1..=10).map(|i| view! { <i style=format!("background:var(--l{i})")></i> }).collect_view()}</span><span>"90°"</span><span class="hint">{wording::MEAN_ROTATION}</span></div>
        <div class="strip" id="concept-layers" role="group" aria-label=wording::LAYERS>{move || angles.get().into_iter().enumerate().map(cell).collect_view()}</div>
    }
}
