//! Every unit of a study with its row, in the plan's order.

use std::ops::Range;

use rayon::prelude::*;
use shiftlens::explain::findings::PromptCase;

use crate::folder::Found;
use crate::row::Row;
use crate::study::{Checkpoint, PromptSet, Study};
use crate::tables::{Cell, Table};

/// A study's units with what was found of them.
pub struct Units<'a> {
    /// The study.
    pub study: &'a Study,
    /// Every prompt with its set and its place there.
    cases: Vec<(&'a PromptSet, usize, &'a PromptCase)>,
    /// By checkpoint and prompt.
    rows: Vec<Vec<Option<&'a Row>>>,
}

/// A prompt, with both checkpoints' results.
pub struct Both<'a> {
    /// The prompt.
    pub case: &'a PromptCase,
    /// The earlier checkpoint's.
    pub base: &'a Row,
    /// The later one's.
    pub tuned: &'a Row,
}

impl<'a> Units<'a> {
    /// Finds every unit's row.
    pub fn of(study: &'a Study, found: &'a Found) -> Self {
        let cases: Vec<_> = study.cases().collect();
        let row = |checkpoint: &Checkpoint, set: &PromptSet, case: &PromptCase| {
            found.rows.get(&study.unit(checkpoint, set, case))
        };
        let rows = study
            .checkpoints
            .iter()
            .map(|c| cases.par_iter().map(|(set, _, case)| row(c, set, case)).collect())
            .collect();
        Self { study, cases, rows }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// How many have no row.
    pub fn missing(&self) -> usize {
        self.rows.iter().flatten().filter(|row| row.is_none()).count()
    }

    /// The prompts of the set with the number `set`, as places in each checkpoint's rows.
    fn places(&self, set: usize) -> Range<usize> {
        let sizes = || self.study.sets.iter().map(|s| s.cases.len());
        let from = sizes().take(set).sum();
        from..from + sizes().nth(set).unwrap_or(0)
    }

    /// The result of a checkpoint on the prompt at the place `index` of the set with the number `set`.
    pub fn one(&self, set: usize, checkpoint: usize, index: usize) -> Option<&'a Row> {
        self.places(set).nth(index).and_then(|at| self.result(checkpoint, at))
    }

    fn result(&self, checkpoint: usize, at: usize) -> Option<&'a Row> {
        self.rows[checkpoint][at].filter(|r| r.error.is_none())
    }

    /// The results of a checkpoint, by its number, on the set with the number `set`.
    pub fn results(&self, set: usize, checkpoint: usize) -> impl Iterator<Item = &'a Row> {
        self.places(set).filter_map(move |at| self.result(checkpoint, at))
    }

    /// The prompts of a set on which two checkpoints have a result.
    pub fn both(&self, set: usize, base: usize, tuned: usize) -> impl Iterator<Item = Both<'a>> {
        self.places(set).filter_map(move |at| {
            let (base, tuned) = (self.result(base, at)?, self.result(tuned, at)?);
            Some(Both { case: self.cases[at].2, base, tuned })
        })
    }

    /// Every set with every two checkpoints that follow one another: their numbers.
    pub fn pairs(&self) -> Vec<(usize, usize, usize)> {
        let checkpoints = self.study.checkpoints.len();
        let of_set = |set| (1..checkpoints).map(move |tuned| (set, tuned - 1, tuned));
        (0..self.study.sets.len()).flat_map(of_set).collect()
    }

    fn each<T>(&self, line: impl Fn(&Checkpoint, &PromptSet, usize, &PromptCase, Option<&Row>) -> Option<T>) -> Vec<T> {
        let of = |(checkpoint, rows): (&Checkpoint, &Vec<Option<&Row>>)| -> Vec<T> {
            let each = self.cases.iter().zip(rows);
            each.filter_map(|((set, index, case), row)| line(checkpoint, set, *index, case, *row)).collect()
        };
        self.study.checkpoints.iter().zip(&self.rows).flat_map(of).collect()
    }

    /// Every unit's score.
    pub fn scores(&self) -> Table {
        Table {
            name: "scores",
            title: "Instruction scores",
            columns: vec!["checkpoint", "prompts", "index", "prompt", "score"],
            rows: self.each(|checkpoint, set, index, case, row| {
                Some(vec![
                    Cell::Text(checkpoint.name.clone()),
                    Cell::Text(set.name.clone()),
                    Cell::Count(index),
                    Cell::Text(case.prompt.clone()),
                    Cell::number(row.and_then(|r| r.score)),
                ])
            }),
        }
    }

    /// Every unit without a result: checkpoint, prompt set, place and reason.
    pub fn errors(&self) -> Vec<Vec<Cell>> {
        self.each(|checkpoint, set, index, _, row| {
            let why = row.and_then(|r| r.error.clone())?;
            let (checkpoint, set) = (checkpoint.name.clone(), set.name.clone());
            Some(vec![Cell::Text(checkpoint), Cell::Text(set), Cell::Count(index), Cell::Text(why)])
        })
    }
}
