//! Value and forward-mode tangents of the whole network, streaming through a K/V cache and a tangent cache.

use candle_core::Tensor;

use super::attention::{self, LayerCache};
use super::rows;
use super::weights::{CpuModel, Layer};
use super::{mlp, rope};
use crate::model::row_plan::RowPlan;
use crate::model::{Group, Length, ModelError};

/// A sequence in progress, with the final normed hidden states of the last tokens appended.
pub(super) struct Session {
    groups: Vec<Group>,
    firsts: Vec<usize>,
    caches: Vec<LayerCache>,
    length: usize,
    plan: RowPlan,
    hidden: Option<Tensor>,
}

impl Session {
    pub fn new(model: &CpuModel, groups: &[Group]) -> Self {
        Self {
            groups: groups.to_vec(),
            firsts: groups.iter().map(|g| g.positions.first().copied().unwrap_or(usize::MAX)).collect(),
            caches: model.layers.iter().map(|_| LayerCache::new(groups.len())).collect(),
            length: 0,
            plan: RowPlan::new(0, 0, &[]),
            hidden: None,
        }
    }

    /// Runs `tokens` and the tangents that are alive at their positions through all layers.
    pub fn advance(&mut self, model: &CpuModel, tokens: &[u32]) -> Result<(), ModelError> {
        let context = model.config.context;
        if self.length + tokens.len() > context {
            return Err(ModelError::TooLong(Length::of(self.length + tokens.len(), context)));
        }
        let plan = RowPlan::new(self.length, tokens.len(), &self.firsts);
        let positions = plan.positions();
        let mut x = rows::from_vec(self.embed(model, tokens, &plan)?, model.config.width)?;
        for (layer, cache) in model.layers.iter().zip(&mut self.caches) {
            x = layer_forward(model, layer, &x, &plan, &positions, &self.firsts, cache)?;
        }
        self.hidden = Some(model.norm.forward(&x, &plan)?);
        self.length += tokens.len();
        self.plan = plan;
        Ok(())
    }

    /// Embeddings; a group's tangent is the embedding itself on its own positions, zero elsewhere.
    fn embed(&self, model: &CpuModel, tokens: &[u32], plan: &RowPlan) -> Result<Vec<f32>, ModelError> {
        let width = model.config.width;
        let mut x = model.embed(tokens)?;
        x.resize(plan.rows() * width, 0.0);
        for t in &plan.tangents {
            for &position in &self.groups[t.group].positions {
                if (t.position..t.position + t.count).contains(&position) {
                    let from = (position - plan.start) * width;
                    let to = (t.row + position - t.position) * width;
                    x.copy_within(from..from + width, to);
                }
            }
        }
        Ok(x)
    }

    fn hidden(&self, index: usize) -> Result<&Tensor, ModelError> {
        match &self.hidden {
            Some(hidden) if index < self.plan.primal => Ok(hidden),
            _ => Err(ModelError::Tensor(format!("token {index} was not part of the last step"))),
        }
    }

    /// Logits after token `index` of the last step.
    pub fn logits(&self, model: &CpuModel, index: usize) -> Result<Vec<f32>, ModelError> {
        let row = self.hidden(index)?.narrow(0, index, 1)?;
        let logits: Vec<f32> = model.head().forward(&row, 1)?.flatten_all()?.to_vec1()?;
        if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(ModelError::NotANumber) }
    }

    /// The gradient at the final hidden state, contracted with every group's tangent there.
    pub fn contract(&self, index: usize, gradient: &[f32]) -> Result<Vec<f32>, ModelError> {
        let width = gradient.len();
        let position = self.plan.start + index;
        let mut column = vec![0.0; self.groups.len()];
        rows::with(self.hidden(index)?, |hidden| {
            for t in self.plan.tangents.iter().filter(|t| t.position <= position) {
                let at = (t.row + position - t.position) * width;
                column[t.group] = super::kernels::dot(gradient, &hidden[at..at + width]);
            }
        })?;
        Ok(column)
    }
}

fn layer_forward(
    model: &CpuModel,
    layer: &Layer,
    x: &Tensor,
    plan: &RowPlan,
    positions: &[usize],
    firsts: &[usize],
    cache: &mut LayerCache,
) -> Result<Tensor, ModelError> {
    let config = &model.config;
    let h = layer.attn_norm.forward(x, plan)?;
    let mut q: Vec<f32> = layer.q.forward(&h, plan.primal)?.flatten_all()?.to_vec1()?;
    let mut k: Vec<f32> = layer.k.forward(&h, plan.primal)?.flatten_all()?.to_vec1()?;
    let v = layer.v.forward(&h, plan.primal)?;
    rope::rotate(config, &mut q, config.heads, positions, false);
    rope::rotate(config, &mut k, config.kv_heads, positions, false);
    rows::with(&v, |v| cache.append(plan, &k, v, config.kv_heads * config.head_width))?;
    let attended = attention::forward(config, &q, plan, firsts, cache);
    let attended = rows::from_vec(attended, config.heads * config.head_width)?;
    let x = (x + layer.o.forward(&attended, plan.primal)?)?;
    let h = layer.ffn_norm.forward(&x, plan)?;
    let a = mlp::forward(&layer.gate.forward(&h, plan.primal)?, &layer.up.forward(&h, plan.primal)?, plan)?;
    Ok((x + layer.down.forward(&a, plan.primal)?)?)
}
