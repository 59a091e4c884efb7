//! Edit and compare: a word of the prompt taken out or replaced, and the same response after both prompts.

mod form;
mod pictures;
mod tokens;

use leptos::prelude::*;

use super::format;
use super::header::Mark;
use super::state::{Slot, State};
use crate::page::edited::{Change, Command, Found, Trial};
use crate::page::{Msg, editor};
use crate::share::RunSpec;
use crate::wording::{common, edited as wording};
pub use form::{EditableWords, WordEdit};
use pictures::Pictures;
use tokens::Tokens;

fn ask(state: State, command: Command) {
    state.dispatch(Msg::Edited(command));
}

/// What was changed, in words.
fn title(trial: &Trial) -> String {
    let short = |text: &str| format::label(text.trim(), 40);
    match &trial.ask.change {
        Change::TakeOut => wording::without(&short(&trial.ask.word)),
        Change::Replace(new) => wording::in_place(&short(new), &short(&trial.ask.word)),
    }
}

/// The panel, while there is an edit to compare.
#[component]
pub fn EditedPanel(state: State) -> impl IntoView {
    let trial = state.edited.trial;
    // drawn anew for every edit
    move || {
        trial
            .get()
            .map(|trial| view! { <Comparison state half=state.slot(trial.ask.which.side) trial=(*trial).clone()/> })
    }
}

#[component]
fn Comparison(state: State, half: Slot, trial: Trial) -> impl IntoView {
    let edited = state.edited;
    let replaced = matches!(trial.ask.change, Change::Replace(_));
    let outcome = move || edited.outcome.get().map(|outcome| view! { <Tokens half outcome replaced/> });
    let spec = trial.edit.spec.clone();
    let into_editor = move |_| {
        // results are read on as they are read now
        let by = state.reading.with_untracked(|reading| reading.by);
        state.edit(editor::Command::As(Box::new(RunSpec { by, ..spec.clone() })));
    };
    let close = move |_| {
        ask(state, Command::Close);
        super::focus(&format!("card-{}", half.side.key()));
    };
    view! {
        <article class="panel card" id=form::PANEL tabindex="-1" aria-label=wording::TITLE>
            <div class="head"><Mark side=half.side/><h2>{title(&trial)}</h2><span class="cap">{common::model(half.side.name())}</span>
                <button type="button" class="btn small push" id="close-edit" on:click=close>{common::CLOSE}</button>
            </div>
            <Waits state found=Signal::derive(move || edited.same.get()) words=wording::RUNNING/>
            {outcome}
            <Show when=move || edited.same.with(|found| found.done().is_some())>
                <Pictures state half/>
                <Answer state half/>
            </Show>
            <div class="row save"><button type="button" class="btn small" id="edit-into-editor" on:click=into_editor>{wording::INTO_EDITOR}</button></div>
        </article>
    }
}

/// How far a result is, with a way to stop; or why there is none, with a way to try again.
#[component]
fn Waits(state: State, found: Signal<Found>, words: &'static str) -> impl IntoView {
    let value = move || {
        let progress = state.edited.progress.get().filter(|p| p.total > 0);
        progress.map(|p| (p.done as f64 / p.total as f64).to_string())
    };
    move || {
        match found.get() {
        Found::Runs(_) => view! {
            <div class="progress" role="status"><span>{words}</span><progress max="1" value=value></progress></div>
            <button type="button" class="btn small" on:click=move |_| ask(state, Command::Stop)>{common::STOP}</button>
        }
        .into_any(),
        Found::Failed(failure) => view! {
            <p class="error" role="alert">{failure.to_string()}" "
                <button type="button" class="btn small" on:click=move |_| ask(state, Command::Again)>{wording::TRY_AGAIN}</button>
            </p>
        }
        .into_any(),
        Found::No | Found::Done(_) => ().into_any(),
    }
    }
}

/// What the model would say itself.
#[component]
fn Answer(state: State, half: Slot) -> impl IntoView {
    let answer = state.edited.answer;
    let before = move || half.run.with(|run| run.response.iter().map(|t| t.text.as_str()).collect::<String>());
    let found = move || {
        let report = answer.with(|found| found.done().cloned())?;
        let (text, before): (String, String) = (report.response.iter().map(|t| t.text.as_str()).collect(), before());
        let said = match text.as_str() {
            _ if text.trim().is_empty() => wording::NO_ANSWER.to_owned(),
            _ if text == before => wording::SAME_ANSWER.to_owned(),
            _ => text,
        };
        Some(view! {
            <div class="cols" id="edit-answer">
                <div><div class="sub">{wording::RESPONSE_BEFORE}</div><p class="answer">{before}</p></div>
                <div><div class="sub">{wording::ITS_ANSWER}</div><p class="answer" role="status">{said}</p></div>
            </div>
        })
    };
    view! {
        <Show when=move || answer.with(|found| *found == Found::No)>
            <button type="button" class="btn small" id="edit-let-answer" on:click=move |_| ask(state, Command::Answer)>{wording::LET_ANSWER}</button>
        </Show>
        <Waits state found=Signal::derive(move || answer.get()) words=wording::ANSWERING/>
        {found}
    }
}
