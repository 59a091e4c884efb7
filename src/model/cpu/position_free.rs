//! What a layer's heads make of vectors that stand at no position: the steps up to attention, without the rotation.

use candle_core::Tensor;

use super::linear::Linear;
use super::norm::RmsNorm;
use super::rows;
use crate::checkpoint::{Checkpoint, Part};
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;
use crate::model::steps::{Place, Step, steps};

/// Queries `[rows, heads * head_width]` and keys `[rows, kv_heads * head_width]` of layer `layer` for rows `x` of what its
/// first norm reads, `[rows, width]`. The norm's own scale is left to the caller: `x` is multiplied by its gain alone.
pub(crate) fn queries_and_keys(
    checkpoint: &Checkpoint,
    layer: usize,
    x: &Tensor,
) -> Result<(Tensor, Tensor), ModelError> {
    let config = &checkpoint.config;
    let plan = RowPlan::new(0, x.dim(0)?, &[]);
    let norm = |gain: Part| -> Result<RmsNorm, ModelError> {
        Ok(RmsNorm { gain: checkpoint.gain(&gain.tensor(layer))?, eps: config.norm_eps })
    };
    let linear = |weight: Part| -> Result<Linear, ModelError> {
        let bias = format!("blk.{layer}.{}.bias", weight.name());
        let bias = if checkpoint.has(&bias) { Some(checkpoint.floats(&bias)?.to_vec1()?) } else { None };
        Linear::new(checkpoint.tensor(&weight.tensor(layer))?, bias)
    };
    let mut input = x.flatten_all()?.to_vec1::<f32>()?;
    let (mut queries, mut keys) = (Vec::new(), Vec::new());
    for step in steps(&config.specs[layer]) {
        match step {
            Step::Norm { to: Place::Input, gain, .. } => {
                let gain = norm(gain)?.gain;
                input.chunks_exact_mut(gain.len()).for_each(|x| x.iter_mut().zip(&gain).for_each(|(x, g)| *x *= g));
            }
            Step::Linear { to: Place::Queries, weight, .. } => queries = linear(weight)?.apply(&input, plan.primal)?,
            Step::Linear { to: Place::Keys, weight, .. } => keys = linear(weight)?.apply(&input, plan.primal)?,
            Step::Norm { to: Place::Queries, gain, .. } | Step::NormHeads { of: Place::Queries, gain } => {
                queries = norm(gain)?.forward(&queries, &plan);
            }
            Step::Norm { to: Place::Keys, gain, .. } | Step::NormHeads { of: Place::Keys, gain } => {
                keys = norm(gain)?.forward(&keys, &plan);
            }
            Step::Attend(_) => break,
            _ => {}
        }
    }
    Ok((rows::from_vec(queries, config.query_width())?, rows::from_vec(keys, config.kv_width())?))
}
