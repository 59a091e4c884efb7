//! A model's weights in memory, read tensor by tensor and kept as the file stores them.

use std::rc::Rc;

use candle_core::quantized::GgmlDType;
use shiftlens_kernels::Matrix;

use super::cores::Cores;
use super::layer::Layer;
use super::linear::{Linear, storage};
use super::norm::RmsNorm;
use crate::checkpoint::{Checkpoint, ModelConfig, Part};
use crate::model::ModelError;

/// The whole model. Without an output matrix of its own the head is the embedding.
pub struct CpuModel {
    pub(super) config: ModelConfig,
    pub(super) embedding: Linear,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: RmsNorm,
    pub(super) output: Option<Linear>,
}

/// Bytes that the weights take in memory: matrices are repacked, everything else is f32.
pub fn weight_bytes(checkpoint: &Checkpoint) -> u64 {
    let bytes = |(dtype, shape): (GgmlDType, &[usize])| match *shape {
        [outputs, inputs] => {
            // 64 bits: a file's sizes can pass what wasm's addresses hold, and are refused by this very sum
            let matrix = Matrix { storage: storage(dtype), bytes: &[], outputs, inputs };
            let rows = if matrix.in_integers() { Matrix::GROUP } else { 1 };
            outputs.div_ceil(rows) as u64 * matrix.bytes_with(0).0.end as u64
        }
        _ => 4 * shape.iter().map(|n| *n as u64).product::<u64>(),
    };
    checkpoint.tensors().map(bytes).sum()
}

impl CpuModel {
    /// Reads all weights, into the memory that `cores` share if there are any. `progress` is awaited with the tensors that are
    /// done, of so many in all, and may stop it by an error.
    pub async fn load(
        checkpoint: &Checkpoint,
        cores: Option<&Rc<dyn Cores>>,
        progress: &mut impl AsyncFnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let config = checkpoint.config.clone();
        let linear = |name: &str| -> Result<Linear, ModelError> {
            let bias = format!("{name}.bias");
            let bias = match checkpoint.has(&bias) {
                true => Some(checkpoint.floats(&bias)?.to_vec1()?),
                false => None,
            };
            Linear::load(checkpoint, &format!("{name}.weight"), bias, cores)
        };
        let norm = |name: &str| -> Result<RmsNorm, ModelError> {
            let gain = checkpoint.gain(&format!("{name}.weight"))?;
            Ok(RmsNorm { gain, eps: config.norm_eps })
        };
        let parts =
            |layer: usize| Part::ALL.into_iter().filter(move |part| part.is_in(&checkpoint.config.specs[layer]));
        let total = 2 + (0..config.layers).map(|layer| parts(layer).count()).sum::<usize>();
        let embedding = linear("token_embd")?;
        let output = match checkpoint.tied() {
            true => None,
            false => Some(linear("output")?),
        };
        let mut done = 2;
        progress(done, total).await?;
        let mut layers = Vec::new();
        for layer in 0..config.layers {
            let (mut matrices, mut norms) = (Vec::new(), Vec::new());
            for part in parts(layer) {
                let name = format!("blk.{layer}.{}", part.name());
                match part.is_norm() {
                    true => norms.push((part, norm(&name)?)),
                    false => matrices.push((part, linear(&name)?)),
                }
                done += 1;
            }
            layers.push(Layer::new(config.specs[layer].clone(), matrices, norms, cores.cloned()));
            progress(done, total).await?;
        }
        let norm = norm("output_norm")?;
        Ok(Self { config, embedding, layers, norm, output })
    }

    fn head(&self) -> &Linear {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// The logits of final hidden states `[rows, width]`: `[rows, vocab]`.
    pub(super) fn logits(&self, hidden: &[f32]) -> Result<Vec<f32>, ModelError> {
        let mut logits = self.head().apply(hidden, hidden.len() / self.config.width)?;
        if self.config.logit_scale != 1.0 {
            logits.iter_mut().for_each(|l| *l *= self.config.logit_scale);
        }
        if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(ModelError::NotANumber) }
    }

    /// What `token`'s logit is the product of with a final hidden state, `[width]`, and what its bias adds to it.
    pub(super) fn output_row(&self, token: u32) -> Result<(Vec<f32>, Option<f32>), ModelError> {
        if token as usize >= self.config.vocab {
            return Err(ModelError::UnknownToken { id: token, vocab: self.config.vocab });
        }
        let mut row = self.head().row(token as usize)?;
        row.iter_mut().for_each(|v| *v *= self.config.logit_scale);
        let bias = self.head().bias().map(|bias| bias[token as usize] * self.config.logit_scale);
        Ok((row, bias))
    }

    /// The cotangent of the final hidden state for cotangents `c` of the logits. Rows of the head whose cotangents together
    /// weigh less than `negligible` are not read.
    pub(super) fn logits_vjp(&self, c: &[f32], negligible: f32) -> Result<Vec<f32>, ModelError> {
        let mut gradient = self.head().transposed_sparse(c, negligible)?;
        gradient.iter_mut().for_each(|g| *g *= self.config.logit_scale);
        Ok(gradient)
    }

    /// The embedding rows of `tokens` as they enter the residual stream, `[tokens, width]`.
    pub(super) fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut rows = Vec::with_capacity(tokens.len() * self.config.width);
        for &id in tokens {
            if id as usize >= self.config.vocab {
                return Err(ModelError::UnknownToken { id, vocab: self.config.vocab });
            }
            rows.extend(self.embedding.row(id as usize)?);
        }
        if self.config.embedding_scale != 1.0 {
            rows.iter_mut().for_each(|x| *x *= self.config.embedding_scale);
        }
        Ok(rows)
    }
}
