//! Products with a weight matrix, in every storage type.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::Derivative::{Jvp, Value, Vjp};
use super::{Bench, config};
use crate::checkpoint::RopeLayout;
use crate::model::ModelError;
use crate::model::cpu::{Linear, RmsNorm};
use crate::model::gpu::kernels::Kernel;
use crate::model::gpu::matrix::{Matrix, Normed, Rows, Through, kernel_of};

/// Rows of every matrix: a multiple of no tile.
const OUTPUTS: usize = 70;
/// Every storage type that the GPU multiplies with.
pub const TYPES: [GgmlDType; 14] = {
    use GgmlDType::*;
    [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K]
};

/// More inputs than a workgroup takes in two rounds, in whole vectors of four and not.
const WIDE: [(GgmlDType, usize); 2] = [(GgmlDType::Q4_1, 1088), (GgmlDType::F16, 1058)];

/// A tensor of a stack: its type, its rows, and whether it has a bias.
type Kind = (GgmlDType, usize, bool);

/// Stacked as queries, keys and values are: of one type, of several (Q4_K_M's files), over a boundary between bindings.
const STACKS: [([Kind; 3], usize); 4] = {
    use GgmlDType::*;
    [
        ([(Q8_0, 40, true), (Q8_0, 17, false), (Q8_0, 13, true)], OUTPUTS),
        ([(Q4K, 40, false), (Q4K, 17, true), (Q6K, 13, true)], OUTPUTS),
        ([(F16, 40, false), (F16, 17, false), (F32, 13, true)], OUTPUTS),
        ([(Q4_0, 40, true), (Q4_1, 17, true), (F16, 13, false)], 33),
    ]
};

/// A random matrix on both sides. On the CPU as f32: its own products with quantized weights round activations.
struct Pair {
    name: String,
    inputs: usize,
    cpu: Linear,
    gpu: Matrix,
}

impl Pair {
    /// One matrix, in parts of at most `most` rows.
    fn new(bench: &mut Bench, dtype: GgmlDType, most: usize) -> Result<Self, ModelError> {
        let parts = if most < OUTPUTS { format!(" in {} bindings", OUTPUTS.div_ceil(most)) } else { String::new() };
        Self::stacked(bench, &[(dtype, OUTPUTS, true)], most, format!("{dtype:?}{parts}"))
    }

    /// Matrices under each other.
    fn stacked(bench: &mut Bench, of: &[Kind], most: usize, name: String) -> Result<Self, ModelError> {
        let inputs = of.iter().map(|(dtype, ..)| dtype.block_size()).max().unwrap_or(1);
        let inputs = match inputs {
            1 => 50,
            32 => 96,
            block => block,
        };
        Self::with_inputs(bench, of, most, name, inputs)
    }

    /// Matrices under each other, with so many inputs.
    fn with_inputs(
        bench: &mut Bench,
        of: &[Kind],
        most: usize,
        name: String,
        inputs: usize,
    ) -> Result<Self, ModelError> {
        let (mut plain, mut biases, mut stack) = (Vec::new(), Vec::new(), Vec::new());
        for &(dtype, outputs, biased) in of {
            let values = bench.noise(outputs * inputs);
            let tensor = QTensor::quantize(&Tensor::from_vec(values, (outputs, inputs), &Device::Cpu)?, dtype)?;
            let bias = biased.then(|| bench.noise(outputs));
            plain.push(tensor.dequantize(&Device::Cpu)?);
            biases.extend(bias.clone().unwrap_or(vec![0.0; outputs]));
            stack.push(Rows { tensor, bias });
        }
        let plain = QTensor::quantize(&Tensor::cat(&plain, 0)?, GgmlDType::F32)?;
        let gpu = Matrix::upload_in_parts(bench.gpu, &stack, most)?;
        Ok(Self { name, inputs, cpu: Linear::new(plain, Some(biases))?, gpu })
    }
}

