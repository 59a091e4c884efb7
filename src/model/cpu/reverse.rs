//! Reverse mode: vector-Jacobian products for many response tokens at once, layer by layer from the top.
//!
//! One forward pass keeps each layer's input. Going back, a layer's inner activations are computed once and serve a
//! whole batch of cotangents, stacked as rows: cotangent m covers the positions before response token m.

use std::ops::ControlFlow;

use candle_core::Tensor;

use super::attention::{self, LayerCache};
use super::kernels::dot;
use super::rows;
use super::weights::{CpuModel, Layer};
use super::{mlp, rope};
use crate::model::head::Target;
use crate::model::row_plan::RowPlan;
use crate::model::{Length, ModelError, Tick};

/// f32 values that the largest matrix of a batch of cotangents may hold.
const BATCH_VALUES: usize = 4 << 20;

/// What a layer's vjp needs of its forward pass, for all positions.
pub(super) struct Stash {
    x: Tensor,
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    v: Tensor,
    /// The residual stream between attention and feed-forward.
    pub middle: Tensor,
    gate: Tensor,
    up: Tensor,
}

impl Stash {
    /// What the feed-forward block adds.
    pub fn written(&self, layer: &Layer, plan: &RowPlan) -> Result<Tensor, ModelError> {
        let a = mlp::forward(&self.gate, &self.up, plan)?;
        layer.down.forward(&a, plan.primal)
    }

    /// The layer's output.
    fn output(&self, layer: &Layer, plan: &RowPlan) -> Result<Tensor, ModelError> {
        Ok((&self.middle + self.written(layer, plan)?)?)
    }
}

/// A layer's inner activations from its input `x`.
pub(super) fn stash(model: &CpuModel, layer: &Layer, x: &Tensor, plan: &RowPlan) -> Result<Stash, ModelError> {
    let config = &model.config;
    let positions = plan.positions();
    let h = layer.attn_norm.forward(x, plan)?;
    let mut q: Vec<f32> = layer.q.forward(&h, plan.primal)?.flatten_all()?.to_vec1()?;
    let mut k: Vec<f32> = layer.k.forward(&h, plan.primal)?.flatten_all()?.to_vec1()?;
    let v = layer.v.forward(&h, plan.primal)?;
    rope::rotate(config, &mut q, config.heads, &positions, false);
    rope::rotate(config, &mut k, config.kv_heads, &positions, false);
    let mut cache = LayerCache::default();
    rows::with(&v, |v| cache.append(plan, &k, v, config.kv_heads * config.head_width))?;
    let attended = attention::forward(config, &q, plan, &[], &cache);
    let attended = rows::from_vec(attended, config.heads * config.head_width)?;
    let middle = (x + layer.o.forward(&attended, plan.primal)?)?;
    let h = layer.ffn_norm.forward(&middle, plan)?;
    let (gate, up) = (layer.gate.forward(&h, plan.primal)?, layer.up.forward(&h, plan.primal)?);
    Ok(Stash { x: x.clone(), q, k, v, middle, gate, up })
}

/// Cotangents of a batch, stacked: number i covers positions `0..lengths[i]`.
struct Batch {
    lengths: Vec<usize>,
    /// The position of every stacked row.
    positions: Vec<usize>,
}

impl Batch {
    fn new(lengths: Vec<usize>) -> Self {
        let positions = lengths.iter().flat_map(|&n| 0..n).collect();
        Self { lengths, positions }
    }

    /// The last position of each cotangent: the one that predicts its token.
    fn predicting(&self) -> Vec<usize> {
        self.lengths.iter().map(|n| n - 1).collect()
    }

    /// Stacks rows that belong to the predicting positions, with zeros everywhere else.
    fn stack(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut stacked = vec![0.0; self.positions.len() * width];
        let mut end = 0;
        for (&n, row) in self.lengths.iter().zip(rows.chunks_exact(width)) {
            end += n;
            stacked[(end - 1) * width..end * width].copy_from_slice(row);
        }
        stacked
    }
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

    let mut inputs = vec![rows::from_vec(embedded.clone(), config.width)?];
    for layer in &model.layers {
        inputs.push(stash(model, layer, &inputs[inputs.len() - 1], &plan)?.output(layer, &plan)?);
        report(&mut done, total, tick).await?;
    }
    let top = inputs.pop().ok_or_else(|| ModelError::Tensor("the model has no layer".into()))?;

