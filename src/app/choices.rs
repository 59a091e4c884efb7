//! How the model saw the chosen response token: probability, rank, entropy, alternatives.

use leptos::prelude::*;

use super::format;
use super::state::{Slot, State};
use super::why::{Alternatives, QuestionNote, WhyNot};
use crate::wording::attribution as wording;

/// The line under a response.
#[component]
pub fn Choices(state: State, half: Slot) -> impl IntoView {
    let tokens = move || {
        let parts =
            half.selection.get().column.and_then(|c| half.view.with(|v| v.columns.get(c).map(|l| l.parts.clone())));
        half.run.with(|r| {
            let token = |m: usize| Some((m, r.response.get(m).cloned()?));
            parts.unwrap_or_default().into_iter().filter_map(token).collect::<Vec<_>>()
        })
    };
    let line = move |(at, t): (usize, crate::explain::ResponseToken)| {
        let spelled = match &t.bytes {
            Some(bytes) => bytes.iter().map(|b| format!("⟨{b:02X}⟩")).collect(),
            None => format::visible(&t.text),
        };
        // a link carries the probability alone
        let said = match t.rank {
            0 => wording::about_probability(t.probability),
            rank => wording::probability(t.probability, rank, t.entropy),
        };
        view! {
            <div class="choice">
                <code>{spelled}</code>
                <span class="cap">{said}</span>
                <span class="alts"><Alternatives state half at token=t/></span>
                <WhyNot state half at/>
            </div>
        }
    };
    view! { <div class="choices">{move || tokens().into_iter().map(line).collect_view()}<QuestionNote state half/></div> }
}
