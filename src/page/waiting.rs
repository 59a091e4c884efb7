//! What is asked for before the models are there: they are loaded for it, and then it happens.

use std::mem::discriminant;

use super::slots::Presence;
use super::{Msg, Tracked, edited, linked, runs, scores};
use crate::share::RunSpec;
use crate::wording::loading as wording;

/// What the user wants of the models that load.
#[derive(Debug, Clone)]
pub enum Command {
    /// Load what is missing.
    Need,
    /// Stop what is being loaded for the first time, and what waits for it.
    Cancel,
    /// The page has nothing to do: the models may come now, if that is welcome.
    Idle {
        /// The visitor has not asked for little data, and the page is not part of another.
        welcome: bool,
    },
}

/// Something that needs the models.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Run the prompt.
    Run(Box<RunSpec>),
    /// Ask why a word, and not another.
    Why(Box<runs::Ask>),
    /// Check a picture.
    Check(Box<runs::Which>),
    /// Change a word of the prompt, and compare.
    Edited(Box<edited::Ask>),
    /// Measure the set of prompts, or go on with it.
    Measure,
    /// Measure it from the first prompt on.
    MeasureAgain,
}

impl Wish {
    /// What will happen.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Run(_) => wording::RUN_THE_PROMPT,
            Self::Why(_) => wording::ANSWER_THE_QUESTION,
            Self::Check(_) => wording::CHECK_THE_PICTURE,
            Self::Edited(_) => crate::wording::edited::WISH,
            Self::Measure | Self::MeasureAgain => wording::MEASURE_THE_PROMPTS,
        }
    }

    /// Whether the prompt is run.
    pub fn is_run(&self) -> bool {
        matches!(self, Self::Run(_))
    }

    /// Makes it happen.
    pub fn granted(self) -> Vec<Msg> {
        match self {
            // a new run has nothing to do with a picture that was sent
            Self::Run(spec) => vec![Msg::Linked(linked::Command::Forget), Msg::Runs(runs::Command::Run(spec))],
            Self::Why(ask) => vec![Msg::Runs(runs::Command::Why(ask))],
            Self::Check(which) => vec![Msg::Runs(runs::Command::Check(which))],
            Self::Edited(ask) => vec![Msg::Edited(edited::Command::Try(ask))],
            Self::Measure => vec![Msg::Scores(scores::Command::Start)],
            Self::MeasureAgain => vec![Msg::Scores(scores::Command::Again)],
        }
    }
}

/// What waits for the models.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// In the order in which it was asked for.
    pub wishes: Tracked<Vec<Wish>>,
    /// The page has had nothing to do, and has left the models where they are.
    pub rested: Tracked<bool>,
    /// The user has stopped the models: they are not loaded unasked any more.
    declined: bool,
}

impl Waiting {
    /// Whether `wish` can be granted now: a model is there, and none is to come.
    pub fn is_ready(now: [Presence; 2]) -> bool {
        let to_come = now.iter().any(|p| matches!(p, Presence::Absent | Presence::Coming));
        now.contains(&Presence::There) && !to_come
    }

    /// Whether models have to be loaded. One that has failed is tried again only if the other is not there either.
    pub fn is_missing(now: [Presence; 2]) -> bool {
        now.contains(&Presence::Absent) || !now.contains(&Presence::There) && !now.contains(&Presence::Coming)
    }

    /// Keeps `wish` until the models are there. Pressed twice, it happens once.
    pub fn add(&mut self, wish: Wish) {
        let kind = discriminant(&wish);
        self.wishes.retain(|other| discriminant(other) != kind);
        self.wishes.push(wish);
    }

    /// No run waits any more; the models still come.
    pub fn forget_run(&mut self) {
        if self.wishes.iter().any(Wish::is_run) {
            self.wishes.retain(|wish| !wish.is_run());
        }
    }

    /// The user does not want the models now.
    pub fn decline(&mut self) {
        self.declined = true;
        if !self.wishes.is_empty() {
            self.wishes.clear();
        }
    }

    /// The page has nothing to do; tells whether the models may come unasked.
    pub fn idle(&mut self, welcome: bool) -> bool {
        let wanted = welcome && !self.declined;
        *self.rested = !wanted;
        wanted
    }

    /// What happens now. If no model will come, nothing does, which is said where they are loaded.
    pub fn go_on(&mut self, now: [Presence; 2]) -> Vec<Msg> {
        if self.wishes.is_empty() || now.contains(&Presence::Coming) {
            return Vec::new();
        }
        let wishes = std::mem::take(&mut *self.wishes);
        match now.contains(&Presence::There) {
            true => wishes.into_iter().flat_map(Wish::granted).collect(),
            false => Vec::new(),
        }
    }
}
