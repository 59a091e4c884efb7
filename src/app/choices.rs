//! How the model saw the chosen response token: probability, rank, entropy, alternatives.

use leptos::prelude::*;

use super::format;
use super::state::Slot;
use crate::wording::{attribution as wording, numbers};

/// The line under a response.
#[component]
pub fn Choices(half: Slot) -> impl IntoView {
    let tokens = move || {
        let parts =
            half.selection.get().column.and_then(|c| half.view.with(|v| v.columns.get(c).map(|l| l.parts.clone())));
        half.run.with(|r| {
            parts.unwrap_or_default().into_iter().filter_map(|m| r.response.get(m).cloned()).collect::<Vec<_>>()
        })
    };
    let line = |t: crate::explain::ResponseToken| {
        let spelled = match &t.bytes {
            Some(bytes) => bytes.iter().map(|b| format!("⟨{b:02X}⟩")).collect(),
            None => format::visible(&t.text),
        };
        let others = t.top.iter().zip(&t.top_text).map(|(c, text)| {
            let share = format!("width:{:.1}%", c.probability * 100.0);
            view! { <span class="alt" class:chosen=c.id == t.id><i style=share></i><code>{format::visible(text)}</code>{numbers::percent(f64::from(c.probability))}</span> }
        });
        // a link carries the probability alone
        let said = match t.rank {
            0 => wording::about_probability(t.probability),
            rank => wording::probability(t.probability, rank, t.entropy),
        };
        view! {
            <div class="choice">
                <code>{spelled}</code>
                <span class="cap">{said}</span>
                <span class="alts">{others.collect_view()}</span>
            </div>
        }
    };
    view! { <div class="choices">{move || tokens().into_iter().map(line).collect_view()}</div> }
}
