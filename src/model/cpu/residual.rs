//! The residual stream at one token: its value after every layer, and what the embedding, each head and each feed-forward block
//! added to it.
//!
//! The stream `x_L` above the last layer is a sum of vectors `w_i` of the model's width: the embedding and, of every layer, what
//! its two blocks add. Attention's output is linear in its heads: with `o_h` what head `h` puts out and `W_h` the columns of the
//! output projection that read it, the block gives `sum_h W_h o_h + b`. Where a norm follows the block (gemma3, olmo2), the row
//! is multiplied by `g / rms(row)`. That scale is **held fixed** at its value for the whole row, which makes the map linear: each
//! part of the row maps to a part of the sum. A residual multiplier (granite) scales all of them.
//!
//! The same is done with the final norm: a token's logit is `z = s (u . (g * x_L) / rms(x_L) + b)`, with `u` its row of the head
//! and `s` the family's logit multiplier. With `rms(x_L)` held fixed, `z = sum_i c_i`, `c_i = s u . (g * w_i) / rms(x_L)`: the
//! **direct contributions**. What a part changes in the input of later layers counts as theirs.
//!
//! The **logit lens** (nostalgebraist, 2020) reads the stream of every layer as if it were the last: final norm, then head.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::attention;
use super::layer::{Kept, Layer, Saved};
use super::mlp;
use super::reverse::keep;
use super::weights::CpuModel;
use crate::checkpoint::Part;
use crate::model::row_plan::RowPlan;
use crate::model::steps::{Place, Step};
use crate::model::{Length, ModelError, Tick};

/// What writes to the residual stream, or adds to a logit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Source {
    /// The token's own embedding.
    Embedding,
    /// A head of attention.
    Head {
        /// Its layer, from 0.
        layer: usize,
        /// Which of the layer's heads, from 0.
        head: usize,
    },
    /// The bias of attention's output projection.
    AttentionBias {
        /// The layer, from 0.
        layer: usize,
    },
    /// A feed-forward block.
    FeedForward {
        /// The layer, from 0.
        layer: usize,
    },
    /// The bias of a feed-forward block's down-projection.
    FeedForwardBias {
        /// The layer, from 0.
        layer: usize,
    },
    /// The bias of the output head, which no part of the stream carries.
    OutputBias,
}

/// A vector of the model's width, and what wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What wrote it.
    pub source: Source,
    /// As it is added to the stream: after a norm that follows the block, and after the residual multiplier.
    pub vector: Vec<f32>,
}

/// How much one part adds to a logit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Whose part it is.
    #[serde(flatten)]
    pub source: Source,
    /// Logits.
    pub value: f32,
}

/// The residual stream at the last token of a sequence: the token whose reading predicts the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// Before the first layer, then after each.
    streams: Vec<Vec<f32>>,
    /// All that was added up to the last of them.
    written: Vec<Written>,
}

impl Residual {
    /// Reads `tokens` through all layers; `tick` hears of the layers done and stops it by breaking.
    pub(super) async fn of(
        model: &CpuModel,
        tokens: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Self, ModelError> {
        let (context, width, total) = (model.config.context, model.config.width, model.layers.len());
        if tokens.is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        if tokens.len() > context {
            return Err(ModelError::TooLong(Length::of(tokens.len(), context)));
        }
        let last = tokens.len() - 1;
        let plan = RowPlan::new(0, tokens.len(), &[]);
        let mut x = model.embed(tokens)?;
        let at_last = |x: &[f32]| x[last * width..][..width].to_vec();
        let mut streams = vec![at_last(&x)];
        let mut written = vec![Written { source: Source::Embedding, vector: at_last(&x) }];
        for (number, layer) in model.layers.iter().enumerate() {
            if tick(Tick { done: number, total }).await.is_break() {
                return Err(ModelError::Cancelled);
            }
            let (y, kept) = keep(model, layer, x, &plan)?;
            written.extend(layer_parts(model, layer, number, &kept, last)?);
            streams.push(at_last(&y));
            x = y;
        }
        Ok(Self { streams, written })
    }

    /// How many layers have been read.
    pub fn layers(&self) -> usize {
        self.streams.len() - 1
    }

    /// The stream after so many layers, `[width]`: 0 is the embedding.
    pub fn after(&self, layers: usize) -> Option<&[f32]> {
        self.streams.get(layers).map(Vec::as_slice)
    }

    /// Everything that was added to the stream, in the order of the layers. The parts sum to the stream above the last layer.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// The logits `[vocab]` that the stream after so many layers would give.
    pub(super) fn lens(&self, model: &CpuModel, layers: usize) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::NoLayer { layer: layers, layers: self.layers() };
        let stream = self.after(layers).ok_or_else(missing)?;
        model.logits(&model.norm.forward(stream, &RowPlan::new(0, 1, &[])))
    }

