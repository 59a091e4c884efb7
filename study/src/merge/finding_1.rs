//! The paper's Table 1 for each prompt set and each two checkpoints that follow one another, with its controls.

use std::ops::Range;

use rayon::prelude::*;
use shiftlens::explain::findings::{ScoreRow, Spread, instruction_scores};

use super::units::{Both, Units};
use crate::row::Row;
use crate::tables::{Cell, Table};

/// Does the later checkpoint rely more on the instruction's words?
pub fn table(units: &Units) -> Table {
    let rows = units.pairs().into_par_iter().map(|(set, base, tuned)| line(units, set, base, tuned)).collect();
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

fn line(units: &Units, set: usize, base: usize, tuned: usize) -> Vec<Cell> {
    let rows: Vec<ScoreRow> = units.both(set, base, tuned).map(|both| score_row(&both, units.study.imported)).collect();
    let finding = instruction_scores(&rows);
    let (first, second) = (finding.comparison.first, finding.comparison.second);
    let study = units.study;
    let names = [&study.sets[set].name, &study.checkpoints[base].name, &study.checkpoints[tuned].name];
    let tests = vec![
        Cell::p(finding.comparison.welch.map(|w| w.p)),
        Cell::p(finding.corrected.map(|c| c[0])),
        Cell::p(finding.chance.and(finding.corrected).map(|c| c[1])),
        finding.chance.map_or(Cell::None, |c| Cell::Share(c.share())),
        Cell::Text(finding.verdict.words()),
    ];
    // the same prompts in both: one count for the two samples
    let samples = [Cell::sample(first), Cell::sample(second).split_off(1)].concat();
    [names.map(|name| Cell::Text(name.clone())).to_vec(), samples, tests].concat()
}

/// `imported`: the instruction's words are those whose rows say so, and not a part of the prompt in one piece.
fn score_row(both: &Both, imported: bool) -> ScoreRow {
    let spread = Spread::of(both.case, measured(both.base), measured(both.tuned));
    let marked = both.tuned.spans.iter().zip(&both.tuned.row_instruction).filter(|(_, marked)| **marked);
    let spread = match imported {
        true => spread.marked_by(both.case, marked.map(|(span, _)| span.clone())),
        false => spread,
    };
    ScoreRow { base: both.base.score, tuned: both.tuned.score, spread: Some(spread), ..ScoreRow::default() }
}

/// The user's rows of the prompt with their density.
fn measured(row: &Row) -> impl Iterator<Item = (Range<usize>, f64)> {
    let rows = row.spans.iter().zip(&row.density).zip(&row.row_user).filter(|(_, user)| **user);
    rows.map(|((span, density), _)| (span.clone(), *density))
}
