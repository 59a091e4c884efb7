//! Pairs that the page knows, with what each needs and whether it will run here.

use leptos::html::Select;
use leptos::prelude::*;

use super::verdict;
use crate::app::state::{Side, State};
use crate::app::{document, engines};
use crate::checkpoint::catalogue::{BUNDLED, CATALOGUE, Pair};
use crate::checkpoint::hub::Repository;
use crate::page::facts::bundled;
use crate::page::fit::Need;
use crate::page::{Msg, hub};
use crate::wording::{models as wording, numbers};

/// The list, smallest first.
#[component]
pub fn KnownPairs(state: State) -> impl IntoView {
    view! {
        <h3>{wording::KNOWN_PAIRS}</h3>
        <p class="cap">{wording::ABOUT_KNOWN_PAIRS}" "{move || state.here.with(verdict::how_times_are_known)}</p>
        <ul class="list" id="known">
            <li><span class="about"><b>{BUNDLED.name}</b><span class="cap">" · "{BUNDLED.about}</span></span>
                <button class="btn" on:click=move |_| Side::BOTH.into_iter().for_each(|side| engines::load(state, side, bundled(side)))>{wording::LOAD_BOTH}</button></li>
            {CATALOGUE.iter().enumerate().map(|(at, pair)| view! { <KnownPair state at pair/> }).collect_view()}
        </ul>
    }
}

/// "2 x about 145 MB (Q8_0), 240 MB of memory each".
fn sizes(pair: &Pair) -> String {
    wording::sizes(&numbers::bytes(pair.bytes()), pair.storage, &numbers::bytes(pair.memory()), pair.context)
}

#[component]
fn KnownPair(state: State, at: usize, pair: &'static Pair) -> impl IntoView {
    let stage = NodeRef::<Select>::new();
    let reasons = Memo::new(move |_| {
        let free = state.stored.with(|s| s.free);
        state.here.with(|here| here.reasons([Need::of(pair); 2], free))
    });
    let never = move || reasons.with(|all| all.iter().any(|r| r.is_final()));
    let nearest = move || {
        let name = state.here.with(|here| here.nearest(pair).map(|p| p.name));
        let wanted = reasons.with(|all| !all.is_empty());
        name.filter(|_| wanted).map(wording::nearest)
    };
    let fits = move || {
        let time = state.here.with(|here| verdict::time(here, pair.parameters));
        wording::fits(&reasons.with(|all| verdict::verdict(all)), &time)
    };
    let open = move |_| {
        let stage = stage.get_untracked().and_then(|s| s.value().parse().ok()).unwrap_or(0);
        state.dispatch(Msg::Hub(hub::Command::Pair(at, stage)));
        // what becomes of it is said there
        if let Some(dialog) = document().get_element_by_id("models") {
            dialog.set_scroll_top(0);
        }
    };
    // copies that others publish are named one by one; where there are none, files have to be chosen
    let from_files = pair.gated && pair.base.quantized.is_empty();
    let stages = (pair.tuned.len() > 1).then(|| {
        let options =
            pair.tuned.iter().enumerate().map(|(i, m)| view! { <option value=i.to_string()>{m.stage}</option> });
        view! { <select node_ref=stage aria-label=wording::stage_of(pair.name)>{options.collect_view()}</select> }
    });
    let terms = pair.gated.then(|| {
        let link = |member: &crate::checkpoint::catalogue::Member| {
            let page = Repository::named(member.model).map(|r| r.page()).unwrap_or_default();
            view! { " "<a href=page target="_blank" rel="noopener">{member.model}</a> }
        };
        let links = pair.tuned.iter().chain([&pair.base]).map(link).collect_view();
        match from_files {
            true => view! { <p class="cap">{wording::ONLY_FROM_FILES}{links}</p> }.into_any(),
            false => view! { <p class="cap">{wording::ASKS_TO_AGREE}{links}{wording::COPIES}</p> }.into_any(),
        }
    });
    view! {
        <li id=format!("pair-{}", pair.id)>
            <div class="about">
                <b>{pair.name}</b><span class="cap">" · "{pair.by}", "{pair.licence}" · "{sizes(pair)}</span>
                <p class="cap fits" class:no=move || reasons.with(|all| !all.is_empty())>{fits}{nearest}</p>
                {terms}
            </div>
            <span class="row">
                {stages}
                <Show when=move || !from_files><button class="btn" aria-label=wording::download_both_of(pair.name) disabled=never on:click=open>{wording::DOWNLOAD_BOTH}</button></Show>
            </span>
        </li>
    }
}
