//! Products as tasks for the pool. Every number of a result is computed as one thread would compute it.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use crate::fixed::Rounded;
use crate::matrix::{Input, Matrix, Scratch};
use crate::pool::{MOST_PARTS, Task};
use crate::tile::BLOCK;

/// Rows that a part rounds.
const ROUND_ROWS: usize = 16;
/// Rows in a part of a transposed product. Each part unpacks its weights again, so there should be many.
const ROWS: usize = 192;

/// A result that all parts write to, each in its own place.
pub(crate) struct Shared<'a, T> {
    at: *mut T,
    length: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: parts write to different places, and nobody reads before all are done.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T: Copy> Shared<'a, T> {
    pub fn new(values: &'a mut [T]) -> Self {
        Self { at: values.as_mut_ptr(), length: values.len(), of: PhantomData }
    }

    /// Copies values to their place, which no other part writes to.
    pub fn put(&self, from: usize, values: &[T]) {
        assert!(from <= self.length && values.len() <= self.length - from);
        // SAFETY: within the slice by the line above; `&mut` there makes it ours, and parts do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr(), self.at.add(from), values.len()) };
    }
}

/// Rounds an input.
pub struct Rounding<'a> {
    x: &'a [f32],
    width: usize,
    values: Shared<'a, [i16; BLOCK]>,
    scales: Shared<'a, f32>,
    sums: Shared<'a, f32>,
    totals: Shared<'a, [i32; 2]>,
}

impl<'a> Rounding<'a> {
    /// Of rows `x`, `[rows, width]`.
    pub fn new(x: &'a [f32], width: usize, into: &'a mut Rounded) -> Self {
        into.resize(x.len() / BLOCK);
        Self {
            x,
            width,
            values: Shared::new(&mut into.values),
            scales: Shared::new(&mut into.scales),
            sums: Shared::new(&mut into.sums),
            totals: Shared::new(&mut into.totals),
        }
    }
}

impl Task for Rounding<'_> {
    fn parts(&self) -> usize {
        (self.x.len() / self.width).div_ceil(ROUND_ROWS)
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let from = part * ROUND_ROWS * self.width;
        scratch.rounded.round(&self.x[from..(from + ROUND_ROWS * self.width).min(self.x.len())]);
    }

    fn cost(&self) -> u32 {
        (ROUND_ROWS * self.width) as u32
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        let (rounded, at) = (&scratch.rounded, part * ROUND_ROWS * self.width / BLOCK);
        self.values.put(at, &rounded.values);
        self.scales.put(at, &rounded.scales);
        self.sums.put(at, &rounded.sums);
        self.totals.put(at, &rounded.totals);
    }
}

/// `y = x W^T` for one or several `W` with the same input: a part is some tiles of outputs of one of them.
pub struct Product<'a> {
    maps: Vec<Map<'a>>,
    x: Input<'a>,
    rows: usize,
    y: Shared<'a, f32>,
}

/// One of a product's matrices.
struct Map<'a> {
    matrix: Matrix<'a>,
    /// Outputs of a part.
    height: usize,
    /// Its first part.
    part: usize,
    /// Where its results begin.
    at: usize,
}

impl Map<'_> {
    fn parts(&self) -> usize {
        self.matrix.outputs.div_ceil(self.height)
    }
}

impl<'a> Product<'a> {
    /// All matrices have as many inputs, and take them in the same form. `y` is `[rows, outputs]` of the first, then of the next.
    pub fn new(matrices: &[Matrix<'a>], x: Input<'a>, y: &'a mut [f32]) -> Self {
        let outputs: usize = matrices.iter().map(|m| m.outputs).sum();
        let (rows, each) = (y.len() / outputs.max(1), MOST_PARTS / matrices.len().max(1));
        let (mut maps, mut part, mut at) = (Vec::<Map>::new(), 0, 0);
        for &matrix in matrices {
            let tile = matrix.tile();
            let height = matrix.outputs.div_ceil(tile).div_ceil(each).max(1) * tile;
            let map = Map { matrix, height, part, at };
            (part, at) = (part + map.parts(), at + rows * matrix.outputs);
            maps.push(map);
        }
        Self { maps, x, rows, y: Shared::new(y) }
    }

    /// A part's matrix and outputs.
    fn place(&self, part: usize) -> (&Map<'a>, Range<usize>) {
        let map = &self.maps[self.maps.partition_point(|map| map.part <= part) - 1];
        let from = (part - map.part) * map.height;
        (map, from..(from + map.height).min(map.matrix.outputs))
    }
}

impl Task for Product<'_> {
    fn parts(&self) -> usize {
        self.maps.last().map_or(0, |map| map.part + map.parts())
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let (Map { matrix, .. }, outputs) = self.place(part);
        let width = outputs.len();
        let mut result = core::mem::take(&mut scratch.result);
        result.resize(self.rows * width, 0.0);
        for from in outputs.clone().step_by(matrix.tile()) {
            matrix.tile_product(&self.x, from, scratch, &mut result[from - outputs.start..], width);
        }
        scratch.result = result;
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        let (map, outputs) = self.place(part);
        for (r, y) in scratch.result.chunks_exact(outputs.len()).enumerate() {
            self.y.put(map.at + r * map.matrix.outputs + outputs.start, y);
        }
    }

