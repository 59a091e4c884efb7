//! Every kernel on its own against the CPU: value, jvp and vjp, on shapes that fill no tile. The page offers it for the
//! visitor's GPU, in the storage types that are loaded. The tests run it natively, in every type, and in Chromium.

mod attention;
mod head;
mod layer;
mod products;

use std::fmt::Display;
use std::ops::ControlFlow;

use candle_core::quantized::GgmlDType;
use serde::{Deserialize, Serialize};
use wgpu::Buffer;

pub use products::TYPES;

use super::bindings::OfKernel;
use super::cache::{Places, TangentType};
use super::device::{Gpu, GpuError};
use super::forward::{angles, row_info};
use super::kernels::{Kernel, Kernels};
use super::ops::{self, Call, Op, encode};
use crate::checkpoint::{LayerSpec, ModelConfig, RopeLayout};
use crate::model::row_plan::RowPlan;
use crate::model::{ModelError, Tick};

/// How far a GPU may be from the CPU: the largest difference relative to the largest value.
pub const TOLERANCE: f32 = 1e-3;

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Derivative {
    /// The operation's result.
    Value,
    /// Its Jacobian-vector product, forward mode.
    Jvp,
    /// Its vector-Jacobian product, reverse mode.
    Vjp,
}

/// One comparison of a kernel with the CPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its file's name.
    pub kernel: String,
    /// Of the operation.
    pub derivative: Derivative,
    /// On what.
    pub case: String,
    /// The largest difference relative to the largest value; `f32::MAX` if it is no number, or a token is another.
    pub relative_error: f32,
}

impl Checked {
    /// Whether the GPU is within [`TOLERANCE`].
    pub fn agrees(&self) -> bool {
        self.relative_error <= TOLERANCE
    }
}

/// Holds every kernel against the CPU, those of products with weights in f32 and in `types`. `tick` hears of each part. Fails if
/// the GPU does, or if `tick` stops it.
pub async fn check(
    gpu: &Gpu,
    types: &[GgmlDType],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Checked>, ModelError> {
    let mut bench = Bench { gpu, kernels: Kernels::default(), seed: 1, checked: Vec::new() };
    let total = 5;
    for done in 0..total {
        match done {
            0 => products::check(&mut bench, types).await?,
            1 => layer::check(&mut bench).await?,
            2 => attention::check(&mut bench).await?,
            3 => attention::check_vjp(&mut bench).await?,
            _ => head::check(&mut bench).await?,
        }
        if tick(Tick { done: done + 1, total }).await.is_break() {
            return Err(ModelError::Cancelled);
        }
    }
    Ok(bench.checked)
}

/// The largest difference relative to the largest value of `expected`; `f32::MAX` if anything is no number, or missing.
pub(crate) fn relative_error(expected: &[f32], found: &[f32]) -> f32 {
    let most = expected.iter().fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs() / most);
    let worst = differences.fold(0.0, |worst, d| if d > worst || d.is_nan() { d } else { worst });
    if worst.is_finite() && expected.len() == found.len() { worst } else { f32::MAX }
}

/// Matrices beside each other: values and width of each.
fn beside(matrices: &[(&[f32], usize)]) -> Vec<f32> {
    let rows = matrices.first().map_or(0, |(values, width)| values.len() / width);
    (0..rows).flat_map(|row| matrices.iter().flat_map(move |(v, width)| v[row * width..][..*width].to_vec())).collect()
}

/// A GPU with what was found out about it.
struct Bench<'a> {
    gpu: &'a Gpu,
    kernels: Kernels,
    seed: u64,
    checked: Vec<Checked>,
}

impl Bench<'_> {
    /// Numbers in -1..1.
    fn noise(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.seed >> 40) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn bind<B: OfKernel>(&self, buffers: B) -> Call {
        self.kernels.bind(self.gpu, buffers)
    }

    /// Cached tangents with these values, as the GPU stores them.
    fn tangents(&self, values: &[f32]) -> Buffer {
        match self.gpu.tangent_type() {
            TangentType::F32 => self.gpu.filled(values),
            TangentType::F16 => {
                self.gpu.filled(&values.iter().map(|v| half::f16::from_f32(*v).to_bits()).collect::<Vec<_>>())
            }
        }
    }

    /// The first `count` of such values.
    async fn read_tangents(&self, from: &Buffer, count: usize) -> Result<Vec<f32>, GpuError> {
        let size = self.gpu.tangent_type().size();
        let words = self.run(&[], 0, from, (count * size).div_ceil(4)).await?;
        if size == 4 {
            return Ok(words);
        }
        let halves = words.iter().flat_map(|w| [w.to_bits() as u16, (w.to_bits() >> 16) as u16]);
        Ok(halves.map(|bits| half::f16::from_bits(bits).to_f32()).take(count).collect())
    }

    /// Runs `ops` for `rows` rows, and reads the first `count` values of `from`.
    async fn run(&self, ops: &[Op], rows: usize, from: &Buffer, count: usize) -> Result<Vec<f32>, GpuError> {
        let staged = self.gpu.staging(count);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        encode(ops, &mut ops::pass(&mut encoder, "check"), rows);
        encoder.copy_buffer_to_buffer(from, 0, &staged, 0, Some(4 * count as u64));
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.read(&staged, count).await
    }

    fn note(&mut self, kernel: Kernel, derivative: Derivative, case: impl Display, relative_error: f32) {
        self.checked.push(Checked { kernel: kernel.name(), derivative, case: case.to_string(), relative_error });
    }

    fn compare(&mut self, kernel: Kernel, derivative: Derivative, case: impl Display, expected: &[f32], found: &[f32]) {
        self.note(kernel, derivative, case, relative_error(expected, found));
    }

    /// Stacked rows: the first `primal` values are a value's, the others a jvp's.
    fn compare_stacked(&mut self, kernel: Kernel, case: impl Display, primal: usize, expected: &[f32], found: &[f32]) {
        self.compare(kernel, Derivative::Value, &case, &expected[..primal], &found[..primal]);
        if expected.len() > primal {
            self.compare(kernel, Derivative::Jvp, &case, &expected[primal..], &found[primal..]);
        }
    }

    /// What the kernels are told of stacked rows for `count` positions from `start`.
    /// Caches hold `capacity` positions.
    fn stacked(
        &self,
        config: &ModelConfig,
        (start, count): (usize, usize),
        firsts: &[usize],
        capacity: usize,
    ) -> Stacked {
        let plan = RowPlan::new(start, count, firsts);
        Stacked {
            count: self.gpu.uniform(&[plan.rows() as u32, plan.primal as u32, 0, 0]),
            info: self.gpu.filled(&row_info(&plan, &Places::new(capacity, firsts))),
            angles: self.gpu.filled(&angles(&config.ropes[0], start..start + count)),
            plan,
        }
    }
}

