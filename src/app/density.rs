//! Density of every prompt unit: to how many response tokens it matters.

use leptos::prelude::*;

use super::format;
use super::state::Slot;
use crate::wording::attribution as wording;

/// Bars, the instruction's units underlined.
#[component]
pub fn Density(half: Slot) -> impl IntoView {
    let rows = move || {
        half.view.with(|v| {
            let user = v.rows.iter().zip(&v.density).filter(|(r, _)| r.counted);
            user.map(|(r, d)| (format::label(&r.text, 24), r.instruction, *d)).collect::<Vec<_>>()
        })
    };
    let bar = |(text, instruction, d): (String, bool, f64)| {
        view! {
            <span class:w=instruction>{text}</span>
            <i style=format!("width:{:.0}%", d * 100.0)></i>
            <span class="n">{format!("{d:.2}")}</span>
        }
    };
    view! {
        <details class="fold">
            <summary>{wording::DENSITY_OF_UNITS}<span class="hint">{wording::ABOUT_DENSITY}</span></summary>
            <div class="dens">{move || rows().into_iter().map(bar).collect_view()}</div>
        </details>
    }
}
