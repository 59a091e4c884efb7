//! The instruction scores of a set of prompts, for the first finding: each prompt is run by the tuned model, and then by the
//! base.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Context, Effect, Facts, Purpose, Side, Tracked};
use crate::explain::attribution::{Mode, Sampling};
use crate::explain::findings::{PromptCase, ScoreRow};
use crate::explain::{By, ModelReport};
use crate::model::head::Target;
use crate::protocol::{Event, Failure, JobId, Prompt, Request, Response, Run};
use crate::share::screen::Chat;
use crate::wording::findings as wording;

/// Longest response, tokens.
const RESPONSE: usize = 60;
/// Prompts between two times that the scores are written down: all of them are written each time.
const WRITTEN_EVERY: usize = 16;

/// What the user wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take another set: its name and its prompts.
    Take(String, Vec<PromptCase>),
    /// Start, or go on where it was stopped.
    Start,
    /// Start again from the first prompt.
    Again,
    /// Stop; what has been measured stays.
    Stop,
    /// Each model its own response, or the tuned one's under both.
    Own(bool),
    /// This was written down on an earlier visit.
    Recalled(Option<String>),
    /// The browser did not write the scores down.
    NotWritten,
    /// A file is no set, in words.
    Refused(String),
}

/// Scores and what they were measured on, as they are written down.
#[derive(Serialize, Deserialize)]
struct Written {
    of: String,
    rows: Vec<ScoreRow>,
}

/// A set of prompts and what has been measured on it.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Where the prompts come from, in words.
    pub name: Tracked<String>,
    /// The prompts.
    pub cases: Tracked<Vec<PromptCase>>,
    /// The first so many cases' scores.
    pub rows: Tracked<Vec<ScoreRow>>,
    /// Each model its own response, or the tuned one's under both.
    pub own: Tracked<bool>,
    /// Whether it is being measured.
    pub running: Tracked<bool>,
    /// What went wrong, in words.
    pub failure: Tracked<Option<String>>,
    /// Names the set.
    set: String,
    /// How prompts are read while they are measured: as the first tab said at the start.
    measured_in: Chat,
    /// Names what the rows were measured on: the pair, and what was asked of it.
    of: Option<String>,
    /// What was asked alone: the set, the template and whose response.
    asked: String,
    /// The tuned model's report of the present case, while the base is at work.
    tuned: Option<ModelReport>,
    job: Option<(Side, JobId)>,
}