    fn cost(&self) -> u32 {
        let weights = self.maps.iter().map(|map| map.height * map.matrix.inputs).max();
        cost(weights.unwrap_or(0), self.rows)
    }
}

/// About how many nanoseconds it takes to unpack `weights` weights and multiply them by `rows` rows.
fn cost(weights: usize, rows: usize) -> u32 {
    const UNPACKING: usize = 4; // it takes as long as so many rows
    (weights * (rows + UNPACKING) / 8) as u32
}

/// `y = c W`: a part has some rows and some columns.
pub struct Transposed<'a> {
    matrix: Matrix<'a>,
    c: &'a [f32],
    rows: usize,
    integers: bool,
    /// Columns of a part.
    width: usize,
    y: Shared<'a, f32>,
}

impl<'a> Transposed<'a> {
    /// `c` is `[rows, outputs]`, `y` `[rows, inputs]`, all zeros; `threads` work on it.
    pub fn new(matrix: Matrix<'a>, c: &'a [f32], integers: bool, y: &'a mut [f32], threads: usize) -> Self {
        let rows = c.len() / matrix.outputs;
        let width = columns_of_a_part(&matrix, threads, rows.div_ceil(ROWS));
        Self { matrix, c, rows, integers, width, y: Shared::new(y) }
    }

    fn across(&self) -> usize {
        self.matrix.inputs.div_ceil(self.width)
    }

    /// A part's rows and columns.
    fn place(&self, part: usize) -> (Range<usize>, Range<usize>) {
        let (row, column) = (part / self.across() * ROWS, part % self.across() * self.width);
        (row..(row + ROWS).min(self.rows), column..(column + self.width).min(self.matrix.inputs))
    }
}

impl Task for Transposed<'_> {
    fn parts(&self) -> usize {
        self.rows.div_ceil(ROWS) * self.across()
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let (rows, columns) = self.place(part);
        let c = &self.c[rows.start * self.matrix.outputs..rows.end * self.matrix.outputs];
        let mut result = core::mem::take(&mut scratch.result);
        result.clear();
        result.resize(rows.len() * columns.len(), 0.0);
        self.matrix.transposed_columns(c, self.integers, columns, scratch, &mut result);
        scratch.result = result;
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        let (rows, columns) = self.place(part);
        for (r, y) in rows.zip(scratch.result.chunks_exact(columns.len())) {
            self.y.put(r * self.matrix.inputs + columns.start, y);
        }
    }

    fn cost(&self) -> u32 {
        cost(self.matrix.outputs * self.width, self.rows.min(ROWS))
    }
}

/// The columns of a part where the rows are split into `parts`. With three parts for each thread, little is left to wait for at
/// the end.
fn columns_of_a_part(matrix: &Matrix, threads: usize, parts: usize) -> usize {
    let across = (3 * threads).div_ceil(parts.max(1));
    let step = matrix.column_step();
    matrix.inputs.div_ceil(across).div_ceil(step) * step
}

/// `y = c W` for one row of cotangents: a part has some columns. Weight rows whose cotangents are at most `floor` are not read.
pub struct Sparse<'a> {
    matrix: Matrix<'a>,
    c: &'a [f32],
    floor: f32,
    width: usize,
    y: Shared<'a, f32>,
}

impl<'a> Sparse<'a> {
    /// `c` is `[outputs]`, `y` `[inputs]`.
    pub fn new(matrix: Matrix<'a>, c: &'a [f32], floor: f32, y: &'a mut [f32], threads: usize) -> Self {
        Self { matrix, c, floor, width: columns_of_a_part(&matrix, threads, 1), y: Shared::new(y) }
    }
}

