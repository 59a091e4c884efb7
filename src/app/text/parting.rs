//! Where greedy answers part on the text, and how each model would go on from there.

use leptos::prelude::*;

use super::State;
use crate::app::state::Side;
use crate::page::text::Subject;
use crate::wording::text as wording;

/// Characters of the shared text that are repeated before the two continuations.
const SHARED: usize = 80;

/// The end of the text that both models share, before token `at` of the response.
fn shared(subject: &Subject, at: usize) -> String {
    let text: String = subject.response[..at.min(subject.response.len())].iter().map(|t| t.text.as_str()).collect();
    let count = text.chars().count();
    match count > SHARED {
        true => ['…'].into_iter().chain(text.chars().skip(count - SHARED)).collect(),
        false => text.trim_start().to_owned(),
    }
}

/// What is said of it once the whole response has been compared.
#[component]
pub fn Parting(state: State) -> impl IntoView {
    let text = state.text;
    let whole = move || {
        let subject = text.subject.get()?;
        text.comparison.with(|c| c.is_read(&subject)).then_some(subject)
    };
    let goes_on = move |side: Side| {
        let said = text.comparison.with(|c| c.continuations[side.index()].clone());
        let says = match side {
            Side::Base => wording::BASE_SAYS,
            Side::Tuned => wording::TUNED_SAYS,
        };
        let (said, none) = match said {
            None => (wording::STILL_WRITING.to_owned(), true),
            Some(said) if said.trim().is_empty() => (wording::ENDS_HERE.to_owned(), true),
            Some(said) => (said.trim_start().to_owned(), false),
        };
        view! { <div><dt>{says}</dt><dd class:cap=none id=format!("goes-on-{}", side.key())>{said}</dd></div> }
    };
    move || {
        let subject = whole()?;
        let all = subject.response.len();
        Some(match text.comparison.with(|c| c.parting()) {
            None => view! { <p id="text-parting">{wording::SAME_CHOICE}</p> }.into_any(),
            Some(at) => {
                let before = shared(&subject, at);
                view! {
                    <p id="text-parting"><b>{wording::part_at(at + 1, all)}</b></p>
                    <dl class="goes-on">
                        <div><dt>{wording::AFTER}</dt><dd>{if before.is_empty() { wording::THE_PROMPT.to_owned() } else { before }}</dd></div>
                        {Side::BOTH.map(goes_on).into_iter().collect_view()}
                    </dl>
                }
                .into_any()
            }
        })
    }
}
