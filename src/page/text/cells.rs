//! {base, tuned} x {plain, template}: four runs on one response, and what changed between them.

use std::ops::Range;
use std::sync::Arc;

use super::Subject;
use crate::explain::attribution::Mode;
use crate::explain::cells::{Cells, CellsError, Four, Readings};
use crate::explain::{By, Levels, ModelReport};
use crate::page::{Facts, Side};
use crate::protocol::{Response, Run, Template};
use crate::share::RunSpec;

/// How a model reads the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// As it is.
    Plain,
    /// In the tuned model's chat template.
    Template,
}

impl Cell {
    const BOTH: [Self; 2] = [Self::Plain, Self::Template];
}

/// The four runs, and what they make up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FourCells {
    /// Whether they are to be computed.
    pub wanted: bool,
    /// `[base, tuned][plain, template]`.
    reports: [[Option<Arc<ModelReport>>; 2]; 2],
    /// By which instruction and levels they are read.
    read_as: (Range<usize>, Levels),
    /// What they make up, once all are there.
    pub found: Option<Result<Arc<Cells>, CellsError>>,
}

impl FourCells {
    /// How many of the four runs are there.
    pub fn done(&self) -> usize {
        self.reports.iter().flatten().flatten().count()
    }

    /// What all four were asked, in the words of a caption.
    pub fn what(&self) -> Option<String> {
        self.reports[1][1].as_ref().map(|report| report.what())
    }

    /// The levels that they are read by.
    pub fn levels(&self) -> Levels {
        self.read_as.1
    }

    /// The next run of `side`. None where all are there or none are wanted, or where the tuned model has no template.
    pub(super) fn next(&self, side: Side, subject: &Subject, spec: &RunSpec, facts: &Facts) -> Option<(Cell, Run)> {
        let source = facts.model(Side::Tuned).and_then(|m| m.template.clone()).filter(|_| self.wanted)?;
        let cell = Cell::BOTH.into_iter().find(|cell| self.reports[side.index()][*cell as usize].is_none())?;
        let template = match cell {
            Cell::Plain => Template::Off,
            Cell::Template => Template::Given { source },
        };
        let run = Run {
            prompt: spec.prompt_in(template),
            response: Response::Ids { ids: subject.ids().collect() },
            by: By::Token,
            target: spec.options.target,
            mode: Mode::Auto,
            how: Default::default(),
            instruction: spec.mark(),
            template_row: false,
        };
        Some((cell, run))
    }

    pub(super) fn take(&mut self, side: Side, cell: Cell, report: ModelReport) {
        self.reports[side.index()][cell as usize] = Some(Arc::new(report));
        self.put_together();
    }

    /// Whether they are read by this instruction and these levels.
    pub(super) fn is_read_as(&self, instruction: &Range<usize>, how: Levels) -> bool {
        self.read_as.0 == *instruction && self.read_as.1 == how
    }

    /// Reads them so from now on.
    pub(super) fn read_as(&mut self, instruction: Range<usize>, how: Levels) {
        self.read_as = (instruction, how);
        self.put_together();
    }

    fn put_together(&mut self) {
        let [[Some(base_plain), Some(base_template)], [Some(tuned_plain), Some(tuned_template)]] = &self.reports else {
            return;
        };
        let (instruction, how) = self.read_as.clone();
        let marked = |report: &ModelReport| ModelReport { instruction: instruction.clone(), ..report.clone() };
        let four = Four {
            base: Readings { plain: marked(base_plain), template: marked(base_template) },
            tuned: Readings { plain: marked(tuned_plain), template: marked(tuned_template) },
        };
        self.found = Some(Cells::of(&four, how).map(Arc::new));
    }
}
