//! One model's results: prompt and response as text, the matrix, and what produced them.

use leptos::prelude::*;

use super::choices::Choices;
use super::density::Density;
use super::header::Mark;
use super::matrix::Matrix;
use super::matrix_table::MatrixTable;
use super::reading::{PromptText, ResponseText};
use super::state::{Half, Phase, Shown, Side, Slot, State};
use super::teach::Explain;
use super::{format, loading};
use crate::checkpoint::hub::Pinned;
use crate::page::{Msg, Wish};
use crate::protocol::Stage;
use crate::teach::terms::Term;

/// The card of `side`.
#[component]
pub fn ModelCard(state: State, side: Side) -> impl IntoView {
    let half = state.slot(side);
    let has_columns = move || half.view.with(|v| !v.columns.is_empty());
    let score = move || half.view.with(|v| v.score).map_or_else(|| "–".to_owned(), |s| format!("{s:.2}"));
    let waiting = move || half.run.with(|r| r.phase == Phase::Waits);
    let idle = move || !has_columns() && half.run.with(|r| r.phase == Phase::Over && r.failure.is_none());
    let empty_response = move || half.run.with(|r| r.report.as_ref().is_some_and(|p| p.response.is_empty()));
    view! {
        <article class="panel card" id=format!("card-{}", side.key()) aria-label=format!("{} model", side.name())>
            <div class="head">
                <Mark side/>
                <h2>{side.name()}</h2><Explain term=Term::BaseAndTuned/>
                <span class="cap">{move || half.run.with(summary)}</span>
                <span class="score" title="A normalised sum of the densities of the instruction's words (paper, section 4)">"instruction score"<Explain term=Term::Score/>" "<b>{score}</b></span>
            </div>
            <Status half/>
            <Show when=waiting><p class="cap">"Waiting for the other model's response…"</p></Show>
            <Show when=idle>
                <p class="empty">{move || if empty_response() { "The model answered with nothing: its first token was the end." } else { "Nothing run yet. Write a prompt and press Run." }}</p>
            </Show>
            <Show when=has_columns>
                <div class="sub">"Prompt"<Hint half prompt=true/></div>
                <PromptText state half/>
                <div class="sub">"Response"<Explain term=Term::Choices/><Hint half prompt=false/></div>
                <ResponseText state half/>
                <Choices half/>
                <div class="sub">"Prompt (rows) × response (columns)"<Explain term=Term::Importance/></div>
                <Matrix state half/>
                <MatrixTable state half/>
                <Density half/>
            </Show>
            <p class="foot">{move || half.run.with(|r| provenance(r, state.shown.get(), half.is_given()))}</p>
        </article>
    }
}

#[component]
fn Hint(half: Slot, prompt: bool) -> impl IntoView {
    let text = move || {
        let s = half.selection.get();
        let name = |labels: &[crate::explain::view::Label], i: usize| labels.get(i).map(|l| l.text.trim().to_owned());
        half.view.with(|v| match (prompt, s.column, s.row) {
            (true, Some(c), _) => name(&v.columns, c).map(|t| format!(" · coloured by what “{t}” came from")),
            (true, None, None) => Some(" · choose a word to see what it influenced".into()),
            (false, None, Some(r)) => name(&v.rows, r).map(|t| format!(" · coloured by what “{t}” influenced")),
            (false, None, None) => Some(" · choose a word to see where it came from".into()),
            _ => None,
        })
    };
    view! { <span class="hint">{text}</span> }
}

/// Progress with a way to stop, or the failure, where the user is looking.
#[component]
fn Status(half: Slot) -> impl IntoView {
    let progress = move || half.run.with(|r| r.job()).map(|_| half.progress.get());
    let words = move || match progress().flatten() {
        None => "Starting…".to_owned(),
        Some(p) => {
            let what = match p.stage {
                Stage::Prompt => "Reading the prompt: token",
                Stage::Response => "Answering: token",
                Stage::Reverse => "Tracing back: step",
                _ => "Step",
            };
            match p.total {
                0 => format!("{what} {}", p.done),
                total => format!("{what} {} of {total}", p.done),
            }
        }
    };
    let value =
        move || progress().flatten().filter(|p| p.total > 0).map(|p| (p.done as f64 / p.total as f64).to_string());
    let failure = move || half.run.with(|r| r.failure.as_ref().map(ToString::to_string));
    view! {
        <Show when=move || progress().is_some()>
            <div class="progress" role="status">
                <span>{words}</span>
                <progress max="1" value=value></progress>
            </div>
        </Show>
        <Show when=move || failure().is_some()><p class="error" role="alert">{move || failure().unwrap_or_default()}</p></Show>
    }
}

fn summary(r: &Half) -> String {
    match &r.report {
        Some(p) => format!("{} tokens · {}", r.response.len(), format::seconds(p.seconds.total)),
        None if !r.response.is_empty() => format!("{} tokens", r.response.len()),
        None => String::new(),
    }
}

/// Checkpoint, quantization, mode, target, hardware, time.
fn provenance(r: &Half, shown: Shown, given: bool) -> String {
    let Some(p) = &r.report else { return String::new() };
    let (c, s) = (&p.checkpoint, &p.seconds);
    let by = match p.by {
        crate::explain::By::Token => "token",
        crate::explain::By::Word => "word",
        crate::explain::By::Sentence => "sentence",
    };
    let shipped = match shown {
        Shown::Shipped => "An example that ships with the page. ",
        Shown::Linked => "Sent, not computed here. ",
        Shown::Computed => "",
    };
    let reverse =
        if s.reverse > 0.0 { format!(", reverse pass {}", format::seconds(s.reverse)) } else { String::new() };
    // a given response was not cut off, however long it is
    let full = match p.fills_context() && !given {
        true => format!("Stopped: the context of {} tokens is full. ", c.context),
        false => String::new(),
    };
    let times = match shown {
        Shown::Linked => format!("took {} there", format::seconds(s.total)),
        _ => format!("prompt {}, response {}{reverse}", format::seconds(s.prefill), format::seconds(s.response)),
    };
    format!(
        "{full}{shipped}{} ({}, {}, {} parameters) · {} · {} mode by {by}{} · {times}",
        c.name,
        // with as much of the commit as people read; the JSON has all of it
        Pinned::read(&c.file).map_or_else(|| c.file.clone(), |p| p.brief()),
        c.quantization,
        format::count(c.parameters),
        p.what().replace(" x ", " × "),
        p.mode,
        if p.backend.is_empty() { String::new() } else { format!(" on {}", p.backend) },
    )
}

/// The one button that starts and stops.
#[component]
pub fn RunButton(state: State) -> impl IntoView {
    let busy = move || state.running() || state.wishes.with(|all| all.iter().any(Wish::is_run));
    let here = move || state.slots().iter().any(|s| s.model.with(|m| m.info.is_some() || m.loading.is_some()));
    // a picture that was sent is shown before any model is asked for
    let offered = move || state.linked.with(Option::is_some) && !here();
    let click = move |_| match (untrack(busy), untrack(offered)) {
        (true, _) => state.dispatch(Msg::Stop),
        (false, true) => loading::need(state),
        (false, false) => state.dispatch(Msg::Run),
    };
    let label = move || match (busy(), offered()) {
        (true, _) => "Stop",
        (false, true) => "Load the models",
        (false, false) => "Run",
    };
    view! { <button class="btn primary" id="run" on:click=click>{label}</button> }
}