    /// The parts of `token`'s logit, in the order of the layers.
    pub(super) fn contributions(&self, model: &CpuModel, token: u32) -> Result<Vec<Contribution>, ModelError> {
        let (mut direction, bias) = model.output_row(token)?;
        let top = self.after(self.layers()).unwrap_or_default();
        model.norm.held(top, &mut direction);
        let along = |part: &Written| {
            let value: f64 = part.vector.iter().zip(&direction).map(|(w, d)| f64::from(*w) * f64::from(*d)).sum();
            Contribution { source: part.source, value: value as f32 }
        };
        let bias = bias.map(|value| Contribution { source: Source::OutputBias, value });
        Ok(self.written.iter().map(along).chain(bias).collect())
    }
}

/// What layer `number` adds to the stream in row `row`: folds its steps over parts of that row.
fn layer_parts(
    model: &CpuModel,
    layer: &Layer,
    number: usize,
    kept: &Kept,
    row: usize,
) -> Result<Vec<Written>, ModelError> {
    let config = &model.config;
    let one = RowPlan::new(0, 1, &[]);
    let (mut attended, mut hidden) = (Vec::new(), Vec::new());
    let (mut branch, mut added): (Vec<Written>, Vec<Written>) = (Vec::new(), Vec::new());
    for (at, (step, saved)) in layer.steps().iter().zip(&kept.saved).enumerate() {
        match (*step, saved) {
            (Step::Attend(attend), Saved::Attention { queries, keys, values }) => {
                attended = attention::attended(attention::shape(config, attend), queries, keys, values, row);
                layer.scalings.attended(&mut attended, config.heads, config.head_width);
            }
            (Step::Gate(activation), Saved::Gate { gate, up }) => {
                let of_row = row * config.ffn_width..(row + 1) * config.ffn_width;
                hidden = mlp::forward(activation, &gate[of_row.clone()], &up[of_row], &one);
            }
            (Step::Linear { from: Place::Attended, to: Place::Branch, weight }, _) => {
                branch = head_parts(layer, weight, number, &attended, config.head_width)?;
            }
            (Step::Linear { from: Place::Hidden, to: Place::Branch, weight }, _) => {
                let matrix = layer.matrix(weight)?;
                branch =
                    vec![Written { source: Source::FeedForward { layer: number }, vector: matrix.apply(&hidden, 0)? }];
                let bias =
                    |b: &[f32]| Written { source: Source::FeedForwardBias { layer: number }, vector: b.to_vec() };
                branch.extend(matrix.bias().map(bias));
            }
            (Step::Norm { from: Place::Branch, to: Place::Branch, gain }, Saved::Read(x)) => {
                let whole = &x[row * config.width..(row + 1) * config.width];
                let norm = layer.norm(gain)?;
                branch.iter_mut().for_each(|part| norm.held(whole, &mut part.vector));
            }
            (Step::Add { scale }, _) => {
                branch.iter_mut().flat_map(|part| &mut part.vector).for_each(|v| *v *= scale);
                if layer.ends_with(at) {
                    branch.iter_mut().for_each(|part| layer.scalings.written(&mut part.vector, config.width));
                }
                added.append(&mut branch);
            }
            (Step::Attend(_) | Step::Gate(_) | Step::Norm { from: Place::Branch, .. }, _) => {
                return Err(ModelError::Tensor(format!("{step:?} was not kept")));
            }
            // these come before a block's values, which are kept
            (
                Step::Norm { .. }
                | Step::NormHeads { .. }
                | Step::Copy { .. }
                | Step::Linear { .. }
                | Step::Rope { .. },
                _,
            ) => {}
        }
    }
    Ok(added)
}