/// With weights in f32 and in `types`.
pub(super) async fn check(bench: &mut Bench<'_>, types: &[GgmlDType]) -> Result<(), ModelError> {
    let asked = |dtype: &GgmlDType| *dtype == GgmlDType::F32 || types.contains(dtype);
    for dtype in TYPES.into_iter().filter(asked) {
        let pair = Pair::new(bench, dtype, OUTPUTS)?;
        match dtype {
            GgmlDType::F32 | GgmlDType::Q4K => every_count(bench, &pair).await?,
            _ => every_kernel(bench, &pair).await?,
        }
    }
    for dtype in [GgmlDType::F32, GgmlDType::F16, GgmlDType::Q4_1, GgmlDType::Q2K].into_iter().filter(asked) {
        let pair = Pair::new(bench, dtype, 30)?;
        every_kernel(bench, &pair).await?;
    }
    for (dtype, inputs) in WIDE.into_iter().filter(|(dtype, _)| asked(dtype)) {
        let name = format!("{dtype:?}, {inputs} inputs");
        let pair = Pair::with_inputs(bench, &[(dtype, OUTPUTS, false)], OUTPUTS, name, inputs)?;
        every_kernel(bench, &pair).await?;
    }
    for (types, most) in STACKS.into_iter().filter(|(of, _)| of.iter().all(|(dtype, ..)| asked(dtype))) {
        let name = types.map(|(dtype, ..)| format!("{dtype:?}")).join(" on ");
        let parts = if most < OUTPUTS { format!(" in bindings of {most} rows") } else { String::new() };
        let pair = Pair::stacked(bench, &types, most, format!("{name}{parts}"))?;
        every_kernel(bench, &pair).await?;
        bias(bench, &pair).await?;
    }
    Ok(())
}

/// Each kernel that reads these weights, at one count of rows: how it unpacks them does not depend on the count.
async fn every_kernel(bench: &mut Bench<'_>, pair: &Pair) -> Result<(), ModelError> {
    for (rows, accumulate) in [(1, false), (3, true), (8, true), (40, true)] {
        product(bench, pair, rows, accumulate).await?;
    }
    transposed(bench, pair, 5, false).await?;
    for (count, firsts) in [(1, &[][..]), (1, &[0, 4]), (2, &[0, 4, 5])] {
        normed(bench, pair, count, firsts).await?;
    }
    lookup(bench, pair).await
}

/// Counts of rows that fill tiles and that do not.
async fn every_count(bench: &mut Bench<'_>, pair: &Pair) -> Result<(), ModelError> {
    every_kernel(bench, pair).await?;
    for rows in [13, 33] {
        product(bench, pair, rows, false).await?;
    }
    transposed(bench, pair, 40, true).await?;
    normed(bench, pair, 3, &[0, 1, 4]).await?;
    bias(bench, pair).await
}

fn sum(mut a: Vec<f32>, b: &[f32]) -> Vec<f32> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

/// Of the rows the first is a value, the others its tangents: the map is linear.
async fn product(bench: &mut Bench<'_>, pair: &Pair, rows: usize, accumulate: bool) -> Result<(), ModelError> {
    let (x, before) = (bench.noise(rows * pair.inputs), bench.noise(rows * OUTPUTS));
    let expected = pair.cpu.apply(&x, 0)?;
    let expected = if accumulate { sum(expected, &before) } else { expected };
    let gpu = bench.gpu;
    let (count, x, y) = (gpu.uniform(&[rows as u32, 0, 0, 0]), gpu.filled(&x), gpu.filled(&before));
    let through = Through { rows: &count, x: &x, y: &y, accumulate };
    let ops = pair.gpu.product(gpu, &bench.kernels, &through, None);
    let found = bench.run(&ops, rows, &y, rows * OUTPUTS).await?;
    let case = format!("{}, {rows} rows{}", pair.name, if accumulate { ", added" } else { "" });
    bench.compare_stacked(kernel_of(rows, false), case, OUTPUTS, &expected, &found);
    Ok(())
}

