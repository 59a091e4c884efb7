//! What tuning changed on the text on screen, as views read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mirror::Mirror;
use crate::page::text::{Comparison, FourCells, Lenses, Missing, Part, Subject};
use crate::page::{self, Progress, Side};
use crate::protocol::Failure;

/// The panel.
#[derive(Clone, Copy)]
pub struct Text {
    pub open: Mirror<bool>,
    /// Whose text the user has chosen.
    pub whose: Mirror<Option<Side>>,
    /// What everything is of, or why there is nothing.
    pub subject: Mirror<Option<Arc<Subject>>>,
    pub missing: Mirror<Option<Missing>>,
    pub comparison: Mirror<Comparison>,
    /// The token of the response that is looked at.
    pub token: Mirror<Option<usize>>,
    pub lenses: Mirror<Lenses>,
    pub cells: Mirror<FourCells>,
    pub failures: Mirror<BTreeMap<Part, Failure>>,
    pub working: Mirror<Option<Part>>,
    pub progress: [Mirror<Option<Progress>>; 2],
}

impl Text {
    pub(super) fn new() -> Self {
        Self {
            open: Mirror::new(),
            whose: Mirror::new(),
            subject: Mirror::new(),
            missing: Mirror::new(),
            comparison: Mirror::new(),
            token: Mirror::new(),
            lenses: Mirror::new(),
            cells: Mirror::new(),
            failures: Mirror::new(),
            working: Mirror::new(),
            progress: Mirror::both(),
        }
    }

    pub(super) fn draw(&self, text: &mut page::Text) {
        self.open.draw(&mut text.open);
        self.whose.draw(&mut text.whose);
        self.subject.draw(&mut text.subject);
        self.missing.draw(&mut text.missing);
        self.comparison.draw(&mut text.comparison);
        self.token.draw(&mut text.token);
        self.lenses.draw(&mut text.lenses);
        self.cells.draw(&mut text.cells);
        self.failures.draw(&mut text.failures);
        self.working.draw(&mut text.working);
        Mirror::each(&self.progress, &mut text.progress);
    }
}
