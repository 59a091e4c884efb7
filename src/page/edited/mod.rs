//! Edit and compare: a word of a finished picture's prompt is taken out or replaced, and the same model explains the same response
//! after the edited prompt. All of it is of one picture, and goes when that is no longer on screen.

mod change;
mod outcome;

use std::ops::Range;
use std::sync::Arc;

pub use change::{Change, Edit, Refusal};
pub use outcome::{LEAST, NoForecast, Outcome, Token, Verdict};

use super::ledger::Purpose;
use super::runs::{Half, Round, Which};
use super::{Context, Effect, Progress, Side, Tracked};
use crate::explain::attribution::{Against, Mode};
use crate::explain::methods::How;
use crate::explain::view::Label;
use crate::explain::{ModelReport, Role};
use crate::protocol::{Event, Failure, JobId, Request, Response, Run};
use crate::share::RunSpec;

/// What the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Change a word, and explain the same response again.
    Try(Box<Ask>),
    /// Let the model answer the edited prompt.
    Answer,
    /// Stop what is being computed.
    Stop,
    /// Compute again what was stopped or has failed.
    Again,
    /// The comparison is not needed any more.
    Close,
}

/// An edit, as it is asked for at a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// At which.
    pub which: Which,
    /// Where the word stands, bytes of the prompt.
    pub span: Range<usize>,
    /// The word.
    pub word: String,
    /// What becomes of it.
    pub change: Change,
}

/// What an engine can be asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The same response after the edited prompt, explained.
    Same,
    /// The model's own answer to the edited prompt.
    Answer,
}

/// A result, or how far it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Found {
    /// Not asked for.
    #[default]
    No,
    /// An engine is at work.
    Runs(JobId),
    /// There is none.
    Failed(Failure),
    /// It is there.
    Done(Arc<ModelReport>),
}

impl Found {
    fn job(&self) -> Option<JobId> {
        match self {
            Self::Runs(job) => Some(*job),
            _ => None,
        }
    }

    /// The result, once it is there.
    pub fn done(&self) -> Option<&Arc<ModelReport>> {
        match self {
            Self::Done(report) => Some(report),
            _ => None,
        }
    }
}

/// An edit that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What was asked.
    pub ask: Ask,
    /// The prompt with the word changed.
    pub edit: Edit,
}

/// What of edits is on screen.
#[derive(Debug, Clone, Default)]
pub struct Edited {
    /// The edit that is compared.
    pub trial: Tracked<Option<Arc<Trial>>>,
    /// An edit that cannot be made: at which picture, and why.
    pub refused: Tracked<Option<(Which, String)>>,
    /// The same response after the edited prompt.
    pub same: Tracked<Found>,
    /// What it says beside the run before.
    pub outcome: Tracked<Option<Arc<Outcome>>>,
    /// The model's own answer to the edited prompt.
    pub answer: Tracked<Found>,
    /// How far the engine is.
    pub progress: Tracked<Option<Progress>>,
}

impl Edited {
    /// Does what the user wants of the picture in `round`.
    pub fn command(&mut self, command: Command, round: &Round, context: &mut Context) {
        match command {
            Command::Try(ask) => self.begin(*ask, round, context),
            Command::Answer => self.start(Task::Answer, round, context),
            Command::Stop => {
                for job in [self.same.job(), self.answer.job()].into_iter().flatten() {
                    if let Some(side) = self.side() {
                        context.effects.push(Effect::Send(side, Request::Cancel { job }));
                    }
                }
            }
            Command::Again => {
                for task in [Task::Same, Task::Answer] {
                    if matches!(**self.found(task), Found::Failed(_)) {
                        self.start(task, round, context);
                    }
                }
            }
            Command::Close => self.clear(context),
        }
    }

    fn side(&self) -> Option<Side> {
        self.trial.as_ref().map(|trial| trial.ask.which.side)
    }

    fn found(&mut self, task: Task) -> &mut Tracked<Found> {
        match task {
            Task::Same => &mut self.same,
            Task::Answer => &mut self.answer,
        }
    }

    fn begin(&mut self, ask: Ask, round: &Round, context: &mut Context) {
        if !ask.which.is_in(round) {
            return;
        }
        let edit = match ask.which.has_its_model(context.facts) {
            true => Edit::of(&round.spec, ask.span.clone(), &ask.word, &ask.change).map_err(|r| r.words().to_owned()),
            false => Err(Failure::OtherModel.to_string()),
        };
        match edit {
            Ok(edit) => {
                self.clear(context);
                *self.trial = Some(Arc::new(Trial { ask, edit }));
                self.start(Task::Same, round, context);
            }
            // what is compared already stays
            Err(why) => *self.refused = Some((ask.which, why)),
        }
    }

