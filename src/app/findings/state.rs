//! Running a set of prompts through both models, one after the other.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::engines::engine;
use crate::app::loading;
use crate::app::memory;
use crate::app::state::{Chat, Side, Slot, State};
use crate::explain::attribution::{Mode, Sampling};
use crate::explain::findings::{PromptCase, ScoreRow};
use crate::explain::{By, ModelReport};
use crate::model::head::Target;
use crate::protocol::{Failure, JobId, Prompt, Request, Response, Run};

/// Longest response, tokens.
const RESPONSE: usize = 60;

/// Under this name the scores last measured outlive the visit.
const KEPT: &str = "shiftlens.scores-2";
/// Where they lay before they said how density lies on words.
const KEPT_BEFORE: &str = "shiftlens.scores";

/// Scores and what they were measured on.
#[derive(Serialize, Deserialize)]
struct Kept {
    of: String,
    rows: Vec<ScoreRow>,
}

/// A run on its way: its job, and what it is for.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    job: JobId,
    side: Side,
    case: usize,
}

/// A set of prompts and what has been measured on it.
#[derive(Clone, Copy)]
pub struct Findings {
    /// Where the prompts come from, in words.
    pub name: RwSignal<String>,
    pub cases: RwSignal<Vec<PromptCase>>,
    /// The first so many cases' scores.
    pub rows: RwSignal<Vec<ScoreRow>>,
    /// Each model its own response, or the tuned one's under both.
    pub own: RwSignal<bool>,
    pub running: RwSignal<bool>,
    pub failure: RwSignal<Option<String>>,
    /// Names what the rows were measured on.
    of: StoredValue<Option<String>>,
    /// How prompts are read while a measurement lasts.
    chat: StoredValue<Chat>,
    step: StoredValue<Option<Step>>,
    /// The tuned model's report of the present case, while the base is at work.
    tuned: StoredValue<Option<ModelReport>>,
}

impl Findings {
    pub fn new() -> Self {
        Self {
            name: RwSignal::new(String::new()),
            cases: RwSignal::new(Vec::new()),
            rows: RwSignal::new(Vec::new()),
            own: RwSignal::new(false),
            running: RwSignal::new(false),
            failure: RwSignal::new(None),
            of: StoredValue::new(None),
            chat: StoredValue::new(Chat::default()),
            step: StoredValue::new(None),
            tuned: StoredValue::new(None),
        }
    }

    fn is(&self, side: Side, job: JobId) -> bool {
        self.step.with_value(|s| s.as_ref().is_some_and(|s| s.side == side && s.job == job))
    }
}

/// Names the present pair, set and way of reading; nothing while a model is missing.
fn measured(state: State) -> Option<String> {
    let f = state.findings;
    let weights = |s: Slot| s.model.with_untracked(|m| m.info.as_ref().map(|i| i.weights.clone()));
    let set = f.cases.with_untracked(|cases| serde_json::to_vec(cases).ok())?;
    let set: String = Sha256::digest(set).iter().take(8).map(|b| format!("{b:02x}")).collect();
    let chat = state.options.with_untracked(|o| o.chat);
    Some(format!("{} {} {set} {chat:?} {}", weights(state.base)?, weights(state.tuned)?, f.own.get_untracked()))
}

/// Shows what has been measured of the present pair, set and way of reading, on this visit or the one before.
pub fn restore(state: State) {
    let f = state.findings;
    let now = measured(state);
    if f.running.get_untracked() || f.of.with_value(|of| *of == now) {
        return;
    }
    memory::remove(KEPT_BEFORE);
    let kept = memory::get(KEPT).and_then(|text| serde_json::from_str::<Kept>(&text).ok());
    let rows = kept.filter(|k| Some(&k.of) == now.as_ref()).map(|k| k.rows).unwrap_or_default();
    f.rows.set(rows);
    f.of.set_value(now);
}

/// Keeps the rows for the next visit.
fn keep(f: Findings) {
    if let Some(of) = f.of.get_value()
        && let Ok(text) = serde_json::to_string(&Kept { of, rows: f.rows.get_untracked() })
    {
        memory::set(KEPT, &text);
    }
}

/// Takes another set.
pub fn take(state: State, name: String, cases: Vec<PromptCase>) {
    stop(state);
    let f = state.findings;
    f.failure.set(None);
    f.name.set(name);
    f.cases.set(cases);
    restore(state);
}

/// Starts, or goes on where it was stopped, once the models are there.
pub fn start(state: State) {
    loading::then(state, "the prompts are measured", move || begin(state));
}

fn begin(state: State) {
    let f = state.findings;
    if f.running.get_untracked() {
        return;
    }
    restore(state);
    f.chat.set_value(state.options.with_untracked(|o| o.chat));
    f.failure.set(None);
    f.running.set(true);
    next_case(state);
}

/// Starts again from the first prompt.
pub fn again(state: State) {
    stop(state);
    state.findings.rows.set(Vec::new());
    start(state);
}

