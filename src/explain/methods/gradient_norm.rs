//! The L2 norm of the gradient: how far a small change of a unit's embedding can move the target, in whatever direction. It
//! depends on the embedding's scale, which is that of transformers' `inputs_embeds`.

use std::ops::ControlFlow;

use super::passage::Passage;
use crate::model::{ModelError, RowEngine, Tick};

/// The norm of the gradient at every unit, `[groups][response]`: of several tokens the root of the sum of their squares.
pub async fn gradient_norm(
    passage: &Passage<'_, impl RowEngine>,
    groups: &[Vec<usize>],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let scale = passage.inputs_scale();
    let mut importance = vec![vec![0.0; passage.goals().len()]; groups.len()];
    let mut each = |m: usize, gradient: &[f32]| {
        let width = gradient.len() / passage.n_prompt();
        let square =
            |n: &usize| gradient[n * width..(n + 1) * width].iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        let squares: Vec<f64> = (0..passage.n_prompt()).map(|n| square(&n)).collect();
        for (row, group) in importance.iter_mut().zip(groups) {
            row[m] = (scale * group.iter().map(|n| squares[*n]).sum::<f64>().sqrt()) as f32;
        }
    };
    passage.own_gradients(&mut each, tick).await?;
    Ok(importance)
}