/// Stacked primal and tangent rows.
struct Stacked {
    plan: RowPlan,
    count: Buffer,
    info: Buffer,
    angles: Buffer,
}

/// A network of which the checks take a piece: `heads` heads of width `head_width`, `kv_heads` for keys.
fn config(heads: usize, kv_heads: usize, head_width: usize, rope_layout: RopeLayout) -> ModelConfig {
    ModelConfig {
        architecture: "llama".into(),
        vocab: 301,
        width: heads * head_width,
        layers: 1,
        heads,
        kv_heads,
        head_width,
        ffn_width: 70,
        context: 512,
        norm_eps: 1e-5,
        rope_layout,
        ropes: vec![(0..head_width / 2).map(|i| 0.7f32.powi(i as i32)).collect()],
        embedding_scale: 1.0,
        inputs_scale: 1.0,
        logit_scale: 1.0,
        specs: vec![LayerSpec::llama(head_width)],
        gain_offset: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantArray;

    use super::*;
    use crate::model::block_on;
    use crate::testing::not_checked;

    /// A device, or nothing where none is needed.
    fn gpu() -> Option<Gpu> {
        match block_on(Gpu::open()) {
            Ok(gpu) => Some(gpu),
            Err(e) if std::env::var("SHIFTLENS_GPU").as_deref() == Ok("required") => panic!("{e}"),
            Err(e) => {
                not_checked(&e.to_string());
                None
            }
        }
    }

    /// Natively; `tests/browser/gpu.rs` does the same through the page.
    #[test]
    fn every_kernel_agrees_with_the_cpu() {
        let Some(gpu) = gpu() else { return };
        if gpu.has_f16_tangents() {
            agrees(&gpu);
            gpu.keep_tangents_in_f32();
        } else {
            not_checked(&format!("{} does not compute in f16", gpu.name()));
        }
        agrees(&gpu);
    }

    /// What is left out is never a kernel.
    #[test]
    fn few_storage_types_leave_no_kernel_out() {
        let Some(gpu) = gpu() else { return };
        let mut quiet = async |_: Tick| ControlFlow::Continue(());
        let checked = block_on(check(&gpu, &[GgmlDType::Q8_0], &mut quiet)).unwrap();
        let names: BTreeSet<String> = checked.iter().map(|c| c.kernel.clone()).collect();
        assert_eq!(names, Kernel::VARIANTS.iter().map(|k| k.name()).collect());
        let of = |dtype: &str| checked.iter().filter(|c| c.case.contains(dtype)).count();
        assert!(of("Q8_0") > 0 && of("F32") > 0 && of("Q4K") == 0 && of("F16") == 0);
    }

    fn agrees(gpu: &Gpu) {
        let mut ticks = Vec::new();
        let mut noted = async |t: Tick| {
            ticks.push((t.done, t.total));
            ControlFlow::Continue(())
        };
        let checked = block_on(check(gpu, &TYPES, &mut noted)).unwrap();
        let off: Vec<&Checked> = checked.iter().filter(|c| !c.agrees()).collect();
        assert!(off.is_empty(), "{off:#?}");
        let names: BTreeSet<String> = checked.iter().map(|c| c.kernel.clone()).collect();
        assert_eq!(names, Kernel::VARIANTS.iter().map(|k| k.name()).collect(), "a kernel is not checked");
        assert_eq!(ticks.last().map(|(done, total)| done == total), Some(true));
        let worst = checked.iter().map(|c| c.relative_error).fold(0.0, f32::max);
        println!(
            "{} comparisons on {}, tangents in {:?}, at most {worst:.1e} apart",
            checked.len(),
            gpu.name(),
            gpu.tangent_type()
        );
    }

    #[test]
    fn what_is_no_number_does_not_agree() {
        let of = |found: &[f32]| Checked {
            kernel: String::new(),
            derivative: Derivative::Value,
            case: String::new(),
            relative_error: relative_error(&[1.0, -2.0], found),
        };
        assert!(of(&[1.0, -2.001]).agrees());
        for wrong in [&[1.0, f32::NAN][..], &[f32::INFINITY, -2.0], &[1.0], &[1.0, -2.01]] {
            assert!(!of(wrong).agrees(), "{wrong:?}");
        }
    }
}
