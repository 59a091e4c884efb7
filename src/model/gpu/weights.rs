//! A model's weights in the GPU's memory, sent tensor by tensor.

use wgpu::Buffer;

use super::device::{Gpu, GpuError};
use super::kernels::Kernels;
use super::matrix::Matrix;
use super::pack::Format;
use crate::checkpoint::{Checkpoint, ModelConfig};
use crate::model::ModelError;

/// WIDEST in the attention kernels.
const WIDEST_HEAD: usize = 256;

/// One decoder layer.
pub(super) struct Layer {
    pub attn_norm: Buffer,
    pub q: Matrix,
    pub k: Matrix,
    pub v: Matrix,
    pub o: Matrix,
    pub ffn_norm: Buffer,
    pub gate: Matrix,
    pub up: Matrix,
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

    /// Sends all weights; `progress` hears the tensors done of tensors in all, and may stop the loading by an error.
    pub fn load(
        gpu: Gpu,
        checkpoint: &Checkpoint,
        mut progress: impl FnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let config = checkpoint.config.clone();
        if config.head_width > WIDEST_HEAD {
            let what =
                format!("its heads are {} wide, and at most {WIDEST_HEAD} are computed there", config.head_width);
            return Err(GpuError::TooLarge(what).into());
        }
        let total = 2 + 9 * config.layers;
        let mut done = 0;
        let mut tick = |n: usize| {
            done += n;
            progress(done.min(total), total)
        };
        let matrix = |name: &str| -> Result<Matrix, ModelError> {
            let bias = format!("{name}.bias");
            let bias = match checkpoint.has(&bias) {
                true => Some(checkpoint.floats(&bias)?.to_vec1()?),
                false => None,
            };
            Ok(Matrix::upload(&gpu, &checkpoint.tensor(&format!("{name}.weight"))?, bias)?)
        };
        let norm = |name: &str| -> Result<Buffer, ModelError> {
            let gain: Vec<f32> = checkpoint.floats(&format!("{name}.weight"))?.to_vec1()?;
            Ok(gpu.filled(&gain))
        };
        let embedding = matrix("token_embd")?;
        let output = if checkpoint.tied() { None } else { Some(matrix("output")?) };
        tick(2)?;
        let mut layers = Vec::new();
        for i in 0..config.layers {
            let part = |name: &str| format!("blk.{i}.{name}");
            layers.push(Layer {
                attn_norm: norm(&part("attn_norm"))?,
                q: matrix(&part("attn_q"))?,
                k: matrix(&part("attn_k"))?,
                v: matrix(&part("attn_v"))?,
                o: matrix(&part("attn_output"))?,
                ffn_norm: norm(&part("ffn_norm"))?,
                gate: matrix(&part("ffn_gate"))?,
                up: matrix(&part("ffn_up"))?,
                down: matrix(&part("ffn_down"))?,
            });
            gpu.check()?;
            tick(9)?;
        }
        let norm = norm("output_norm")?;
        gpu.check()?;
        Ok(Self { gpu, kernels: Kernels::default(), config, embedding, layers, norm, output })
    }

    pub(super) fn head(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}
