//! Both models on the same text: a strip of its tokens, where the models part, and both distributions at one token.

use leptos::prelude::*;

use super::distributions::Distributions;
use super::parting::Parting;
use super::strip::{Strip, StripTable};
use super::{State, Trouble};
use crate::page::text::Part;
use crate::wording::text as wording;

/// The comparison as far as it has come.
#[component]
pub fn Comparison(state: State) -> impl IntoView {
    let some = move || state.text.comparison.with(|c| !c.tokens.is_empty());
    let summary = move || {
        state
            .text
            .comparison
            .with(|c| wording::strip_summary(c.mean(|t| t.kl_tuned_base), c.mean(|t| t.kl_base_tuned), c.tokens.len()))
    };
    view! {
        <Trouble state part=Part::Comparison/>
        <Show when=some>
            <h3>{wording::STRIP}</h3>
            <p class="cap">{wording::HOW_STRIP}" "<span id="text-summary">{summary}</span></p>
            <Strip state/>
            <StripTable state/>
            <Parting state/>
            <Distributions state/>
        </Show>
    }
}
