//! A layer's pieces but for products and attention: norm, rotation, cache, gated activation.

use super::Derivative::{Jvp, Value, Vjp};
use super::{Bench, beside, config};
use crate::checkpoint::{Activation, ModelConfig, RopeLayout};
use crate::model::ModelError;
use crate::model::cpu::{RmsNorm, mlp, rope};
use crate::model::gpu::bindings;
use crate::model::gpu::cache::Places;
use crate::model::gpu::forward::{projected, rotated_heads};
use crate::model::gpu::kernels::Kernel;
use crate::model::gpu::ops::{Count, Op};
use crate::model::gpu::uniforms::{Axpy, Heads, Norm};
use crate::model::steps::Attend;

/// Widths: less than a workgroup, and more than one.
const WIDTHS: [usize; 2] = [50, 130];
/// Positions of stacked rows, and where the groups' tangents begin: before, within, and not yet.
const START: usize = 4;
const COUNT: usize = 5;
const FIRSTS: [usize; 4] = [0, 4, 6, 40];
/// Positions that a cache holds.
const CAPACITY: usize = 12;

pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    for width in WIDTHS {
        norm(bench, width).await?;
        for gate in [Activation::Silu, Activation::GeluTanh] {
            activation(bench, gate, width).await?;
        }
        sums(bench, width).await?;
    }
    norm_of_heads(bench).await?;
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        rotation(bench, layout).await?;
        append(bench, layout).await?;
    }
    Ok(())
}

async fn norm(bench: &mut Bench<'_>, width: usize) -> Result<(), ModelError> {
    let case = format!("width {width}");
    let cpu = RmsNorm { gain: bench.noise(width), eps: 1e-5 };
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), (START, COUNT), &FIRSTS, CAPACITY);
    let rows = stacked.plan.rows();
    let x = bench.noise(rows * width);
    let expected = cpu.forward(&x, &stacked.plan);
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&Norm::rows(width, cpu.eps));
    let (gain, y, held) = (gpu.filled(&cpu.gain), gpu.storage(rows * width), gpu.filled(&x));
    let op = Op::rows(bench.bind(bindings::Norm { norm: &uniform, info: &stacked.info, x: &held, gain: &gain, y: &y }));
    let found = bench.run(&[op], rows, &y, rows * width).await?;
    bench.compare_stacked(Kernel::Norm, &case, COUNT * width, &expected, &found);

    // cotangents of some rows, of one of them twice, added to what is there
    let of = [3usize, 0, 3, 4];
    let (c, before) = (bench.noise(of.len() * width), bench.noise(of.len() * width));
    let mut expected = before.clone();
    cpu.vjp_into(&x, &of, &c, &mut expected);
    let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, *p as u32, 0, 0]).collect();
    let (info, c, into) = (gpu.filled(&info), gpu.filled(&c), gpu.filled(&before));
    let op = Op::rows(bench.bind(bindings::NormVjp {
        norm: &uniform,
        info: &info,
        x: &held,
        gain: &gain,
        c: &c,
        into: &into,
    }));
    let found = bench.run(&[op], of.len(), &into, expected.len()).await?;
    bench.compare(Kernel::NormVjp, Vjp, case, &expected, &found);
    Ok(())
}

/// Three vectors of a row that begin somewhere within it, each normed for itself; and the same copied.
async fn norm_of_heads(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    const WIDTH: usize = 14;
    const EACH: usize = 3;
    const OFFSET: usize = 9;
    const STRIDE: usize = OFFSET + EACH * WIDTH + 5;
    let cpu = RmsNorm { gain: bench.noise(WIDTH), eps: 1e-5 };
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), (START, COUNT), &FIRSTS, CAPACITY);
    let rows = stacked.plan.rows();
    let (x, before) = (bench.noise(rows * STRIDE), bench.noise(rows * STRIDE));
    let inner = OFFSET..OFFSET + EACH * WIDTH;
    let taken = |x: &[f32]| x.chunks_exact(STRIDE).flat_map(|row| row[inner.clone()].to_vec()).collect::<Vec<f32>>();
    // what stands beside the vectors is left as it was
    let put = |into: &[f32], values: &[f32]| {
        let mut into = into.to_vec();
        for (row, values) in into.chunks_exact_mut(STRIDE).zip(values.chunks_exact(EACH * WIDTH)) {
            row[inner.clone()].copy_from_slice(values);
        }
        into
    };
    let gpu = bench.gpu;
    let base = Norm { stride: STRIDE as u32, offset: OFFSET as u32, accumulate: 0, ..Norm::rows(WIDTH, cpu.eps) };
    let (gain, held) = (gpu.filled(&cpu.gain), gpu.filled(&x));
    for plain in [false, true] {
        let case = if plain { "heads, copied" } else { "heads" };
        let uniform = gpu.uniform(&Norm { plain: u32::from(plain), ..base });
        let values = if plain { taken(&x) } else { cpu.forward(&taken(&x), &stacked.plan) };
        let y = gpu.filled(&before);
        let bound = bench.bind(bindings::Norm { norm: &uniform, info: &stacked.info, x: &held, gain: &gain, y: &y });
        let found = bench.run(&[Op::new(bound, Count::Rows(1), Count::Fixed(EACH))], rows, &y, x.len()).await?;
        bench.compare_stacked(Kernel::Norm, case, COUNT * STRIDE, &put(&before, &values), &found);

        let of = [3usize, 0, 3, 4];
        let (c, before) = (bench.noise(of.len() * STRIDE), bench.noise(of.len() * STRIDE));
        let mut result = vec![0.0; of.len() * EACH * WIDTH];
        match plain {
            true => result = taken(&c),
            false => cpu.vjp_into(&taken(&x), &of, &taken(&c), &mut result),
        }
        let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, *p as u32, 0, 0]).collect();
        let (info, c, into) = (gpu.filled(&info), gpu.filled(&c), gpu.filled(&before));
        let bound =
            bench.bind(bindings::NormVjp { norm: &uniform, info: &info, x: &held, gain: &gain, c: &c, into: &into });
        let op = Op::new(bound, Count::Rows(1), Count::Fixed(EACH));
        let found = bench.run(&[op], of.len(), &into, before.len()).await?;
        bench.compare(Kernel::NormVjp, Vjp, case, &put(&before, &result), &found);
    }
    Ok(())
}

