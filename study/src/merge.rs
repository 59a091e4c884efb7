//! The tables of a study, from its parts alone. Equal rows give equal bytes, whatever shards wrote them.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use shiftlens::explain::findings::{PromptCase, ScoreRow, Spread, instruction_scores};

use crate::error::StudyError;
use crate::folder::{Found, gather};
use crate::parts::Part;
use crate::row::Row;
use crate::study::{Checkpoint, PromptSet, Study};
use crate::tables::{Cell, Table};

/// What was put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Where the tables are.
    pub folder: PathBuf,
    /// Units with a row.
    pub units: usize,
    /// Units whose row holds an error.
    pub failed: usize,
}

/// Writes the tables into `folder/tables`. Refuses while units are missing, unless `partial`.
pub fn merge(folder: &Path, partial: bool) -> Result<Merged, StudyError> {
    let study = Study::of(folder)?;
    let found = gather(folder, Part::outlines)?;
    found.damaged.iter().for_each(|part| eprintln!("{part}. Its units count as missing."));
    let units = rows_in_order(&study, &found);
    let missing = units.iter().filter(|(.., row)| row.is_none()).count();
    if missing > 0 && !partial {
        return Err(StudyError::Missing { missing, all: units.len() });
    }
    let tables = folder.join("tables");
    std::fs::create_dir_all(&tables).map_err(|source| StudyError::File { path: tables.clone(), source })?;
    finding_1(&study, &found).write(&tables)?;
    scores(&units).write(&tables)?;
    let errors = errors(&units);
    errors.write(&tables)?;
    Ok(Merged { folder: tables, units: units.len() - missing, failed: errors.rows.len() })
}

type Ordered<'a> = (&'a Checkpoint, &'a PromptSet, usize, &'a PromptCase, Option<&'a Row>);

/// Every unit in the plan's order, with its row.
fn rows_in_order<'a>(study: &'a Study, found: &'a Found) -> Vec<Ordered<'a>> {
    let of = |c: &'a Checkpoint| {
        study.cases().map(move |(set, i, case)| (c, set, i, case, found.rows.get(&study.unit(c, set, case))))
    };
    study.checkpoints.iter().flat_map(of).collect()
}

/// The paper's Table 1 for each prompt set and each two checkpoints that follow one another, with its controls.
fn finding_1(study: &Study, found: &Found) -> Table {
    let pairs: Vec<(&PromptSet, &[Checkpoint])> =
        study.sets.iter().flat_map(|set| study.checkpoints.windows(2).map(move |pair| (set, pair))).collect();
    let rows = pairs.par_iter().map(|(set, pair)| score_line(study, found, set, &pair[0], &pair[1])).collect();
    Table {
        name: "finding-1",
        title: "Finding 1: does the later checkpoint rely more on the instruction's words?",
        columns: vec![
            "prompts",
            "base",
            "tuned",
            "n",
            "base mean",
            "base deviation",
            "tuned mean",
            "tuned deviation",
            "Welch p",
            "Wilcoxon p (Holm)",
            "random words p (Holm)",
            "share of random words that do as well",
            "verdict",
        ],
        rows,
    }
}

fn score_line(study: &Study, found: &Found, set: &PromptSet, base: &Checkpoint, tuned: &Checkpoint) -> Vec<Cell> {
    let row = |checkpoint, case| found.rows.get(&study.unit(checkpoint, set, case)).filter(|r| r.error.is_none());
    let both = set.cases.iter().filter_map(|case| Some((case, row(base, case)?, row(tuned, case)?)));
    let rows: Vec<ScoreRow> = both
        .map(|(case, b, t)| ScoreRow {
            base: b.score,
            tuned: t.score,
            spread: Some(Spread::of(case, measured(b), measured(t))),
            ..ScoreRow::default()
        })
        .collect();
    let finding = instruction_scores(&rows);
    let (first, second) = (finding.comparison.first, finding.comparison.second);
    let p = |p: Option<f64>| p.map_or(Cell::None, Cell::P);
    vec![
        Cell::Text(set.name.clone()),
        Cell::Text(base.name.clone()),
        Cell::Text(tuned.name.clone()),
        Cell::Count(first.n),
        Cell::Number(first.mean),
        Cell::Number(first.deviation),
        Cell::Number(second.mean),
        Cell::Number(second.deviation),
        p(finding.comparison.welch.map(|w| w.p)),
        p(finding.corrected.map(|c| c[0])),
        p(finding.chance.and(finding.corrected).map(|c| c[1])),
        finding.chance.map_or(Cell::None, |c| Cell::Share(c.share())),
        Cell::Text(finding.verdict.words()),
    ]
}

/// The user's rows of the prompt with their density.
fn measured(row: &Row) -> impl Iterator<Item = (Range<usize>, f64)> {
    let rows = row.spans.iter().zip(&row.density).zip(&row.row_user).filter(|(_, user)| **user);
    rows.map(|((span, density), _)| (span.clone(), *density))
}

/// Every unit's score.
fn scores(units: &[Ordered]) -> Table {
    let line = |(checkpoint, set, index, case, row): &Ordered| {
        vec![
            Cell::Text(checkpoint.name.clone()),
            Cell::Text(set.name.clone()),
            Cell::Count(*index),
            Cell::Text(case.prompt.clone()),
            row.and_then(|r| r.score).map_or(Cell::None, Cell::Number),
        ]
    };
    Table {
        name: "scores",
        title: "Instruction scores",
        columns: vec!["checkpoint", "prompts", "index", "prompt", "score"],
        rows: units.iter().map(line).collect(),
    }
}

/// Every unit without a result, with its reason.
fn errors(units: &[Ordered]) -> Table {
    let line = |(checkpoint, set, index, _, row): &Ordered| {
        let why = row.and_then(|r| r.error.clone())?;
        let (checkpoint, set) = (checkpoint.name.clone(), set.name.clone());
        Some(vec![Cell::Text(checkpoint), Cell::Text(set), Cell::Count(*index), Cell::Text(why)])
    };
    Table {
        name: "errors",
        title: "Units without a result",
        columns: vec!["checkpoint", "prompts", "index", "reason"],
        rows: units.iter().filter_map(line).collect(),
    }
}
