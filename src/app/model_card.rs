//! One model's results: prompt and response as text, the matrix, and what produced them.

use leptos::prelude::*;

use super::brush::{Brush, BrushedText};
use super::checked::Checked;
use super::choices::Choices;
use super::density::Density;
use super::edited::{EditableWords, WordEdit};
use super::graph::{self, ModelGraph};
use super::header::Mark;
use super::loading;
use super::matrix::Matrix;
use super::matrix_table::MatrixTable;
use super::method::{Completeness, MadeBy};
use super::next_word::NextWord;
use super::reading::{PromptText, ResponseText};
use super::share::figures;
use super::share::picture::SavePicture;
use super::state::{Half, Phase, Shown, Side, Slot, State};
use super::switching::Without;
use super::teach::Explain;
use super::why::WhyBanner;
use crate::checkpoint::hub::Pinned;
use crate::explain::By;
use crate::explain::methods::Method;
use crate::page::runs::is_contrast;
use crate::page::{Msg, Wish};
use crate::protocol::Stage;
use crate::teach::terms::Panel;
use crate::wording::{attribution as wording, common, graph as graph_wording, methods, numbers, prompt, switching};

/// The card of `side`.
#[component]
pub fn ModelCard(state: State, side: Side) -> impl IntoView {
    let half = state.slot(side);
    let has_columns = move || half.view.with(|v| !v.columns.is_empty());
    let score = move || half.view.with(|v| v.score).map_or_else(|| "–".to_owned(), |s| format!("{s:.2}"));
    let waiting = move || half.run.with(|r| r.phase == Phase::Waits);
    let idle = move || !has_columns() && half.run.with(|r| r.phase == Phase::Over && r.failure.is_none());
    let not_asked = move || state.spec.with(|s| is_contrast(&s.how));
    let empty_response = move || half.run.with(|r| r.report.as_ref().is_some_and(|p| p.response.is_empty()));
    view! {
        <article class="panel card" tabindex="-1" id=format!("card-{}", side.key()) aria-label=common::model(side.name())>
            <div class="head">
                <Mark side/>
                <h2>{side.name()}</h2><Explain of=Panel::Result/>
                <span class="cap">{move || half.run.with(summary)}</span>
                <span class="score" title=wording::ABOUT_SCORE>{wording::INSTRUCTION_SCORE}" "<b>{score}</b></span>
            </div>
            <WhyBanner state half/>
            <Status state half/>
            <Show when=waiting><p class="cap">{wording::WAITING}</p></Show>
            <Show when=idle>
                <p class="empty">{move || match (empty_response(), not_asked()) {
                    (true, _) => wording::ANSWERED_NOTHING,
                    (false, true) => methods::NOT_ASKED,
                    (false, false) => wording::NOTHING_RUN,
                }}</p>
            </Show>
            <Show when=has_columns>
                <div class="sub">{common::PROMPT}<Hint half prompt=true/></div>
                <EditableWords state half><PromptText state half/></EditableWords>
                <WordEdit state half/>
                <div class="sub">{common::RESPONSE}<Hint half prompt=false/></div>
                <BrushedText state half><ResponseText state half/></BrushedText>
                <Without half/>
                <Choices state half/>
                <Brush state half/>
                <div class="sub">{move || if graph::is_on(state) { graph_wording::ABOUT_FORM } else { wording::ROWS_AND_COLUMNS }}</div>
                <MadeBy half class="cap made"/>
                <Completeness half/>
                <Show when=move || graph::is_on(state) fallback=move || view! { <Matrix state half/> }>
                    <ModelGraph state half/>
                    <SavePicture name=format!("graph-{}", side.key()) make=move || figures::drawn(state, half)/>
                </Show>
                <MatrixTable state half/>
                <Density half/>
                <Checked state half/>
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
            (true, Some(c), _) => name(&v.columns, c).map(|t| wording::coloured_by_source(&t)),
            (true, None, None) => Some(wording::CHOOSE_TO_SEE_INFLUENCE.into()),
            (false, None, Some(r)) => name(&v.rows, r).map(|t| wording::coloured_by_influence(&t)),
            (false, None, None) => Some(wording::CHOOSE_TO_SEE_SOURCE.into()),
            _ => None,
        })
    };
    view! { <span class="hint">{text}</span> }
}

