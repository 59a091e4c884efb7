//! The paper's Table 2: responses that follow their instruction against those that do not, within one checkpoint.

use shiftlens::explain::chance::Chance;
use shiftlens::explain::findings::Comparison;

use super::units::Units;
use crate::tables::{Cell, Table};

const SEED: u64 = 6;

/// A line for each checkpoint on each prompt set that says of responses whether they follow; nothing where none does.
pub fn table(units: &Units) -> Option<Table> {
    let study = units.study;
    let marked = (0..study.sets.len()).filter(|set| study.sets[*set].followed.iter().any(Option::is_some));
    let rows: Vec<_> = marked.flat_map(|set| (0..study.checkpoints.len()).map(move |c| line(units, set, c))).collect();
    (!rows.is_empty()).then_some(Table {
        name: "followed",
        title: "Instruction scores of responses that follow the instruction, and of those that do not",
        columns: vec![
            "prompts",
            "checkpoint",
            "followed n",
            "followed mean",
            "followed deviation",
            "not followed n",
            "not followed mean",
            "not followed deviation",
            "Welch p",
            "share of permuted labels that do as well",
            "permuted labels p",
        ],
        rows,
    })
}

fn line(units: &Units, set: usize, checkpoint: usize) -> Vec<Cell> {
    let (mut followed, mut not) = (Vec::new(), Vec::new());
    for (index, mark) in units.study.sets[set].followed.iter().enumerate() {
        let score = units.one(set, checkpoint, index).and_then(|row| row.score);
        match (mark, score) {
            (Some(true), Some(score)) => followed.push(score),
            (Some(false), Some(score)) => not.push(score),
            _ => {}
        }
    }
    let comparison = Comparison::of(&not, &followed);
    let chance = (!followed.is_empty() && !not.is_empty()).then(|| Chance::of_labels(&not, &followed, SEED));
    let (without, with) = (comparison.first, comparison.second);
    let names = [&units.study.sets[set].name, &units.study.checkpoints[checkpoint].name];
    let tests = vec![
        Cell::p(comparison.welch.map(|w| w.p)),
        Cell::share(chance.map(Chance::share)),
        Cell::p(chance.map(Chance::p)),
    ];
    [names.map(|name| Cell::Text(name.clone())).to_vec(), Cell::sample(with), Cell::sample(without), tests].concat()
}
