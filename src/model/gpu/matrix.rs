//! Weight matrices on the GPU: stacked where they have the same input, split where a binding's limit is passed; and the
//! products with them.

use std::ops::RangeInclusive;

use bytemuck::{Pod, Zeroable};
use candle_core::quantized::QTensor;
use wgpu::Buffer;

use super::bindings::{self, Buffers, Lookup, NormedProduct, Product};
use super::device::{Gpu, GpuError};
use super::kernels::{Kernel, Kernels};
use super::ops::{Call, Count, Op};
use super::pack::{Format, pack};

/// Rows that are few: a workgroup takes all of them, or eight.
pub(super) const FEW: usize = 16;
/// Which kernel multiplies how many rows, few and many; and few rows that are normed first.
const OF_FEW: [(Kernel, RangeInclusive<usize>); 3] =
    [(Kernel::Matvec1, 1..=1), (Kernel::Matvec4, 2..=4), (Kernel::Matvec8, 5..=FEW)];
const OF_MANY: (Kernel, RangeInclusive<usize>) = (Kernel::Matmul, FEW + 1..=usize::MAX);
const OF_NORMED: [(Kernel, RangeInclusive<usize>); 3] =
    [(Kernel::NormMatvec1, 1..=1), (Kernel::NormMatvec4, 2..=4), (Kernel::NormMatvec8, 5..=FEW)];
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
    eps: f32,
    unused: u32,
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

    fn product<'a>(&'a self, matrix: &'a Buffer, t: &'a Through) -> Product<'a> {
        Product { matrix, words: &self.words, scales: &self.scales, rows: t.rows, x: t.x, y: t.y }
    }

    /// The product of so many rows by each of these kernels, which share their buffers.
    fn bind(
        &self,
        gpu: &Gpu,
        kernels: &Kernels,
        of: &[(Kernel, RangeInclusive<usize>)],
        buffers: &impl Buffers,
    ) -> Vec<Op> {
        let names: Vec<Kernel> = of.iter().map(|(kernel, _)| *kernel).collect();
        let calls = kernels.bind_weights(gpu, &names, self.format, buffers);
        let op = |(call, (kernel, when)): (Call, &(Kernel, RangeInclusive<usize>))| {
            let outputs = if *kernel == Kernel::Matmul { 32 } else { 4 };
            let op = Op::new(call, Count::Fixed(self.rows.div_ceil(outputs)), Count::Rows(kernel.rows_at_once()));
            Op { when: when.clone(), ..op }
        };
        calls.into_iter().zip(of).map(op).collect()
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

/// The norm of a product's input.
pub(super) struct Normed<'a> {
    /// What is normed, `[rows, inputs]`.
    pub stream: &'a Buffer,
    pub gain: &'a Buffer,
    /// The primal row of each row.
    pub info: &'a Buffer,
    pub eps: f32,
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

    fn shape(&self, part: &Part, accumulate: bool) -> Shape {
        Shape {
            outputs: part.rows as u32,
            inputs: self.inputs as u32,
            all: self.outputs as u32,
            first: part.first as u32,
            accumulate: u32::from(accumulate),
            scale: 1.0,
            eps: 0.0,
            unused: 0,
        }
    }

    /// `y (+)= x W^T`, the bias in primal rows.
    pub fn product(&self, gpu: &Gpu, kernels: &Kernels, t: &Through, info: Option<&Buffer>) -> Vec<Op> {
        let one = |part: &Part| {
            let shape = gpu.uniform(&self.shape(part, t.accumulate));
            let all: Vec<_> = OF_FEW.into_iter().chain([OF_MANY]).collect();
            part.bind(gpu, kernels, &all, &part.product(&shape, t))
        };
        let products = self.parts.iter().flat_map(one);
        products.chain(self.bias(gpu, kernels, t, info)).collect()
    }

    /// The same of rows that are normed first. Few rows are taken from the stream and normed by the product itself; many from
    /// `t.x`, where the norm has left them.
    pub fn normed_product(
        &self,
        gpu: &Gpu,
        kernels: &Kernels,
        t: &Through,
        norm: &Normed,
        info: Option<&Buffer>,
    ) -> Vec<Op> {
        let one = |part: &Part| {
            let shape = gpu.uniform(&Shape { eps: norm.eps, ..self.shape(part, t.accumulate) });
            let Part { words, scales, .. } = part;
            let (gain, info) = (norm.gain, norm.info);
            let few = NormedProduct { matrix: &shape, words, scales, rows: t.rows, x: norm.stream, y: t.y, gain, info };
            let mut ops = part.bind(gpu, kernels, &OF_NORMED, &few);
            ops.extend(part.bind(gpu, kernels, &[OF_MANY], &part.product(&shape, t)));
            ops
        };
        let products = self.parts.iter().flat_map(one);
        products.chain(self.bias(gpu, kernels, t, info)).collect()
    }

    fn bias(&self, gpu: &Gpu, kernels: &Kernels, t: &Through, info: Option<&Buffer>) -> Option<Op> {
        let (Some(bias), Some(info)) = (&self.bias, info) else { return None };
        let shape = gpu.uniform(&[self.outputs as u32, 0, 0, 0]);
        let bound = kernels.bind(gpu, bindings::Bias { shape: &shape, rows: t.rows, info, b: bias, y: t.y });
        Some(Op::elements(bound, self.outputs))
    }

    /// `y (+)= x W`, the vjp.
    pub fn transposed(&self, gpu: &Gpu, kernels: &Kernels, t: &Through) -> Vec<Op> {
        let one = |(i, part): (usize, &Part)| {
            let shape = gpu.uniform(&self.shape(part, t.accumulate || i > 0));
            kernels.bind_weights(gpu, &[Kernel::Transposed], part.format, &part.product(&shape, t))
        };
        let op = |call| Op::new(call, Count::Fixed(self.inputs.div_ceil(32)), Count::Rows(32));
        self.parts.iter().enumerate().flat_map(one).map(op).collect()
    }

    /// Rows of the matrix, by the tokens of `tokens`, times `scale` into `y`.
    pub fn lookup(&self, gpu: &Gpu, kernels: &Kernels, tokens: &Buffer, y: &Buffer, scale: f32) -> Vec<Op> {
        let one = |part: &Part| {
            let shape = gpu.uniform(&Shape { scale, ..self.shape(part, false) });
            let Part { words, scales, .. } = part;
            kernels.bind_weights(
                gpu,
                &[Kernel::Embed],
                part.format,
                &Lookup { matrix: &shape, words, scales, tokens, y },
            )
        };
        self.parts.iter().flat_map(one).map(Op::rows).collect()
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

/// The kernel that multiplies so many rows, normed first or not.
pub(super) fn kernel_of(rows: usize, is_normed: bool) -> Kernel {
    let few = if is_normed { OF_NORMED } else { OF_FEW };
    few.iter().find(|(_, of)| of.contains(&rows)).map_or(OF_MANY.0, |(kernel, _)| *kernel)
}

/// Bytes that one binding can hold.
pub(super) fn limit(gpu: &Gpu) -> usize {
    gpu.binding_limit()
}