/// What each head alone gives through the output projection, and the projection's bias.
fn head_parts(
    layer: &Layer,
    weight: Part,
    number: usize,
    attended: &[f32],
    head_width: usize,
) -> Result<Vec<Written>, ModelError> {
    let matrix = layer.matrix(weight)?;
    let heads = attended.len() / head_width;
    let mut alone = vec![0.0; heads * attended.len()];
    for head in 0..heads {
        let own = head * head_width..(head + 1) * head_width;
        alone[head * attended.len()..][own.clone()].copy_from_slice(&attended[own]);
    }
    let rows = matrix.apply(&alone, 0)?;
    let width = rows.len() / heads;
    let part =
        |(head, row): (usize, &[f32])| Written { source: Source::Head { layer: number, head }, vector: row.into() };
    let bias = |b: &[f32]| Written { source: Source::AttentionBias { layer: number }, vector: b.to_vec() };
    Ok(rows.chunks_exact(width).enumerate().map(part).chain(matrix.bias().map(bias)).collect())
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::super::linear::Linear;
    use super::super::norm::RmsNorm;
    use super::super::tests::{config, layer, specs, values};
    use super::*;
    use crate::checkpoint::{ModelConfig, RopeLayout};
    use crate::model::block_on;

    const VOCAB: usize = 10;
    const WIDTH: usize = 32;

    /// Layers of every kind, with biases wherever there can be one.
    fn model() -> CpuModel {
        let specs = specs();
        let config = ModelConfig {
            vocab: VOCAB,
            layers: specs.len(),
            logit_scale: 0.4,
            embedding_scale: 3.0,
            ..config(RopeLayout::HalfSplit)
        };
        let table = |seed, bias| {
            let t = Tensor::from_vec(values(VOCAB * WIDTH, seed), (VOCAB, WIDTH), &Device::Cpu).unwrap();
            Linear::new(QTensor::quantize(&t, GgmlDType::F32).unwrap(), bias).unwrap()
        };
        CpuModel {
            embedding: table(3, None),
            layers: specs.iter().map(|spec| layer(&config, spec)).collect(),
            norm: RmsNorm { gain: values(WIDTH, 5), eps: 1e-5 },
            output: Some(table(4, Some(values(VOCAB, 6)))),
            config: ModelConfig { specs, ..config },
        }
    }

    #[test]
    fn biases_are_parts_of_their_own() {
        let model = model();
        let tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5];
        let residual = block_on(Residual::of(&model, &tokens, &mut async |_| ControlFlow::Continue(()))).unwrap();
        let logits = residual.lens(&model, residual.layers()).unwrap();
        for (token, logit) in logits.iter().enumerate() {
            let parts = residual.contributions(&model, token as u32).unwrap();
            let sum: f64 = parts.iter().map(|part| f64::from(part.value)).sum();
            assert!((sum - f64::from(*logit)).abs() < 1e-4 * f64::from(logit.abs().max(1.0)), "{token}: {sum} {logit}");
            let of = |wanted: fn(Source) -> bool| parts.iter().filter(|part| wanted(part.source)).count();
            assert_eq!(of(|s| matches!(s, Source::AttentionBias { .. })), model.layers.len());
            assert_eq!(of(|s| matches!(s, Source::FeedForwardBias { .. })), model.layers.len());
            assert_eq!(of(|s| matches!(s, Source::Head { .. })), model.layers.len() * model.config.heads);
            let bias = parts.iter().find(|part| part.source == Source::OutputBias).unwrap();
            assert_eq!(bias.value, values(VOCAB, 6)[token] * 0.4);
        }
    }
}
