//! What is kept in the browser's storage: listed and deleted by the tuned model's engine.

use std::collections::BTreeSet;

use super::{Context, Effect, Msg, Purpose, Side, Tracked, linked};
use crate::protocol::{Event, Failure, JobId, Request, StoredEntry};

/// The engine that is asked.
pub const ENGINE: Side = Side::Tuned;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// See what there is.
    List,
    /// Delete the checkpoint of this key.
    Delete(String),
    /// Delete what was read from weights; what is on screen stays.
    Forget,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// Checkpoints.
    pub entries: Vec<StoredEntry>,
    /// Bytes of what was read from weights.
    pub results: u64,
    /// Bytes that may still be stored, if the browser says.
    pub free: Option<u64>,
    /// Whether the browser keeps it until the user deletes it, if it was asked.
    pub lasting: Option<bool>,
}

/// What is kept, as far as it was asked.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// As it was last listed.
    pub kept: Tracked<Kept>,
    jobs: BTreeSet<JobId>,
}

impl Stored {
    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) {
        let job = context.ledger.open(ENGINE, Purpose::Store);
        self.jobs.insert(job);
        let request = match command {
            Command::List => Request::List { job },
            Command::Delete(key) => Request::Delete { job, key },
            Command::Forget => Request::Forget { job },
        };
        context.effects.push(Effect::Send(ENGINE, request));
    }

    /// The browser says whether it keeps what is stored until the user deletes it.
    pub fn lasting(&mut self, lasting: bool) {
        self.kept.lasting = Some(lasting);
    }

    /// Takes in an event of one of these jobs.
    pub fn event(&mut self, job: JobId, event: Event, context: &mut Context) -> Vec<Msg> {
        let said = match event {
            Event::Listed { entries, results, free, .. } => {
                *self.kept = Kept { entries, results, free, lasting: self.kept.lasting };
                None
            }
            Event::Failed { failure: Failure::Cancelled, .. } => None,
            Event::Failed { failure, .. } => Some(failure.to_string()),
            _ => return Vec::new(),
        };
        context.ledger.close(ENGINE, job);
        self.jobs.remove(&job);
        said.into_iter().map(|what| Msg::Linked(linked::Command::Notice(Some(what)))).collect()
    }

    /// The engine of `side` is gone.
    pub fn engine_gone(&mut self, side: Side) {
        if side == ENGINE {
            self.jobs.clear();
        }
    }

    /// The jobs that are open.
    #[cfg(test)]
    pub(super) fn jobs(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.iter().copied()
    }
}
