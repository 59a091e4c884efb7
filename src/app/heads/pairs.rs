//! The chosen head's pairs as a list.

use leptos::prelude::*;

use crate::explain::weights::compare::{HeadChange, NamedPair};
use crate::explain::weights::heads::Reading;
use crate::wording::heads as wording;

/// Pairs shown in each part of the list before the user asks for more.
const SHOWN: usize = 40;

/// "12 pairs gained, 9 lost, 40 kept".
pub fn counted(change: &HeadChange) -> String {
    wording::gained_lost_kept([change.gained.len(), change.lost.len(), change.kept.len()])
}

#[component]
fn Part(
    title: &'static str,
    class: &'static str,
    reading: Signal<Reading>,
    #[prop(into)] pairs: Signal<Vec<NamedPair>>,
) -> impl IntoView {
    let all = RwSignal::new(false);
    let line = move |p: NamedPair| {
        let score = match reading.get_untracked() {
            Reading::Relation => format!("{:.1}", p.score),
            Reading::Paper if p.score >= 1.5 => wording::dimensions(p.score),
            Reading::Paper => format!("{:.2}", p.score),
        };
        view! { <li><span>{p.query}" → "{p.key}</span><span class="n">{score}</span></li> }
    };
    let shown = move || {
        let limit = if all.get() { usize::MAX } else { SHOWN };
        pairs.get().into_iter().take(limit).map(line).collect_view()
    };
    let more = move || !all.get() && pairs.with(Vec::len) > SHOWN;
    view! {
        <details open>
            <summary><i class=format!("edge {class}") aria-hidden="true"></i>{title}" "<span class="cap">{move || pairs.with(Vec::len)}</span></summary>
            <ul class="pair-list">{shown}</ul>
            <Show when=more>
                <button type="button" class="link" on:click=move |_| all.set(true)>{move || wording::all(pairs.with(Vec::len))}</button>
            </Show>
        </details>
    }
}

/// The list.
#[component]
pub fn Pairs(change: Memo<Option<HeadChange>>, reading: Signal<Reading>) -> impl IntoView {
    let part =
        move |of: fn(HeadChange) -> Vec<NamedPair>| Signal::derive(move || change.get().map(of).unwrap_or_default());
    let score = move || match reading.get() {
        Reading::Relation => wording::SCORES_OF_RELATION,
        Reading::Paper => wording::SCORES_OF_PAPER,
    };
    view! {
        <div class="pairs" aria-label=wording::PAIRS_OF_HEAD>
            <Part title=wording::GAINED class="tuned" reading pairs=part(|c| c.gained)/>
            <Part title=wording::LOST class="base" reading pairs=part(|c| c.lost)/>
            <Part title=wording::KEPT class="both" reading pairs=part(|c| c.kept)/>
            <p class="hint">{score}</p>
        </div>
    }
}
