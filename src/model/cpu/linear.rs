//! Linear maps whose weights stay quantized: a tile of rows is unpacked once for all rows of the input.

use candle_core::quantized::QTensor;

use super::dequantize::{bytes_of, dequantize};
use super::fixed::{self, Rounded};
use super::fixed_transposed::{self, Panels};
use super::kernels::{axpy, product, transposed_product};
use crate::model::ModelError;

/// f32 values in a tile: with the rows of the input beside it, it stays in the fast caches.
const TILE: usize = 12 * 1024;

/// f32 values of the transposed product's result that are worked on at once: they are added to by every tile, and so
/// have to stay in the second-level cache; each tile is unpacked once for all of them.
const SHARE: usize = 96 * 1024;

/// The input of a product, in the form that suits the weights' storage.
enum Input<'a> {
    Floats(&'a [f32]),
    Rounded(Rounded),
}

/// Buffers for one tile, used again for the next.
#[derive(Default)]
struct Scratch {
    floats: Vec<f32>,
    fixed: fixed::Tile,
}

/// `y = x W^T (+ bias)` with `W` `[outputs, inputs]`.
pub(in crate::model) struct Linear {
    weight: QTensor,
    bias: Option<Vec<f32>>,
    outputs: usize,
    inputs: usize,
}

impl Linear {
    pub fn new(weight: QTensor, bias: Option<Vec<f32>>) -> Result<Self, ModelError> {
        let (outputs, inputs) = weight.shape().dims2()?;
        Ok(Self { weight, bias, outputs, inputs })
    }

    /// Rows of a tile: a multiple of eight, so that the kernels stay on their widest paths.
    fn tile(&self) -> usize {
        (TILE / self.inputs / 8 * 8).max(8).min(self.outputs)
    }

    /// Rows of a transposed product's result that are worked on at once: even, as its kernels go by twos.
    fn share(&self) -> usize {
        (SHARE / self.inputs / 2 * 2).max(6)
    }

    /// Dequantizes rows `from..from + out.len() / inputs`.
    fn rows(&self, bytes: &[u8], from: usize, out: &mut [f32]) {
        let row = bytes_of(self.weight.dtype(), self.inputs);
        let count = out.len() / self.inputs;
        dequantize(self.weight.dtype(), &bytes[from * row..(from + count) * row], out);
    }

    /// Row `index` of the weights, as an embedding table is read.
    pub fn row(&self, index: usize) -> Result<Vec<f32>, ModelError> {
        let mut out = vec![0.0; self.inputs];
        self.rows(&self.weight.data()?, index, &mut out);
        Ok(out)
    }

