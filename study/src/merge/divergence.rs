//! How far each checkpoint's distributions lie from those of the one before it.

use shiftlens::explain::statistics::Summary;

use super::units::Units;
use crate::tables::{Cell, Table};

/// A line for each prompt set and each two checkpoints that follow one another.
pub fn table(units: &Units) -> Table {
    Table {
        name: "divergence",
        title: "KL divergence of the later checkpoint from the earlier, nats a token of the response",
        columns: vec!["prompts", "base", "tuned", "n", "mean", "deviation", "median", "largest"],
        rows: units.pairs().into_iter().map(|(set, base, tuned)| line(units, set, base, tuned)).collect(),
    }
}

fn line(units: &Units, set: usize, base: usize, tuned: usize) -> Vec<Cell> {
    let mut found: Vec<f64> = units.results(set, tuned).filter_map(|row| row.kl).collect();
    found.sort_by(f64::total_cmp);
    let summary = Summary::of(&found);
    let middle = |at: usize| found.get(at).copied();
    let median = middle(summary.n.saturating_sub(1) / 2).zip(middle(summary.n / 2)).map(|(a, b)| (a + b) / 2.0);
    let study = units.study;
    let names = [&study.sets[set].name, &study.checkpoints[base].name, &study.checkpoints[tuned].name];
    let order = vec![Cell::number(median), Cell::number(found.last().copied())];
    [names.map(|name| Cell::Text(name.clone())).to_vec(), Cell::sample(summary), order].concat()
}
