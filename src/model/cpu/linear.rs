//! Linear maps whose weights stay quantized.

use std::rc::Rc;

use candle_core::quantized::{GgmlDType, QTensor};
use shiftlens_kernels::{Matrix, Scratch, Storage};

use super::cores::{Cores, Kept, MATRICES, Product};
use crate::checkpoint::{Checkpoint, CheckpointError, InPlace};
use crate::model::ModelError;

/// `y = x W^T (+ bias)` with `W` `[outputs, inputs]`.
pub(in crate::model) struct Linear {
    weight: Weight,
    storage: Storage,
    bias: Option<Vec<f32>>,
    outputs: usize,
    inputs: usize,
}

/// Where the weights are, as [`Matrix::pack`] arranges them.
enum Weight {
    Here(Vec<u8>),
    /// As the file has them: those that are not rearranged.
    InPlace(InPlace),
    Shared(Kept),
}

/// Weights that this thread sees, or those that are shared between cores.
enum Seen<'a> {
    Here(&'a [u8]),
    Shared(&'a Kept),
}

impl Weight {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Here(bytes) => Seen::Here(bytes),
            Self::InPlace(bytes) => Seen::Here(bytes),
            Self::Shared(kept) => Seen::Shared(kept),
        }
    }
}

impl Linear {
    pub fn new(weight: QTensor, bias: Option<Vec<f32>>) -> Result<Self, ModelError> {
        let (outputs, inputs) = weight.shape().dims2()?;
        let storage = storage(weight.dtype());
        let weight = Weight::Here(Matrix::pack(storage, &weight.data()?, inputs).into_owned());
        Ok(Self { weight, storage, bias, outputs, inputs })
    }

    /// The map by tensor `name`, whose weights `cores` share if they have room for them. It comes in pieces: memory that was
    /// once taken for a whole tensor beside them would not be given back. Where the file is mapped into memory and its rows need no
    /// rearranging, they stay there.
    pub fn load(
        checkpoint: &Checkpoint,
        name: &str,
        bias: Option<Vec<f32>>,
        cores: Option<&Rc<dyn Cores>>,
    ) -> Result<Self, ModelError> {
        let (dtype, &[outputs, inputs]) = checkpoint.stored(name)? else {
            return Err(CheckpointError::Damaged(format!("tensor “{name}” is no matrix")).into());
        };
        let storage = storage(dtype);
        let matrix = Matrix { storage, bytes: &[], outputs, inputs };
        if cores.is_none()
            && !matrix.in_integers()
            && let Some(bytes) = checkpoint.in_place(name)?
        {
            return Ok(Self { weight: Weight::InPlace(bytes), storage, bias, outputs, inputs });
        }
        let bytes = matrix.packed_bytes();
        let mut kept = cores.and_then(|cores| Kept::new(cores, bytes));
        let mut here = Vec::with_capacity(if kept.is_some() { 0 } else { bytes });
        checkpoint.pieces(name, storage.bytes_of(inputs).saturating_mul(Matrix::GROUP), |piece| {
            let packed = Matrix::pack(storage, piece, inputs);
            match &mut kept {
                Some(kept) => kept.append(&packed)?,
                None => here.extend_from_slice(&packed),
            }
            Ok::<(), ModelError>(())
        })?;
        let weight = kept.map_or(Weight::Here(here), Weight::Shared);
        Ok(Self { weight, storage, bias, outputs, inputs })
    }

