//! What tuning changed on one text: a panel below the results that computes nothing until it is opened.

mod cells;
mod comparison;
mod distributions;
mod layers;
mod parting;
mod strip;

use leptos::prelude::*;

use super::is_open;
use super::state::{Side, State};
use super::switching::WholeModel;
use super::teach::{Explain, NotShown};
use super::toolbar::Segmented;
use crate::explain::ResponseToken;
use crate::page::Msg;
use crate::page::text::{Command, Missing, Part, Subject, whose};
use crate::protocol::Failure;
use crate::protocol::Stage;
use crate::teach::terms::{Panel, Picture};
use crate::wording::{attribution, common, text as wording};

const SIDES: &[(Side, &str)] = &[(Side::Base, wording::BASES), (Side::Tuned, wording::TUNEDS)];

fn ask(state: State, command: Command) {
    state.dispatch(Msg::Text(command));
}

/// A token as people read it; its bytes where these are no text.
fn spelled(token: &ResponseToken) -> String {
    match &token.bytes {
        Some(bytes) => bytes.iter().map(|b| format!("⟨{b:02X}⟩")).collect(),
        None => super::format::label(&token.text, 24),
    }
}

/// The panel.
#[component]
pub fn TextPanel(state: State) -> impl IntoView {
    let text = state.text;
    let side = Signal::derive(move || whose(text.whose.get(), state.spec.with(|spec| spec.options.whose)));
    let there = move || text.subject.with(Option::is_some);
    let caption = move || text.subject.with(|s| s.as_deref().map(Subject::caption));
    view! {
        <details class="panel card text-panel" id="text" on:toggle=move |e| ask(state, Command::Open(is_open(&e)))>
            <summary><h2>{wording::TITLE}</h2></summary>
            <Show when=move || text.open.get()>
                <p class="cap">{wording::ABOUT}" "<Explain of=Panel::Text/></p>
                <div class="inline"><span class="label">{wording::WHOSE_TEXT}</span>
                    <Segmented name=wording::WHOSE_TEXT options=SIDES value=side set=move |side| ask(state, Command::Whose(side))/>
                </div>
                <Progress state/>
                {move || text.missing.get().map(|missing| view! { <p class="empty" id="text-missing" role="status">{Missing::words(missing)}</p> })}
                <Show when=there>
                    <p class="cap" id="text-caption">{caption}</p>
                    <WholeModel state/>
                    <comparison::Comparison state/>
                    <layers::LayersFold state/>
                    <cells::Cells state/>
                    <NotShown of=Picture::Text/>
                </Show>
            </Show>
        </details>
    }
}

/// What the engines are doing, and the button that stops it.
#[component]
fn Progress(state: State) -> impl IntoView {
    let text = state.text;
    let line = move |side: Side| {
        let words = move || {
            let (name, progress) = (side.name(), text.progress[side.index()].get());
            let Some(p) = progress else { return wording::waits(name) };
            match p.stage {
                Stage::Layers => wording::reading_layers(name, p.done, p.total),
                Stage::Prompt => common::of(name, &attribution::reading_prompt(p.done, p.total)),
                Stage::Response => wording::comparing(name, p.done, p.total),
                _ => common::of(name, &attribution::tracing_back(p.done, p.total)),
            }
        };
        let value = move || {
            let progress = text.progress[side.index()].get().filter(|p| p.total > 0);
            progress.map_or(0.0, |p| p.done as f64 / p.total as f64).to_string()
        };
        view! { <div class="progress"><span>{words}</span><progress max="1" value=value aria-label=common::model(side.name())></progress></div> }
    };
    view! {
        <Show when=move || text.working.with(Option::is_some)>
            <div class="reading-progress" id="text-progress">
                {Side::BOTH.map(line).into_iter().collect_view()}
                <button type="button" class="btn" id="text-stop" on:click=move |_| ask(state, Command::Stop)>{common::STOP}</button>
            </div>
        </Show>
    }
}

/// Why a part is not there, and the button that tries it once more.
#[component]
fn Trouble(state: State, part: Part) -> impl IntoView {
    let failure = move || state.text.failures.with(|all| all.get(&part).cloned());
    move || {
        failure().map(|failure| {
            let label = if failure == Failure::Cancelled { wording::GO_ON } else { wording::TRY_AGAIN };
            view! {
                <p class="error" role="alert">{failure.to_string()}" "
                    <button type="button" class="btn small" on:click=move |_| ask(state, Command::GoOn)>{label}</button>
                </p>
            }
        })
    }
}
