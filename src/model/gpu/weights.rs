//! A model's weights in the GPU's memory, sent tensor by tensor.

use wgpu::Buffer;

use super::device::{Gpu, GpuError};
use super::fused::{Fused, fuse};
use super::kernels::Kernels;
use super::matrix::{Matrix, Rows};
use super::pack::Format;
use super::range::f16_holds;
use crate::checkpoint::{Checkpoint, ModelConfig, Part};
use crate::model::ModelError;
use crate::model::steps::Attend;

/// Of a layer.
const MATRICES: usize = 7;
/// WIDEST in the attention kernels.
const WIDEST_HEAD: usize = 256;

/// One decoder layer.
pub(super) struct Layer {
    pub fused: Vec<Fused>,
    /// Queries, keys and values in one product.
    pub qkv: Matrix,
    pub o: Matrix,
    /// Gate and up in one product.
    pub gate_up: Matrix,
    pub down: Matrix,
    norms: Vec<(Part, Buffer)>,
}

impl Layer {
    /// The gain of a norm that it has.
    pub fn norm(&self, part: Part) -> Result<&Buffer, GpuError> {
        let found = self.norms.iter().find(|(p, _)| *p == part).map(|(_, gain)| gain);
        found.ok_or_else(|| GpuError::Refused(format!("a layer has no {}", part.name())))
    }

    /// How it attends.
    pub fn attend(&self) -> Attend {
        let found = self.fused.iter().find_map(|f| match f {
            Fused::Attend(attend) => Some(*attend),
            _ => None,
        });
        found.unwrap_or(Attend { scale: 1.0, window: None })
    }

    /// The matrix that leads back to the residual stream.
    pub fn back(&self, weight: Part) -> &Matrix {
        if weight == Part::Down { &self.down } else { &self.o }
    }
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
        let bytes = |(dtype, shape): (_, &[usize])| match shape {
            [rows, columns] => (rows * Format::of(dtype).row_bytes(*columns)) as u64,
            other => 4 * other.iter().product::<usize>() as u64,
        };
        checkpoint.tensors().map(bytes).sum()
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
        let fused = config.specs.iter().map(fuse).collect::<Result<Vec<_>, _>>();
        let fused = fused.map_err(|step| GpuError::TooLarge(format!("it does not compute {step:?} yet")))?;
        let norms = |layer: usize| {
            Part::ALL.into_iter().filter(move |p| p.is_norm() && p.is_in(&checkpoint.config.specs[layer]))
        };
        let total = 2 + (0..config.layers).map(|layer| MATRICES + norms(layer).count()).sum::<usize>();
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
        let norm = |name: &str| -> Result<Buffer, ModelError> { Ok(gpu.filled(&checkpoint.gain(name)?)) };
        let embedding = matrix("token_embd".into())?;
        let output = if checkpoint.tied() { None } else { Some(matrix("output".into())?) };
        let mut done = 2;
        progress(done, total).await?;
        let mut layers = Vec::new();
        for (i, fused) in fused.into_iter().enumerate() {
            let part = |part: Part| format!("blk.{i}.{}", part.name());
            layers.push(Layer {
                fused,
                qkv: stack(&[Part::Queries, Part::Keys, Part::Values].map(part))?,
                o: matrix(part(Part::Output))?,
                gate_up: stack(&[Part::Gate, Part::Up].map(part))?,
                down: matrix(part(Part::Down))?,
                norms: norms(i).map(|part| Ok((part, norm(&part.tensor(i))?))).collect::<Result<_, ModelError>>()?,
            });
            if gpu.has_f16_tangents() && !f16_holds(checkpoint, i)? {
                gpu.keep_tangents_in_f32();
            }
            gpu.check()?;
            done += MATRICES + norms(i).count();
            progress(done, total).await?;
        }
        // scaled logits are those of scaled hidden states: their tangents are scaled with them
        let mut gain = checkpoint.gain("output_norm.weight")?;
        gain.iter_mut().for_each(|g| *g *= config.logit_scale);
        let norm = gpu.filled(&gain);
        gpu.check()?;
        Ok(Self { gpu, kernels: Kernels::default(), config, embedding, layers, norm, output })
    }

    pub(super) fn head(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}
