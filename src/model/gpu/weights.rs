//! A model's weights in the GPU's memory, sent tensor by tensor.

use wgpu::Buffer;

use super::device::{Gpu, GpuError};
use super::kernels::Kernels;
use super::matrix::{Matrix, Rows};
use super::pack::Format;
use crate::checkpoint::{Checkpoint, ModelConfig};
use crate::model::ModelError;

/// WIDEST in the attention kernels.
const WIDEST_HEAD: usize = 256;

/// One decoder layer.
pub(super) struct Layer {
    pub attn_norm: Buffer,
    /// Queries, keys and values in one product.
    pub qkv: Matrix,
    pub o: Matrix,
    pub ffn_norm: Buffer,
    /// Gate and up in one product.
    pub gate_up: Matrix,
    pub down: Matrix,
}

/// The whole model with the GPU that holds it. Without an output matrix of its own the head is the embedding.
pub struct GpuModel {
    pub(super) gpu: Gpu,
    pub(super) kernels: Kernels,
    pub(super) config: ModelConfig,
    pub(super) embedding: Matrix,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: Buffer,
    output: Option<Matrix>,
}

impl GpuModel {
    /// Bytes of GPU memory that the weights of `checkpoint` take.
    pub fn need(checkpoint: &Checkpoint) -> u64 {
        let bytes = |(shape, dtype): (&[usize], _)| match shape {
            [rows, columns] => (rows * Format::of(dtype).row_bytes(*columns)) as u64,
            other => 4 * other.iter().product::<usize>() as u64,
        };
        checkpoint.tensor_kinds().map(bytes).sum()
    }

    /// Sends all weights; `progress` is awaited with the tensors done of tensors in all, and may stop it by an error.
    pub async fn load(
        gpu: Gpu,
        checkpoint: &Checkpoint,
        progress: &mut impl AsyncFnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let config = checkpoint.config.clone();
        if config.head_width > WIDEST_HEAD {
            let what =
                format!("its heads are {} wide, and at most {WIDEST_HEAD} are computed there", config.head_width);
            return Err(GpuError::TooLarge(what).into());
        }
        if !config.is_llama() {
            let what = format!("layers of the {} family are not computed there yet", config.architecture);
            return Err(GpuError::TooLarge(what).into());
        }
        let total = 2 + 9 * config.layers;
        let stack = |names: &[String]| -> Result<Matrix, ModelError> {
            let one = |name: &String| -> Result<Rows, ModelError> {
                let bias = format!("{name}.bias");
                let bias = match checkpoint.has(&bias) {
                    true => Some(checkpoint.floats(&bias)?.to_vec1()?),
                    false => None,
                };
                Ok(Rows { tensor: checkpoint.tensor(&format!("{name}.weight"))?, bias })
            };
            let stacked = names.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            Ok(Matrix::upload(&gpu, &stacked)?)
        };
        let matrix = |name: String| stack(&[name]);
        let norm =
            |name: &str| -> Result<Buffer, ModelError> { Ok(gpu.filled(&checkpoint.gain(&format!("{name}.weight"))?)) };
        let embedding = matrix("token_embd".into())?;
        let output = if checkpoint.tied() { None } else { Some(matrix("output".into())?) };
        progress(2, total).await?;
        let mut layers = Vec::new();
        for i in 0..config.layers {
            let part = |name: &str| format!("blk.{i}.{name}");
            layers.push(Layer {
                attn_norm: norm(&part("attn_norm"))?,
                qkv: stack(&[part("attn_q"), part("attn_k"), part("attn_v")])?,
                o: matrix(part("attn_output"))?,
                ffn_norm: norm(&part("ffn_norm"))?,
                gate_up: stack(&[part("ffn_gate"), part("ffn_up")])?,
                down: matrix(part("ffn_down"))?,
            });
            gpu.check()?;
            progress(2 + 9 * (i + 1), total).await?;
        }
        let norm = norm("output_norm")?;
        gpu.check()?;
        Ok(Self { gpu, kernels: Kernels::default(), config, embedding, layers, norm, output })
    }

    pub(super) fn head(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}