/// Each model its own response, or the tuned one's under both.
pub fn set_own(state: State, own: bool) {
    stop(state);
    state.findings.failure.set(None);
    state.findings.own.set(own);
    restore(state);
}

/// Stops; what has been measured stays.
pub fn stop(state: State) {
    let f = state.findings;
    f.running.set(false);
    let step = f.step.try_update_value(Option::take).flatten();
    if let Some((step, engine)) = step.and_then(|s| Some((s.clone(), engine(state.slot(s.side))?))) {
        engine.send(&Request::Cancel { job: step.job }, &[]);
    }
}

fn next_case(state: State) {
    let f = state.findings;
    let case = f.rows.with_untracked(Vec::len);
    if case >= f.cases.with_untracked(Vec::len) {
        f.running.set(false);
        return;
    }
    let response = match f.cases.with_untracked(|c| c[case].response.clone()) {
        Some(text) => Response::Text { text },
        None => Response::Own { limit: RESPONSE, sampling: Sampling::default() },
    };
    ask(state, state.tuned, case, response);
}

fn ask(state: State, slot: Slot, case: usize, response: Response) {
    let f = state.findings;
    let loaded = slot.model.with_untracked(|m| m.info.is_some());
    let (Some(engine), Some(asked)) =
        (engine(slot).filter(|_| loaded), f.cases.with_untracked(|c| c.get(case).cloned()))
    else {
        return fail(state, Failure::NotLoaded);
    };
    let job = slot.next_job();
    let template = state.shell.with(|page| page.facts.template(f.chat.get_value(), slot.side));
    let run = Run {
        instruction: Some(asked.span()),
        prompt: Prompt::Text { text: asked.prompt, template },
        response,
        by: By::Token,
        target: Target::Prob,
        mode: Mode::Auto,
    };
    f.step.set_value(Some(Step { job, side: slot.side, case }));
    engine.send(&Request::Run { job, run }, &[]);
}

/// Takes in a finished run, if it is one of these.
pub fn finished(state: State, slot: Slot, job: JobId, report: &ModelReport) -> bool {
    let f = state.findings;
    if !f.is(slot.side, job) {
        return false;
    }
    let Some(step) = f.step.try_update_value(Option::take).flatten() else { return true };
    if slot.side == Side::Tuned {
        let response = base_response(state, report);
        f.tuned.set_value(Some(report.clone()));
        ask(state, state.base, step.case, response);
        return true;
    }
    let tuned = f.tuned.try_update_value(Option::take).flatten();
    let row = f.cases.with_untracked(|c| {
        let case = c.get(step.case)?;
        let unknown = || ScoreRow { prompt: case.prompt.clone(), ..ScoreRow::default() };
        Some(tuned.as_ref().map_or_else(unknown, |tuned| ScoreRow::of(case, report, tuned)))
    });
    f.rows.update(|rows| rows.extend(row));
    keep(f);
    if f.running.get_untracked() {
        next_case(state);
    }
    true
}

/// What the base is to explain.
fn base_response(state: State, tuned: &ModelReport) -> Response {
    let tokenizer = |s: Slot| s.model.with_untracked(|m| m.info.as_ref().map(|i| i.tokenizer.clone()));
    if state.findings.own.get_untracked() {
        return Response::Own { limit: RESPONSE, sampling: Sampling::default() };
    }
    match tokenizer(state.base) == tokenizer(state.tuned) {
        true => Response::Ids { ids: tuned.response.iter().map(|t| t.id).collect() },
        false => Response::Text { text: tuned.response.iter().map(|t| t.text.as_str()).collect() },
    }
}

/// Takes in a failed run, if it is one of these. One prompt that cannot be run (too long, say) is left out, with the
/// rest going on.
pub fn failed(state: State, slot: Slot, job: JobId, failure: &Failure) -> bool {
    let f = state.findings;
    if !f.is(slot.side, job) {
        return false;
    }
    let step = f.step.try_update_value(Option::take).flatten();
    match (failure, step) {
        (Failure::Cancelled, _) => f.running.set(false),
        (Failure::Model(_), Some(step)) => {
            let prompt = f.cases.with_untracked(|c| c.get(step.case).map(|c| c.prompt.clone()).unwrap_or_default());
            f.rows.update(|rows| rows.push(ScoreRow { prompt, response: failure.to_string(), ..ScoreRow::default() }));
            keep(f);
            next_case(state);
        }
        _ => fail(state, failure.clone()),
    }
    true
}

fn fail(state: State, failure: Failure) {
    state.findings.running.set(false);
    state.findings.failure.set(Some(failure.to_string()));
}

/// The engine has crashed: stop, keep what was measured.
pub fn engine_gone(state: State, slot: Slot) {
    let f = state.findings;
    if f.step.with_value(|s| s.as_ref().is_some_and(|s| s.side == slot.side)) {
        f.step.set_value(None);
        f.running.set(false);
        f.failure
            .set(Some("The engine stopped unexpectedly. What was measured is kept: go on when it is back.".into()));
    }
}

/// Another model is loaded.
pub fn another_model(state: State) {
    stop(state);
    state.findings.failure.set(None);
    restore(state);
}
