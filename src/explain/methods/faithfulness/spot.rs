//! A spot check: cells computed again by differences of the target.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::Picture;
use super::ridders::{APART, EVALUATIONS, noise_of, slope_of};
use crate::explain::attribution::go_on;
use crate::explain::chance::{below, seeded};
use crate::explain::methods::integrated::along;
use crate::explain::methods::{Method, Passage};
use crate::model::{ModelError, RowEngine, Tick};

/// Cells that are looked at.
pub const CELLS: usize = 10;
/// How far a difference may be from its cell, as a share of the column's largest value, beside what it is uncertain by itself.
pub const AGREES: f64 = 0.02;
/// A difference that is more uncertain than this tells nothing of its cell.
const VAGUE: f64 = 0.1;
/// Where on its way integrated gradients are looked at.
const MIDDLE: f64 = 0.5;
const SEED: u64 = 18;

/// A unit and a token of the response.
type Place = (usize, usize);

/// A cell by the method's own derivative.
struct Claim {
    value: f64,
    /// Its column's largest.
    largest: f64,
    /// The direction in which the cell is the target's slope, a row for each of the unit's tokens; none where it is no slope.
    direction: Option<Vec<f32>>,
}

/// A cell that was computed twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The unit.
    pub unit: usize,
    /// The token of the response.
    pub token: usize,
    /// What the method's derivative says: the picture's value, but of integrated gradients the part of it that the middle of the
    /// way adds, per length.
    pub value: f64,
    /// The same by a difference of the target.
    pub difference: f64,
    /// How far the two are apart, as a share of the column's largest value.
    pub apart: f64,
    /// How far off the difference may be itself, as a share of the same.
    pub uncertain: f64,
}

impl Cell {
    /// Whether both agree; none where the difference is too uncertain to tell.
    pub fn verdict(&self) -> Option<bool> {
        (self.uncertain <= VAGUE).then_some(self.apart <= AGREES + self.uncertain)
    }
}

