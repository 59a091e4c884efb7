//! One run of both models: what was asked, and what each made of it.

use std::ops::Range;
use std::sync::Arc;

use super::is_contrast;
use crate::explain::view::{Source, View, present};
use crate::explain::{By, ModelReport, PromptToken, ResponseToken, Unit};
use crate::page::guess::Words;
use crate::page::{Facts, Side, Tracked};
use crate::protocol::{Failure, JobId};
use crate::share::RunSpec;
use crate::share::link::{Link, Origin, Seen};
use crate::share::screen::{Reading, Selection, Whose};
use crate::share::{Export, Models};

/// Where a result came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// Computed in this page.
    #[default]
    Computed,
    /// Shipped with it.
    Shipped,
    /// Sent by a link or in a file.
    Linked,
    /// Kept of a run before: what a link leaves out may be missing.
    Earlier,
}

/// How far one model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Nothing is to be done, or all is.
    #[default]
    Over,
    /// It waits for the other model's response.
    Waits,
    /// Its engine is at work.
    Runs(JobId),
}

/// One model's half of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Half {
    /// How far it is.
    pub phase: Phase,
    /// The prompt as the model read it.
    pub prompt: Vec<PromptToken>,
    /// Its rows.
    pub units: Vec<Unit>,
    /// Their granularity.
    pub by: By,
    /// The response so far.
    pub response: Vec<ResponseToken>,
    /// `[response][units]`.
    pub columns: Vec<Vec<f32>>,
    /// All of it, once it is whole.
    pub report: Option<ModelReport>,
    /// Why it is not.
    pub failure: Option<Failure>,
    /// Where the checkpoint is that computed it.
    pub origin: Option<Origin>,
}

impl Half {
    /// The result of this half of a run of `spec`, as `reading` asks for it.
    pub fn view(&self, spec: &RunSpec, reading: &Reading) -> View {
        let source = Source {
            text: &spec.prompt,
            units: &self.units,
            by: self.by,
            spans: &spec.spans,
            template_row: spec.template_row,
            columns: &self.columns,
            response: &self.response,
            instruction: spec.instruction(),
        };
        let view = present(&source, reading.by, reading.how);
        // the score is of an instruction's part in a whole response
        if is_contrast(&spec.how) { View { score: None, ..view } } else { view }
    }

    /// A finished one.
    pub fn of(report: ModelReport, origin: Origin) -> Self {
        let columns = (0..report.response.len()).map(|m| report.importance.iter().map(|row| row[m]).collect());
        Self {
            prompt: report.prompt.clone(),
            units: report.units.clone(),
            by: report.by,
            response: report.response.clone(),
            columns: if report.importance.is_empty() { Vec::new() } else { columns.collect() },
            report: Some(report),
            origin: Some(origin),
            ..Self::default()
        }
    }

    /// Whether its model can be asked more about the picture. A link holds neither ids nor exact values, and a run without an
    /// explanation has no picture.
    pub fn can_be_asked(&self) -> bool {
        self.report.as_ref().is_some_and(|report| {
            let has_ids = report.prompt.iter().any(|t| t.id != 0) || report.response.iter().any(|t| t.id != 0);
            has_ids && !report.response.is_empty() && !report.importance.is_empty()
        })
    }

    /// The job, while its engine is at work.
    pub fn job(&self) -> Option<JobId> {
        match self.phase {
            Phase::Runs(job) => Some(job),
            _ => None,
        }
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.report.is_none() && self.response.is_empty()
    }

    /// The run has ended early: what is whole of it stays.
    pub fn end(&mut self, failure: Option<Failure>) {
        self.phase = Phase::Over;
        self.failure = failure;
        let whole = self.columns.len().min(self.response.len());
        if whole > 0 {
            self.response.truncate(whole);
            self.columns.truncate(whole);
        }
    }
}

/// What was asked, once, and what both models made of it: two results that stand side by side share one specification.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Round {
    /// What was asked.
    pub spec: Tracked<Arc<RunSpec>>,
    /// Where the results come from.
    pub shown: Shown,
    /// Base and tuned.
    pub halves: [Tracked<Half>; 2],
    /// What the user chose to look at in each. Apart from the halves, as it changes without them.
    pub selections: Tracked<[Selection; 2]>,
}

impl Round {
    /// Nothing has been computed of it yet.
    pub fn new(spec: RunSpec) -> Self {
        Self::of(spec, Shown::Computed, [None, None], Default::default())
    }

    /// Finished results that were not computed here.
    pub fn of(spec: RunSpec, shown: Shown, halves: [Option<Half>; 2], selections: [Selection; 2]) -> Self {
        let halves = halves.map(|half| Tracked::new(half.unwrap_or_default()));
        Self { spec: Tracked::new(Arc::new(spec)), shown, halves, selections: Tracked::new(selections) }
    }