/// Progress with a way to stop, or the failure, where the user is looking.
#[component]
fn Status(state: State, half: Slot) -> impl IntoView {
    let progress = move || half.run.with(|r| r.job()).map(|_| half.progress.get());
    let words = move || match progress().flatten() {
        None => wording::STARTING.to_owned(),
        Some(p) => match p.stage {
            Stage::Prompt => wording::reading_prompt(p.done, p.total),
            Stage::Response => wording::answering(p.done, p.total),
            Stage::Reverse => match state.spec.with(|s| s.how.is_another(s.options.mode).then(|| s.how.method.words()))
            {
                Some(method) => methods::working(method, p.done, p.total),
                None => wording::tracing_back(p.done, p.total),
            },
            Stage::Without => switching::answering(p.done, p.total),
            _ => wording::other_step(p.done, p.total),
        },
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
            <NextWord half/>
        </Show>
        <Show when=move || failure().is_some()><p class="error" role="alert">{move || failure().unwrap_or_default()}</p></Show>
    }
}

fn summary(r: &Half) -> String {
    match &r.report {
        Some(p) if p.seconds.total > 0.0 => {
            wording::tokens_and_time(r.response.len(), &numbers::seconds(p.seconds.total))
        }
        _ if !r.response.is_empty() => wording::tokens(r.response.len()),
        _ => String::new(),
    }
}

/// Checkpoint, quantization, mode, target, hardware, time.
fn provenance(r: &Half, shown: Shown, given: bool) -> String {
    let Some(p) = &r.report else { return String::new() };
    let (c, s) = (&p.checkpoint, &p.seconds);
    let by = match p.by {
        By::Token => wording::BY_TOKEN,
        By::Word => wording::BY_WORD,
        By::Sentence => wording::BY_SENTENCE,
    };
    let shipped = match shown {
        Shown::Shipped => wording::SHIPPED,
        Shown::Linked => wording::SENT,
        Shown::Earlier => crate::wording::history::EARLIER,
        Shown::Computed => "",
    };
    // a given response was not cut off, however long it is
    let full = if p.fills_context() && !given { wording::context_full(c.context) } else { String::new() };
    let seconds = numbers::seconds;
    let times = match shown {
        // a study's report does not say
        _ if s.total == 0.0 => String::new(),
        Shown::Linked | Shown::Earlier => wording::took_there(&seconds(s.total)),
        _ => {
            let reverse = (s.reverse > 0.0).then(|| seconds(s.reverse));
            let (prefill, response) = (seconds(s.prefill), seconds(s.response));
            match reverse {
                Some(method) if p.method != Method::default() => {
                    methods::times(&wording::times(&prefill, &response, None), &method)
                }
                reverse => wording::times(&prefill, &response, reverse.as_deref()),
            }
        }
    };
    let made = wording::provenance(&wording::Provenance {
        model: &c.name,
        // with as much of the commit as people read; the JSON has all of it
        file: &Pinned::read(&c.file).map_or_else(|| c.file.clone(), |p| p.brief()),
        quantization: &c.quantization,
        parameters: &numbers::count(c.parameters),
        what: &p.what().replace(" x ", " × "),
        mode: &p.mode,
        by,
        backend: &p.backend,
        times: &times,
    });
    common::sentences(&[&full, shipped, &made])
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
        (true, _) => common::STOP,
        (false, true) => prompt::LOAD_THE_MODELS,
        (false, false) => prompt::RUN,
    };
    view! { <button class="btn primary" id="run" on:click=click>{label}</button> }
}
