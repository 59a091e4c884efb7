//! The paper's Table 2: responses that follow their instruction against those that do not, within one checkpoint.

use rand::seq::SliceRandom;
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
    let chance = (!followed.is_empty() && !not.is_empty()).then(|| relabelled(&followed, &not));
    let (without, with) = (comparison.first, comparison.second);
    vec![
        Cell::Text(units.study.sets[set].name.clone()),
        Cell::Text(units.study.checkpoints[checkpoint].name.clone()),
        Cell::Count(with.n),
        Cell::Number(with.mean),
        Cell::Number(with.deviation),
        Cell::Count(without.n),
        Cell::Number(without.mean),
        Cell::Number(without.deviation),
        Cell::p(comparison.welch.map(|w| w.p)),
        Cell::share(chance.map(Chance::share)),
        Cell::p(chance.map(Chance::p)),
    ]
}

/// The difference of means, with the labels permuted.
fn relabelled(followed: &[f64], not: &[f64]) -> Chance {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut all = [followed, not].concat();
    Chance::of(mean(followed) - mean(not), SEED, |rng| {
        all.shuffle(rng);
        let (with, without) = all.split_at(followed.len());
        mean(with) - mean(without)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_that_follow_are_told_from_chance() {
        let lifted: Vec<f64> = (0..30).map(|i| 1.0 + f64::from(i) * 0.1).collect();
        let low: Vec<f64> = (0..30).map(|i| f64::from(i) * 0.01).collect();
        assert_eq!(relabelled(&lifted, &low).reached, 0);
        let share = relabelled(&low, &low).share();
        assert!((0.4..0.6).contains(&share), "{share}");
    }
}
