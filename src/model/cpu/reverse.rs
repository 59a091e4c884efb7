//! Reverse mode: vector-Jacobian products for many response tokens at once, layer by layer from the top.
//!
//! One forward pass keeps each layer's input. Going back, a layer's inner activations are computed once and serve a
//! whole batch of cotangents, stacked as rows: cotangent m covers the positions before response token m.

use std::ops::ControlFlow;

use shiftlens_kernels::floats::dot;

use super::layer::{Batch, Kept, Layer, Pass};
use super::weights::CpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::Goal;
use crate::model::row_plan::{RowPlan, batches};
use crate::model::{Length, ModelError, Tick};

/// Positions whose logits are found at once. A run can stop between two such groups.
pub(super) const HEAD_ROWS: usize = 8;

/// f32 values of a batch's cotangents in the residual stream, at most. Each layer is computed again for every batch.
const BATCH_VALUES: usize = 8 << 20;
/// f32 values that the largest matrix of a part of a batch may hold. Parts go through a layer one after another, and a run can stop
/// between two of them.
const PART_VALUES: usize = 1 << 20;

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

/// A prompt and its response as embedding rows, and what is differentiated at each token of the response.
#[derive(Clone, Copy)]
pub(super) struct Passage<'a> {
    /// `[prompt + response - 1, width]`: the last token is only predicted, never read.
    pub rows: &'a [f32],
    /// Tokens of the prompt.
    pub n_prompt: usize,
    /// What is differentiated, and at which token of the response, counted from 0; in their order, not necessarily all.
    pub goals: &'a [(usize, Goal)],
}

/// See [`crate::model::Engine::reverse`].
pub(super) async fn importance(
    model: &CpuModel,
    tokens: &[u32],
    n_prompt: usize,
    goals: &[Goal],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let (count, context, width) = (tokens.len(), model.config.context, model.config.width);
    if count > context {
        return Err(ModelError::TooLong(Length::of(count, context)));
    }
    if n_prompt == 0 || count <= n_prompt {
        return Ok(Vec::new());
    }
    let rows = model.embed(&tokens[..count - 1])?;
    let mut columns = Vec::with_capacity(goals.len());
    let mut product = |_: usize, gradient: &[f32]| {
        let pairs = gradient.chunks_exact(width).zip(rows.chunks_exact(width));
        columns.push(pairs.map(|(gradient, row)| dot(gradient, row)).collect());
    };
    let goals: Vec<(usize, Goal)> = goals.iter().copied().enumerate().collect();
    gradients(model, Passage { rows: &rows, n_prompt, goals: &goals }, &mut product, tick).await?;
    Ok(columns)
}

/// The gradient of each goal at the prompt's embedding rows: `each` gets the place of the response's token and `[n_prompt, width]`,
/// in the order of the goals.
pub(super) async fn gradients(
    model: &CpuModel,
    passage: Passage<'_>,
    each: &mut impl FnMut(usize, &[f32]),
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let (config, n_prompt) = (&model.config, passage.n_prompt);
    let lengths: Vec<usize> = passage.goals.iter().map(|(m, _)| n_prompt + m).collect();
    let Some(&read) = lengths.last() else { return Ok(()) };
    let plan = RowPlan::new(0, read, &[]);
    let batches = split(&lengths, config);
    let parts = || batches.iter().flatten();
    let heads: usize = parts().map(|lengths| lengths.len().div_ceil(HEAD_ROWS)).sum();
    let mut progress = Progress { done: 0, total: config.layers * (1 + parts().count()) + heads, tick };

    let positions = plan.positions();
    let pass = Pass { config, plan: &plan, positions: &positions };
    let mut inputs = Vec::with_capacity(config.layers);
    let mut top = passage.rows[..read * config.width].to_vec();
    for layer in &model.layers {
        inputs.push(top.clone());
        top = layer.forward(&pass, top, &mut layer.cache(&model.config, 0), None)?;
        progress.step().await?;
    }

    for parts in batches {
        let parts: Vec<Batch> = parts.into_iter().map(Batch::new).collect();
        let mut cotangents = Vec::with_capacity(parts.len());
        for part in &parts {
            cotangents.push(head_cotangents(model, &top, &plan, &passage, &part.lengths, &mut progress).await?);
        }
        for (i, (layer, x)) in model.layers.iter().zip(&inputs).enumerate().rev() {
            let (_, kept) = keep(model, layer, x.clone(), &plan)?;
            for (part, c) in parts.iter().zip(&mut cotangents) {
                *c = layer.vjp(config, &kept, part, std::mem::take(c), i + 1 == config.layers)?;
                progress.step().await?;
            }
        }
        for (part, c) in parts.iter().zip(&cotangents) {
            let mut start = 0;
            for &n in &part.lengths {
                each(n - n_prompt, &c[start * config.width..(start + n_prompt) * config.width]);
                start += n;
            }
        }
    }
    Ok(())
}

/// How far a reverse pass is, and who hears of it.
struct Progress<'a, T> {
    done: usize,
    total: usize,
    tick: &'a mut T,
}

impl<T: AsyncFnMut(Tick) -> ControlFlow<()>> Progress<'_, T> {
    /// One step more. Fails where the run is to stop.
    async fn step(&mut self) -> Result<(), ModelError> {
        self.done += 1;
        match (self.tick)(Tick { done: self.done, total: self.total }).await {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ModelError::Cancelled),
        }
    }
}

/// Consecutive cotangents in batches, and each batch in parts: how many rows each cotangent has.
pub(super) fn split(lengths: &[usize], config: &ModelConfig) -> Vec<Vec<Vec<usize>>> {
    let held = batches(lengths.iter().copied(), BATCH_VALUES / config.width);
    held.into_iter().map(|lengths| batches(lengths, PART_VALUES / config.ffn_width.max(config.width))).collect()
}

/// The goals' cotangents at the top of the residual stream, `[lengths, width]`: those of the predicting positions, as
/// all others are zero.
async fn head_cotangents<T: AsyncFnMut(Tick) -> ControlFlow<()>>(
    model: &CpuModel,
    top: &[f32],
    plan: &RowPlan,
    passage: &Passage<'_>,
    lengths: &[usize],
    progress: &mut Progress<'_, T>,
) -> Result<Vec<f32>, ModelError> {
    let width = model.config.width;
    let hidden = model.norm.forward(top, plan);
    let mut c = vec![0.0; lengths.len() * width];
    for (lengths, c) in lengths.chunks(HEAD_ROWS).zip(c.chunks_mut(HEAD_ROWS * width)) {
        let rows: Vec<f32> = lengths.iter().flat_map(|n| &hidden[(n - 1) * width..n * width]).copied().collect();
        let logits = model.logits(&rows)?;
        let vocab = logits.len() / lengths.len();
        for ((&n, c), logits) in lengths.iter().zip(c.chunks_exact_mut(width)).zip(logits.chunks_exact(vocab)) {
            let at = passage.goals.partition_point(|(m, _)| passage.n_prompt + m < n);
            let gradient = super::engine::head_gradient(model, logits, passage.goals[at].1)?;
            model.norm.vjp_into(top, &[n - 1], &gradient, c);
        }
        progress.step().await?;
    }
    Ok(c)
}
