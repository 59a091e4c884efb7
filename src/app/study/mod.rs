//! The report of a study: its chain, curves over it, its prompts and its tables.

pub mod back;
mod charts;
mod prompts;
mod tables;

use std::sync::Arc;

use leptos::prelude::*;

use super::state::State;
use super::teach::NotShown;
use super::{focus, tabs};
use crate::explain::By;
use crate::model::head::Target;
use crate::page::Msg;
use crate::page::study::{Command, Report};
use crate::share::study::{Checkpoint, Study};
use crate::teach::terms::Picture;
use crate::wording::study as wording;
use charts::Charts;
use prompts::Prompts;
use tables::Tables;

/// Digits of a hash that tell weights apart.
const DIGITS: usize = 8;

fn command(state: State, command: Command) {
    state.dispatch(Msg::Study(command));
}

/// The whole view.
#[component]
pub fn StudyView(state: State) -> impl IntoView {
    let report = state.study.report;
    let whole = move |report: Arc<Report>| {
        view! {
            <Head state report=report.clone()/>
            <Charts report=report.clone()/>
            <Prompts state report=report.clone()/>
            <Tables report/>
            <section class="panel card"><NotShown of=Picture::Study/></section>
        }
    };
    view! { {move || report.get().map(whole)} }
}

/// What the study is, and the chain.
#[component]
fn Head(state: State, report: Arc<Report>) -> impl IntoView {
    let study = &report.study;
    let names: Vec<&str> = study.checkpoints.iter().map(|c| c.name.as_str()).collect();
    let sets: Vec<(&str, usize)> = study.sets.iter().map(|set| (set.name.as_str(), set.prompts)).collect();
    let chain = study.checkpoints.iter().map(checkpoint).collect_view();
    let close = move |_| {
        command(state, Command::Close);
        focus(tabs::id(state.tab.get_untracked()));
    };
    view! {
        <section class="panel card" id="study" aria-label=wording::REPORT>
            <div class="head">
                <h2>{wording::title(&study.name, &names)}</h2>
                <span class="grow"></span>
                <button type="button" class="btn" id="close-study" title=wording::ABOUT_CLOSING on:click=close>{wording::CLOSE}</button>
            </div>
            <ol class="chain" aria-label=wording::CHAIN>{chain}</ol>
            <p class="cap">{wording::sets(&sets)}" "{asked(study)}</p>
            <p class="cap">{wording::source(&report.file, &study.generator)}</p>
        </section>
    }
}

fn checkpoint(checkpoint: &Checkpoint) -> impl IntoView + use<> {
    let hash: String = checkpoint.weights.chars().take(DIGITS).collect();
    let template = (!checkpoint.template).then_some(wording::NO_TEMPLATE.to_owned());
    let about = match &checkpoint.problem {
        Some(why) => wording::unreadable(why),
        None => {
            let parts = [Some(wording::layers(checkpoint.layers)), Some(wording::weights(&hash)), template];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
        }
    };
    view! { <li><b>{checkpoint.name.clone()}</b><span class="cap">{about}</span></li> }
}

/// How every prompt was run.
fn asked(study: &Study) -> String {
    let settings = &study.settings;
    let by = match settings.by {
        By::Token => wording::BY_TOKEN,
        By::Word => wording::BY_WORD,
        By::Sentence => wording::BY_SENTENCE,
    };
    let target = match settings.target {
        Target::Prob => wording::PROBABILITY,
        Target::Logprob => wording::LOGPROB,
        Target::Logit => wording::LOGIT,
    };
    wording::settings(settings.own, settings.limit, by, target)
}
