//! What computes, why, and the user's choice, which is remembered.

mod check;

use leptos::prelude::*;

pub use check::BackendDialog;

use super::memory;
use super::state::State;
use crate::app::teach::Explain;
use crate::page::Msg;
use crate::page::slots::Command;
use crate::protocol::{Backend, BackendChoice, BackendReport, Why};
use crate::teach::terms::Panel;
use crate::wording::backend as wording;

const KEY: &str = "shiftlens.backend";
const CHOICES: [(BackendChoice, &str, &str); 3] = [
    (BackendChoice::Auto, "auto", wording::AUTOMATIC),
    (BackendChoice::Cpu, "cpu", wording::CPU),
    (BackendChoice::Gpu, "gpu", wording::GPU),
];

/// What the user wants.
pub fn wanted() -> BackendChoice {
    let name = memory::get(KEY).unwrap_or_default();
    CHOICES.iter().find(|(_, key, _)| *key == name).map_or_else(BackendChoice::default, |(choice, _, _)| *choice)
}

fn short(reports: &[Option<BackendReport>]) -> &'static str {
    let on_gpu = |r: &Option<BackendReport>| r.as_ref().is_some_and(|r| r.used == Backend::Gpu);
    if reports.iter().flatten().any(|r| matches!(r.why, Why::Trying { .. })) {
        return wording::TRYING_THE_GPU;
    }
    match reports.iter().filter(|r| on_gpu(r)).count() {
        0 => wording::ON_THE_CPU,
        n if n == reports.len() => wording::ON_THE_GPU,
        _ => wording::ONE_ON_THE_GPU,
    }
}

/// The choice, with what came of it.
#[component]
pub fn BackendBadge(state: State) -> impl IntoView {
    let reports = move || state.slots().map(|s| s.backend.get());
    let why = move || {
        let said = state.slots().into_iter().filter_map(|s| {
            let report = s.backend.get()?;
            Some(wording::used_and_why(s.side.name(), &report.name(), &report.reason()))
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() { wording::DECIDED_WHEN_LOADED.to_owned() } else { said.join(" ") }
    };
    let chosen = RwSignal::new(wanted());
    // a GPU that failed is told of in any case, one that is not there only to who asked for it
    let failed = move || {
        let asked = chosen.get() == BackendChoice::Gpu;
        let told = |r: &BackendReport| match r.why {
            Why::Failed { .. } => true,
            Why::Missing { .. } => asked,
            _ => false,
        };
        reports().into_iter().flatten().find(told).map(|r| r.reason())
    };
    let change = move |e| {
        let value = event_target_value(&e);
        if let Some((choice, key, _)) = CHOICES.iter().find(|(_, key, _)| *key == value) {
            memory::keep(state, KEY, key);
            chosen.set(*choice);
            state.dispatch(Msg::Slots(Command::Compute(*choice)));
        }
    };
    view! {
        <span class="backend">
            <label><span class="cap">{wording::COMPUTE}</span>
            <select id="backend" aria-label=wording::WHAT_COMPUTES aria-describedby="backend-why" on:change=change>
                {CHOICES.map(|(choice, key, name)| view! { <option value=key selected=move || chosen.get() == choice>{name}</option> }).collect_view()}
            </select>
            </label>
            <button class="link cap" id="backend-used" aria-haspopup="dialog" aria-describedby="backend-why" title=why on:click=move |_| state.backend_open.set(true)>{move || short(&reports())}</button>
            <Explain of=Panel::Header/>
            <span class="visually-hidden" id="backend-why">{why}</span>
        </span>
        {move || failed().map(|what| view! { <p class="note backend-note" role="status">{what}</p> })}
    }
}