/// A multiple of a matrix, alone and added; its derivatives are of the same form.
async fn sums(bench: &mut Bench<'_>, width: usize) -> Result<(), ModelError> {
    const ROWS: usize = 3;
    const SCALE: f32 = -0.6;
    for added in [false, true] {
        let (x, before) = (bench.noise(ROWS * width), bench.noise(ROWS * width));
        let start = |y: f32| if added { y } else { 0.0 };
        let expected: Vec<f32> = x.iter().zip(&before).map(|(x, y)| start(*y) + SCALE * x).collect();
        let gpu = bench.gpu;
        let uniform = gpu.uniform(&Axpy { width: width as u32, scale: SCALE, accumulate: added.into(), unused: 0 });
        let count = gpu.uniform(&[ROWS as u32, 0, 0, 0]);
        let (x, y) = (gpu.filled(&x), gpu.filled(&before));
        let op = Op::elements(bench.bind(bindings::Axpy { axpy: &uniform, rows: &count, x: &x, y: &y }), width);
        let found = bench.run(&[op], ROWS, &y, expected.len()).await?;
        let case = format!("width {width}{}", if added { ", added" } else { "" });
        for derivative in [Value, Jvp, Vjp] {
            bench.compare(Kernel::Axpy, derivative, &case, &expected, &found);
        }
    }
    Ok(())
}

async fn activation(bench: &mut Bench<'_>, activation: Activation, width: usize) -> Result<(), ModelError> {
    let case = format!("{activation:?}, width {width}");
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), (START, COUNT), &FIRSTS, CAPACITY);
    let rows = stacked.plan.rows();
    // gates up to 4, where the sigmoid bends
    let gate: Vec<f32> = bench.noise(rows * width).into_iter().map(|g| 4.0 * g).collect();
    let up = bench.noise(rows * width);
    let expected = mlp::forward(activation, &gate, &up, &stacked.plan);
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&[width as u32, activation as u32, 0, 0]);
    let (held, a) = (gpu.filled(&beside(&[(&gate, width), (&up, width)])), gpu.storage(rows * width));
    let (count, info) = (&stacked.count, &stacked.info);
    let op =
        Op::elements(bench.bind(bindings::Mlp { gated: &uniform, rows: count, info, gate_up: &held, a: &a }), width);
    let found = bench.run(&[op], rows, &a, rows * width).await?;
    bench.compare_stacked(Kernel::Mlp, &case, COUNT * width, &expected, &found);

    let of = [3usize, 0, 3, 4];
    let c = bench.noise(of.len() * width);
    let (of_gate, of_up) = mlp::vjp(activation, &gate, &up, &of, &c);
    let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, *p as u32, 0, 0]).collect();
    let (count, info) = (gpu.uniform(&[of.len() as u32, 0, 0, 0]), gpu.filled(&info));
    let (c, result) = (gpu.filled(&c), gpu.storage(2 * of.len() * width));
    let (info, result) = (&info, &result);
    let buffers = bindings::MlpVjp { gated: &uniform, rows: &count, info, gate_up: &held, c: &c, result };
    let op = Op::elements(bench.bind(buffers), width);
    let found = bench.run(&[op], of.len(), result, 2 * of.len() * width).await?;
    let expected = beside(&[(&of_gate, width), (&of_up, width)]);
    bench.compare(Kernel::MlpVjp, Vjp, case, &expected, &found);
    Ok(())
}

