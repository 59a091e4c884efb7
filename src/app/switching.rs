//! Heads and concepts that are switched off or scaled: at an open head or concept, beside Run, and under a response.

use leptos::prelude::*;

use super::format;
use super::state::{Side, Slot, State, Tab};
use crate::explain::ResponseToken;
use crate::explain::methods::intervention::{self, Compared};
use crate::explain::methods::{Intervention, Of, Site};
use crate::page::Msg;
use crate::page::switching::Command;
use crate::protocol::Backend;
use crate::wording::{common, switching as wording};

/// Whose part it is, in an order of buttons.
const MODELS: [(Of, &str, &str); 3] = [
    (Of::Both, "switch-both", wording::IN_BOTH),
    (Of::Base, "switch-base", wording::IN_BASE),
    (Of::Tuned, "switch-tuned", wording::IN_TUNED),
];

/// What a concept can be multiplied by.
const FACTORS: [(f32, &str); 6] = [
    (1.0, wording::AS_IT_IS),
    (0.0, wording::OFF),
    (0.5, wording::HALF),
    (2.0, wording::DOUBLE),
    (4.0, wording::FOURFOLD),
    (-1.0, wording::REVERSED),
];

fn set(state: State, layer: usize, site: Site, of: Of, factor: f32) {
    state.dispatch(Msg::Switch(Command::Set { layer, site, of, factor }));
}

/// What `site` is multiplied by in the next run; reactive.
fn factor(state: State, layer: usize, site: Site, of: Of) -> f32 {
    state.how.with(|how| intervention::factor(&how.interventions, layer, site, of))
}

/// At an open head: switches it off for the next run, in one of the models or in both.
#[component]
pub fn SwitchHead(state: State, #[prop(into)] chosen: Signal<(usize, usize)>) -> impl IntoView {
    let is_off = move |of: Of| {
        let (layer, head) = chosen.get();
        let one = |of: Of| factor(state, layer, Site::Head(head), of) == 0.0;
        if of == Of::Both { one(Of::Base) && one(Of::Tuned) } else { one(of) }
    };
    let press = move |of: Of| {
        let (layer, head) = chosen.get_untracked();
        let on_again = untrack(|| is_off(of));
        set(state, layer, Site::Head(head), of, if on_again { 1.0 } else { 0.0 });
    };
    let button = move |(of, id, label): (Of, &'static str, &'static str)| {
        view! { <button type="button" class="btn small" id=id aria-pressed=move || is_off(of).to_string() class:on=move || is_off(of) on:click=move |_| press(of)>{label}</button> }
    };
    view! {
        <div class="row switching" role="group" aria-label=wording::SWITCH_HEAD_OFF>
            <span class="label">{wording::SWITCH_HEAD_OFF}</span>
            {MODELS.map(button).into_iter().collect_view()}
            <RunSo state/>
        </div>
        <Refused state/>
    }
}

/// At a concept of one model: by how much it is multiplied in the next run.
#[component]
pub fn ScaleConcept(state: State, side: Side, layer: usize, component: usize) -> impl IntoView {
    let site = Site::Component(component);
    let chosen = move || factor(state, layer, site, side.of());
    let change = move |e| {
        if let Ok(by) = event_target_value(&e).parse() {
            set(state, layer, site, side.of(), by);
        }
    };
    let option = move |(by, label): (f32, &'static str)| view! { <option value=by.to_string() selected=move || chosen() == by>{label}</option> };
    view! {
        <select class="scale" aria-label=wording::IN_THE_NEXT_RUN class:own=move || chosen() != 1.0 on:change=change>
            {FACTORS.map(option).into_iter().collect_view()}
        </select>
    }
}

/// Runs the prompt where its result is seen, once something is changed.
#[component]
pub fn RunSo(state: State) -> impl IntoView {
    let any = move || state.how.with(|how| !how.interventions.is_empty());
    let run = move |_| {
        state.dispatch(Msg::Open(Tab::Prompt));
        state.dispatch(Msg::Run);
    };
    view! { <Show when=any><button type="button" class="link" id="run-so" on:click=run>{wording::RUN_SO}</button></Show> }
}

/// Why something cannot be switched off.
#[component]
pub fn Refused(state: State) -> impl IntoView {
    move || state.refused.get().map(|why| view! { <p class="error" role="status" id="refused">{why}</p> })
}

fn whose(of: Of) -> &'static str {
    match of {
        Of::Both => common::BOTH,
        Of::Base => common::BASE,
        Of::Tuned => common::TUNED,
    }
}

/// Beside Run: what is changed in the next run, each with a way back.
#[component]
pub fn Changed(state: State) -> impl IntoView {
    let all = move || state.how.with(|how| how.interventions.clone());
    let on_gpu =
        move || state.slots().iter().any(|s| s.backend.with(|b| b.as_ref().is_some_and(|b| b.used == Backend::Gpu)));
    let chip = move |one: Intervention| {
        let what = wording::chip(whose(one.of), &one.words());
        view! {
            <li><span>{what.clone()}</span>
            <button type="button" aria-label=wording::undo(&what) on:click=move |_| set(state, one.layer, one.site, one.of, 1.0)>"×"</button></li>
        }
    };
    view! {
        <Show when=move || !all().is_empty()>
            <div class="field" id="changed"><span class="label">{wording::CHANGED}</span>
                <ul class="chips">{move || all().into_iter().map(chip).collect_view()}</ul>
                <Show when=on_gpu><p class="cap">{wording::ON_THE_CPU}</p></Show>
            </div>
        </Show>
    }
}

/// Under a response that was made with something switched off: what the whole model answers.
#[component]
pub fn Without(half: Slot) -> impl IntoView {
    let found = move || {
        half.run.with(|r| {
            let report = r.report.as_ref().filter(|report| !report.interventions.is_empty())?;
            let words = intervention::words(&report.interventions);
            Some((words, report.without.clone(), said(&report.without, &report.response)))
        })
    };
    let id = format!("without-{}", half.side.key());
    move || {
        let (words, tokens, said) = found()?;
        let text: String = tokens.iter().map(|t| t.text.as_str()).collect();
        let text = text.trim().to_owned();
        let text = if text.is_empty() { wording::NOTHING.to_owned() } else { text };
        Some(view! {
            <div class="without" id=id.clone()>
                <div class="sub">{wording::without(&words)}</div>
                <p class="answer">{text}</p>
                <p class="cap">{said}</p>
            </div>
        })
    }
}

fn word(token: &ResponseToken) -> String {
    format::label(&token.text, 24)
}

/// How the two answers differ.
fn said(without: &[ResponseToken], with: &[ResponseToken]) -> String {
    match Compared::of(without, with) {
        Compared::Same([before, after]) => wording::same(before, after),
        Compared::Parts(at) => match (without.get(at), with.get(at)) {
            (Some(before), Some(after)) => wording::parts_at(at + 1, &word(before), &word(after)),
            _ => wording::ends_at(at),
        },
    }
}

/// In a view of a run's text that reads the models as they are, where the run did not.
#[component]
pub fn WholeModel(state: State) -> impl IntoView {
    let said = move || {
        let words = state.spec.with(|spec| intervention::words(&spec.how.interventions));
        (!words.is_empty()).then(|| wording::whole(&words))
    };
    move || said().map(|said| view! { <p class="note">{said}</p> })
}