/// Computes ten cells of `picture` again; fewer where it has fewer.
pub(super) async fn cells(
    passage: &mut Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    row: &[f32],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Cell>, ModelError> {
    let chosen = chosen(picture, &passage.asked());
    let claims = claims(passage, picture, row, &chosen, tick).await?;
    let noise =
        if picture.method == Method::Occlusion { Vec::new() } else { noise(passage, picture, row, tick).await? };
    let mut cells = Vec::with_capacity(chosen.len());
    for (done, (&(unit, token), Claim { value, largest, direction })) in chosen.iter().zip(claims).enumerate() {
        let tokens = &picture.groups[unit];
        let (difference, error) = match direction {
            Some(direction) => {
                let start = start(passage, picture.method, row);
                slope(passage, &start, tokens, &direction, (token, noise[token])).await?
            }
            None => {
                let own = passage.edited(|_, _| {});
                let without = passage.without(tokens, row);
                let (own, without) = (passage.values_afresh(&own).await?, passage.values_afresh(&without).await?);
                (own[token] - without[token], 0.0)
            }
        };
        let share = |of: f64| of.abs() / largest.max(f64::MIN_POSITIVE);
        let (apart, uncertain) = (share(value - difference), share(error));
        cells.push(Cell { unit, token, value, difference, apart, uncertain });
        go_on(tick(Tick { done: done + 1, total: chosen.len() }).await)?;
    }
    Ok(cells)
}

/// What came of it, as sentences.
pub(super) fn said(method: Method, cells: &[Cell]) -> String {
    if cells.is_empty() {
        return "There is no cell to compute again.".into();
    }
    let (clear, vague): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.verdict().is_some());
    let most = clear.iter().fold(0f64, |most, cell| most.max(cell.apart));
    let off = clear.iter().filter(|cell| cell.verdict() == Some(false)).count();
    let (what, count) = (if method == Method::Occlusion { "removals" } else { "finite differences" }, clear.len());
    let found = match (count, off) {
        (0, _) => String::new(),
        (1, 0) => format!(
            "One cell recomputed by {what} agrees within {:.1} % of its column's largest value.",
            (100.0 * most).max(0.1)
        ),
        (_, 0) => format!(
            "{count} cells recomputed by {what} agree within {:.1} % of their column's largest value.",
            (100.0 * most).max(0.1)
        ),
        _ => format!(
            "{off} of {count} cells recomputed by {what} {} off, by up to {:.1} % of the column's largest value: do not trust these numbers.",
            if off == 1 { "is" } else { "are" },
            100.0 * most
        ),
    };
    let untold = match vague.len() {
        0 => String::new(),
        1 => format!("One cell is too small for {what} to tell."),
        count => format!("{count} cells are too small for {what} to tell."),
    };
    [found, untold].into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Ten cells of these tokens by chance, each once, in the order of the units.
fn chosen(picture: Picture<'_>, tokens: &[usize]) -> Vec<Place> {
    let units: Vec<usize> = (0..picture.groups.len()).filter(|unit| picture.scored[*unit]).collect();
    let mut all: Vec<Place> = units.iter().flat_map(|unit| tokens.iter().map(move |m| (*unit, *m))).collect();
    let mut rng = seeded(SEED);
    while all.len() > CELLS {
        all.swap_remove(below(&mut rng, all.len()));
    }
    all.sort_unstable();
    all
}

/// The method's own values of the cells that were chosen.
async fn claims(
    passage: &Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    row: &[f32],
    chosen: &[Place],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Claim>, ModelError> {
    match picture.method {
        Method::Occlusion => Ok(chosen.iter().map(|place| shown(picture, *place, None)).collect()),
        Method::GradientInput => {
            let along = |place: &Place| shown(picture, *place, Some(own(passage, picture, *place)));
            Ok(chosen.iter().map(along).collect())
        }
        Method::GradientNorm => norms(passage, picture, chosen, tick).await,
        Method::IntegratedGradients => middle(passage, picture, row, chosen, tick).await,
    }
}

/// What the picture shows.
fn shown(picture: Picture<'_>, (unit, m): Place, direction: Option<Vec<f32>>) -> Claim {
    let largest = picture.importance.iter().fold(0f64, |most, row| most.max(f64::from(row[m]).abs()));
    Claim { value: f64::from(picture.importance[unit][m]), largest, direction }
}

/// A unit's own rows.
fn own(passage: &Passage<'_, impl RowEngine>, picture: Picture<'_>, (unit, _): Place) -> Vec<f32> {
    picture.groups[unit].iter().flat_map(|n| passage.row(*n)).copied().collect()
}

/// Norms: the slope along the gradient, which is brought to the length of the unit's rows, is the norm times that length. The norm
/// is that of rows as they enter the model, and so is the length it is multiplied by.
async fn norms(
    passage: &Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    chosen: &[Place],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Claim>, ModelError> {
    let mut gradients: Vec<Vec<f32>> = vec![Vec::new(); chosen.len()];
    let mut each = |m: usize, gradient: &[f32]| {
        let width = gradient.len() / passage.n_prompt();
        for ((unit, _), kept) in chosen.iter().zip(&mut gradients).filter(|((_, token), _)| *token == m) {
            let rows = picture.groups[*unit].iter().flat_map(|n| &gradient[n * width..(n + 1) * width]);
            *kept = rows.copied().collect();
        }
    };
    passage.own_gradients(&mut each, tick).await?;
    let claim = |(place, gradient): (&Place, Vec<f32>)| {
        let rows = norm(&own(passage, picture, *place));
        let length = rows / passage.inputs_scale();
        let Claim { value, largest, .. } = shown(picture, *place, None);
        let direction = Some(brought_to(rows, &gradient));
        Claim { value: value * length, largest: largest * length, direction }
    };
    Ok(chosen.iter().zip(gradients).map(claim).collect())
}

/// Integrated gradients at the middle of the way from `row`: the slope along it.
async fn middle(
    passage: &Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    row: &[f32],
    chosen: &[Place],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Claim>, ModelError> {
    let mut slopes = vec![vec![0f64; passage.n_prompt()]; passage.goals().len()];
    let mut each = |m: usize, gradient: &[f32]| {
        let rows = gradient.chunks_exact(row.len()).enumerate();
        rows.for_each(|(n, gradient)| slopes[m][n] = along(gradient, passage.row(n), row));
    };
    passage.gradients(&passage.between(row, MIDDLE), &passage.tokens(), &mut each, tick).await?;
    let of = |unit: usize, m: usize| picture.groups[unit].iter().map(|n| slopes[m][*n]).sum::<f64>();
    let claim = |&(unit, m): &Place| {
        let away =
            own(passage, picture, (unit, m)).iter().zip(row.iter().cycle()).map(|(own, base)| own - base).collect();
        let largest = (0..picture.groups.len()).fold(0f64, |most, unit| most.max(of(unit, m).abs()));
        Claim { value: of(unit, m), largest, direction: Some(away) }
    };
    Ok(chosen.iter().map(claim).collect())
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

/// A vector of this length in the direction of `vector`.
fn brought_to(length: f64, vector: &[f32]) -> Vec<f32> {
    let factor = length / norm(vector).max(f64::MIN_POSITIVE);
    vector.iter().map(|v| (f64::from(*v) * factor) as f32).collect()
}

/// Where the slopes are taken: the prompt's own rows, but for integrated gradients those at the middle of the way from `baseline`.
fn start(passage: &Passage<'_, impl RowEngine>, method: Method, baseline: &[f32]) -> Vec<f32> {
    if method == Method::IntegratedGradients { passage.between(baseline, MIDDLE) } else { passage.edited(|_, _| {}) }
}

/// The standard deviation of each target's rounding, from the targets where all of the prompt's rows are a little longer.
async fn noise(
    passage: &mut Passage<'_, impl RowEngine>,
    picture: Picture<'_>,
    baseline: &[f32],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<f64>, ModelError> {
    let start = start(passage, picture.method, baseline);
    let prompt = baseline.len() * passage.n_prompt();
    let mut values = vec![Vec::with_capacity(EVALUATIONS); passage.goals().len()];
    for done in 0..EVALUATIONS {
        let longer = 1.0 + done as f64 * APART;
        let mut rows = start.clone();
        rows[..prompt].iter_mut().for_each(|x| *x = (f64::from(*x) * longer) as f32);
        let targets = passage.values(&rows).await?;
        values.iter_mut().zip(targets).for_each(|(values, target)| values.push(target));
        go_on(tick(Tick { done, total: EVALUATIONS }).await)?;
    }
    Ok(values.iter().map(|values| noise_of(values)).collect())
}

/// The slope of the target of response token `m`, whose rounding has the standard deviation `noise`, where the rows of `tokens`
/// move from `start` along `direction`, and how far off it may be.
async fn slope(
    passage: &mut Passage<'_, impl RowEngine>,
    start: &[f32],
    tokens: &[usize],
    direction: &[f32],
    (m, noise): (usize, f64),
) -> Result<(f64, f64), ModelError> {
    let width = passage.row(0).len();
    slope_of(noise, async |step: f64| {
        let mut rows = start.to_vec();
        for (n, direction) in tokens.iter().zip(direction.chunks_exact(width)) {
            rows[n * width..(n + 1) * width].iter_mut().zip(direction).for_each(|(x, d)| *x += step as f32 * d);
        }
        Ok(passage.values(&rows).await?[m])
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cell_is_spoken_of_as_one() {
        let cell = |apart: f64, uncertain: f64| {
            let (unit, token, value, difference) = (0, 0, 1.0, 1.0);
            Cell { unit, token, value, difference, apart, uncertain }
        };
        let (right, wrong, vague) = (cell(0.02, 0.0), cell(0.4, 0.0), cell(0.0, 1.0));
        let said =
            |cells: &[&Cell]| said(Method::GradientInput, &cells.iter().map(|c| (*c).clone()).collect::<Vec<_>>());
        assert_eq!(
            said(&[&right, &vague]),
            "One cell recomputed by finite differences agrees within 2.0 % of its column's largest value. \
             One cell is too small for finite differences to tell."
        );
        assert_eq!(
            said(&[&right, &wrong]),
            "1 of 2 cells recomputed by finite differences is off, by up to 40.0 % of the column's largest value: do \
             not trust these numbers."
        );
        assert_eq!(said(&[&vague, &vague]), "2 cells are too small for finite differences to tell.");
    }
}
