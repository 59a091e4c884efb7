//! Integrated gradients (Sundararajan, Taly and Yan, 2017): the gradient on the straight way from a baseline to the prompt, times
//! what lies between the two. What a column sums to is known beforehand, so that its error can be told.

use std::ops::ControlFlow;

use super::passage::Passage;
use super::quadrature::gauss_legendre;
use crate::model::{ModelError, Tick};

/// Nodes that are tried first where their number is left open.
const FEWEST: usize = 16;
/// Most nodes that are tried then.
pub const MOST: usize = 256;
/// The completeness gap to be reached, and how far the last doubling may have moved a cell, as a share of its column's largest.
pub const GAP: f64 = 0.01;
const MOVED: f64 = 2e-3;

/// What integrated gradients give.
#[derive(Debug, Clone, PartialEq)]
pub struct Integrated {
    /// `[groups][response]`.
    pub importance: Vec<Vec<f32>>,
    /// How far each column's sum over all prompt tokens is from t(prompt) - t(baseline), as a share of this difference, or of the
    /// column's largest cell where that is larger: `[response]`.
    pub gaps: Vec<f32>,
    /// Nodes of the sum.
    pub steps: usize,
}

/// Integrated gradients of every unit from the row `baseline`, `[width]`, in place of every prompt token; the response stays. With
/// so many nodes, or with as many as it takes until the gaps are below [`GAP`] and the cells stand still, at most [`MOST`].
pub async fn integrated(
    passage: &mut Passage<'_>,
    groups: &[Vec<usize>],
    baseline: &[f32],
    steps: Option<usize>,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Integrated, ModelError> {
    let start = passage.between(baseline, 0.0);
    let (own, without) = (passage.own_values()?, passage.values(&start)?);
    let difference: Vec<f64> = own.iter().zip(&without).map(|(a, b)| a - b).collect();
    let mut before: Option<Vec<Vec<f64>>> = None;
    let mut nodes = steps.unwrap_or(FEWEST).max(1);
    loop {
        let cells = sum(passage, baseline, nodes, tick).await?;
        let gaps: Vec<f64> =
            cells.iter().zip(&difference).map(|(column, difference)| gap(column, *difference)).collect();
        let stands = before.as_ref().is_some_and(|before| moved(before, &cells) <= MOVED);
        let enough = stands && gaps.iter().all(|gap| *gap < GAP);
        if steps.is_some() || enough || nodes >= MOST {
            let of =
                |group: &Vec<usize>| cells.iter().map(|c| group.iter().map(|n| c[*n]).sum::<f64>() as f32).collect();
            let gaps = gaps.iter().map(|gap| *gap as f32).collect();
            return Ok(Integrated { importance: groups.iter().map(of).collect(), gaps, steps: nodes });
        }
        before = Some(cells);
        nodes *= 2;
    }
}

/// The sum with so many nodes, `[response][prompt]`.
async fn sum(
    passage: &Passage<'_>,
    baseline: &[f32],
    nodes: usize,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let n_prompt = passage.n_prompt();
    let mut cells = vec![vec![0f64; n_prompt]; passage.goals().len()];
    for (node, (share, weight)) in gauss_legendre(nodes).into_iter().enumerate() {
        let mut each = |m: usize, gradient: &[f32]| {
            let rows = gradient.chunks_exact(baseline.len()).enumerate();
            rows.for_each(|(n, gradient)| cells[m][n] += weight * along(gradient, passage.row(n), baseline));
        };
        let mut of_all = async |t: Tick| tick(Tick { done: node * t.total + t.done, total: nodes * t.total }).await;
        passage.gradients(&passage.between(baseline, share), &mut each, &mut of_all).await?;
    }
    Ok(cells)
}

/// gradient . (own - baseline)
pub fn along(gradient: &[f32], own: &[f32], baseline: &[f32]) -> f64 {
    let terms = gradient.iter().zip(own).zip(baseline);
    terms.map(|((g, own), base)| f64::from(*g) * (f64::from(*own) - f64::from(*base))).sum()
}

fn largest(column: &[f64]) -> f64 {
    column.iter().fold(0.0, |most, cell| most.max(cell.abs()))
}

fn gap(column: &[f64], difference: f64) -> f64 {
    let scale = difference.abs().max(largest(column));
    let apart = (column.iter().sum::<f64>() - difference).abs();
    if scale > 0.0 { apart / scale } else { apart }
}

/// How far the cell that moved most did, as a share of its column's largest.
fn moved(before: &[Vec<f64>], now: &[Vec<f64>]) -> f64 {
    let of = |(before, now): (&Vec<f64>, &Vec<f64>)| {
        let most = before.iter().zip(now).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        if most > 0.0 { most / largest(now).max(f64::MIN_POSITIVE) } else { 0.0 }
    };
    before.iter().zip(now).map(of).fold(0.0, f64::max)
}