    let mut columns = Vec::with_capacity(lengths.len());
    for lengths in batches {
        let batch = Batch::new(lengths);
        let mut c = head_cotangents(model, &top, &plan, tokens, &batch.lengths, target)?;
        for (i, (layer, x)) in model.layers.iter().zip(&inputs).enumerate().rev() {
            let s = stash(model, layer, x, &plan)?;
            let (middle, attended) = if i + 1 == config.layers {
                // Above the last attention only the predicting positions count.
                let (middle, attended) = feed_forward_vjp(layer, &s, &batch.predicting(), c)?;
                let attended_width = config.heads * config.head_width;
                (batch.stack(&middle, config.width), batch.stack(&attended, attended_width))
            } else {
                feed_forward_vjp(layer, &s, &batch.positions, c)?
            };
            c = attention_vjp(model, layer, &s, &batch, middle, &attended)?;
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
fn split(lengths: &[usize], widest: usize) -> Vec<Vec<usize>> {
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
    top: &Tensor,
    plan: &RowPlan,
    tokens: &[u32],
    lengths: &[usize],
    target: Target,
) -> Result<Vec<f32>, ModelError> {
    let width = model.config.width;
    let hidden = model.norm.forward(top, plan)?;
    let mut c = vec![0.0; lengths.len() * width];
    for (&n, c) in lengths.iter().zip(c.chunks_exact_mut(width)) {
        let logits: Vec<f32> = model.head().forward(&hidden.narrow(0, n - 1, 1)?, 1)?.flatten_all()?.to_vec1()?;
        if logits.iter().any(|l| !l.is_finite()) {
            return Err(ModelError::NotANumber);
        }
        let gradient = super::engine::head_gradient(model, &logits, tokens[n], target)?;
        rows::with(top, |top| model.norm.vjp_into(top, &[n - 1], &gradient, c))?;
    }
    Ok(c)
}

/// The vjp of a layer's upper half for cotangents `[rows, width]` at the positions `of`: the cotangents of the residual
/// stream before it, and of what attention's heads put out.
fn feed_forward_vjp(layer: &Layer, s: &Stash, of: &[usize], c: Vec<f32>) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
    let width = s.x.dim(1)?;
    let c = rows::from_vec(c, width)?;
    let (dg, du) = mlp::vjp(&s.gate, &s.up, of, &layer.down.transposed(&c)?)?;
    let dh = (layer.gate.transposed(&dg)? + layer.up.transposed(&du)?)?;
    drop((dg, du));
    let mut c: Vec<f32> = c.flatten_all()?.to_vec1()?;
    rows::with2(&s.middle, &dh, |x, dh| layer.ffn_norm.vjp_into(x, of, dh, &mut c))?;
    let c = rows::from_vec(c, width)?;
    let attended = layer.o.transposed(&c)?;
    Ok((c.flatten_all()?.to_vec1()?, attended.flatten_all()?.to_vec1()?))
}

/// The vjp of a layer's attention for stacked cotangents: of the residual stream after it (`c`, `[rows, width]`) and of
/// what the heads put out (`[rows, heads * head_width]`).
fn attention_vjp(
    model: &CpuModel,
    layer: &Layer,
    s: &Stash,
    batch: &Batch,
    mut c: Vec<f32>,
    attended: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let (config, of) = (&model.config, &batch.positions);
    let mut d = rows::with(&s.v, |v| attention::vjp(config, &s.q, &s.k, v, &batch.lengths, attended))?;
    rope::rotate(config, &mut d.queries, config.heads, of, true);
    rope::rotate(config, &mut d.keys, config.kv_heads, of, true);
    let kv_width = config.kv_heads * config.head_width;
    let dh = layer.q.transposed(&rows::from_vec(d.queries, config.heads * config.head_width)?)?;
    let dh = (dh + layer.k.transposed(&rows::from_vec(d.keys, kv_width)?)?)?;
    let dh = (dh + layer.v.transposed(&rows::from_vec(d.values, kv_width)?)?)?;
    rows::with2(&s.x, &dh, |x, dh| layer.attn_norm.vjp_into(x, of, dh, &mut c))?;
    Ok(c)
}
