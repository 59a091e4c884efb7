//! Which job of which engine is for what: the one owner of every job.

use std::collections::BTreeMap;

use super::weights::Task;
use super::{Side, edited, text};
use crate::protocol::JobId;

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A checkpoint is loaded.
    Load,
    /// A run of the prompt.
    Run,
    /// A run for the scores of a set of prompts.
    Score,
    /// Something about the weights.
    Weights(Task),
    /// How the prompt in the editor will be read.
    Prepare,
    /// A picture is checked.
    Picture,
    /// A word that was typed is read.
    Word,
    /// The GPU is checked.
    Check,
    /// What is kept in the browser's storage is listed or deleted.
    Store,
    /// The hub is asked.
    Look,
    /// What tuning changed on a text.
    Text(text::Task),
    /// An edited prompt is run, to be compared.
    Edited(edited::Task),
}

/// The jobs that engines are at work on. An engine that is started again begins a new epoch, in which nothing of the
/// earlier one is heard any more.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    sides: [Jobs; 2],
}

#[derive(Debug, Clone, Default)]
struct Jobs {
    epoch: u32,
    last: JobId,
    open: BTreeMap<JobId, Purpose>,
}

impl Ledger {
    fn jobs(&mut self, side: Side) -> &mut Jobs {
        &mut self.sides[side.index()]
    }

    fn number(&mut self, side: Side) -> JobId {
        let jobs = self.jobs(side);
        jobs.last += 1;
        jobs.last
    }

    /// A new job of `side`.
    pub fn open(&mut self, side: Side, purpose: Purpose) -> JobId {
        let job = self.number(side);
        self.jobs(side).open.insert(job, purpose);
        job
    }

    /// What an open job is for.
    pub fn purpose(&self, side: Side, job: JobId) -> Option<Purpose> {
        self.sides[side.index()].open.get(&job).copied()
    }

    /// Ends a job: whatever still comes of it belongs to nobody.
    pub fn close(&mut self, side: Side, job: JobId) -> Option<Purpose> {
        self.jobs(side).open.remove(&job)
    }

    /// The number of the engine of `side`, counted from 0.
    pub fn epoch(&self, side: Side) -> u32 {
        self.sides[side.index()].epoch
    }

    /// The engine of `side` is gone, and its jobs with it.
    pub fn engine_gone(&mut self, side: Side) {
        let jobs = self.jobs(side);
        jobs.epoch += 1;
        jobs.open.clear();
    }

    /// The open jobs of `side`.
    pub fn open_jobs(&self, side: Side) -> impl Iterator<Item = (JobId, Purpose)> + '_ {
        self.sides[side.index()].open.iter().map(|(job, purpose)| (*job, *purpose))
    }
}
