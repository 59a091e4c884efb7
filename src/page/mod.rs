//! What the page knows and decides, without a browser. [`Page::update`] takes one message and answers with effects; `app`
//! draws the state and carries the effects out.
//!
//! A feature has a state and an `update` of its own, and never calls another feature. What they share are the [`Facts`].

pub mod dropped;
pub mod facts;
mod ledger;
pub mod runs;
pub mod scores;
pub mod slots;
mod tracked;
pub mod weights;

pub use facts::{Facts, Model};
pub use ledger::{Ledger, Purpose};
pub use runs::Runs;
pub use scores::Scores;
pub use slots::Slots;
pub use tracked::Tracked;
pub use weights::Weights;

use crate::protocol::{Event, Failure, Request, Source, Stage};
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
    /// The user wants something of the slots.
    Slots(slots::Command),
    /// This tab is on screen now.
    Open(Tab),
    /// The user wants something of the runs.
    Runs(runs::Command),
    /// The user wants something of the weights.
    Weights(weights::Command),
    /// The user wants something of the scores.
    Scores(scores::Command),
    /// An engine says something, at so many seconds.
    Engine {
        /// Whose engine.
        side: Side,
        /// Which of its engines, one after the other.
        epoch: u32,
        /// What.
        event: Box<Event>,
        /// When, seconds.
        at: f64,
    },
    /// The frame that was asked for is about to be drawn.
    Frame,
}

/// Names files of the user's, which only the browser holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Files(pub u32);

/// What the page wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The worker of an epoch, in place of the one before.
    Start(Side, u32),
    /// A request for an engine.
    Send(Side, Request),
    /// The same with files of the user's.
    SendFiles(Side, Request, Files),
    /// Remember for the next visit what is in a slot.
    Remember(Side, Source),
    /// Write scores down for the next visit.
    WriteScores(String),
    /// Say with [`scores::Command::Recalled`] what was written down.
    RecallScores,
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
    /// Which checkpoints are there.
    pub slots: Slots,
    /// The runs of the prompt.
    pub runs: Runs,
    /// What is read from the weights.
    pub weights: Weights,
    /// The scores of a set of prompts.
    pub scores: Scores,
}

impl Page {
    /// Takes in a message.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        let changed = self.update_models(&msg, &mut effects);
        let mut context = Context { facts: &self.facts, ledger: &mut self.ledger, effects };
        match changed {
            Change::Model(side) => {
                self.weights.model_changed(side, &mut context);
                self.scores.model_changed(&mut context);
            }
            Change::Gone(side, failure) => {
                self.runs.engine_gone(side, &failure);
                self.weights.engine_gone(side, &failure);
                self.scores.engine_gone(side, &mut context);
            }
            Change::None => {}
        }
        match msg {
            Msg::Slots(_) => {}
            Msg::Open(tab) => self.weights.opened(tab),
            Msg::Runs(command) => self.runs.command(command, &mut context),
            Msg::Weights(command) => self.weights.command(command, &mut context),
            Msg::Scores(command) => self.scores.command(command, &mut context),
            Msg::Engine { side, epoch, event, at } => {
                let job = event.job().filter(|_| epoch == context.ledger.epoch(side));
                match job.and_then(|job| Some((job, context.ledger.purpose(side, job)?))) {
                    Some((job, Purpose::Run)) => self.runs.event((side, job), *event, at, &mut context),
                    Some((job, Purpose::Score)) => self.scores.event((side, job), *event, &mut context),
                    Some((job, Purpose::Weights(task))) => {
                        self.weights.event((side, job, task), *event, at, &mut context);
                    }
                    // taken in above, or of a job that nobody waits for any more
                    Some((_, Purpose::Load)) | None => {}
                }
            }
            Msg::Frame => self.runs.frame(),
        }
        let round = &self.runs.round;
        self.weights.go_on(|side| round.sequence(side, &self.facts), &mut context);
        context.effects
    }

    /// Takes in what concerns the models and the tab on screen: facts that all others read.
    fn update_models(&mut self, msg: &Msg, effects: &mut Vec<Effect>) -> Change {
        let mut context = slots::Context { facts: &mut self.facts, ledger: &mut self.ledger, effects };
        match msg {
            Msg::Open(tab) => context.facts.tab = *tab,
            Msg::Slots(command) => self.slots.command(command.clone(), &mut context),
            Msg::Engine { side, epoch, event, at } if *epoch == context.ledger.epoch(*side) => match &**event {
                Event::Ready => self.slots.ready(*side),
                Event::Crashed { message } => {
                    return Change::Gone(*side, self.slots.crashed(*side, message.clone(), &mut context));
                }
                event => {
                    let job = event.job().filter(|job| context.ledger.purpose(*side, *job) == Some(Purpose::Load));
                    if job.is_some_and(|job| self.slots.event((*side, job), event.clone(), *at, &mut context)) {
                        return Change::Model(*side);
                    }
                }
            },
            _ => {}
        }
        Change::None
    }

    /// Whether an event of `side` is the core's: of a job in the ledger, or of the engine's life.
    pub fn owns(&self, side: Side, event: &Event) -> bool {
        let life = matches!(event, Event::Ready | Event::Crashed { .. });
        life || event.job().is_some_and(|job| self.ledger.purpose(side, job).is_some())
    }
}

/// What happened to the models.
enum Change {
    None,
    /// Another one is there.
    Model(Side),
    /// An engine is gone, and its model with it.
    Gone(Side, Failure),
}

#[cfg(test)]
mod tests;