impl Scores {
    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        match command {
            Command::Take(name, cases) => {
                self.stop(context);
                self.set = named(&cases);
                (*self.name, *self.cases, *self.failure) = (name, cases, None);
                self.recall(context);
            }
            Command::Start => self.start(context),
            Command::Again => {
                self.stop(context);
                self.rows.clear();
                self.start(context);
            }
            Command::Stop => self.stop(context),
            Command::Own(own) => {
                self.stop(context);
                (*self.own, *self.failure) = (own, None);
                self.recall(context);
            }
            Command::Recalled(text) => {
                let written = text.and_then(|text| serde_json::from_str::<Written>(&text).ok());
                let fits = |w: &Written| Some(&w.of) == self.of.as_ref() && w.rows.len() <= self.cases.len();
                if let Some(written) = written.filter(|w| fits(w) && self.rows.is_empty()) {
                    *self.rows = written.rows;
                }
            }
            Command::NotWritten => {
                let full = wording::STORAGE_FULL;
                *self.failure = Some(full.to_owned());
            }
            Command::Refused(why) => *self.failure = Some(why),
        }
    }

    /// The first tab may say now that prompts are read otherwise.
    pub fn options_changed(&mut self, context: &mut Context) {
        self.recall(context);
    }

    /// Another model is there.
    pub fn model_changed(&mut self, context: &mut Context) {
        self.stop(context);
        *self.failure = None;
        self.recall(context);
    }

    /// Names the present pair; nothing while a model is missing.
    fn pair(facts: &Facts) -> Option<String> {
        let weights = |side| facts.model(side).map(|m| m.info.weights.as_str());
        Some(format!("{} {}", weights(Side::Base)?, weights(Side::Tuned)?))
    }

    /// What is on screen is of the present pair, set and way of reading, or else it goes; what was written down of them
    /// comes. While a model is missing, it may still be the same pair's that comes back.
    fn recall(&mut self, context: &mut Context) {
        let asked = format!("{} {:?} {}", self.set, context.facts.editor.options.chat, *self.own);
        let pair = Self::pair(context.facts);
        let now = pair.map(|pair| format!("{pair} {asked}"));
        if *self.running || self.of == now && now.is_some() || now.is_none() && self.asked == asked {
            return;
        }
        if !self.rows.is_empty() {
            self.rows.clear();
        }
        (self.of, self.asked) = (now, asked);
        if self.of.is_some() {
            context.effects.push(Effect::RecallScores);
        }
    }

    fn write_down(&self, context: &mut Context) {
        let Some(of) = self.of.clone() else { return };
        let written = Written { of, rows: (*self.rows).clone() };
        // plain data of our own: there is nothing in it that JSON refuses
        context.effects.push(Effect::WriteScores(serde_json::to_string(&written).unwrap_or_default()));
    }

    fn start(&mut self, context: &mut Context) {
        if *self.running {
            return;
        }
        self.recall(context);
        self.measured_in = context.facts.editor.options.chat;
        (*self.failure, *self.running) = (None, true);
        self.next_case(context);
    }

    fn stop(&mut self, context: &mut Context) {
        if let Some((side, job)) = self.job.take() {
            context.ledger.close(side, job);
            context.effects.push(Effect::Send(side, Request::Cancel { job }));
        }
        if *self.running {
            self.end(None, context);
        }
    }

    /// Ends the measurement; what has been measured stays, unless the first tab has another way of reading by now.
    fn end(&mut self, failure: Option<String>, context: &mut Context) {
        (*self.running, *self.failure) = (false, failure);
        self.write_down(context);
        self.recall(context);
    }

    fn next_case(&mut self, context: &mut Context) {
        let Some(case) = self.cases.get(self.rows.len()) else { return self.end(None, context) };
        let response = match case.response.clone() {
            Some(text) => Response::Text { text },
            None => own_response(),
        };
        self.ask(Side::Tuned, response, context);
    }

    /// Has `side` run the present case.
    fn ask(&mut self, side: Side, response: Response, context: &mut Context) {
        let case = self.cases.get(self.rows.len()).filter(|_| context.facts.model(side).is_some());
        let Some(case) = case else { return self.end(Some(Failure::NotLoaded.to_string()), context) };
        let job = context.ledger.open(side, Purpose::Score);
        let template = context.facts.template(self.measured_in, side);
        let run = Run {
            instruction: Some(case.span()),
            prompt: Prompt::text(case.prompt.clone(), template),
            response,
            by: By::Token,
            target: Target::Prob,
            mode: Mode::Auto,
            template_row: false,
            how: Default::default(),
        };
        self.job = Some((side, job));
        context.effects.push(Effect::Send(side, Request::Run { job, run }));
    }

    /// Takes in an event of one of these jobs.
    pub fn event(&mut self, (side, job): (Side, JobId), event: Event, context: &mut Context) {
        match event {
            Event::Finished { report, .. } => {
                self.close(side, job, context);
                self.finished(side, *report, context);
            }
            Event::Failed { failure, .. } => {
                self.close(side, job, context);
                self.failed(failure, context);
            }
            _ => {}
        }
    }

    fn close(&mut self, side: Side, job: JobId, context: &mut Context) {
        context.ledger.close(side, job);
        self.job = None;
    }

    fn finished(&mut self, side: Side, report: ModelReport, context: &mut Context) {
        if side == Side::Tuned {
            let response = self.base_response(&report, context.facts);
            self.tuned = Some(report);
            return self.ask(Side::Base, response, context);
        }
        let tuned = self.tuned.take();
        if let Some(case) = self.cases.get(self.rows.len()) {
            let unknown = || ScoreRow { prompt: case.prompt.clone(), ..ScoreRow::default() };
            let row = tuned.map_or_else(unknown, |tuned| ScoreRow::of(case, &report, &tuned));
            self.add(row, context);
        }
    }

    /// What the base is to explain.
    fn base_response(&self, tuned: &ModelReport, facts: &Facts) -> Response {
        let base = facts.model(Side::Base).map(|m| m.info.tokenizer.as_str());
        match (*self.own, base == Some(tuned.checkpoint.tokenizer.as_str())) {
            (true, _) => own_response(),
            (false, true) => Response::Ids { ids: tuned.response.iter().map(|t| t.id).collect() },
            (false, false) => Response::Text { text: tuned.response.iter().map(|t| t.text.as_str()).collect() },
        }
    }

    /// One prompt that cannot be run (too long, say) is left out, with the rest going on.
    fn failed(&mut self, failure: Failure, context: &mut Context) {
        match failure {
            Failure::Cancelled => self.end(None, context),
            Failure::Model(_) => {
                let prompt = self.cases.get(self.rows.len()).map(|c| c.prompt.clone()).unwrap_or_default();
                let row = ScoreRow { prompt, response: failure.to_string(), ..ScoreRow::default() };
                self.add(row, context);
            }
            other => self.end(Some(other.to_string()), context),
        }
    }

    fn add(&mut self, row: ScoreRow, context: &mut Context) {
        self.rows.push(row);
        if self.rows.len().is_multiple_of(WRITTEN_EVERY) {
            self.write_down(context);
        }
        self.next_case(context);
    }

    /// The engine of `side` is gone; what was measured stays.
    pub fn engine_gone(&mut self, side: Side, context: &mut Context) {
        if self.job.is_some_and(|(of, _)| of == side) {
            self.job = None;
            let said = wording::ENGINE_STOPPED;
            self.end(Some(said.to_owned()), context);
        }
    }

    /// The job that is open.
    #[cfg(test)]
    pub(super) fn job(&self, side: Side) -> Option<JobId> {
        self.job.filter(|(of, _)| *of == side).map(|(_, job)| job)
    }
}

fn own_response() -> Response {
    Response::Own { limit: RESPONSE, sampling: Sampling::default() }
}

fn named(cases: &[PromptCase]) -> String {
    let text = serde_json::to_vec(cases).unwrap_or_default();
    Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect()
}
