//! The CPU backend behind the common trait.

use std::ops::ControlFlow;

use super::forward::Session;
use super::residual::{Contribution, Residual};
use super::reverse;
use super::trace::Trace;
use super::weights::CpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::{Target, cotangent};
use crate::model::{Engine, Group, ModelError, Tick};

/// Share of a cotangent's weight that may be left out when it is pulled back through the head.
const NEGLIGIBLE: f32 = 1e-6;

/// A loaded model and the sequence it is working on.
pub struct CpuEngine {
    model: CpuModel,
    session: Session,
}

impl CpuEngine {
    /// Wraps a loaded model.
    pub fn new(model: CpuModel) -> Self {
        let session = Session::new(&model, &[]);
        Self { model, session }
    }

    /// A sequence of `tokens` of which no layer has been read yet; the sequence in progress stays as it is.
    pub fn trace(&self, tokens: &[u32]) -> Result<Trace, ModelError> {
        Trace::of(&self.model, tokens)
    }

    /// Reads the sequence of `trace` on until layer `layer` is there. `tick` hears of the layers done and stops it by breaking.
    pub async fn read_to(
        &self,
        trace: &mut Trace,
        layer: usize,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        trace.read_to(&self.model, layer, tick).await
    }

    /// The residual stream at the last of `tokens`; the sequence in progress stays as it is. `tick` hears of the layers done and
    /// stops it by breaking.
    pub async fn residual(
        &self,
        tokens: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Residual, ModelError> {
        Residual::of(&self.model, tokens, tick).await
    }

    /// The logits `[vocab]` that `residual` would give after so many layers: 0 reads the embedding, all of them the answer.
    pub fn lens(&self, residual: &Residual, layers: usize) -> Result<Vec<f32>, ModelError> {
        residual.lens(&self.model, layers)
    }

    /// What each part of `residual` adds to the logit of `token`: they sum to it.
    pub fn contributions(&self, residual: &Residual, token: u32) -> Result<Vec<Contribution>, ModelError> {
        residual.contributions(&self.model, token)
    }
}

/// d target / d final hidden state, `[width]`: the cotangent of the logits pulled back through the head.
pub(super) fn head_gradient(
    model: &CpuModel,
    logits: &[f32],
    token: u32,
    target: Target,
) -> Result<Vec<f32>, ModelError> {
    if token as usize >= logits.len() {
        return Err(ModelError::UnknownToken { id: token, vocab: logits.len() });
    }
    let c = cotangent(logits, token, target);
    model.logits_vjp(&c, NEGLIGIBLE * c[token as usize].abs())
}

impl Engine for CpuEngine {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    async fn begin(&mut self, groups: &[Group]) -> Result<(), ModelError> {
        self.session = Session::new(&self.model, groups);
        Ok(())
    }

    async fn advance(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        self.session.advance(&self.model, tokens)
    }

    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError> {
        self.session.logits(&self.model, index)
    }

    async fn column(
        &mut self,
        index: usize,
        logits: &[f32],
        token: u32,
        target: Target,
    ) -> Result<Vec<f32>, ModelError> {
        let gradient = head_gradient(&self.model, logits, token, target)?;
        self.session.contract(index, &gradient)
    }

    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        reverse::importance(&self.model, tokens, n_prompt, target, tick).await
    }
}
