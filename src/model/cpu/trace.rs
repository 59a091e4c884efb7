//! What goes on inside a model that reads a given sequence: attention patterns and what each feed-forward block writes.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};

use super::attention::{self, Heads};
use super::reverse::keep;
use super::rows;
use super::weights::CpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;
use crate::model::{Length, ModelError, Tick};

struct LayerTrace {
    attend: Attend,
    queries: Vec<f32>,
    keys: Vec<f32>,
    /// `[positions, width]`.
    written: Tensor,
}

/// One sequence read from its first token to its last.
pub struct Trace {
    config: ModelConfig,
    tokens: Vec<u32>,
    layers: Vec<LayerTrace>,
}

impl Trace {
    /// Reads `tokens`; `tick` hears of the layers done and stops it by breaking.
    pub(super) async fn of(
        model: &CpuModel,
        tokens: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Self, ModelError> {
        let context = model.config.context;
        if tokens.len() > context {
            return Err(ModelError::TooLong(Length::of(tokens.len(), context)));
        }
        let plan = RowPlan::new(0, tokens.len(), &[]);
        let mut x = model.embed(tokens)?;
        let mut layers = Vec::new();
        for (done, layer) in model.layers.iter().enumerate() {
            if tick(Tick { done, total: model.layers.len() }).await.is_break() {
                return Err(ModelError::Cancelled);
            }
            let (y, mut kept) = keep(model, layer, x, &plan)?;
            x = y;
            let written = rows::from_vec(std::mem::take(&mut kept.written), model.config.width)?;
            let attention = kept.into_attention();
            let (queries, keys) = attention.ok_or_else(|| ModelError::Tensor("a layer does not attend".into()))?;
            layers.push(LayerTrace { attend: Attend::of(&layer.spec), queries, keys, written });
        }
        Ok(Self { config: model.config.clone(), tokens: tokens.to_vec(), layers })
    }

    /// The sequence.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many layers there are.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    fn layer(&self, layer: usize) -> Result<&LayerTrace, ModelError> {
        self.layers.get(layer).ok_or(ModelError::NoLayer { layer, layers: self.layers.len() })
    }

    /// Layer `layer`'s attention weights `[head][query][key]`; a query attends to itself and what is before it.
    pub fn attention(&self, layer: usize) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        let trace = self.layer(layer)?;
        Ok(attention::pattern(Heads::of(&self.config, trace.attend), &trace.queries, &trace.keys))
    }

    /// What layer `layer`'s feed-forward block adds to the residual stream, `[positions, width]`.
    pub fn written(&self, layer: usize) -> Result<&Tensor, ModelError> {
        Ok(&self.layer(layer)?.written)
    }

    /// Attention rollout up to and with layer `layer`, `[query][key]`: the product over the layers of the heads' mean
    /// pattern, half of it the residual stream's own way (Abnar and Zuidema, 2020).
    pub fn rollout(&self, layer: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        self.layer(layer)?;
        let count = self.tokens.len();
        let own = Tensor::eye(count, candle_core::DType::F32, &Device::Cpu)?;
        let mut rolled = own.clone();
        for l in 0..=layer {
            let heads = self.attention(l)?;
            let mut mean = vec![0.0; count * count];
            for row in heads.iter().flat_map(|h| h.iter().enumerate()) {
                let (query, weights) = row;
                for (sum, w) in mean[query * count..].iter_mut().zip(weights) {
                    *sum += w / heads.len() as f32;
                }
            }
            let mean = Tensor::from_vec(mean, (count, count), &Device::Cpu)?;
            rolled = ((mean + &own)? * 0.5)?.matmul(&rolled)?;
        }
        Ok(rolled.to_vec2()?)
    }
}
