//! How far the reading of the weights has come.

use leptos::prelude::*;

use super::state::{Side, State};
use super::weights;
use crate::protocol::Stage;
use crate::wording::{common, frame as wording, numbers};

/// A line for each model, with what it is doing, and the button that pauses both. `count` gives layers done and in all.
#[component]
pub fn Reading(
    state: State,
    /// What is counted: "layers of heads".
    of: &'static str,
    count: impl Fn(Side) -> (usize, usize) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let sides = [Side::Base, Side::Tuned];
    let whole = move || sides.iter().all(|s| matches!(count(*s), (done, total) if total > 0 && done == total));
    let line = move |side: Side| {
        let work = state.weights.half(side).work;
        let text = move || {
            let (done, total) = count(side);
            let stage = work.with(|w| w.progress.map(|p| (p.stage, p.done, p.total)));
            let beside = match stage {
                Some((Stage::Words, done, total)) => wording::comparing_words(done * 100 / total.max(1)),
                Some((Stage::Vectors, done, total)) => {
                    wording::reading_vectors(&numbers::bytes(done), &numbers::bytes(total))
                }
                _ => String::new(),
            };
            match total {
                0 => wording::not_loaded_yet(side.name()),
                _ => wording::read(side.name(), (done, total), of) + &beside,
            }
        };
        view! {
            <div class="progress" id=format!("weights-{}", side.key())>
                <span>{text}</span>
                <progress max=move || count(side).1.max(1).to_string() prop:value=move || count(side).0.to_string()></progress>
            </div>
            {move || work.with(|w| w.failure.as_ref().map(|f| view! { <p class="error" role="alert">{common::of(side.name(), &f.to_string())}</p> }))}
        }
    };
    let paused = state.weights.paused;
    // models that are on their way are told of above
    let there = move || sides.iter().any(|s| count(*s).1 > 0);
    let failed = move || sides.iter().any(|s| state.weights.half(*s).work.with(|w| w.failure.is_some()));
    view! {
        <Show when=move || there() && !whole() || failed()>
            <div class="reading-progress">
                {sides.map(line).collect_view()}
                {move || match (failed(), paused.get()) {
                    (true, _) => view! { <button type="button" class="btn" on:click=move |_| weights::pause(state, false)>{wording::TRY_AGAIN}</button> }.into_any(),
                    (_, true) => view! { <button type="button" class="btn" id="resume" on:click=move |_| weights::pause(state, false)>{common::RESUME}</button> }.into_any(),
                    _ => view! { <button type="button" class="btn" id="pause" on:click=move |_| weights::pause(state, true)>{wording::PAUSE}</button> }.into_any(),
                }}
            </div>
        </Show>
    }
}
