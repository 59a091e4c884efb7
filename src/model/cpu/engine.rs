//! The CPU backend behind the common trait.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;

use super::forward::Session;
use super::residual::{Contribution, Residual};
use super::reverse;
use super::scaling::{Scaling, Scalings};
use super::trace::Trace;
use super::weights::CpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::{Goal, Target, cotangent, goals};
use crate::model::{Engine, Group, ModelError, Tick};

/// Share of a cotangent's weight that may be left out when it is pulled back through the head.
const NEGLIGIBLE: f32 = 1e-6;

/// What is awaited after every layer: it lets others have the thread, and stops the work by an error.
pub type Pause = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ModelError>>>>>;

/// A loaded model and the sequence it is working on.
pub struct CpuEngine {
    pub(super) model: CpuModel,
    pub(super) session: Session,
    pause: Option<Pause>,
}

impl CpuEngine {
    /// Wraps a loaded model.
    pub fn new(model: CpuModel) -> Self {
        let session = Session::new(&model, &[]);
        Self { model, session, pause: None }
    }

    /// What is awaited from now on after every layer of [`Engine::advance`]. After an error of its own the sequence has to begin anew.
    pub fn set_pause(&mut self, pause: Option<Pause>) {
        self.pause = pause;
    }

    /// Scales these parts of the model from now on, in place of those before; none leaves the model as it is. Where that changes
    /// anything, the sequence in progress begins anew. Fails where the model has no such layer or head, and changes nothing then.
    pub fn scale(&mut self, scalings: &[Scaling]) -> Result<(), ModelError> {
        let (layers, heads, width) = (self.model.layers.len(), self.model.config.heads, self.model.config.width);
        if scalings.is_empty() && self.model.layers.iter().all(|layer| layer.scalings.is_empty()) {
            return Ok(());
        }
        let mut of_layers = vec![Scalings::default(); layers];
        for scaling in scalings {
            let layer = scaling.layer;
            let of_layer = of_layers.get_mut(layer).ok_or(ModelError::NoLayer { layer, layers })?;
            of_layer.add(scaling, heads, width)?;
        }
        self.model.layers.iter_mut().zip(of_layers).for_each(|(layer, scalings)| layer.scalings = scalings);
        self.session = Session::new(&self.model, &[]);
        Ok(())
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

/// d goal / d final hidden state, `[width]`: the cotangent of the logits pulled back through the head.
pub(super) fn head_gradient(model: &CpuModel, logits: &[f32], goal: Goal) -> Result<Vec<f32>, ModelError> {
    goal.check(logits.len())?;
    let c = cotangent(logits, goal);
    let most =
        [Some(goal.token), goal.against].into_iter().flatten().map(|id| c[id as usize].abs()).fold(0.0, f32::max);
    model.logits_vjp(&c, NEGLIGIBLE * most)
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
        self.session.advance(&self.model, tokens, self.pause.as_ref()).await
    }

    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError> {
        self.session.logits(&self.model, index..index + 1)
    }

    async fn column(&mut self, index: usize, logits: &[f32], goal: Goal) -> Result<Vec<f32>, ModelError> {
        let gradient = head_gradient(&self.model, logits, goal)?;
        self.session.contract(index, &gradient)
    }

    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        against: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let goals = goals(tokens.get(n_prompt..).unwrap_or_default(), target, against)?;
        reverse::importance(&self.model, tokens, n_prompt, &goals, tick).await
    }
}
