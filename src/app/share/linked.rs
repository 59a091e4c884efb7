//! A picture that came by a link or a file: shown at once, without any model, and computed again when asked.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use crate::app::state::{Shown, Side, Slot, State, Tab};
use crate::app::window;
use crate::app::{engines, hosts, loading, runs, teach, weights};
use crate::explain::ModelReport;
use crate::page::Msg;
use crate::page::facts::{bundled, by_file};
use crate::page::runs::{Command, Round, spec_of_link};
use crate::protocol::Source;
use crate::share::link::{Link, Origin, Precision};
use crate::share::{Export, Match, RunSpec, compare};

/// Where computing it again stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// Not asked for.
    No,
    /// The models are on their way.
    Loading,
    /// They run.
    Running,
    /// What came of it, by side.
    Done(Vec<(Side, Match)>),
}

/// A picture of somebody else's making.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// "a link", or a file's name.
    pub by: String,
    /// Reports as they came, base and tuned.
    pub sent: [Option<ModelReport>; 2],
    pub origins: [Origin; 2],
    /// None for an exact file.
    pub precision: Option<Precision>,
    pub again: Again,
}

/// Takes in the address's fragment. Tells whether there is a picture in it, or a reason why not.
pub fn open(state: State) -> bool {
    let fragment = window().location().hash().unwrap_or_default();
    match Link::decode(&fragment) {
        None => false,
        Some(Err(e)) => {
            state.notice.set(Some(e.to_string()));
            false
        }
        Some(Ok(link)) => {
            show_link(state, link);
            state.linked.with_untracked(Option::is_some)
        }
    }
}

fn show_link(state: State, link: Link) {
    show_settings(state, &spec_of_link(&link));
    state.reading.set(link.reading);
    let origins = link.seen.each_ref().map(|s| s.as_ref().map_or(Origin::Elsewhere, |s| s.origin.clone()));
    let sent = link.seen.each_ref().map(|s| s.as_ref().map(|s| s.report.clone()));
    // prompt and settings only, or a view of models that are at hand; else what can be seen without any
    let at_hand = origins.iter().zip(&sent).all(|(origin, sent)| sent.is_none() || *origin == Origin::Bundled);
    weights::look(state, if at_hand { link.tab } else { Tab::Prompt }, link.inside);
    if sent.iter().all(Option::is_none) {
        runs::cancel(state);
        if state.tab.get_untracked() != Tab::Prompt {
            loading::need(state);
        }
        return;
    }
    state.dispatch(Msg::Runs(Command::Show(Box::new(Round::of_link(&link)))));
    let linked = Linked { by: "a link".into(), sent, origins, precision: Some(link.precision), again: Again::No };
    state.linked.set(Some(linked));
    if state.tab.get_untracked() != Tab::Prompt {
        load(state);
    }
}

/// Sets the editor as a run was asked.
fn show_settings(state: State, spec: &RunSpec) {
    state.prompt.set(spec.prompt.clone());
    state.marked.set(spec.mark());
    state.options.set(spec.options.clone());
    state.reading.update(|r| r.by = spec.by);
}

/// Shows the results in a file, or says why not.
pub fn show_file(state: State, name: &str, text: &str) {
    state.dispatch(Msg::Open(Tab::Prompt)); // where it is shown, or said what is wrong with it
    let export = match Export::read(name, text) {
        Ok(export) => export,
        Err(e) => return state.notice.set(Some(e.to_string())),
    };
    state.notice.set(None);
    show_settings(state, &export.asked());
    let sent = [export.models.base.clone(), export.models.tuned.clone()];
    let origins = sent.each_ref().map(|r| r.as_ref().map_or(Origin::Elsewhere, |r| by_file(&r.checkpoint.file)));
    let round = Round::of_export(export, Shown::Linked, origins.clone());
    state.dispatch(Msg::Runs(Command::Show(Box::new(round))));
    state.linked.set(Some(Linked { by: name.to_owned(), sent, origins, precision: None, again: Again::No }));
}

/// Hosts that computing it again would download from.
pub fn hosts_of(linked: &Linked) -> Vec<String> {
    let urls = linked.origins.iter().flat_map(|o| match o {
        Origin::Urls(urls) => urls.as_slice(),
        _ => &[],
    });
    hosts::of(urls.map(String::as_str))
}

/// Loads what the picture was made with, and starts the engines if that has not been done.
pub fn load(state: State) {
    let origins = state.linked.with_untracked(|l| l.as_ref().map(|l| l.origins.clone()));
    let wanted = |side: Side| match &origins.as_ref()?[side.index()] {
        Origin::Bundled => Some(bundled(side)),
        Origin::Urls(urls) => Some(Source::Url { urls: urls.clone() }),
        Origin::Elsewhere => None,
    };
    engines::begin_with(state, Side::BOTH.map(wanted));
}

/// Loads what is needed: the models of the picture that was sent, if there is one and no host has to be asked for them; or
/// else what the last visit used.
pub fn load_models(state: State) {
    match state.linked.with_untracked(|l| l.as_ref().is_none_or(|l| !hosts_of(l).is_empty())) {
        true => engines::begin(state),
        false => load(state),
    }
}

/// Computes the picture again, once its models are there.
pub fn recompute(state: State) {
    state.linked.update(|l| {
        if let Some(l) = l {
            l.again = Again::Loading;
        }
    });
    load(state);
}

