//! Integrated gradients (Sundararajan, Taly and Yan, 2017): the gradient on the straight way from a baseline to the prompt, times
//! what lies between the two. What a column sums to is known beforehand, so that its error can be told.

use std::ops::ControlFlow;

use super::passage::Passage;
use super::quadrature::gauss_legendre;
use crate::model::{ModelError, RowEngine, Tick};

/// Nodes that are tried first where their number is left open.
const FEWEST: usize = 16;
/// Most nodes that are tried then.
const MOST: usize = 256;
/// The completeness gap to be reached, and how far the last doubling may have moved a cell, as a share of its column's largest.
pub const GAP: f64 = 0.01;
const MOVED: f64 = 5e-3;

/// What integrated gradients give.
#[derive(Debug, Clone, PartialEq)]
pub struct Integrated {
    /// `[groups][response]`.
    pub importance: Vec<Vec<f32>>,
    /// How far each column's sum over all prompt tokens is from t(prompt) - t(baseline), as a share of this difference, or of the
    /// column's largest cell where that is larger: `[response]`.
    pub gaps: Vec<f32>,
    /// Nodes of the sum, in the column that took most.
    pub steps: usize,
}

/// Integrated gradients of every unit from the row `baseline`, `[width]`, in place of every prompt token; the response stays. With
/// so many nodes, or in each column with as many as it takes until its gap is below [`GAP`] and its cells stand still, at most
/// [`MOST`].
pub async fn integrated(
    passage: &mut Passage<'_, impl RowEngine>,
    groups: &[Vec<usize>],
    baseline: &[f32],
    steps: Option<usize>,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Integrated, ModelError> {
    let start = passage.between(baseline, 0.0);
    let (own, without) = (passage.own_values().await?, passage.values(&start).await?);
    let mut open = passage.tokens();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); open.len()];
    let mut gaps = vec![0f64; open.len()];
    let mut nodes = steps.unwrap_or(FEWEST).max(1);
    loop {
        let mut unsettled = Vec::new();
        let found = sum(passage, baseline, nodes, &open, tick).await?;
        for (m, column) in open.into_iter().zip(found) {
            gaps[m] = gap(&column, own[m] - without[m]);
            if gaps[m] >= GAP || moved(&columns[m], &column) > MOVED {
                unsettled.push(m);
            }
            columns[m] = column;
        }
        if steps.is_some() || unsettled.is_empty() || nodes >= MOST {
            let of = |group: &Vec<usize>| {
                columns.iter().map(|column| group.iter().map(|n| column[*n]).sum::<f64>() as f32).collect()
            };
            let gaps = gaps.iter().map(|gap| *gap as f32).collect();
            return Ok(Integrated { importance: groups.iter().map(of).collect(), gaps, steps: nodes });
        }
        open = unsettled;
        nodes *= 2;
    }
}

/// The sum with so many nodes for these tokens of the response, `[tokens][prompt]`.
async fn sum(
    passage: &Passage<'_, impl RowEngine>,
    baseline: &[f32],
    nodes: usize,
    tokens: &[usize],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let mut columns = vec![vec![0f64; passage.n_prompt()]; tokens.len()];
    for (node, (share, weight)) in gauss_legendre(nodes).into_iter().enumerate() {
        let mut each = |m: usize, gradient: &[f32]| {
            let column = &mut columns[tokens.partition_point(|token| *token < m)];
            let rows = gradient.chunks_exact(baseline.len()).enumerate();
            rows.for_each(|(n, gradient)| column[n] += weight * along(gradient, passage.row(n), baseline));
        };
        let mut of_all = async |t: Tick| tick(Tick { done: node * t.total + t.done, total: nodes * t.total }).await;
        passage.gradients(&passage.between(baseline, share), tokens, &mut each, &mut of_all).await?;
    }
    Ok(columns)
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

/// How far the cell that moved most did, as a share of the column's largest; without bound where there was no column before.
fn moved(before: &[f64], now: &[f64]) -> f64 {
    if before.is_empty() {
        return f64::INFINITY;
    }
    let most = before.iter().zip(now).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
    if most > 0.0 { most / largest(now).max(f64::MIN_POSITIVE) } else { 0.0 }
}
