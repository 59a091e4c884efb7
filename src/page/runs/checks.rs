//! The check of a finished picture: asked for at the picture, kept with it, and gone with it.

use super::{Runs, Which};
use crate::explain::attribution::Against;
use crate::page::ledger::Purpose;
use crate::page::{Context, Effect, Progress, Side};
use crate::protocol::{Event, Failure, JobId, Request, Response, Run};

/// How far the check of one model's picture is. What it has found is in the picture's report.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Checking {
    /// None is at work.
    #[default]
    No,
    /// It is.
    Runs(JobId, Box<Which>, Option<Progress>),
    /// It could not be done.
    Failed(Failure),
}

impl Checking {
    /// The job that is open.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Runs(job, ..) => Some(*job),
            _ => None,
        }
    }
}

impl Runs {
    /// Checks the picture `which`, if it is still on screen.
    pub(super) fn check(&mut self, which: Which, context: &mut Context) {
        let side = which.side;
        if !which.is_in(&self.round) || self.checks[side.index()].job().is_some() {
            return;
        }
        if !which.has_its_model(context.facts) {
            self.checks[side.index()] = Checking::Failed(Failure::OtherModel);
            return;
        }
        let Some(report) = self.round.half(side).report.as_ref() else { return };
        let spec = &**self.round.spec;
        let mut how = report.how();
        how.check = false;
        how.against = (!report.against.is_empty()).then(|| Against::Tokens(report.against.clone()));
        let run = Run {
            prompt: spec.prompt_in(context.facts.template(spec.options.chat, side)),
            response: Response::Ids { ids: which.response().to_vec() },
            by: report.by,
            target: report.target,
            mode: spec.options.mode,
            instruction: spec.mark(),
            template_row: spec.template_row,
            how,
        };
        let (prompt, importance) = (which.prompt().to_vec(), report.importance.clone());
        let job = context.ledger.open(side, Purpose::Picture);
        self.checks[side.index()] = Checking::Runs(job, Box::new(which), None);
        let request = Request::CheckPicture { job, run: Box::new(run), prompt, importance };
        context.effects.push(Effect::Send(side, request));
    }

    /// The user wants no check any more; the engine says when it has stopped.
    pub(super) fn stop_check(&mut self, side: Side, context: &mut Context) {
        if let Some(job) = self.checks[side.index()].job() {
            context.effects.push(Effect::Send(side, Request::Cancel { job }));
        }
    }

    /// Another picture takes the place of those that are checked.
    pub(super) fn withdraw_checks(&mut self, context: &mut Context) {
        for side in Side::BOTH {
            if let Some(job) = self.checks[side.index()].job() {
                context.ledger.close(side, job);
                context.effects.push(Effect::Send(side, Request::Cancel { job }));
            }
            if self.checks[side.index()] != Checking::No {
                self.checks[side.index()] = Checking::No;
            }
        }
    }

    /// Takes in an event of a check, at so many seconds.
    pub fn check_event(&mut self, (side, job): (Side, JobId), event: Event, at: f64, context: &mut Context) {
        let Checking::Runs(_, which, before) = &self.checks[side.index()] else { return };
        let next = match event {
            Event::Progress { stage, done, total, .. } => {
                let progress = Some(Progress::next(*before, (stage, done, total), at));
                Checking::Runs(job, which.clone(), progress)
            }
            Event::PictureChecked { weights, found, .. } => {
                let is_of_it = which.is_by(&weights) && which.is_in(&self.round);
                match self.round.half_mut(side).report.as_mut().filter(|_| is_of_it) {
                    Some(report) => {
                        report.faithfulness = Some(*found);
                        Checking::No
                    }
                    None => Checking::Failed(Failure::OtherModel),
                }
            }
            Event::Failed { failure: Failure::Cancelled, .. } => Checking::No,
            Event::Failed { failure, .. } => Checking::Failed(failure),
            _ => return,
        };
        if next.job().is_none() {
            context.ledger.close(side, job);
        }
        self.checks[side.index()] = next;
    }

    /// The engine of `side` is gone.
    pub(super) fn check_gone(&mut self, side: Side, failure: &Failure) {
        if self.checks[side.index()].job().is_some() {
            self.checks[side.index()] = Checking::Failed(failure.clone());
        }
    }
}