/// Heads of which the rotated ones are more pairs than a workgroup, and no multiple of one.
fn heads(layout: RopeLayout) -> ModelConfig {
    config(4, 2, 46, layout)
}

/// Cotangents of queries and keys rotated back; those of values are left.
async fn rotation(bench: &mut Bench<'_>, layout: RopeLayout) -> Result<(), ModelError> {
    let c = heads(layout);
    let stacked = bench.stacked(&c, (START, COUNT), &FIRSTS, CAPACITY);
    let (rows, rotated, kv_width) = (stacked.plan.rows(), rotated_heads(&c) * c.head_width, c.kv_heads * c.head_width);
    let (mut values, left) = (bench.noise(rows * rotated), bench.noise(rows * kv_width));
    let uniform = bench.gpu.uniform(&Heads::new(&c, Attend::of(&c.specs[0])));
    let held = bench.gpu.filled(&beside(&[(&values, rotated), (&left, kv_width)]));
    rope::rotate(&c, 0, &mut values, &stacked.plan.positions(), true);
    let expected = beside(&[(&values, rotated), (&left, kv_width)]);
    let (count, info, angles) = (&stacked.count, &stacked.info, &stacked.angles);
    let buffers = bindings::RopeVjp { shape: &uniform, rows: count, info, angles, projected: &held };
    let op = Op::elements(bench.bind(buffers), rotated / 2);
    let found = bench.run(&[op], rows, &held, expected.len()).await?;
    bench.compare(Kernel::RopeVjp, Vjp, format!("{layout:?}"), &expected, &found);
    Ok(())
}

/// Queries rotated in place; keys rotated, their values after them; each group's tangents in its own part of the cache.
async fn append(bench: &mut Bench<'_>, layout: RopeLayout) -> Result<(), ModelError> {
    let c = heads(layout);
    let stacked = bench.stacked(&c, (START, COUNT), &FIRSTS, CAPACITY);
    let (plan, width, q_width) = (&stacked.plan, c.kv_heads * c.head_width, c.heads * c.head_width);
    let (mut queries, mut keys) = (bench.noise(plan.rows() * q_width), bench.noise(plan.rows() * width));
    let values = bench.noise(plan.rows() * width);
    let given = beside(&[(&queries, q_width), (&keys, width), (&values, width)]);
    let untouched = keys.clone();
    rope::rotate(&c, 0, &mut queries, &plan.positions(), false);
    rope::rotate(&c, 0, &mut keys, &plan.positions(), false);
    let in_place = beside(&[(&queries, q_width), (&untouched, width), (&values, width)]);
    let places = Places::new(CAPACITY, &FIRSTS);
    let before = bench.noise(2 * (CAPACITY + places.total) * width);
    let primal = 2 * CAPACITY * width;
    let (mut cache, mut tangents) = (before[..primal].to_vec(), before.clone());
    let put = |into: &mut [f32], row: usize, at: usize| {
        into[2 * at * width..][..width].copy_from_slice(&keys[row * width..][..width]);
        into[(2 * at + 1) * width..][..width].copy_from_slice(&values[row * width..][..width]);
    };
    for row in 0..plan.primal {
        put(&mut cache, row, START + row);
    }
    for t in &plan.tangents {
        for i in 0..t.count {
            put(&mut tangents, t.row + i, places.starts[t.group] + t.position + i - FIRSTS[t.group]);
        }
    }
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&Heads::new(&c, Attend::of(&c.specs[0])));
    let (given, held, held_tangents) = (gpu.filled(&given), gpu.filled(&before[..primal]), bench.tangents(&before));
    let (count, info, angles) = (&stacked.count, &stacked.info, &stacked.angles);
    let buffers = bindings::Append {
        shape: &uniform,
        rows: count,
        info,
        angles,
        projected: &given,
        cache: &held,
        tangents: &held_tangents,
    };
    let op = Op::elements(bench.bind(buffers), rotated_heads(&c) * c.head_width / 2);
    let found = bench.run(&[op], plan.rows(), &held, cache.len()).await?;
    let found_tangents = bench.read_tangents(&held_tangents, tangents.len()).await?;
    let found_in_place = bench.run(&[], 0, &given, plan.rows() * projected(&c)).await?;
    let case = |what: &str| format!("{layout:?}, {what}");
    bench.compare(Kernel::Append, Value, case("keys and values"), &cache, &found);
    bench.compare(Kernel::Append, Jvp, case("keys and values"), &tangents, &found_tangents);
    bench.compare_stacked(Kernel::Append, case("queries"), COUNT * projected(&c), &in_place, &found_in_place);
    Ok(())
}
