//! A weight matrix on the GPU, split where a binding's limit is passed, and the products with it.

use bytemuck::{Pod, Zeroable};
use candle_core::quantized::QTensor;
use wgpu::Buffer;

use super::device::{Gpu, GpuError};
use super::kernels::{Kernel, Kernels};
use super::ops::{Count, Op};
use super::pack::{Format, pack};

/// Up to so many rows are multiplied by the kernel for few.
pub(super) const FEW: usize = 16;
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
    unused: [u32; 3],
}

/// Consecutive rows of a matrix.
struct Part {
    first: usize,
    rows: usize,
    words: Buffer,
    scales: Buffer,
}

/// `W [outputs, inputs]`.
pub(super) struct Matrix {
    pub outputs: usize,
    pub inputs: usize,
    format: Format,
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
    /// Sends `tensor` to the GPU, in pieces. Fails with [`GpuError::TooLarge`] if one row passes its limits.
    pub fn upload(gpu: &Gpu, tensor: &QTensor, bias: Option<Vec<f32>>) -> Result<Self, GpuError> {
        Self::upload_in_parts(gpu, tensor, bias, 4 * WORKGROUPS)
    }

    /// As [`Matrix::upload`], with at most `most` rows in a part.
    pub fn upload_in_parts(gpu: &Gpu, tensor: &QTensor, bias: Option<Vec<f32>>, most: usize) -> Result<Self, GpuError> {
        let refused = |e: candle_core::Error| GpuError::Refused(e.to_string());
        let (outputs, inputs) = tensor.shape().dims2().map_err(refused)?;
        let (dtype, bytes) = (tensor.dtype(), tensor.data().map_err(refused)?);
        let format = Format::of(dtype);
        let fit = limit(gpu) / format.row_bytes(inputs).max(1);
        if fit == 0 {
            return Err(GpuError::TooLarge(format!("a row of {inputs} weights passes its limit for a binding")));
        }
        let row = inputs / dtype.block_size() * dtype.type_size();
        let mut parts = Vec::new();
        for first in (0..outputs).step_by(most.min(fit)) {
            let rows = most.min(fit).min(outputs - first);
            let blocks = inputs.div_ceil(32);
            let (words, scales) = (gpu.storage(rows * blocks * format.block_words()), gpu.storage(rows * blocks * 2));
            let (mut words_at, mut scales_at) = (0, 0);
            for piece in (0..rows).step_by((PIECE / row.max(1)).max(1)) {
                let count = (PIECE / row.max(1)).max(1).min(rows - piece);
                let packed = pack(dtype, &bytes[(first + piece) * row..(first + piece + count) * row], inputs);
                gpu.queue.write_buffer(&words, words_at, bytemuck::cast_slice(&packed.words));
                gpu.queue.write_buffer(&scales, scales_at, bytemuck::cast_slice(&packed.scales));
                words_at += size_of_val(&packed.words[..]) as u64;
                scales_at += size_of_val(&packed.scales[..]) as u64;
            }
            gpu.queue.submit([]);
            parts.push(Part { first, rows, words, scales });
        }
        let bias = bias.map(|b| gpu.filled(&b));
        Ok(Self { outputs, inputs, format, parts, bias })
    }

    fn shape(&self, gpu: &Gpu, part: &Part, accumulate: bool) -> Buffer {
        gpu.uniform(&Shape {
            outputs: part.rows as u32,
            inputs: self.inputs as u32,
            all: self.outputs as u32,
            first: part.first as u32,
            accumulate: u32::from(accumulate),
            unused: [0; 3],
        })
    }

    /// `y (+)= x W^T`, the bias in primal rows.
    pub fn product(&self, gpu: &Gpu, kernels: &Kernels, t: &Through, info: Option<&Buffer>) -> Vec<Op> {
        let mut ops = Vec::new();
        for part in &self.parts {
            let shape = self.shape(gpu, part, t.accumulate);
            let buffers = [&shape, &part.words, &part.scales, t.rows, t.x, t.y];
            let bound = |kernel| kernels.bind(gpu, kernel, Some(self.format), &buffers);
            let few = Op::new(bound(Kernel::Matvec), Count::Fixed(part.rows.div_ceil(4)), Count::Rows(8));
            let many = Op::new(bound(Kernel::Matmul), Count::Fixed(part.rows.div_ceil(32)), Count::Rows(32));
            ops.push(Op { when: 1..=FEW, ..few });
            ops.push(Op { when: FEW + 1..=usize::MAX, ..many });
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
            let bound = kernels.bind(gpu, Kernel::Transposed, Some(self.format), &buffers);
            Op::new(bound, Count::Fixed(self.inputs.div_ceil(32)), Count::Rows(32))
        };
        self.parts.iter().enumerate().map(one).collect()
    }

    /// Rows of the matrix, by the tokens of `tokens`, into `y`.
    pub fn lookup(&self, gpu: &Gpu, kernels: &Kernels, tokens: &Buffer, y: &Buffer) -> Vec<Op> {
        let one = |part: &Part| {
            let shape = self.shape(gpu, part, false);
            let buffers = [&shape, &part.words, &part.scales, tokens, y];
            Op::rows(kernels.bind(gpu, Kernel::Embed, Some(self.format), &buffers))
        };
        self.parts.iter().map(one).collect()
    }
}

/// Bytes that one binding can hold.
pub(super) fn limit(gpu: &Gpu) -> usize {
    gpu.limits.max_buffer_size.min(gpu.limits.max_storage_buffer_binding_size) as usize
}
