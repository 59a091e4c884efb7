//! What the page knows and decides, without a browser. [`Page::update`] takes one message and answers with effects; `app`
//! draws the state and carries the effects out.
//!
//! A feature has a state and an `update` of its own, and never calls another feature. What they share are the [`Facts`].

pub mod facts;
mod ledger;
pub mod runs;
mod tracked;
pub mod weights;

pub use facts::{Facts, Model};
pub use ledger::{Ledger, Purpose};
pub use runs::Runs;
pub use tracked::Tracked;
pub use weights::Weights;

use crate::protocol::{Event, Failure, Request, Stage};
use crate::share::screen::Tab;

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
            Self::Base => "Base",
            Self::Tuned => "Tuned",
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

/// What happens to the page.
#[derive(Debug, Clone)]
pub enum Msg {
    /// `side` has this model now, or none.
    Model(Side, Option<Model>),
    /// This tab is on screen now.
    Open(Tab),
    /// The user wants something of the runs.
    Runs(runs::Command),
    /// The user wants something of the weights.
    Weights(weights::Command),
    /// An engine says something, at so many seconds.
    Engine {
        /// Whose engine.
        side: Side,
        /// Which of its engines, one after the other.
        epoch: u32,
        /// What.
        event: Event,
        /// When, seconds.
        at: f64,
    },
    /// The engine of `side` is gone, and why.
    Gone(Side, Failure),
    /// The frame that was asked for is about to be drawn.
    Frame,
}

/// Names files of the user's, which only the browser holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Files(pub u32);

/// What the page wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A request for an engine.
    Send(Side, Request),
    /// The same with files of the user's.
    SendFiles(Side, Request, Files),
    /// These files are not needed any more.
    DropFiles(Files),
    /// [`Msg::Frame`] with the next frame.
    Frame,
}

/// What the update of a feature may read and use.
pub struct Context<'a> {
    /// What all may read.
    pub facts: &'a Facts,
    /// Owns the jobs.
    pub ledger: &'a mut Ledger,
    /// What is to be done.
    pub effects: Vec<Effect>,
}

/// All that the page knows.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What all features read.
    pub facts: Facts,
    /// Who owns which job.
    pub ledger: Ledger,
    /// The runs of the prompt.
    pub runs: Runs,
    /// What is read from the weights.
    pub weights: Weights,
}

impl Page {
    /// Takes in a message.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        match &msg {
            Msg::Model(side, model) => self.facts.set(*side, model.clone()),
            Msg::Gone(side, _) => self.facts.set(*side, None), // its model went with it
            Msg::Open(tab) => self.facts.tab = *tab,
            _ => {}
        }
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects: Vec::new() };
        match msg {
            Msg::Model(side, _) => self.weights.model_changed(side, &mut context),
            Msg::Open(tab) => self.weights.opened(tab),
            Msg::Runs(command) => self.runs.command(command, &mut context),
            Msg::Weights(command) => self.weights.command(command, &mut context),
            Msg::Engine { side, epoch, event, at } => {
                let job = event.job().filter(|_| epoch == context.ledger.epoch(side));
                match job.and_then(|job| Some((job, context.ledger.purpose(side, job)?))) {
                    Some((job, Purpose::Run)) => self.runs.event((side, job), event, at, &mut context),
                    Some((job, Purpose::Weights(task))) => {
                        self.weights.event((side, job, task), event, at, &mut context);
                    }
                    None => {} // of a job that nobody waits for any more
                }
            }
            Msg::Gone(side, failure) => {
                context.ledger.engine_gone(side);
                self.runs.engine_gone(side, &failure);
                self.weights.engine_gone(side, &failure);
            }
            Msg::Frame => self.runs.frame(),
        }
        let round = &self.runs.round;
        self.weights.go_on(|side| round.sequence(side, &self.facts), &mut context);
        context.effects
    }

    /// Whether an event of `side` belongs to a job that is in the ledger.
    pub fn owns(&self, side: Side, event: &Event) -> bool {
        event.job().is_some_and(|job| self.ledger.purpose(side, job).is_some())
    }
}

#[cfg(test)]
mod tests;
