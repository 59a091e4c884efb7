//! The report of a study, as views read it.

use std::sync::Arc;

use super::mirror::Mirror;
use crate::page::StudyReport;
use crate::page::study::Report;

/// The report.
#[derive(Clone, Copy)]
pub struct Study {
    pub report: Mirror<Option<Arc<Report>>>,
    /// The later one of the two checkpoints that are looked at.
    pub later: Mirror<usize>,
    /// The prompt whose picture is on screen.
    pub shown: Mirror<Option<usize>>,
}

impl Study {
    pub(super) fn new() -> Self {
        Self { report: Mirror::new(), later: Mirror::new(), shown: Mirror::new() }
    }

    pub(super) fn draw(&self, study: &mut StudyReport) {
        self.report.draw(&mut study.report);
        self.later.draw(&mut study.later);
        self.shown.draw(&mut study.shown);
    }
}
