//! Reverse mode: vector-Jacobian products for many response tokens at once, layer by layer from the top.
//!
//! One forward pass keeps each layer's input. Going back, a layer's inner activations are computed once and serve a
//! whole batch of cotangents, stacked as rows: cotangent m covers the positions before response token m.

use std::ops::ControlFlow;

use shiftlens_kernels::floats::dot;

use super::layer::{Batch, Kept, Layer, Pass};
use super::weights::CpuModel;
use crate::model::head::Target;
use crate::model::row_plan::RowPlan;
use crate::model::{Length, ModelError, Tick};

/// Positions whose logits are found at once.
pub(super) const HEAD_ROWS: usize = 8;

/// f32 values that the largest matrix of a batch of cotangents may hold.
const BATCH_VALUES: usize = 4 << 20;

/// Layer `layer`'s output for the whole sequence `x`, with what its vjp needs.
pub(super) fn keep(
    model: &CpuModel,
    layer: &Layer,
    x: Vec<f32>,
    plan: &RowPlan,
) -> Result<(Vec<f32>, Kept), ModelError> {
    let positions = plan.positions();
    let pass = Pass { config: &model.config, plan, positions: &positions };
    let mut kept = Kept::default();
    let y = layer.forward(&pass, x, &mut layer.cache(&model.config, 0), Some(&mut kept))?;
    Ok((y, kept))
}

/// See [`crate::model::Engine::reverse`].
pub(super) async fn importance(
    model: &CpuModel,
    tokens: &[u32],
    n_prompt: usize,
    target: Target,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let (config, count) = (&model.config, tokens.len());
    if count > config.context {
        return Err(ModelError::TooLong(Length::of(count, config.context)));
    }
    if n_prompt == 0 || count <= n_prompt {
        return Ok(Vec::new());
    }
    // The last response token is only predicted, never read.
    let read = &tokens[..count - 1];
    let plan = RowPlan::new(0, read.len(), &[]);
    let embedded = model.embed(read)?;
    let lengths: Vec<usize> = (n_prompt..count).collect();
    let batches = split(&lengths, config.ffn_width.max(config.width));
    let total = config.layers * (1 + batches.len());
    let mut done = 0;

    let positions = plan.positions();
    let pass = Pass { config, plan: &plan, positions: &positions };
    let mut inputs = Vec::with_capacity(config.layers);
    let mut top = embedded.clone();
    for layer in &model.layers {
        inputs.push(top.clone());
        top = layer.forward(&pass, top, &mut layer.cache(&model.config, 0), None)?;
        report(&mut done, total, tick).await?;
    }

    let mut columns = Vec::with_capacity(lengths.len());
    for lengths in batches {
        let batch = Batch::new(lengths);
        let mut c = head_cotangents(model, &top, &plan, tokens, &batch.lengths, target)?;
        for (i, (layer, x)) in model.layers.iter().zip(&inputs).enumerate().rev() {
            let (_, kept) = keep(model, layer, x.clone(), &plan)?;
            c = layer.vjp(config, &kept, &batch, c, i + 1 == config.layers)?;
            report(&mut done, total, tick).await?;
        }
        let width = config.width;
        let mut start = 0;
        for &n in &batch.lengths {
            let column =
                (0..n_prompt).map(|p| dot(&c[(start + p) * width..][..width], &embedded[p * width..][..width]));
            columns.push(column.collect());
            start += n;
        }
    }
    Ok(columns)
}

async fn report(
    done: &mut usize,
    total: usize,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    *done += 1;
    match tick(Tick { done: *done, total }).await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ModelError::Cancelled),
    }
}

/// Consecutive cotangents whose rows fit a batch; at least one in each.
pub(super) fn split(lengths: &[usize], widest: usize) -> Vec<Vec<usize>> {
    let limit = BATCH_VALUES / widest;
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut rows = 0;
    for &n in lengths {
        match batches.last_mut() {
            Some(batch) if rows + n <= limit => {
                batch.push(n);
                rows += n;
            }
            _ => {
                batches.push(vec![n]);
                rows = n;
            }
        }
    }
    batches
}

/// The target's cotangents at the top of the residual stream, `[lengths, width]`: those of the predicting positions, as
/// all others are zero.
fn head_cotangents(
    model: &CpuModel,
    top: &[f32],
    plan: &RowPlan,
    tokens: &[u32],
    lengths: &[usize],
    target: Target,
) -> Result<Vec<f32>, ModelError> {
    let width = model.config.width;
    let hidden = model.norm.forward(top, plan);
    let mut c = vec![0.0; lengths.len() * width];
    for (lengths, c) in lengths.chunks(HEAD_ROWS).zip(c.chunks_mut(HEAD_ROWS * width)) {
        let rows: Vec<f32> = lengths.iter().flat_map(|n| &hidden[(n - 1) * width..n * width]).copied().collect();
        let logits = model.logits(&rows)?;
        let vocab = logits.len() / lengths.len();
        for ((&n, c), logits) in lengths.iter().zip(c.chunks_exact_mut(width)).zip(logits.chunks_exact(vocab)) {
            let gradient = super::engine::head_gradient(model, logits, tokens[n], target)?;
            model.norm.vjp_into(top, &[n - 1], &gradient, c);
        }
    }
    Ok(c)
}
