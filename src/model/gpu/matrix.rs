//! Weight matrices on the GPU: stacked where they have the same input, split where a binding's limit is passed; and the
//! products with them.

use std::ops::RangeInclusive;

use bytemuck::{Pod, Zeroable};
use candle_core::quantized::QTensor;
use wgpu::Buffer;

use super::device::{Gpu, GpuError};
use super::kernels::{Kernel, Kernels};
use super::ops::{Count, Op};
use super::pack::{Format, pack};

/// Which kernel multiplies how many rows.
pub(super) const PRODUCTS: [(Kernel, RangeInclusive<usize>); 4] =
    [(Kernel::Matvec1, 1..=1), (Kernel::Matvec4, 2..=4), (Kernel::Matvec8, 5..=16), (Kernel::Matmul, 17..=usize::MAX)];
/// Most workgroups in one direction, as WebGPU promises.
const WORKGROUPS: usize = 65_535;
/// Bytes of a matrix that are packed and sent at once.
const PIECE: usize = 16 << 20;

/// The uniform `Matrix` of `kernels/weights.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Shape {
    outputs: u32,
    inputs: u32,
    all: u32,
    first: u32,
    accumulate: u32,
    scale: f32,
    unused: [u32; 2],
}

/// A tensor of a stack, `[outputs, inputs]`, and its bias.
pub(super) struct Rows {
    pub tensor: QTensor,
    pub bias: Option<Vec<f32>>,
}

impl Rows {
    fn dims(&self) -> Result<(usize, usize), GpuError> {
        self.tensor.shape().dims2().map_err(refused)
    }

    fn format(&self) -> Format {
        Format::of(self.tensor.dtype())
    }
}

fn refused(e: candle_core::Error) -> GpuError {
    GpuError::Refused(e.to_string())
}

/// Consecutive rows of a matrix, of one format.
struct Part {
    format: Format,
    first: usize,
    rows: usize,
    words: Buffer,
    scales: Buffer,
}

impl Part {
    fn new(gpu: &Gpu, format: Format, inputs: usize, first: usize, rows: usize) -> Self {
        let blocks = rows * inputs.div_ceil(32);
        // a binding must not be empty
        let scales = gpu.storage((blocks * format.block_scales() * 2).max(2));
        let words = gpu.storage(blocks * format.block_words());
        Self { format, first, rows, words, scales }
    }
}

/// `W [outputs, inputs]`: one tensor, or several under each other.
pub(super) struct Matrix {
    pub outputs: usize,
    pub inputs: usize,
    parts: Vec<Part>,
    bias: Option<Buffer>,
}

/// What a product reads and writes.
pub(super) struct Through<'a> {
    /// How many rows.
    pub rows: &'a Buffer,
    pub x: &'a Buffer,
    pub y: &'a Buffer,
    /// Whether the result is added to what `y` holds.
    pub accumulate: bool,
}

impl Matrix {
    /// Sends tensors with the same input to the GPU, in pieces. Fails with [`GpuError::TooLarge`] if one row passes its limits.
    pub fn upload(gpu: &Gpu, stack: &[Rows]) -> Result<Self, GpuError> {
        Self::upload_in_parts(gpu, stack, 4 * WORKGROUPS)
    }

    /// As [`Matrix::upload`], with at most `most` rows in a part.
    pub fn upload_in_parts(gpu: &Gpu, stack: &[Rows], most: usize) -> Result<Self, GpuError> {
        let dims = stack.iter().map(Rows::dims).collect::<Result<Vec<_>, _>>()?;
        let outputs = dims.iter().map(|(outputs, _)| outputs).sum();
        let inputs = dims.first().map_or(0, |(_, inputs)| *inputs);
        if dims.iter().any(|(_, of)| *of != inputs) {
            return Err(GpuError::Refused("stacked matrices have inputs of different widths".into()));
        }
        let (mut parts, mut first) = (Vec::new(), 0);
        for run in stack.chunk_by(|a, b| a.format() == b.format()) {
            let fit = most.min(limit(gpu) / run[0].format().row_bytes(inputs).max(1));
            if fit == 0 {
                return Err(GpuError::TooLarge(format!("a row of {inputs} weights passes its limit for a binding")));
            }
            let count: usize = run.iter().map(|r| r.dims().map_or(0, |(outputs, _)| outputs)).sum();
            let new = (0..count)
                .step_by(fit)
                .map(|at| Part::new(gpu, run[0].format(), inputs, first + at, fit.min(count - at)));
            let new: Vec<Part> = new.collect();
            send(gpu, run, inputs, &new)?;
            parts.extend(new);
            first += count;
        }
        Ok(Self { outputs, inputs, parts, bias: biases(stack, &dims).map(|b| gpu.filled(&b)) })
    }

    fn shape(&self, gpu: &Gpu, part: &Part, accumulate: bool) -> Buffer {
        self.scaled_shape(gpu, part, accumulate, 1.0)
    }