    /// The matrix of `bytes`, which are the weights' or none.
    fn matrix<'a>(&self, bytes: &'a [u8]) -> Matrix<'a> {
        Matrix { storage: self.storage, bytes, outputs: self.outputs, inputs: self.inputs }
    }

    /// Row `index` of the weights, as an embedding table is read.
    pub fn row(&self, index: usize) -> Result<Vec<f32>, ModelError> {
        match self.weight.seen() {
            Seen::Here(bytes) => Ok(self.matrix(bytes).row(index)),
            Seen::Shared(kept) => {
                let (at, index) = self.matrix(&[]).bytes_with(index);
                Ok(self.matrix(&kept.read(at)?).row(index))
            }
        }
    }

    /// What is added to the product, `[outputs]`.
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }

    /// The values of several maps of the same input, as [`Linear::apply`] gives them.
    pub fn apply_all(maps: &[&Self], x: &[f32], primal: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let together = maps.len() <= MATRICES && maps.windows(2).all(|pair| pair[0].takes_the_same(pair[1]));
        let shared: Option<Vec<_>> = maps.iter().map(|map| Some((map.matrix(&[]), map.kept()?))).collect();
        match shared {
            Some(shared) if together && maps.len() > 1 => {
                let mut all: Vec<Vec<f32>> =
                    maps.iter().map(|map| vec![0.0; x.len() / map.inputs * map.outputs]).collect();
                let mut into: Vec<&mut [f32]> = all.iter_mut().map(Vec::as_mut_slice).collect();
                shared[0].1.multiply_all(&shared, x, &mut into)?;
                maps.iter().zip(&mut all).for_each(|(map, y)| map.add_bias(y, primal));
                Ok(all)
            }
            _ => maps.iter().map(|map| map.apply(x, primal)).collect(),
        }
    }

    fn kept(&self) -> Option<&Kept> {
        match &self.weight {
            Weight::Here(_) | Weight::InPlace(_) => None,
            Weight::Shared(kept) => Some(kept),
        }
    }

    /// Whether both take an input in the same form.
    fn takes_the_same(&self, other: &Self) -> bool {
        self.inputs == other.inputs && self.matrix(&[]).in_integers() == other.matrix(&[]).in_integers()
    }

    fn add_bias(&self, y: &mut [f32], primal: usize) {
        if let Some(bias) = &self.bias {
            for row in y.chunks_exact_mut(self.outputs).take(primal) {
                row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }

    /// The value, for `[rows, inputs]`. A tangent is mapped by the same matrix: the first `primal` rows get the bias.
    pub fn apply(&self, x: &[f32], primal: usize) -> Result<Vec<f32>, ModelError> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        match self.weight.seen() {
            Seen::Here(bytes) => product(&self.matrix(bytes), x, &mut y),
            Seen::Shared(kept) => kept.multiply(Product::Plain, self.matrix(&[]), x, &mut y)?,
        }
        self.add_bias(&mut y, primal);
        Ok(y)
    }

    /// The vjp, for cotangents `[rows, outputs]`: `c W`.
    pub fn apply_transposed(&self, c: &[f32]) -> Result<Vec<f32>, ModelError> {
        let rows = c.len() / self.outputs;
        let mut y = vec![0.0; rows * self.inputs];
        match self.weight.seen() {
            Seen::Here(bytes) => transposed_product(&self.matrix(bytes), c, &mut y),
            Seen::Shared(kept) => {
                let matrix = self.matrix(&[]);
                let what = match matrix.transposes_integers(rows) {
                    true => Product::TransposedIntegers,
                    false => Product::Transposed,
                };
                kept.multiply(what, matrix, c, &mut y)?;
            }
        }
        Ok(y)
    }

    /// The vjp of one sparse row: weight rows whose cotangents together weigh less than `negligible` are not read.
    pub fn transposed_sparse(&self, c: &[f32], negligible: f32) -> Result<Vec<f32>, ModelError> {
        let (floor, mut y) = (floor_for(c, negligible), vec![0.0; self.inputs]);
        match self.weight.seen() {
            Seen::Here(bytes) => {
                let columns = 0..self.inputs;
                self.matrix(bytes).transposed_sparse(c, floor, columns, &mut Scratch::default(), &mut y);
            }
            Seen::Shared(kept) => kept.multiply(Product::Sparse(floor), self.matrix(&[]), c, &mut y)?,
        }
        Ok(y)
    }
}

/// The kernels' name of candle's type.
pub(in crate::model) fn storage(dtype: GgmlDType) -> Storage {
    match dtype {
        GgmlDType::F32 => Storage::F32,
        GgmlDType::F16 => Storage::F16,
        GgmlDType::BF16 => Storage::BF16,
        GgmlDType::Q4_0 => Storage::Q4_0,
        GgmlDType::Q4_1 => Storage::Q4_1,
        GgmlDType::Q5_0 => Storage::Q5_0,
        GgmlDType::Q5_1 => Storage::Q5_1,
        GgmlDType::Q8_0 => Storage::Q8_0,
        GgmlDType::Q8_1 => Storage::Q8_1,
        GgmlDType::Q2K => Storage::Q2K,
        GgmlDType::Q3K => Storage::Q3K,
        GgmlDType::Q4K => Storage::Q4K,
        GgmlDType::Q5K => Storage::Q5K,
        GgmlDType::Q6K => Storage::Q6K,
        GgmlDType::Q8K => Storage::Q8K,
    }
}

#[cfg(target_arch = "wasm32")]
fn product(matrix: &Matrix, x: &[f32], y: &mut [f32]) {
    matrix.product(x, y);
}

#[cfg(target_arch = "wasm32")]
fn transposed_product(matrix: &Matrix, c: &[f32], y: &mut [f32]) {
    matrix.transposed_product(c, y);
}

#[cfg(not(target_arch = "wasm32"))]
fn product(matrix: &Matrix, x: &[f32], y: &mut [f32]) {
    let rows = matrix.rows_together();
    for (x, y) in x.chunks(rows * matrix.inputs).zip(y.chunks_mut(rows * matrix.outputs)) {
        product_together(matrix, x, y);
    }
}

