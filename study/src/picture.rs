//! Any prompt's picture: what two checkpoints that follow one another made of it, as the file of results that the page opens
//! (docs/formats.md).

use std::collections::HashSet;
use std::path::Path;

use shiftlens::explain::ModelReport;
use shiftlens::explain::findings::PromptCase;
use shiftlens::share::study::Picture;
use shiftlens::share::{Export, Models};

use crate::error::StudyError;
use crate::folder::gather;
use crate::parts::write_whole;
use crate::row::Row;
use crate::study::{Checkpoint, PromptSet, Study};

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Which<'a> {
    /// The prompt set; the study's first if nothing is said.
    pub set: Option<&'a str>,
    /// The prompt's place in its set, from 0.
    pub index: usize,
    /// The later checkpoint; the study's last if nothing is said.
    pub checkpoint: Option<&'a str>,
}

/// Writes what the study in `folder` has of a checkpoint and of the one before it on a prompt to `file`. The checkpoint before is
/// left out where it has no result.
pub fn picture(folder: &Path, which: Which, file: &Path) -> Result<(), StudyError> {
    let study = Study::of(folder)?;
    let found = which.of(&study).map_err(StudyError::Picture)?;
    let name = |checkpoint: &Checkpoint| study.unit(checkpoint, found.set, found.case);
    let units: HashSet<String> = found.base.into_iter().chain([found.tuned]).map(name).collect();
    let rows = gather(folder, |part| part.of_units(&units))?.rows;
    let picture = found.picture(which.index);
    let report = |checkpoint| {
        let row = rows.get(&name(checkpoint));
        let row = row.ok_or_else(|| format!("{} has not run on this prompt yet.", named(checkpoint)))?;
        report(&study, checkpoint, &picture, row)
    };
    let tuned = report(found.tuned).map_err(StudyError::Picture)?;
    let base = found.base.and_then(|base| report(base).ok());
    let export = Export::new(found.case.prompt.clone(), Models { base, tuned: Some(tuned) });
    let encode = |why: String| StudyError::Encode { path: file.to_owned(), why };
    let text = serde_json::to_string(&export).map_err(|e| encode(e.to_string()))?;
    // parts may hold anything: what the page would refuse is not written
    Export::read(&file.display().to_string(), &text).map_err(|e| encode(e.to_string()))?;
    write_whole(file, text.as_bytes())
}

fn named(checkpoint: &Checkpoint) -> String {
    format!("“{}”", checkpoint.name)
}

/// What a [`Which`] names.
struct Found<'a> {
    set: &'a PromptSet,
    case: &'a PromptCase,
    base: Option<&'a Checkpoint>,
    tuned: &'a Checkpoint,
}

impl Found<'_> {
    /// The prompt, without any results.
    fn picture(&self, index: usize) -> Picture {
        let (prompt, instruction) = (self.case.prompt.clone(), self.case.span());
        Picture { set: 0, index, prompt, instruction, results: Vec::new() }
    }
}

impl Which<'_> {
    /// Fails with what there is instead.
    fn of<'a>(&self, study: &'a Study) -> Result<Found<'a>, String> {
        fn list<'b>(names: impl Iterator<Item = &'b String>) -> String {
            names.map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
        }
        let set = match self.set {
            None => study.sets.first(),
            Some(name) => study.sets.iter().find(|set| set.name == name),
        };
        let there = || format!("The study's prompt sets are {}.", list(study.sets.iter().map(|s| &s.name)));
        let set = set.ok_or_else(there)?;
        let case = set.cases.get(self.index);
        let case = case.ok_or_else(|| {
            format!("The prompts of “{}” are numbered from 0 to {}.", set.name, set.cases.len().saturating_sub(1))
        })?;
        let at = match self.checkpoint {
            None => study.checkpoints.len().checked_sub(1),
            Some(name) => study.checkpoints.iter().position(|c| c.name == name),
        };
        let there = || format!("The study's checkpoints are {}.", list(study.checkpoints.iter().map(|c| &c.name)));
        let at = at.ok_or_else(there)?;
        let base = at.checked_sub(1).map(|before| &study.checkpoints[before]);
        Ok(Found { set, case, base, tuned: &study.checkpoints[at] })
    }
}

/// A row as the page's report.
fn report(study: &Study, checkpoint: &Checkpoint, picture: &Picture, row: &Row) -> Result<ModelReport, String> {
    if let Some(why) = &row.error {
        return Err(format!("{} has no result on this prompt: {why}.", named(checkpoint)));
    }
    if row.importance.is_empty() {
        return Err(format!("There is no importance of {} on this prompt, only its levels.", named(checkpoint)));
    }
    let report = row.seen().report(&checkpoint.shared(), picture, &study.settings.shared(study.weights));
    let mut report = report.ok_or_else(|| {
        format!("The row of {} on this prompt is damaged: its parts do not fit together.", named(checkpoint))
    })?;
    report.seconds.total = row.seconds.unwrap_or(0.0);
    if checkpoint.info.is_none() {
        report.checkpoint.tokenizer.clone_from(&row.tokenizer);
    }
    Ok(report)
}