impl Task for Sparse<'_> {
    fn parts(&self) -> usize {
        self.matrix.inputs.div_ceil(self.width)
    }

    fn cost(&self) -> u32 {
        cost(self.matrix.outputs * self.width / 8, 1)
    }

    fn write(&self, part: usize, scratch: &Scratch) {
        self.y.put(part * self.width, &scratch.result);
    }

    fn compute(&self, part: usize, scratch: &mut Scratch) {
        let from = part * self.width;
        let columns = from..(from + self.width).min(self.matrix.inputs);
        let mut result = core::mem::take(&mut scratch.result);
        result.clear();
        result.resize(columns.len(), 0.0);
        self.matrix.transposed_sparse(self.c, self.floor, columns, scratch, &mut result);
        scratch.result = result;
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::Storage;
    use crate::pool::Pool;
    use crate::pool::tests::Threads;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    fn values(count: usize) -> Vec<f32> {
        (0..count as u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 16) as f32 / 32_768.0) - 1.0).collect()
    }

    /// Matrices of different heights and types, as a layer's queries, keys and values are.
    #[test]
    fn several_products_of_one_input_are_those_of_each() {
        const INPUTS: usize = 512;
        let of = [
            (GgmlDType::Q4K, Storage::Q4K, 70),
            (GgmlDType::Q6K, Storage::Q6K, 33),
            (GgmlDType::Q8_0, Storage::Q8_0, 9),
        ];
        let packed = of.map(|(dtype, storage, outputs)| {
            let w = Tensor::from_vec(values(outputs * INPUTS), (outputs, INPUTS), &Device::Cpu).unwrap();
            let q = QTensor::quantize(&w, dtype).unwrap();
            (storage, Matrix::pack(storage, &q.data().unwrap(), INPUTS).into_owned(), outputs)
        });
        let matrices: Vec<Matrix> = packed
            .iter()
            .map(|(storage, bytes, outputs)| Matrix { storage: *storage, bytes, outputs: *outputs, inputs: INPUTS })
            .collect();
        let (pool, sleep) = (Pool::new(), Threads::default());
        pool.with_helpers(2, &sleep, || {
            for rows in [1, 5] {
                let x = values(rows * INPUTS);
                let mut together = vec![f32::NAN; rows * 112];
                let rounded = Rounded::new(&x);
                let task = Product::new(&matrices, Input::Rounded(&rounded), &mut together);
                pool.lead_and_leave(&task, 2, &mut Scratch::default(), &sleep);
                let mut rest = &together[..];
                for matrix in &matrices {
                    let mut alone = vec![0.0; rows * matrix.outputs];
                    matrix.product(&x, &mut alone);
                    let (own, others) = rest.split_at(alone.len());
                    assert_eq!(alone, own);
                    rest = others;
                }
                assert!(rest.is_empty());
            }
        });
    }

    #[test]
    fn threads_compute_the_bits_that_one_computes() {
        const HELPERS: usize = 3;
        let (pool, sleep) = (Pool::new(), Threads::default());
        pool.with_helpers(HELPERS, &sleep, || {
            for (dtype, storage, outputs, inputs) in [
                (GgmlDType::F32, Storage::F32, 50, 70),
                (GgmlDType::F16, Storage::F16, 50, 70),
                (GgmlDType::Q4_1, Storage::Q4_1, 100, 576),
                (GgmlDType::Q8_0, Storage::Q8_0, 130, 96),
                (GgmlDType::Q2K, Storage::Q2K, 70, 512),
                (GgmlDType::Q4K, Storage::Q4K, 70, 768),
                (GgmlDType::Q6K, Storage::Q6K, 70, 512),
            ] {
                let w = Tensor::from_vec(values(outputs * inputs), (outputs, inputs), &Device::Cpu).unwrap();
                let q = QTensor::quantize(&w, dtype).unwrap();
                let stored = q.data().unwrap();
                let bytes = Matrix::pack(storage, &stored, inputs);
                let matrix = Matrix { storage, bytes: &bytes, outputs, inputs };
                for rows in [1, 3, 8, 37, 230] {
                    let mut scratch = Scratch::default();
                    let x = values(rows * inputs);
                    let [mut alone, mut together] = [0; 2].map(|_| vec![0.0; rows * outputs]);
                    matrix.product(&x, &mut alone);
                    let mut rounded = Rounded::default();
                    let input = match matrix.in_integers() {
                        true => {
                            let task = Rounding::new(&x, inputs, &mut rounded);
                            pool.lead_and_leave(&task, HELPERS, &mut scratch, &sleep);
                            Input::Rounded(&rounded)
                        }
                        false => Input::Floats(&x),
                    };
                    let task = Product::new(&[matrix], input, &mut together);
                    pool.lead_and_leave(&task, HELPERS, &mut scratch, &sleep);
                    assert_eq!(alone, together, "{dtype:?}, {rows} rows");

                    let c = values(rows * outputs);
                    let [mut alone, mut together] = [0; 2].map(|_| vec![0.0; rows * inputs]);
                    matrix.transposed_product(&c, &mut alone);
                    let integers = matrix.transposes_integers(rows);
                    let task = Transposed::new(matrix, &c, integers, &mut together, HELPERS + 1);
                    pool.lead_and_leave(&task, HELPERS, &mut scratch, &sleep);
                    assert_eq!(alone, together, "{dtype:?} transposed, {rows} rows");
                }
                let (c, floor, mut scratch) = (values(outputs), 0.3, Scratch::default());
                let [mut alone, mut together] = [0; 2].map(|_| vec![0.0; inputs]);
                matrix.transposed_sparse(&c, floor, 0..inputs, &mut scratch, &mut alone);
                let task = Sparse::new(matrix, &c, floor, &mut together, HELPERS + 1);
                pool.lead_and_leave(&task, HELPERS, &mut scratch, &sleep);
                assert_eq!(alone, together, "{dtype:?} sparse");
            }
        });
        assert!((0..HELPERS).any(|id| pool.parts(id) > 0), "no helper did anything");
    }
}