    /// Asks the engine for `task`, unless it is at work on it.
    fn start(&mut self, task: Task, round: &Round, context: &mut Context) {
        let Some(trial) = (*self.trial).clone().filter(|_| self.found(task).job().is_none()) else { return };
        let which = &trial.ask.which;
        let Some(before) = round.half(which.side).report.as_ref().filter(|_| which.is_in(round)) else { return };
        if !which.has_its_model(context.facts) {
            **self.found(task) = Found::Failed(Failure::OtherModel);
            return;
        }
        let job = context.ledger.open(which.side, Purpose::Edited(task));
        **self.found(task) = Found::Runs(job);
        *self.progress = None;
        let run = trial.run(task, before, context);
        context.effects.push(Effect::Send(which.side, Request::Run { job, run }));
    }

    /// Takes in an event of one of these jobs, at so many seconds.
    pub fn event(
        &mut self,
        (side, job, task): (Side, JobId, Task),
        event: Event,
        at: f64,
        round: &Round,
        context: &mut Context,
    ) {
        let found = match event {
            Event::Progress { stage, done, total, .. } => {
                *self.progress = Some(Progress::next(*self.progress, (stage, done, total), at));
                return;
            }
            Event::Finished { report, .. } => self.take(task, *report, round),
            Event::Failed { failure, .. } => Found::Failed(failure),
            // what a run says on its way
            _ => return,
        };
        context.ledger.close(side, job);
        *self.progress = None;
        **self.found(task) = found;
    }

    /// What has come, if it is by the model of the picture, and on its response where that was given.
    fn take(&mut self, task: Task, report: ModelReport, round: &Round) -> Found {
        let Some(trial) = (*self.trial).clone() else { return Found::No };
        let Which { side, .. } = trial.ask.which;
        if !trial.ask.which.is_by(&report.checkpoint.weights) {
            return Found::Failed(Failure::OtherModel);
        }
        if task == Task::Same {
            let before = round.half(side).report.as_ref();
            let outcome = before.and_then(|before| Outcome::of(before, &report, &trial.edit.gone));
            let Some(outcome) = outcome else { return Found::Failed(Failure::OtherModel) };
            *self.outcome = Some(Arc::new(outcome));
        }
        Found::Done(Arc::new(report))
    }

    /// The engine of `side` is gone.
    pub fn engine_gone(&mut self, side: Side, failure: &Failure) {
        if self.side() != Some(side) {
            return;
        }
        for task in [Task::Same, Task::Answer] {
            if self.found(task).job().is_some() {
                **self.found(task) = Found::Failed(failure.clone());
                *self.progress = None;
            }
        }
    }

    /// Follows what is on screen: an edit goes with its picture.
    pub fn go_on(&mut self, round: &Round, context: &mut Context) {
        if self.trial.as_ref().is_some_and(|trial| !trial.ask.which.is_in(round)) {
            self.clear(context);
        }
        if self.refused.as_ref().is_some_and(|(which, _)| !which.is_in(round)) {
            *self.refused = None;
        }
    }

    fn clear(&mut self, context: &mut Context) {
        if let Some(side) = self.side() {
            for job in [self.same.job(), self.answer.job()].into_iter().flatten() {
                context.ledger.close(side, job);
                context.effects.push(Effect::Send(side, Request::Cancel { job }));
            }
            *self.trial = None;
            (*self.same, *self.answer) = (Found::No, Found::No);
            (*self.outcome, *self.progress) = (None, None);
        }
        if self.refused.is_some() {
            *self.refused = None;
        }
    }

    /// The jobs that are open.
    #[cfg(test)]
    pub(super) fn jobs(&self, side: Side) -> impl Iterator<Item = (JobId, Purpose)> + '_ {
        let of = |found: &Found, task: Task| found.job().map(|job| (job, Purpose::Edited(task)));
        let all = [of(&self.same, Task::Same), of(&self.answer, Task::Answer)];
        all.into_iter().flatten().filter(move |_| self.side() == Some(side))
    }
}

impl Trial {
    /// The run for `task`: as that of the report `before` was asked, but for the word.
    fn run(&self, task: Task, before: &ModelReport, context: &Context) -> Run {
        let (which, spec) = (&self.ask.which, &self.edit.spec);
        let against = (!before.against.is_empty()).then(|| Against::Tokens(before.against.clone()));
        let how = How { check: false, against, ..before.how() };
        let (response, mode, how) = match task {
            Task::Same => (Response::Ids { ids: which.response().to_vec() }, spec.options.mode, how),
            // the answer is read, not explained
            Task::Answer => (spec.own_response(), Mode::Off, How::default()),
        };
        Run {
            prompt: spec.prompt_in(context.facts.template(spec.options.chat, which.side)),
            response,
            by: before.by,
            target: before.target,
            mode,
            how,
            instruction: spec.mark(),
            template_row: spec.template_row,
        }
    }
}

/// The word that a row of a picture is about: its bytes of the prompt, and its text. None for the template's tokens.
pub fn word_of(half: &Half, spec: &RunSpec, row: &Label) -> Option<(Range<usize>, String)> {
    let units = row.parts.iter().filter_map(|n| half.units.get(*n)).filter(|unit| unit.role == Role::User);
    let span = units.map(|unit| unit.span.clone()).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
    let word = spec.prompt.get(span.clone())?.trim();
    (!word.is_empty()).then(|| (span, word.to_owned()))
}