/// Natively the tiles are shared out over the cores; each fills columns of its own, which are then put in place.
#[cfg(not(target_arch = "wasm32"))]
fn product_together(matrix: &Matrix, x: &[f32], y: &mut [f32]) {
    use rayon::prelude::*;
    use shiftlens_kernels::fixed::Rounded;
    let (tile, count) = (matrix.tile(), x.len() / matrix.inputs);
    let starts: Vec<usize> = (0..matrix.outputs).step_by(tile).collect();
    let mut rounded = Rounded::default();
    let x = matrix.input(x, &mut rounded);
    let columns: Vec<Vec<f32>> = starts
        .par_iter()
        .map_init(Scratch::default, |scratch, &from| {
            let width = tile.min(matrix.outputs - from);
            let mut y = vec![0.0; count * width];
            matrix.tile_product(&x, from, scratch, &mut y, width);
            y
        })
        .collect();
    for (from, part) in starts.iter().zip(&columns) {
        let width = part.len() / count;
        for (r, part) in part.chunks_exact(width).enumerate() {
            y[r * matrix.outputs + from..][..width].copy_from_slice(part);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn transposed_product(matrix: &Matrix, c: &[f32], y: &mut [f32]) {
    use rayon::prelude::*;
    let count = c.len() / matrix.outputs;
    let share = count.div_ceil(rayon::current_num_threads()).clamp(6, matrix.share());
    let integers = matrix.transposes_integers(count);
    y.par_chunks_mut(share * matrix.inputs)
        .zip(c.par_chunks(share * matrix.outputs))
        .for_each_init(Scratch::default, |scratch, (y, c)| {
            matrix.transposed_columns(c, integers, 0..matrix.inputs, scratch, y)
        });
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
    use candle_core::quantized::{GgmlDType, QStorage};
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
            (GgmlDType::F32, 9, 20),
            (GgmlDType::F16, 9, 50),
            (GgmlDType::BF16, 9, 50),
            (GgmlDType::Q4_0, 33, 64),
            (GgmlDType::Q4_1, 70, 576),
            (GgmlDType::Q5_0, 33, 64),
            (GgmlDType::Q5_1, 33, 64),
            (GgmlDType::Q8_0, 33, 64),
            (GgmlDType::Q2K, 40, 512),
            (GgmlDType::Q3K, 40, 512),
            (GgmlDType::Q4K, 70, 768),
            (GgmlDType::Q5K, 70, 256),
            (GgmlDType::Q6K, 40, 512),
            (GgmlDType::Q8K, 40, 512),
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

    /// Q6_K's largest integers under the largest inputs: sums stay within 32 bits.
    #[test]
    fn the_largest_integers_do_not_overflow() {
        const OUTPUTS: usize = 130;
        let mut block = [0; 210]; // quants of -32
        block[192..208].fill(128); // scales of -128
        block[208..].copy_from_slice(&half::f16::from_f32(0.25).to_le_bytes());
        let data = block.repeat(OUTPUTS);
        let storage = QStorage::from_data(data.into(), &Device::Cpu, GgmlDType::Q6K).unwrap();
        let layer = Linear::new(QTensor::new(storage, (OUTPUTS, 256)).unwrap(), None).unwrap();
        for count in [1, 9] {
            let y = layer.apply(&vec![1.0; count * 256], count).unwrap();
            assert!(y.iter().all(|y| (y / (1024.0 * 256.0) - 1.0).abs() < 1e-6), "{y:?}");
            let y = layer.apply_transposed(&vec![-1.0; count * OUTPUTS]).unwrap();
            assert!(y.iter().all(|y| (y / (-1024.0 * OUTPUTS as f32) - 1.0).abs() < 1e-6), "{y:?}");
        }
    }

    /// A saturated attention head has cotangents that are next to nothing, in a tile of their own where its width is the tile's.
    #[test]
    fn values_of_any_size_have_products() {
        for dtype in [GgmlDType::F32, GgmlDType::Q8_0, GgmlDType::Q4K, GgmlDType::Q6K] {
            let (layer, dense) = layer(dtype, 256, 256);
            for tiny in [1e-30, 1e-35, 1e-38, 1e-42] {
                let row = |i: usize| if i % 256 < 128 { tiny } else { ((i % 7) as f32 - 3.0) * 1e-3 };
                let c: Vec<f32> = (0..8 * 256).map(row).collect();
                let exact = Tensor::from_slice(&c, (8, 256), &Device::Cpu).unwrap();
                let tensor = |v: Vec<f32>| Tensor::from_vec(v, (8, 256), &Device::Cpu).unwrap();
                close(&tensor(layer.apply_transposed(&c).unwrap()), &exact.matmul(&dense).unwrap());
                close(&tensor(layer.apply(&c, 8).unwrap()), &exact.matmul(&dense.t().unwrap()).unwrap());
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
