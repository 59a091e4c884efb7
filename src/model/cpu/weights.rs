//! A model's weights in memory, read tensor by tensor and kept as the file stores them.

use super::linear::Linear;
use super::norm::RmsNorm;
use crate::checkpoint::{Checkpoint, ModelConfig};
use crate::model::ModelError;

/// One decoder layer.
pub(super) struct Layer {
    pub attn_norm: RmsNorm,
    pub q: Linear,
    pub k: Linear,
    pub v: Linear,
    pub o: Linear,
    pub ffn_norm: RmsNorm,
    pub gate: Linear,
    pub up: Linear,
    pub down: Linear,
}

/// The whole model. Without an output matrix of its own the head is the embedding.
pub struct CpuModel {
    pub(super) config: ModelConfig,
    pub(super) embedding: Linear,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: RmsNorm,
    output: Option<Linear>,
}

impl CpuModel {
    /// Reads all weights; `progress` is awaited with the tensors done of tensors in all, and may stop it by an error.
    pub async fn load(
        checkpoint: &Checkpoint,
        progress: &mut impl AsyncFnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let config = checkpoint.config.clone();
        let total = 2 + 9 * config.layers;
        let linear = |name: &str| -> Result<Linear, ModelError> {
            let bias = format!("{name}.bias");
            let bias = match checkpoint.has(&bias) {
                true => Some(checkpoint.floats(&bias)?.to_vec1()?),
                false => None,
            };
            Linear::new(checkpoint.tensor(&format!("{name}.weight"))?, bias)
        };
        let norm = |name: &str| -> Result<RmsNorm, ModelError> {
            let gain = checkpoint.floats(&format!("{name}.weight"))?.to_vec1()?;
            Ok(RmsNorm { gain, eps: config.norm_eps })
        };
        let embedding = linear("token_embd")?;
        let output = match checkpoint.tied() {
            true => None,
            false => Some(linear("output")?),
        };
        progress(2, total).await?;
        let mut layers = Vec::new();
        for i in 0..config.layers {
            let part = |name: &str| format!("blk.{i}.{name}");
            layers.push(Layer {
                attn_norm: norm(&part("attn_norm"))?,
                q: linear(&part("attn_q"))?,
                k: linear(&part("attn_k"))?,
                v: linear(&part("attn_v"))?,
                o: linear(&part("attn_output"))?,
                ffn_norm: norm(&part("ffn_norm"))?,
                gate: linear(&part("ffn_gate"))?,
                up: linear(&part("ffn_up"))?,
                down: linear(&part("ffn_down"))?,
            });
            progress(2 + 9 * (i + 1), total).await?;
        }
        let norm = norm("output_norm")?;
        Ok(Self { config, embedding, layers, norm, output })
    }

    pub(super) fn head(&self) -> &Linear {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// The embedding rows of `tokens`, `[tokens, width]`.
    pub(super) fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut rows = Vec::with_capacity(tokens.len() * self.config.width);
        for &id in tokens {
            if id as usize >= self.config.vocab {
                return Err(ModelError::UnknownToken { id, vocab: self.config.vocab });
            }
            rows.extend(self.embedding.row(id as usize)?);
        }
        Ok(rows)
    }
}
