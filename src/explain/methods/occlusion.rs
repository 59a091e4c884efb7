//! Occlusion: what the target loses when a unit is replaced. Gradient x input is its first-order estimate.

use std::ops::ControlFlow;

use super::passage::Passage;
use crate::explain::attribution::go_on;
use crate::model::{ModelError, RowEngine, Tick};

/// t(prompt) - t(prompt with the row `baseline`, `[width]`, in place of a unit's), `[groups][response]`.
///
/// Units are taken from the last to the first: what stands before a unit is in the cache, as no unit before it has been replaced.
pub async fn occlusion(
    passage: &mut Passage<'_, impl RowEngine>,
    groups: &[Vec<usize>],
    baseline: &[f32],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let own = passage.own_values().await?;
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|unit| std::cmp::Reverse(groups[*unit].first().copied()));
    let mut importance = vec![Vec::new(); groups.len()];
    for (done, unit) in order.into_iter().enumerate() {
        let values = passage.values(&passage.without(&groups[unit], baseline)).await?;
        importance[unit] = own.iter().zip(values).map(|(own, without)| (own - without) as f32).collect();
        go_on(tick(Tick { done: done + 1, total: groups.len() }).await)?;
    }
    Ok(importance)
}