    /// The same, to be drawn again.
    pub fn afresh(&self) -> Self {
        let halves = self.halves.each_ref().map(|half| Some((**half).clone()));
        Self::of((**self.spec).clone(), self.shown, halves, *self.selections)
    }

    /// What an export holds.
    pub fn of_export(export: Export, shown: Shown, origins: [Origin; 2]) -> Self {
        let spec = export.asked();
        let Models { base, tuned } = export.models;
        let [base_origin, tuned_origin] = origins;
        let half = |report: Option<ModelReport>, origin| Some(Half::of(report?, origin));
        Self::of(spec, shown, [half(base, base_origin), half(tuned, tuned_origin)], Default::default())
    }

    /// Whether the response of `side` was given, and not its own.
    pub fn is_given(&self, side: Side) -> bool {
        is_given(self.spec.options.whose, side)
    }

    /// Whose words a reader guesses among: the tuned model's, if it has any or the base has none.
    pub fn words(&self, reading: Reading) -> Words {
        let has = |side: Side| !self.half(side).columns.is_empty();
        let side = if has(Side::Tuned) || !has(Side::Base) { Side::Tuned } else { Side::Base };
        Words { side, prompt: self.spec.prompt.clone(), by: reading.by, are_there: has(side) }
    }

    /// What a link holds.
    pub fn of_link(link: &Link) -> Self {
        let half = |seen: &Seen| Half::of(seen.report.clone(), seen.origin.clone());
        let halves = link.seen.each_ref().map(|seen| seen.as_ref().map(half));
        let selections = link.seen.each_ref().map(|seen| seen.as_ref().map_or_else(Default::default, |s| s.selection));
        Self::of(spec_of_link(link), Shown::Linked, halves, selections)
    }

    /// The half of `side`.
    pub fn half(&self, side: Side) -> &Half {
        &self.halves[side.index()]
    }

    /// The same, to be changed.
    pub fn half_mut(&mut self, side: Side) -> &mut Half {
        &mut self.halves[side.index()]
    }

    /// Whether either model is at work, or waits.
    pub fn is_running(&self) -> bool {
        self.halves.iter().any(|half| half.phase != Phase::Over)
    }

    /// The finished report of `side`, with the instruction that is marked now.
    pub fn report(&self, side: Side) -> Option<ModelReport> {
        let mut report = self.half(side).report.clone()?;
        let instruction: Range<usize> = self.spec.instruction();
        if report.instruction != instruction {
            report.instruction = instruction;
            report.score(Default::default());
        }
        Some(report)
    }

    /// The ids of prompt and response as `side` has read them, for its model to read once more. Empty if another model has
    /// taken its place, or if the result came without ids, as those of links do.
    pub fn sequence(&self, side: Side, facts: &Facts) -> Vec<u32> {
        let there = facts.model(side).map(|m| &m.info.weights);
        let report = self.half(side).report.as_ref().filter(|r| there == Some(&r.checkpoint.weights));
        let ids = report.into_iter().flat_map(|r| r.prompt.iter().map(|t| t.id).chain(r.response.iter().map(|t| t.id)));
        let ids: Vec<u32> = ids.collect();
        let known = !matches!(self.shown, Shown::Linked | Shown::Earlier) || ids.iter().any(|id| *id != 0);
        if known { ids } else { Vec::new() }
    }

    /// What a link holds of the finished half of `side`.
    pub fn seen(&self, side: Side) -> Option<Seen> {
        let origin = self.half(side).origin.clone().unwrap_or(Origin::Elsewhere);
        Some(Seen { report: self.report(side)?, origin, selection: self.selections[side.index()] })
    }

    /// Both finished halves as a file; none if nothing is finished.
    pub fn export(&self) -> Option<Export> {
        let models = Models { base: self.report(Side::Base), tuned: self.report(Side::Tuned) };
        let any = models.base.is_some() || models.tuned.is_some();
        any.then(|| Export { spec: Some((**self.spec).clone()), ..Export::new(self.spec.prompt.clone(), models) })
    }
}

/// Whether `side` explains a response that is not its own.
pub fn is_given(whose: Whose, side: Side) -> bool {
    match whose {
        Whose::Own => false,
        Whose::Tuned => side == Side::Base,
        Whose::Base => side == Side::Tuned,
        Whose::Typed => true,
    }
}

/// What a link asks for: its settings, by the granularity that its results have.
pub fn spec_of_link(link: &Link) -> RunSpec {
    let by = link.seen.iter().flatten().map(|seen| seen.report.by).next().unwrap_or(link.reading.by);
    let (prompt, turns, marked) = (link.prompt.clone(), link.turns.clone(), link.marked.clone());
    let (spans, template_row) = (link.spans.clone(), link.template_row);
    let (options, how) = (link.options.clone(), link.how.clone());
    RunSpec { prompt, turns, marked, spans, template_row, options, how, by }
}
