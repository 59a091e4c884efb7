//! What a model chooses from while it answers: the newest token and its alternatives, as bars that move.

use leptos::prelude::*;

use super::format;
use super::state::Slot;
use crate::wording::{next_word as wording, numbers};

/// Bars of it.
const BARS: usize = 5;

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
struct Bar {
    text: String,
    share: f32,
    chosen: bool,
}

/// The bars of the newest token, likeliest first, while the model of `half` is at work.
fn bars(half: Slot) -> Option<(String, Vec<Bar>)> {
    half.run.with(|run| {
        let token = run.job().and(run.response.last())?;
        let bar = |(c, text): (&crate::model::head::Candidate, &String)| Bar {
            text: format::visible(text),
            share: c.probability,
            chosen: c.id == token.id,
        };
        let bars = token.top.iter().zip(&token.top_text).take(BARS).map(bar).collect();
        Some((wording::newest(&format::visible(&token.text), token.probability), bars))
    })
}

/// The chart. It changes too fast to be read out: the progress above it says how far the run is.
#[component]
pub fn NextWord(half: Slot) -> impl IntoView {
    let now = Memo::new(move |_| bars(half));
    let shown = move || now.with(|now| now.as_ref().is_some_and(|(_, bars)| !bars.is_empty()));
    // each bar stays where it is and changes its length, so that it moves
    let row = move |at: usize| {
        let bar = move || now.with(|now| now.as_ref().and_then(|(_, bars)| bars.get(at).cloned()).unwrap_or_default());
        let percent = move || Some(bar()).filter(|b| !b.text.is_empty()).map(|b| numbers::percent(f64::from(b.share)));
        view! {
            <code class:chosen=move || bar().chosen>{move || bar().text}</code>
            <span class="track"><i class:chosen=move || bar().chosen style=move || format!("width:{:.1}%", bar().share * 100.0)></i></span>
            <span class="n">{percent}</span>
        }
    };
    view! {
        <Show when=shown>
            <div class="next-word" aria-hidden="true">
                <p class="cap">{move || now.with(|now| now.as_ref().map(|(said, _)| said.clone()))}</p>
                <div class="next-bars">{(0..BARS).map(row).collect_view()}</div>
            </div>
        </Show>
    }
}
