//! Any prompt's picture: what two checkpoints that follow one another made of it, as the file of results that the page opens
//! (docs/formats.md).

use std::path::Path;

use shiftlens::explain::findings::PromptCase;
use shiftlens::explain::methods::Method;
use shiftlens::explain::{CheckpointInfo, Levels, ModelReport, PromptToken, ResponseToken, Role, Seconds, units};
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
    let names = [found.base.map_or_else(String::new, name), name(found.tuned)];
    let rows = gather(folder, |part| part.of_units(&names))?.rows;
    let report = |checkpoint, unit: &String| {
        let row = rows.get(unit).ok_or_else(|| format!("{} has not run on this prompt yet.", named(checkpoint)))?;
        report(&study, checkpoint, found.case, row)
    };
    let tuned = report(found.tuned, &names[1]).map_err(StudyError::Picture)?;
    let base = found.base.and_then(|base| report(base, &names[0]).ok());
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

/// A row as the page's report. What a row does not hold (alternatives, ranks, entropies) is empty, as in a link.
fn report(study: &Study, checkpoint: &Checkpoint, case: &PromptCase, row: &Row) -> Result<ModelReport, String> {
    if let Some(why) = &row.error {
        return Err(format!("{} has no result on this prompt: {why}.", named(checkpoint)));
    }
    if row.importance.is_empty() {
        return Err(format!("There is no importance of {} on this prompt, only its levels.", named(checkpoint)));
    }
    let settings = &study.settings;
    let damaged =
        || format!("The row of {} on this prompt is damaged: its parts do not fit together.", named(checkpoint));
    let (prompt, response) = (prompt(row).ok_or_else(damaged)?, response(row).ok_or_else(damaged)?);
    let units = units(&prompt, &case.prompt, settings.by, false);
    if units.len().checked_mul(response.len()) != Some(row.importance.len()) {
        return Err(damaged());
    }
    let unknown = || CheckpointInfo {
        name: checkpoint.name.clone(),
        file: checkpoint.name.clone(),
        weights: checkpoint.hash.clone(),
        tokenizer: row.tokenizer.clone(),
        layers: checkpoint.layers,
        ..CheckpointInfo::default()
    };
    let mut report = ModelReport {
        checkpoint: checkpoint.info.clone().unwrap_or_else(unknown),
        prompt,
        importance: row.importance.chunks(response.len()).map(<[f32]>::to_vec).collect(),
        response,
        units,
        levels: Vec::new(),
        density: Vec::new(),
        instruction_score: None,
        instruction: case.span(),
        target: settings.target,
        by: settings.by,
        mode: settings.mode.name().to_owned(),
        method: Method::default(),
        baseline: None,
        steps: None,
        completeness: Vec::new(),
        faithfulness: None,
        against: Vec::new(),
        against_text: Vec::new(),
        interventions: Vec::new(),
        without: Vec::new(),
        backend: String::new(),
        seconds: Seconds { total: row.seconds.unwrap_or(0.0), ..Seconds::default() },
    };
    report.score(Levels::default()); // a file holds the page's own levels, whatever the study's are
    Ok(report)
}

/// The prompt's tokens; nothing where their numbers differ.
fn prompt(row: &Row) -> Option<Vec<PromptToken>> {
    let count = row.prompt_tokens.len();
    let tokens = row.prompt_tokens.iter().zip(&row.prompt_texts).zip(&row.prompt_spans);
    let token = |((id, text), span): ((&u32, &String), &std::ops::Range<usize>)| PromptToken {
        id: *id,
        text: text.clone(),
        bytes: None,
        role: if span.is_empty() { Role::Template } else { Role::User },
        span: span.clone(),
    };
    (row.prompt_texts.len() == count && row.prompt_spans.len() == count).then(|| tokens.map(token).collect())
}

/// The response's tokens; nothing where their numbers differ.
fn response(row: &Row) -> Option<Vec<ResponseToken>> {
    let count = row.response_tokens.len();
    let tokens = row.response_tokens.iter().zip(&row.response_texts).zip(&row.probability);
    let token = |((id, text), probability): ((&u32, &String), &f32)| ResponseToken {
        id: *id,
        text: text.clone(),
        bytes: None,
        probability: *probability,
        rank: 0,
        entropy: 0.0,
        top: Vec::new(),
        top_text: Vec::new(),
    };
    (count > 0 && row.response_texts.len() == count && row.probability.len() == count)
        .then(|| tokens.map(token).collect())
}