/// A norm and the product in one: `count` values and the tangents of groups that begin at `firsts`.
async fn normed(bench: &mut Bench<'_>, pair: &Pair, count: usize, firsts: &[usize]) -> Result<(), ModelError> {
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), (4, count), firsts, 8);
    let rows = stacked.plan.rows();
    let norm = RmsNorm { gain: bench.noise(pair.inputs), eps: 1e-5 };
    let x = bench.noise(rows * pair.inputs);
    let expected = pair.cpu.apply(&norm.forward(&x, &stacked.plan), stacked.plan.primal)?;
    let gpu = bench.gpu;
    let (stream, gain, y) = (gpu.filled(&x), gpu.filled(&norm.gain), gpu.storage(rows * OUTPUTS));
    let through = Through { rows: &stacked.count, x: &stream, y: &y, accumulate: false };
    let input = Normed { stream: &stream, gain: &gain, info: &stacked.info, eps: norm.eps };
    let ops = pair.gpu.normed_product(gpu, &bench.kernels, &through, &input, Some(&stacked.info));
    let found = bench.run(&ops, rows, &y, rows * OUTPUTS).await?;
    let case = format!("{}, {rows} rows", pair.name);
    bench.compare_stacked(kernel_of(rows, true), case, stacked.plan.primal * OUTPUTS, &expected, &found);
    Ok(())
}

async fn transposed(bench: &mut Bench<'_>, pair: &Pair, rows: usize, accumulate: bool) -> Result<(), ModelError> {
    let (c, before) = (bench.noise(rows * OUTPUTS), bench.noise(rows * pair.inputs));
    let expected = pair.cpu.apply_transposed(&c)?;
    let expected = if accumulate { sum(expected, &before) } else { expected };
    let gpu = bench.gpu;
    let (count, c, y) = (gpu.uniform(&[rows as u32, 0, 0, 0]), gpu.filled(&c), gpu.filled(&before));
    let through = Through { rows: &count, x: &c, y: &y, accumulate };
    let ops = pair.gpu.transposed(gpu, &bench.kernels, &through);
    let found = bench.run(&ops, rows, &y, rows * pair.inputs).await?;
    let case = format!("{}, {rows} rows{}", pair.name, if accumulate { ", added" } else { "" });
    bench.compare(Kernel::Transposed, Vjp, case, &expected, &found);
    Ok(())
}

/// A product with its bias, which primal rows alone are given.
async fn bias(bench: &mut Bench<'_>, pair: &Pair) -> Result<(), ModelError> {
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), (4, 3), &[0, 5], 8);
    let rows = stacked.plan.rows();
    let x = bench.noise(rows * pair.inputs);
    let expected = pair.cpu.apply(&x, stacked.plan.primal)?;
    let (x, y) = (bench.gpu.filled(&x), bench.gpu.storage(rows * OUTPUTS));
    let through = Through { rows: &stacked.count, x: &x, y: &y, accumulate: false };
    let ops = pair.gpu.product(bench.gpu, &bench.kernels, &through, Some(&stacked.info));
    let found = bench.run(&ops, rows, &y, rows * OUTPUTS).await?;
    bench.compare_stacked(Kernel::Bias, &pair.name, stacked.plan.primal * OUTPUTS, &expected, &found);
    Ok(())
}

/// Rows by token; a tangent outside its group has none, and is zero.
async fn lookup(bench: &mut Bench<'_>, pair: &Pair) -> Result<(), ModelError> {
    const NONE: u32 = u32::MAX;
    const SCALE: f32 = 1.5;
    let tokens = [3, 69, 29, 30, 0, 69, NONE, 30, NONE];
    let mut expected = Vec::new();
    for token in tokens {
        match token {
            NONE => expected.extend(vec![0.0; pair.inputs]),
            token => expected.extend(pair.cpu.row(token as usize)?.iter().map(|w| SCALE * w)),
        }
    }
    let before = bench.noise(expected.len());
    let (ids, y) = (bench.gpu.filled(&tokens), bench.gpu.filled(&before));
    let ops = pair.gpu.lookup(bench.gpu, &bench.kernels, &ids, &y, SCALE);
    let found = bench.run(&ops, tokens.len(), &y, expected.len()).await?;
    let primal = 5 * pair.inputs;
    bench.compare(Kernel::Embed, Value, &pair.name, &expected[..primal], &found[..primal]);
    bench.compare(Kernel::Embed, Jvp, &pair.name, &expected[primal..], &found[primal..]);
    Ok(())
}
