//! An edited prompt beside the prompt as it was, as views read it.

use std::sync::Arc;

use super::mirror::Mirror;
use crate::page::edited::{Found, Outcome, Trial};
use crate::page::runs::Which;
use crate::page::{self, Progress};

/// The comparison.
#[derive(Clone, Copy)]
pub struct Edited {
    /// The edit that is compared.
    pub trial: Mirror<Option<Arc<Trial>>>,
    /// An edit that cannot be made, and why.
    pub refused: Mirror<Option<(Which, String)>>,
    /// The same response after the edited prompt.
    pub same: Mirror<Found>,
    pub outcome: Mirror<Option<Arc<Outcome>>>,
    /// The model's own answer to it.
    pub answer: Mirror<Found>,
    pub progress: Mirror<Option<Progress>>,
}

impl Edited {
    pub(super) fn new() -> Self {
        Self {
            trial: Mirror::new(),
            refused: Mirror::new(),
            same: Mirror::new(),
            outcome: Mirror::new(),
            answer: Mirror::new(),
            progress: Mirror::new(),
        }
    }

    pub(super) fn draw(&self, edited: &mut page::Edited) {
        self.trial.draw(&mut edited.trial);
        self.refused.draw(&mut edited.refused);
        self.same.draw(&mut edited.same);
        self.outcome.draw(&mut edited.outcome);
        self.answer.draw(&mut edited.answer);
        self.progress.draw(&mut edited.progress);
    }
}