    fn scaled_shape(&self, gpu: &Gpu, part: &Part, accumulate: bool, scale: f32) -> Buffer {
        gpu.uniform(&Shape {
            outputs: part.rows as u32,
            inputs: self.inputs as u32,
            all: self.outputs as u32,
            first: part.first as u32,
            accumulate: u32::from(accumulate),
            scale,
            unused: [0; 2],
        })
    }

    /// `y (+)= x W^T`, the bias in primal rows.
    pub fn product(&self, gpu: &Gpu, kernels: &Kernels, t: &Through, info: Option<&Buffer>) -> Vec<Op> {
        let mut ops = Vec::new();
        for part in &self.parts {
            let shape = self.shape(gpu, part, t.accumulate);
            let buffers = [&shape, &part.words, &part.scales, t.rows, t.x, t.y];
            let calls = kernels.bind_products(gpu, PRODUCTS.map(|(kernel, _)| kernel), part.format, &buffers);
            for (call, (kernel, when)) in calls.into_iter().zip(PRODUCTS) {
                let outputs = if kernel == Kernel::Matmul { 32 } else { 4 };
                let op = Op::new(call, Count::Fixed(part.rows.div_ceil(outputs)), Count::Rows(kernel.rows_at_once()));
                ops.push(Op { when, ..op });
            }
        }
        if let (Some(bias), Some(info)) = (&self.bias, info) {
            let shape = gpu.uniform(&[self.outputs as u32, 0, 0, 0]);
            let bound = kernels.bind(gpu, Kernel::Bias, None, &[&shape, t.rows, info, bias, t.y]);
            ops.push(Op::elements(bound, self.outputs));
        }
        ops
    }

    /// `y (+)= x W`, the vjp.
    pub fn transposed(&self, gpu: &Gpu, kernels: &Kernels, t: &Through) -> Vec<Op> {
        let one = |(i, part): (usize, &Part)| {
            let shape = self.shape(gpu, part, t.accumulate || i > 0);
            let buffers = [&shape, &part.words, &part.scales, t.rows, t.x, t.y];
            let bound = kernels.bind(gpu, Kernel::Transposed, Some(part.format), &buffers);
            Op::new(bound, Count::Fixed(self.inputs.div_ceil(32)), Count::Rows(32))
        };
        self.parts.iter().enumerate().map(one).collect()
    }

    /// Rows of the matrix, by the tokens of `tokens`, times `scale` into `y`.
    pub fn lookup(&self, gpu: &Gpu, kernels: &Kernels, tokens: &Buffer, y: &Buffer, scale: f32) -> Vec<Op> {
        let one = |part: &Part| {
            let shape = self.scaled_shape(gpu, part, false, scale);
            let buffers = [&shape, &part.words, &part.scales, tokens, y];
            Op::rows(kernels.bind(gpu, Kernel::Embed, Some(part.format), &buffers))
        };
        self.parts.iter().map(one).collect()
    }
}

/// Fills `parts` with the rows of `run`, which follow each other without a gap.
fn send(gpu: &Gpu, run: &[Rows], inputs: usize, parts: &[Part]) -> Result<(), GpuError> {
    let mut parts = parts.iter();
    let (mut part, mut at) = (parts.next(), 0);
    for rows in run {
        let (dtype, bytes) = (rows.tensor.dtype(), rows.tensor.data().map_err(refused)?);
        let row = (inputs / dtype.block_size() * dtype.type_size()).max(1);
        let mut left = &bytes[..];
        while let Some(to) = part.filter(|_| left.len() >= row) {
            let count = (PIECE / row).max(1).min(to.rows - at).min(left.len() / row);
            let (piece, rest) = left.split_at(count * row);
            let packed = pack(dtype, piece, inputs);
            let (words, scales) = (to.format.block_words(), to.format.block_scales());
            let blocks = inputs.div_ceil(32);
            gpu.queue.write_buffer(&to.words, (4 * at * blocks * words) as u64, bytemuck::cast_slice(&packed.words));
            if scales > 0 {
                let to_scales = (8 * at * blocks * scales) as u64;
                gpu.queue.write_buffer(&to.scales, to_scales, bytemuck::cast_slice(&packed.scales));
            }
            (left, at) = (rest, at + count);
            if at == to.rows {
                gpu.queue.submit([]);
                (part, at) = (parts.next(), 0);
            }
        }
    }
    Ok(())
}

/// All biases beside each other, zeros for a tensor without one; nothing if none has one.
fn biases(stack: &[Rows], dims: &[(usize, usize)]) -> Option<Vec<f32>> {
    let one = |(rows, (outputs, _)): (&Rows, &(usize, usize))| rows.bias.clone().unwrap_or(vec![0.0; *outputs]);
    stack.iter().any(|r| r.bias.is_some()).then(|| stack.iter().zip(dims).flat_map(one).collect())
}

/// Bytes that one binding can hold.
pub(super) fn limit(gpu: &Gpu) -> usize {
    gpu.binding_limit()
}
