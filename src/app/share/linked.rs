//! A picture that came by a link or a file: shown at once, without any model, and computed again when asked.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use crate::app::state::State;
use crate::app::study::back::BackToReport;
use crate::app::{hosts, window};
use crate::page::Msg;
use crate::page::Side;
use crate::page::linked::{Again, Command, Picture};
use crate::share::Match;
use crate::share::link::Origin;
use crate::wording::share as wording;
use crate::wording::share::Values;

/// Takes in the address's fragment, which may carry a picture or a lesson. Tells whether a picture is on screen that was
/// sent.
pub fn open(state: State) -> bool {
    let fragment = window().location().hash().unwrap_or_default();
    state.dispatch(Msg::Address(fragment));
    state.linked.with_untracked(Option::is_some)
}

fn command(state: State, command: Command) {
    state.dispatch(Msg::Linked(command));
}

/// Shows the results in a file, or says why not.
pub fn show_file(state: State, name: &str, text: &str) {
    command(state, Command::File { name: name.to_owned(), text: text.to_owned() });
}

/// Hosts that computing it again would download from.
pub fn hosts_of(picture: &Picture) -> Vec<String> {
    let urls = picture.origins.iter().flat_map(|o| match o {
        Origin::Urls(urls) => urls.as_slice(),
        _ => &[],
    });
    hosts::of(urls.map(String::as_str))
}

/// Looks again when the address's fragment changes.
pub fn watch(state: State) {
    let changed = Closure::<dyn FnMut()>::new(move || {
        open(state);
    });
    let _ = window().add_event_listener_with_callback("hashchange", changed.as_ref().unchecked_ref());
    changed.forget(); // lives as long as the page
}

/// What could not be done, whatever is on screen.
#[component]
pub fn Notice(state: State) -> impl IntoView {
    view! {
        <Show when=move || state.notice.get().is_some()>
            <p class="error" role="alert" id="notice">{move || state.notice.get().unwrap_or_default()}" "<button class="link" on:click=move |_| command(state, Command::Notice(None))>{wording::DISMISS}</button></p>
        </Show>
    }
}

/// What the picture is, above the results.
#[component]
pub fn LinkedNote(state: State) -> impl IntoView {
    let linked = state.linked;
    let what = move || {
        linked.with(|l| {
            let l = l.as_ref()?;
            let names: Vec<&str> = l.sent.iter().flatten().map(|r| r.checkpoint.name.as_str()).collect();
            let values = match l.precision {
                Some(p) if !p.signed => Values::LevelsOnly,
                Some(p) => Values::Rounded(p.steps()),
                None => Values::All,
            };
            Some(wording::sent(&l.by, &names, values))
        })
    };
    let again = move || linked.with(|l| l.as_ref().map_or(Again::No, |l| l.again.clone()));
    let outcome = move || match again() {
        Again::Loading => wording::LOADING.to_owned(),
        Again::Running => wording::RECOMPUTING.to_owned(),
        Again::Done(all) => {
            let one = |(side, m): &(Side, Match)| wording::recomputed_of(side.name(), &m.words());
            wording::recomputed(&all.iter().map(one).collect::<Vec<_>>())
        }
        Again::No => String::new(),
    };
    // a file of the sender's own can have been opened here too
    let here = move |l: &Picture| {
        state.slots().into_iter().zip(&l.sent).all(|(slot, sent)| {
            let weights = slot.model.with(|m| m.info.as_ref().map(|i| i.weights.clone()));
            sent.as_ref().is_none_or(|sent| weights.is_some_and(|w| w == sent.checkpoint.weights))
        })
    };
    let can = move || linked.with(|l| l.as_ref().is_some_and(|l| !l.origins.contains(&Origin::Elsewhere) || here(l)));
    let label = move || {
        let hosts = linked.with(|l| l.as_ref().map(hosts_of).unwrap_or_default());
        if hosts.is_empty() {
            wording::RECOMPUTE.to_owned()
        } else {
            wording::download_and_recompute(&hosts.join(", "))
        }
    };
    let offered = move || again() == Again::No;
    view! {
        <Show when=move || linked.with(Option::is_some)>
            <div class="note linked" id="linked" role="status">
                <span>{move || what().unwrap_or_default()}</span>" "
                <Show when=move || offered() && can()><button class="btn" id="recompute" on:click=move |_| command(state, Command::Recompute)>{label}</button></Show>
                <Show when=move || offered() && !can()><span>{wording::OWN_FILE}</span></Show>
                <b id="recomputed">{outcome}</b>" "
                <Show when=move || linked.with(|l| l.as_ref().is_some_and(|l| l.of_study))><BackToReport state/></Show>
            </div>
        </Show>
    }
}