/// Follows the models and the runs of a picture that is computed again.
pub fn follow(state: State) {
    Effect::new(move |_| {
        let again = state.linked.with(|l| l.as_ref().map(|l| l.again.clone()));
        let wanted: Vec<Slot> = state
            .slots()
            .into_iter()
            .zip(state.linked.with(|l| l.as_ref().map(|l| l.sent.each_ref().map(Option::is_some)).unwrap_or_default()))
            .filter_map(|(slot, sent)| sent.then_some(slot))
            .collect();
        match again {
            Some(Again::Loading) => {
                let ready = |s: &Slot| s.model.with(|m| m.info.is_some() && m.loading.is_none());
                let failed = |s: &Slot| s.model.with(|m| m.failure.is_some() && m.loading.is_none());
                if wanted.iter().all(ready) {
                    set_again(state, Again::Running);
                    // what was sent is on screen: it is computed as it says, not as the page is set
                    runs::start(state, (*state.spec.get_untracked()).clone());
                } else if wanted.iter().any(failed) {
                    set_again(state, Again::No); // said where models are loaded
                }
            }
            Some(Again::Running) if !state.running() => {
                let found =
                    |s: &Slot| s.run.with(|r| r.report.clone()).filter(|_| state.shown.get() == Shown::Computed);
                let outcome: Option<Vec<(Side, Match)>> = wanted
                    .iter()
                    .map(|slot| {
                        let found = found(slot)?;
                        state.linked.with_untracked(|l| {
                            let l = l.as_ref()?;
                            let sent = l.sent[slot.side.index()].as_ref()?;
                            Some((slot.side, compare(sent, &found, l.precision)))
                        })
                    })
                    .collect();
                // a run that was stopped or failed is said in its card
                set_again(state, outcome.map_or(Again::No, Again::Done));
            }
            _ => {}
        }
    });
}

fn set_again(state: State, again: Again) {
    state.linked.update(|l| {
        if let Some(l) = l {
            l.again = again;
        }
    });
}

/// A new run has nothing to do with the picture any more: neither has the address.
pub fn forget(state: State) {
    if state.linked.with_untracked(Option::is_some) {
        state.linked.set(None);
        if let (Ok(history), Ok(path)) = (window().history(), window().location().pathname()) {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
        }
    }
}

/// Looks again when the address's fragment changes.
pub fn watch(state: State) {
    let changed = Closure::<dyn FnMut()>::new(move || {
        if !open(state) {
            teach::open_fragment(state);
        }
    });
    let _ = window().add_event_listener_with_callback("hashchange", changed.as_ref().unchecked_ref());
    changed.forget(); // lives as long as the page
}

/// What the picture is, above the results.
#[component]
pub fn LinkedNote(state: State) -> impl IntoView {
    let linked = state.linked;
    let what = move || {
        linked.with(|l| {
            let l = l.as_ref()?;
            let names: Vec<&str> = l.sent.iter().flatten().map(|r| r.checkpoint.name.as_str()).collect();
            let kept = match l.precision {
                Some(p) if !p.signed => " It carries the levels; signed values are left out.".to_owned(),
                Some(p) => format!(" Values are rounded to a {}th of each word's strongest.", p.steps()),
                None => String::new(),
            };
            Some(format!("From {}: computed elsewhere, with {}.{kept}", l.by, names.join(" and ")))
        })
    };
    let again = move || linked.with(|l| l.as_ref().map_or(Again::No, |l| l.again.clone()));
    let outcome = move || match again() {
        Again::Loading => "Loading the models…".to_owned(),
        Again::Running => "Computing it here…".to_owned(),
        Again::Done(all) => {
            let one = |(side, m): &(Side, Match)| format!("{} model: {}.", side.name(), m.words());
            format!("Computed again here. {}", all.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        Again::No => String::new(),
    };
    // a file of the sender's own can have been opened here too
    let here = move |l: &Linked| {
        state.slots().into_iter().zip(&l.sent).all(|(slot, sent)| {
            let weights = slot.model.with(|m| m.info.as_ref().map(|i| i.weights.clone()));
            sent.as_ref().is_none_or(|sent| weights.is_some_and(|w| w == sent.checkpoint.weights))
        })
    };
    let can = move || linked.with(|l| l.as_ref().is_some_and(|l| !l.origins.contains(&Origin::Elsewhere) || here(l)));
    let label = move || {
        let hosts = linked.with(|l| l.as_ref().map(hosts_of).unwrap_or_default());
        if hosts.is_empty() {
            "Recompute here".to_owned()
        } else {
            format!("Download from {} and recompute here", hosts.join(", "))
        }
    };
    let offered = move || again() == Again::No;
    view! {
        <Show when=move || state.notice.get().is_some()>
            <p class="error" role="alert" id="notice">{move || state.notice.get().unwrap_or_default()}" "<button class="link" on:click=move |_| state.notice.set(None)>"Dismiss"</button></p>
        </Show>
        <Show when=move || linked.with(Option::is_some)>
            <div class="note linked" id="linked" role="status">
                <span>{move || what().unwrap_or_default()}</span>" "
                <Show when=move || offered() && can()><button class="btn" id="recompute" on:click=move |_| recompute(state)>{label}</button></Show>
                <Show when=move || offered() && !can()><span>"Its model was a file of the sender's own: choose the same one under Change to compute it again."</span></Show>
                <b id="recomputed">{outcome}</b>
            </div>
        </Show>
    }
}
