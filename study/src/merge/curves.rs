//! What changes over the chain of checkpoints, as numbers.

use shiftlens::explain::weights::compare::Kept;
use shiftlens::explain::weights::matching::Turn;
use shiftlens::share::study::{Curve, Line, Point};

use super::units::Units;
use super::weights::{Found, Weights};
use crate::row::Row;

/// All curves of which there is anything.
pub fn all(units: &Units, weights: &Weights) -> Vec<Curve> {
    let score = by_set(units, |row| row.score);
    let kl = by_set(units, |row| row.kl);
    let turn = |of: fn(&Turn) -> f64| move |found: &Found| found.concepts.as_ref().ok()?.controls.turn.as_ref().map(of);
    let kept = |of: fn(&Kept) -> f64| move |found: &Found| found.kept.as_ref().map(of);
    let turned = [
        by_pair(weights, "between the two checkpoints", turn(|turn| turn.mean)),
        by_pair(weights, "by chance", turn(|turn| turn.by_chance)),
    ];
    let pairs = [
        by_pair(weights, "of the same head", kept(|kept| kept.own)),
        by_pair(weights, "of other heads", kept(|kept| kept.others)),
    ];
    let curves = [
        Curve::of("score", "Instruction score", "mean instruction score", score),
        Curve::of("kl", "KL divergence from the checkpoint before", "mean KL, nats a token", kl),
        Curve::of(
            "turn",
            "How far components have turned from the checkpoint before",
            "mean angle, degrees",
            turned.into_iter().flatten(),
        ),
        Curve::of(
            "kept",
            "Pairs of words that heads keep from the checkpoint before",
            "share of pairs",
            pairs.into_iter().flatten(),
        ),
    ];
    curves.into_iter().flatten().collect()
}

/// The mean of what each prompt of a set gives, a line for each set.
fn by_set(units: &Units, value: fn(&Row) -> Option<f64>) -> Vec<Line> {
    let point = |set: usize, checkpoint: usize| {
        let values: Vec<f64> = units.results(set, checkpoint).filter_map(value).collect();
        Point::of(&values)
    };
    let checkpoints = units.study.checkpoints.len();
    let line = |set: usize| {
        Line::of(&units.study.sets[set].name, (0..checkpoints).map(|checkpoint| point(set, checkpoint)).collect())
    };
    (0..units.study.sets.len()).filter_map(line).collect()
}

/// What each checkpoint's weights give beside those of the one before it.
fn by_pair(weights: &Weights, name: &str, value: impl Fn(&Found) -> Option<f64>) -> Option<Line> {
    let point = |found: &Result<Found, String>| Point::single(value(found.as_ref().ok()?)?);
    let points = weights.pairs.iter().map(|pair| point(&pair.found));
    Line::of(name, std::iter::once(None).chain(points).collect())
}