    /// The value, for `[rows, inputs]`. A tangent is mapped by the same matrix: the first `primal` rows get the bias.
    pub fn apply(&self, x: &[f32], primal: usize) -> Result<Vec<f32>, ModelError> {
        let mut y = self.products(x, &self.weight.data()?);
        if let Some(bias) = &self.bias {
            for row in y.chunks_exact_mut(self.outputs).take(primal) {
                row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
        Ok(y)
    }

    /// The vjp, for cotangents `[rows, outputs]`: `c W`.
    pub fn apply_transposed(&self, c: &[f32]) -> Result<Vec<f32>, ModelError> {
        Ok(self.transposed_products(c, &self.weight.data()?))
    }

    /// The vjp of one sparse row: weight rows whose cotangents together weigh less than `negligible` are not read.
    pub fn transposed_sparse(&self, c: &[f32], negligible: f32) -> Result<Vec<f32>, ModelError> {
        let floor = floor_for(c, negligible);
        let bytes = self.weight.data()?;
        let (mut row, mut y) = (vec![0.0; self.inputs], vec![0.0; self.inputs]);
        for (o, &c) in c.iter().enumerate().filter(|(_, c)| c.abs() > floor) {
            self.rows(&bytes, o, &mut row);
            axpy(c, &row, &mut y);
        }
        Ok(y)
    }

    /// The rows of a tile from `from` on, applied to every row of the input: `y[r * stride + o]`.
    fn tile_product(&self, x: &Input, bytes: &[u8], from: usize, scratch: &mut Scratch, y: &mut [f32], stride: usize) {
        let count = self.tile().min(self.outputs - from);
        match x {
            Input::Floats(x) => {
                scratch.floats.resize(count * self.inputs, 0.0);
                self.rows(bytes, from, &mut scratch.floats);
                product(x, &scratch.floats, self.inputs, y, stride);
            }
            Input::Rounded(x) => {
                let row = bytes_of(self.weight.dtype(), self.inputs);
                scratch.fixed.unpack(self.weight.dtype(), &bytes[from * row..(from + count) * row]);
                fixed::product(x, &scratch.fixed, self.inputs / fixed::BLOCK, y, stride);
            }
        }
    }

    fn input<'a>(&self, x: &'a [f32]) -> Input<'a> {
        match fixed::applies(self.weight.dtype(), self.inputs) {
            true => Input::Rounded(Rounded::new(x)),
            false => Input::Floats(x),
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn products(&self, x: &[f32], bytes: &[u8]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        let (x, mut scratch) = (self.input(x), Scratch::default());
        for from in (0..self.outputs).step_by(self.tile()) {
            self.tile_product(&x, bytes, from, &mut scratch, &mut y[from..], self.outputs);
        }
        y
    }

    #[cfg(target_arch = "wasm32")]
    fn transposed_products(&self, c: &[f32], bytes: &[u8]) -> Vec<f32> {
        let mut y = vec![0.0; c.len() / self.outputs * self.inputs];
        let share = self.share();
        for (y, c) in y.chunks_mut(share * self.inputs).zip(c.chunks(share * self.outputs)) {
            self.transposed_into(c, bytes, y);
        }
        y
    }

    /// Natively the tiles are shared out over the cores; each fills columns of its own, which are then put in place.
    #[cfg(not(target_arch = "wasm32"))]
    fn products(&self, x: &[f32], bytes: &[u8]) -> Vec<f32> {
        use rayon::prelude::*;
        let (tile, count) = (self.tile(), x.len() / self.inputs);
        let starts: Vec<usize> = (0..self.outputs).step_by(tile).collect();
        let x = self.input(x);
        let columns: Vec<Vec<f32>> = starts
            .par_iter()
            .map_init(Scratch::default, |scratch, &from| {
                let width = tile.min(self.outputs - from);
                let mut y = vec![0.0; count * width];
                self.tile_product(&x, bytes, from, scratch, &mut y, width);
                y
            })
            .collect();
        let mut y = vec![0.0; count * self.outputs];
        for (from, part) in starts.iter().zip(&columns) {
            let width = part.len() / count;
            for (r, part) in part.chunks_exact(width).enumerate() {
                y[r * self.outputs + from..][..width].copy_from_slice(part);
            }
        }
        y
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn transposed_products(&self, c: &[f32], bytes: &[u8]) -> Vec<f32> {
        use rayon::prelude::*;
        let count = c.len() / self.outputs;
        let share = count.div_ceil(rayon::current_num_threads()).clamp(6, self.share());
        let mut y = vec![0.0; count * self.inputs];
        y.par_chunks_mut(share * self.inputs)
            .zip(c.par_chunks(share * self.outputs))
            .for_each(|(y, c)| self.transposed_into(c, bytes, y));
        y
    }

    fn transposed_into(&self, c: &[f32], bytes: &[u8], y: &mut [f32]) {
        if fixed::applies(self.weight.dtype(), self.inputs) {
            return self.transposed_fixed(c, bytes, y);
        }
        let mut weights = Vec::new();
        for from in (0..self.outputs).step_by(self.tile()) {
            weights.resize(self.tile().min(self.outputs - from) * self.inputs, 0.0);
            self.rows(bytes, from, &mut weights);
            transposed_product(&c[from..], self.outputs, &weights, self.inputs, y);
        }
    }

    fn transposed_fixed(&self, c: &[f32], bytes: &[u8], y: &mut [f32]) {
        let (row, blocks) = (bytes_of(self.weight.dtype(), self.inputs), self.inputs / fixed::BLOCK);
        let count = y.len() / self.inputs;
        let mut by_blocks = vec![[0.0; fixed::BLOCK]; blocks * count];
        let (mut tile, mut panels) = (fixed::Tile::default(), Panels::default());
        for from in (0..self.outputs).step_by(fixed_transposed::ROWS) {
            let height = fixed_transposed::ROWS.min(self.outputs - from);
            tile.unpack(self.weight.dtype(), &bytes[from * row..(from + height) * row]);
            panels.arrange(&tile, blocks);
            fixed_transposed::product(&c[from..], self.outputs, height, &panels, &mut by_blocks);
        }
        for (r, y) in y.chunks_exact_mut(self.inputs).enumerate() {
            for (b, y) in y.as_chunks_mut::<{ fixed::BLOCK }>().0.iter_mut().enumerate() {
                *y = by_blocks[b * count + r];
            }
        }
    }
}

/// The largest power of two below which the entries of `c` sum to at most `negligible` in magnitude.
fn floor_for(c: &[f32], negligible: f32) -> f32 {
    let mut mass = [0f64; 256];
    for v in c {
        mass[(v.abs().to_bits() >> 23) as usize & 255] += f64::from(v.abs());
    }
    let mut total = 0.0;
    for (exponent, mass) in mass.iter().enumerate() {
        total += mass;
        if total > f64::from(negligible) {
            return f32::from_bits((exponent as u32) << 23).next_down().max(0.0);
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::GgmlDType;
    use candle_core::{Device, Tensor};

    fn layer(dtype: GgmlDType, outputs: usize, inputs: usize) -> (Linear, Tensor) {
        let w = Tensor::randn(0f32, 1.0, (outputs, inputs), &Device::Cpu).unwrap();
        let q = QTensor::quantize(&w, dtype).unwrap();
        let dense = q.dequantize(&Device::Cpu).unwrap();
        (Linear::new(q, None).unwrap(), dense)
    }

    /// Within 1e-4 of the largest value: 16-bit activations keep that, f32 is far closer.
    fn close(a: &Tensor, b: &Tensor) {
        let largest = |t: &Tensor| t.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        let (gap, scale) = (largest(&(a - b).unwrap()), largest(b));
        assert!(gap <= 1e-4 * scale, "{gap} of {scale}");
    }

    #[test]
    fn agrees_with_candles_dense_product_in_both_directions() {
        for (dtype, outputs, inputs) in [
            (GgmlDType::Q4_1, 70, 576),
            (GgmlDType::Q8_0, 33, 64),
            (GgmlDType::F32, 9, 20),
            (GgmlDType::F16, 9, 50),
            (GgmlDType::Q6K, 40, 512),
        ] {
            for count in [1, 2, 7, 20] {
                let (layer, dense) = layer(dtype, outputs, inputs);
                let x = Tensor::randn(0f32, 1.0, (count, inputs), &Device::Cpu).unwrap();
                let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let rows = |v: Vec<f32>, width: usize| Tensor::from_vec(v, (count, width), &Device::Cpu).unwrap();
                let y = rows(layer.apply(&flat(&x), count).unwrap(), outputs);
                close(&y, &x.matmul(&dense.t().unwrap()).unwrap());
                let c = Tensor::randn(0f32, 1.0, (count, outputs), &Device::Cpu).unwrap();
                let y = rows(layer.apply_transposed(&flat(&c)).unwrap(), inputs);
                close(&y, &c.matmul(&dense).unwrap());
            }
        }
    }

    #[test]
    fn a_sparse_cotangent_gives_the_same_product() {
        let (layer, dense) = layer(GgmlDType::Q8_0, 50, 64);
        let c: Vec<f32> = (0..50).map(|i| 0.5f32.powi(i)).collect();
        let exact = Tensor::from_slice(&c, (1, 50), &Device::Cpu).unwrap().matmul(&dense).unwrap();
        let sparse = layer.transposed_sparse(&c, 1e-4).unwrap();
        close(&Tensor::from_vec(sparse, (1, 64), &Device::Cpu).unwrap(), &exact);
    }

    #[test]
    fn what_falls_below_the_floor_is_negligible() {
        let c: Vec<f32> = (0..40).map(|i| 0.5f32.powi(i)).collect();
        let floor = floor_for(&c, 1e-3);
        let dropped: f32 = c.iter().filter(|c| **c <= floor).sum();
        assert!(floor > 0.0 && dropped <= 1e-3);
        assert_eq!(floor_for(&[0.0, 1.0, -1.0], 0.0), 1f32.next_down());
    }
}
