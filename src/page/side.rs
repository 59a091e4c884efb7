//! The two models, and how far their jobs are.

use crate::explain::methods::Of;
use crate::protocol::Stage;
use crate::wording::common;

/// Which of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before instruction tuning.
    Base,
    /// After it.
    Tuned,
}

impl Side {
    /// Both, in the order of every pair.
    pub const BOTH: [Self; 2] = [Self::Base, Self::Tuned];

    /// For the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => common::BASE,
            Self::Tuned => common::TUNED,
        }
    }

    /// For ids, classes and storage keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Tuned => "tuned",
        }
    }

    /// Its place in a pair.
    pub fn index(self) -> usize {
        usize::from(self == Self::Tuned)
    }

    /// As it is named where one of the models, or both, can be meant.
    pub fn of(self) -> Of {
        match self {
            Self::Base => Of::Base,
            Self::Tuned => Of::Tuned,
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Base => Self::Tuned,
            Self::Tuned => Self::Base,
        }
    }
}

/// True progress of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is counted.
    pub stage: Stage,
    /// Done so far.
    pub done: u64,
    /// In all; 0 where that is not known.
    pub total: u64,
    /// When the stage began, and how long it has taken, seconds.
    pub began: f64,
    /// See `began`.
    pub elapsed: f64,
}

impl Progress {
    /// What follows on `before`, at `at` seconds.
    pub fn next(before: Option<Self>, (stage, done, total): (Stage, u64, u64), at: f64) -> Self {
        let began = before.filter(|p| p.stage == stage).map_or(at, |p| p.began);
        Self { stage, done, total, began, elapsed: at - began }
    }
}
