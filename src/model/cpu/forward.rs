//! Value and forward-mode tangents of the whole network, streaming through a K/V cache and a tangent cache.

use super::attention::LayerCache;
use super::layer::Pass;
use super::weights::CpuModel;
use crate::model::row_plan::RowPlan;
use crate::model::{Group, Length, ModelError};

/// A sequence in progress, with the final normed hidden states of the last tokens appended.
pub(super) struct Session {
    groups: Vec<Group>,
    firsts: Vec<usize>,
    caches: Vec<LayerCache>,
    length: usize,
    plan: RowPlan,
    /// `[rows, width]`.
    hidden: Vec<f32>,
}

impl Session {
    pub fn new(model: &CpuModel, groups: &[Group]) -> Self {
        Self {
            groups: groups.to_vec(),
            firsts: groups.iter().map(|g| g.positions.first().copied().unwrap_or(usize::MAX)).collect(),
            caches: model.layers.iter().map(|layer| layer.cache(&model.config, groups.len())).collect(),
            length: 0,
            plan: RowPlan::new(0, 0, &[]),
            hidden: Vec::new(),
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
        let mut x = self.embed(model, tokens, &plan)?;
        let pass = Pass { config: &model.config, plan: &plan, positions: &positions };
        for (layer, cache) in model.layers.iter().zip(&mut self.caches) {
            x = layer.forward(&pass, x, cache, None)?;
        }
        self.hidden = model.norm.forward(&x, &plan);
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

    /// The final hidden states of the last step, of which token `index` was a part.
    fn hidden(&self, index: usize) -> Result<&[f32], ModelError> {
        match index < self.plan.primal {
            true => Ok(&self.hidden),
            false => Err(ModelError::Tensor(format!("token {index} was not part of the last step"))),
        }
    }

    /// Logits after token `index` of the last step.
    pub fn logits(&self, model: &CpuModel, index: usize) -> Result<Vec<f32>, ModelError> {
        let width = model.config.width;
        model.logits(&self.hidden(index)?[index * width..(index + 1) * width])
    }

    /// The gradient at the final hidden state, contracted with every group's tangent there.
    pub fn contract(&self, index: usize, gradient: &[f32]) -> Result<Vec<f32>, ModelError> {
        let (width, hidden) = (gradient.len(), self.hidden(index)?);
        let position = self.plan.start + index;
        let mut column = vec![0.0; self.groups.len()];
        for t in self.plan.tangents.iter().filter(|t| t.position <= position) {
            let at = (t.row + position - t.position) * width;
            column[t.group] = shiftlens_kernels::floats::dot(gradient, &hidden[at..at + width]);
        }
        Ok(column)
    }
}
