//! Value and forward-mode tangents of the whole network, streaming through a K/V cache and a tangent cache.

use std::ops::Range;

use super::attention::LayerCache;
use super::engine::Pause;
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

/// New positions on their way through the layers.
struct Step {
    plan: RowPlan,
    positions: Vec<usize>,
    /// `[rows, width]`.
    x: Vec<f32>,
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

    /// Runs `tokens` and the tangents that are alive at their positions through all layers, with a pause after each. Where that fails,
    /// the sequence is lost.
    pub async fn advance(&mut self, model: &CpuModel, tokens: &[u32], pause: Option<&Pause>) -> Result<(), ModelError> {
        let mut step = self.step(model, model.embed(tokens)?)?;
        for number in 0..model.layers.len() {
            self.layer(model, &mut step, number)?;
            if let Some(pause) = pause
                && let Err(stopped) = pause().await
            {
                *self = Self::new(model, &[]); // some layers' caches are ahead of the others
                return Err(stopped);
            }
        }
        self.finish(model, step);
        Ok(())
    }

    /// The same at once, with embedding rows `[tokens, width]` in place of tokens.
    pub fn advance_rows(&mut self, model: &CpuModel, rows: Vec<f32>) -> Result<(), ModelError> {
        let mut step = self.step(model, rows)?;
        for number in 0..model.layers.len() {
            self.layer(model, &mut step, number)?;
        }
        self.finish(model, step);
        Ok(())
    }

    fn step(&self, model: &CpuModel, rows: Vec<f32>) -> Result<Step, ModelError> {
        let count = rows.len() / model.config.width;
        self.fits(model, count)?;
        let plan = RowPlan::new(self.length, count, &self.firsts);
        let (positions, x) = (plan.positions(), self.with_tangents(model, rows, &plan));
        Ok(Step { plan, positions, x })
    }

    fn layer(&mut self, model: &CpuModel, step: &mut Step, number: usize) -> Result<(), ModelError> {
        let pass = Pass { config: &model.config, plan: &step.plan, positions: &step.positions };
        let x = std::mem::take(&mut step.x);
        step.x = model.layers[number].forward(&pass, x, &mut self.caches[number], None)?;
        Ok(())
    }

    fn finish(&mut self, model: &CpuModel, step: Step) {
        self.hidden = model.norm.forward(&step.x, &step.plan);
        self.length += step.plan.primal;
        self.plan = step.plan;
    }

    fn fits(&self, model: &CpuModel, more: usize) -> Result<(), ModelError> {
        let (count, context) = (self.length + more, model.config.context);
        if count > context { Err(ModelError::TooLong(Length::of(count, context))) } else { Ok(()) }
    }

    /// Forgets every position from `length` on. Gives how many are left: none where the caches cannot be cut, as those of groups
    /// and those that threads share.
    pub fn rewind(&mut self, model: &CpuModel, length: usize) -> usize {
        let length = length.min(self.length);
        if self.groups.is_empty() && self.caches.iter_mut().all(|cache| cache.truncate(length)) {
            self.length = length;
            (self.plan, self.hidden) = (RowPlan::new(0, 0, &[]), Vec::new());
        } else {
            *self = Self::new(model, &[]);
        }
        self.length
    }

    /// Embedding rows `x` and below them the tangents': the embedding itself on a group's own positions, zero elsewhere.
    fn with_tangents(&self, model: &CpuModel, mut x: Vec<f32>, plan: &RowPlan) -> Vec<f32> {
        let width = model.config.width;
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
        x
    }

    /// The final hidden states of the last step, of which token `index` was a part.
    fn hidden(&self, index: usize) -> Result<&[f32], ModelError> {
        match index < self.plan.primal {
            true => Ok(&self.hidden),
            false => Err(ModelError::Tensor(format!("token {index} was not part of the last step"))),
        }
    }

    /// Logits `[range, vocab]` after these tokens of the last step.
    pub fn logits(&self, model: &CpuModel, range: Range<usize>) -> Result<Vec<f32>, ModelError> {
        let width = model.config.width;
        match range.end.checked_sub(1) {
            Some(last) => model.logits(&self.hidden(last)?[range.start * width..range.end * width]),
            None => Ok(Vec::new()),
        }
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
