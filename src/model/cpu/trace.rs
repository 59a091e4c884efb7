//! What goes on inside a model that reads a given sequence: attention patterns and what each feed-forward block writes.

use std::ops::ControlFlow;

use candle_core::Tensor;

use super::attention;
use super::memory::Memory;
use super::reverse::keep;
use super::rows;
use super::weights::CpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;
use crate::model::{Length, ModelError, Tick};

/// Bytes of layers that are kept once they are read. Of a longer sequence only the last one is: going back starts again.
pub(super) const KEPT: u64 = 128 << 20;

/// Weights of a pattern over so many tokens: for every query the keys up to itself.
pub(super) fn triangle(tokens: u64) -> u64 {
    tokens * (tokens + 1) / 2
}

struct LayerTrace {
    attend: Attend,
    queries: Vec<f32>,
    keys: Vec<f32>,
    /// `[positions, width]`.
    written: Tensor,
    /// The rollout up to and with this layer: for every query the keys up to itself.
    rolled: Vec<f32>,
}

/// One sequence, read from its first token to its last, layer by layer as far as was asked.
pub struct Trace {
    config: ModelConfig,
    tokens: Vec<u32>,
    /// The residual stream after the last layer that was read, `[positions, width]`.
    stream: Vec<f32>,
    /// The first layer that is kept.
    first: usize,
    /// From there on those that were read.
    kept: Vec<LayerTrace>,
    /// Bytes of layers that may be kept.
    most: u64,
}

impl Trace {
    /// Before the first layer.
    pub(super) fn of(model: &CpuModel, tokens: &[u32]) -> Result<Self, ModelError> {
        let context = model.config.context;
        if tokens.is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        if tokens.len() > context {
            return Err(ModelError::TooLong(Length::of(tokens.len(), context)));
        }
        let (config, tokens, stream) = (model.config.clone(), tokens.to_vec(), model.embed(tokens)?);
        Ok(Self { config, tokens, stream, first: 0, kept: Vec::new(), most: KEPT })
    }

    /// Reads on until layer `layer` is there; `tick` hears of the layers done and stops it by breaking. A layer that was read
    /// and is no longer kept costs those before it again.
    pub(super) async fn read_to(
        &mut self,
        model: &CpuModel,
        layer: usize,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        if layer >= model.layers.len() {
            return Err(ModelError::NoLayer { layer, layers: model.layers.len() });
        }
        if layer < self.first {
            *self = Self { most: self.most, ..Self::of(model, &self.tokens)? };
        }
        while self.first + self.kept.len() <= layer {
            if tick(Tick { done: self.first + self.kept.len(), total: layer + 1 }).await.is_break() {
                return Err(ModelError::Cancelled);
            }
            self.read(model)?;
        }
        Ok(())
    }

    /// One layer more.
    fn read(&mut self, model: &CpuModel) -> Result<(), ModelError> {
        let next = self.first + self.kept.len();
        let layer = &model.layers[next];
        let full = (self.kept.len() as u64 + 1) * Memory::of(&self.config).traced_layer(self.tokens.len()) > self.most;
        let mut rolled = match self.kept.last_mut() {
            None => attention::own(self.tokens.len()),
            Some(last) if full => std::mem::take(&mut last.rolled),
            Some(last) => last.rolled.clone(),
        };
        if full {
            self.kept.clear();
            self.first = next;
        }
        let plan = RowPlan::new(0, self.tokens.len(), &[]);
        let (stream, mut kept) = keep(model, layer, std::mem::take(&mut self.stream), &plan)?;
        self.stream = stream;
        let written = rows::from_vec(std::mem::take(&mut kept.written), self.config.width)?;
        let attended = kept.into_attention();
        let (queries, keys) = attended.ok_or_else(|| ModelError::Tensor("a layer does not attend".into()))?;
        let attend = Attend::of(&layer.spec);
        attention::roll(attention::shape(&self.config, attend), &queries, &keys, &mut rolled);
        self.kept.push(LayerTrace { attend, queries, keys, written, rolled });
        Ok(())
    }

    /// The sequence.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many layers the model has.
    pub fn layers(&self) -> usize {
        self.config.layers
    }

    /// How many heads a layer has.
    pub fn heads(&self) -> usize {
        self.config.heads
    }

    fn layer(&self, layer: usize) -> Result<&LayerTrace, ModelError> {
        let kept = layer.checked_sub(self.first).and_then(|at| self.kept.get(at));
        kept.ok_or_else(|| ModelError::Tensor(format!("layer {layer} has not been read")))
    }

