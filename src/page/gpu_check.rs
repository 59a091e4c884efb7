//! The check of this GPU's every operation against the CPU, which the tuned model's engine does.

use super::{Context, Effect, Progress, Purpose, Side, Tracked};
use crate::model::gpu::check::Checked;
use crate::protocol::{Event, Failure, JobId, Request};

/// The engine that is asked.
pub const ENGINE: Side = Side::Tuned;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Check every operation.
    Start,
    /// Stop that.
    Stop,
}

/// How far the check has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Check {
    /// Not asked for.
    #[default]
    None,
    /// At work.
    Running(JobId, Option<Progress>),
    /// Done, on the GPU of this name.
    Done(String, Vec<Checked>),
    /// Could not be done.
    Failed(Failure),
}

/// The check, once it was asked for.
#[derive(Debug, Clone, Default)]
pub struct GpuCheck(pub Tracked<Check>);

impl GpuCheck {
    /// The job that is open.
    pub(super) fn job(&self) -> Option<JobId> {
        match *self.0 {
            Check::Running(job, _) => Some(job),
            _ => None,
        }
    }

    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        let send = match (command, self.job()) {
            (Command::Start, Some(_)) | (Command::Stop, None) => return,
            (Command::Stop, Some(job)) => Request::Cancel { job },
            (Command::Start, None) => {
                let job = context.ledger.open(ENGINE, Purpose::Check);
                *self.0 = Check::Running(job, None);
                Request::CheckGpu { job }
            }
        };
        context.effects.push(Effect::Send(ENGINE, send));
    }

    /// Takes in an event of the check, at so many seconds.
    pub fn event(&mut self, job: JobId, event: Event, at: f64, context: &mut Context) {
        *self.0 = match event {
            Event::Progress { stage, done, total, .. } => {
                let Check::Running(_, before) = *self.0 else { return };
                Check::Running(job, Some(Progress::next(before, (stage, done, total), at)))
            }
            Event::Checked { gpu, checked, .. } => Check::Done(gpu, checked),
            Event::Failed { failure: Failure::Cancelled, .. } => Check::None,
            Event::Failed { failure, .. } => Check::Failed(failure),
            _ => return,
        };
        if self.job().is_none() {
            context.ledger.close(ENGINE, job);
        }
    }

    /// The engine of `side` is gone.
    pub fn engine_gone(&mut self, side: Side, failure: &Failure) {
        if side == ENGINE && self.job().is_some() {
            *self.0 = Check::Failed(failure.clone());
        }
    }
}