    /// Attention weights of head `head` of layer `layer`, which has been read: for every query the keys up to itself, row after
    /// row.
    pub fn attention(&self, layer: usize, head: usize) -> Result<Vec<f32>, ModelError> {
        let trace = self.layer(layer)?;
        Ok(attention::pattern(attention::shape(&self.config, trace.attend), &trace.queries, &trace.keys, head))
    }

    /// What layer `layer`'s feed-forward block adds to the residual stream, `[positions, width]`; the layer has been read.
    pub fn written(&self, layer: usize) -> Result<&Tensor, ModelError> {
        Ok(&self.layer(layer)?.written)
    }

    /// Attention rollout up to and with layer `layer`, which has been read: for every query the keys up to itself, row after
    /// row. It is the product over the layers of the heads' mean pattern, half of it the residual stream's own way (Abnar and
    /// Zuidema, 2020).
    pub fn rollout(&self, layer: usize) -> Result<&[f32], ModelError> {
        Ok(&self.layer(layer)?.rolled)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::{GgmlDType, QTensor};

    use super::super::attention::ATTENTION_ROWS;
    use super::super::linear::Linear;
    use super::super::norm::RmsNorm;
    use super::super::tests::{config, layer, values};
    use super::*;
    use crate::checkpoint::{LayerSpec, RopeLayout};
    use crate::model::block_on;

    const LAYERS: usize = 5;
    const SEQUENCE: [u32; 9] = [3, 1, 4, 1, 5, 9, 2, 6, 5];

    fn model() -> CpuModel {
        let spec = LayerSpec::llama(8);
        let config = ModelConfig {
            vocab: 10,
            layers: LAYERS,
            specs: vec![spec.clone(); LAYERS],
            ..config(RopeLayout::HalfSplit)
        };
        let table = Tensor::from_vec(values(10 * 32, 3), (10, 32), &Device::Cpu).unwrap();
        CpuModel {
            embedding: Linear::new(QTensor::quantize(&table, GgmlDType::F32).unwrap(), None).unwrap(),
            layers: (0..LAYERS).map(|_| layer(&config, &spec)).collect(),
            norm: RmsNorm { gain: vec![1.0; 32], eps: 1e-5 },
            output: None,
            config,
        }
    }

    fn read_to(trace: &mut Trace, model: &CpuModel, layer: usize) {
        block_on(trace.read_to(model, layer, &mut async |_| ControlFlow::Continue(()))).unwrap();
    }

    /// All that a view shows of a layer.
    fn shown(trace: &Trace, layer: usize) -> (Vec<Vec<f32>>, Vec<f32>, Vec<Vec<f32>>) {
        let heads = (0..trace.heads()).map(|head| trace.attention(layer, head).unwrap()).collect();
        (heads, trace.rollout(layer).unwrap().to_vec(), trace.written(layer).unwrap().to_vec2().unwrap())
    }

    /// A layer is weighed twice: once as it is read, once for the view. No layer below it is weighed again.
    #[test]
    fn a_walk_through_the_layers_reads_each_of_them_once() {
        let model = model();
        let mut trace = Trace::of(&model, &SEQUENCE).unwrap();
        let one = SEQUENCE.len() * trace.heads();
        ATTENTION_ROWS.set(0);
        for layer in 0..LAYERS {
            read_to(&mut trace, &model, layer);
            shown(&trace, layer);
        }
        assert_eq!(ATTENTION_ROWS.get(), 2 * LAYERS * one);
        read_to(&mut trace, &model, 1);
        shown(&trace, 1);
        assert_eq!(ATTENTION_ROWS.get(), (2 * LAYERS + 1) * one, "what is kept is not read again");
    }

    #[test]
    fn a_trace_that_keeps_one_layer_shows_the_same() {
        let model = model();
        let mut whole = Trace::of(&model, &SEQUENCE).unwrap();
        let mut narrow = Trace { most: 0, ..Trace::of(&model, &SEQUENCE).unwrap() };
        for layer in [2, 4, 1, 0, 3] {
            for trace in [&mut whole, &mut narrow] {
                read_to(trace, &model, layer);
            }
            assert_eq!(shown(&whole, layer), shown(&narrow, layer), "layer {layer}");
            assert_eq!(narrow.kept.len(), 1);
        }
        assert!(narrow.attention(0, 0).is_err(), "no longer there");
        assert_eq!(whole.kept.len(), LAYERS);
    }
}
