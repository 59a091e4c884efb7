//! A layer's pieces but for products and attention: norm, rotation, cache, gated activation.

use super::Derivative::{Jvp, Value, Vjp};
use super::{Bench, config};
use crate::checkpoint::RopeLayout;
use crate::model::ModelError;
use crate::model::cpu::{RmsNorm, mlp, rope, rows};
use crate::model::gpu::forward::{Append, Norm, Rope};
use crate::model::gpu::kernels::Kernel;
use crate::model::gpu::ops::Op;

/// Widths: less than a workgroup, and more than one.
const WIDTHS: [usize; 2] = [50, 130];
/// Positions of stacked rows, and where the groups' tangents begin: before, within, and not yet.
const START: usize = 4;
const COUNT: usize = 5;
const FIRSTS: [usize; 4] = [0, 4, 6, 40];

pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    for width in WIDTHS {
        norm(bench, width).await?;
        activation(bench, width).await?;
    }
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        rotation(bench, layout).await?;
        append(bench, layout).await?;
    }
    Ok(())
}

async fn norm(bench: &mut Bench<'_>, width: usize) -> Result<(), ModelError> {
    let case = format!("width {width}");
    let cpu = RmsNorm { gain: bench.noise(width), eps: 1e-5 };
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), START, COUNT, &FIRSTS);
    let rows = stacked.plan.rows();
    let x = bench.noise(rows * width);
    let expected = cpu.forward(&rows::from_vec(x.clone(), width)?, &stacked.plan)?;
    let expected: Vec<f32> = expected.flatten_all()?.to_vec1()?;
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&Norm { width: width as u32, eps: cpu.eps, unused: [0; 2] });
    let (gain, y, held) = (gpu.filled(&cpu.gain), gpu.storage(rows * width), gpu.filled(&x));
    let op = Op::rows(bench.bind(Kernel::Norm, &[&uniform, &stacked.info, &held, &gain, &y]));
    let found = bench.run(&[op], rows, &y, rows * width).await?;
    bench.compare_stacked(Kernel::Norm, &case, COUNT * width, &expected, &found);

    // cotangents of some rows, of one of them twice, added to what is there
    let of = [3usize, 0, 3, 4];
    let (c, before) = (bench.noise(of.len() * width), bench.noise(of.len() * width));
    let mut expected = before.clone();
    cpu.vjp_into(&x, &of, &c, &mut expected);
    let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, *p as u32, 0, 0]).collect();
    let (info, c, into) = (gpu.filled(&info), gpu.filled(&c), gpu.filled(&before));
    let op = Op::rows(bench.bind(Kernel::NormVjp, &[&uniform, &info, &held, &gain, &c, &into]));
    let found = bench.run(&[op], of.len(), &into, expected.len()).await?;
    bench.compare(Kernel::NormVjp, Vjp, case, &expected, &found);
    Ok(())
}

async fn activation(bench: &mut Bench<'_>, width: usize) -> Result<(), ModelError> {
    let case = format!("width {width}");
    let stacked = bench.stacked(&config(1, 1, 2, RopeLayout::HalfSplit), START, COUNT, &FIRSTS);
    let rows = stacked.plan.rows();
    // gates up to 4, where the sigmoid bends
    let gate: Vec<f32> = bench.noise(rows * width).into_iter().map(|g| 4.0 * g).collect();
    let up = bench.noise(rows * width);
    let (gates, ups) = (rows::from_vec(gate.clone(), width)?, rows::from_vec(up.clone(), width)?);
    let expected: Vec<f32> = mlp::forward(&gates, &ups, &stacked.plan)?.flatten_all()?.to_vec1()?;
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&[width as u32, 0, 0, 0]);
    let (held_gate, held_up, a) = (gpu.filled(&gate), gpu.filled(&up), gpu.storage(rows * width));
    let buffers = [&uniform, &stacked.count, &stacked.info, &held_gate, &held_up, &a];
    let op = Op::elements(bench.bind(Kernel::Mlp, &buffers), width);
    let found = bench.run(&[op], rows, &a, rows * width).await?;
    bench.compare_stacked(Kernel::Mlp, &case, COUNT * width, &expected, &found);

    let of = [3usize, 0, 3, 4];
    let c = bench.noise(of.len() * width);
    let (of_gate, of_up) = mlp::vjp(&gates, &ups, &of, &rows::from_vec(c.clone(), width)?)?;
    let info: Vec<[u32; 4]> = of.iter().map(|p| [*p as u32, *p as u32, 0, 0]).collect();
    let (count, info) = (gpu.uniform(&[of.len() as u32, 0, 0, 0]), gpu.filled(&info));
    let (held, pulled) = (gpu.filled(&c), gpu.storage(c.len()));
    let op = || {
        let buffers = [&uniform, &count, &info, &held_gate, &held_up, &held, &pulled];
        Op::elements(bench.bind(Kernel::MlpVjp, &buffers), width)
    };
    let found_gate = bench.run(&[op()], of.len(), &pulled, c.len()).await?;
    let found_up = bench.run(&[], of.len(), &held, c.len()).await?;
    bench.compare(Kernel::MlpVjp, Vjp, format!("{case}, gate"), &of_gate.flatten_all()?.to_vec1()?, &found_gate);
    bench.compare(Kernel::MlpVjp, Vjp, format!("{case}, up"), &of_up.flatten_all()?.to_vec1()?, &found_up);
    Ok(())
}

async fn rotation(bench: &mut Bench<'_>, layout: RopeLayout) -> Result<(), ModelError> {
    // 3 x 23 pairs: more than a workgroup, no multiple of one
    let c = config(3, 3, 46, layout);
    let stacked = bench.stacked(&c, START, COUNT, &FIRSTS);
    let (rows, width) = (stacked.plan.rows(), c.heads * c.head_width);
    let values = bench.noise(rows * width);
    for (direction, back) in [(1.0, false), (-1.0, true)] {
        let mut expected = values.clone();
        rope::rotate(&c, &mut expected, c.heads, &stacked.plan.positions(), back);
        let half_split = u32::from(layout == RopeLayout::HalfSplit);
        let uniform =
            bench.gpu.uniform(&Rope { heads: c.heads as u32, head_width: c.head_width as u32, half_split, direction });
        let held = bench.gpu.filled(&values);
        let buffers = [&uniform, &stacked.count, &stacked.info, &stacked.angles, &held];
        let op = Op::elements(bench.bind(Kernel::Rope, &buffers), width / 2);
        let found = bench.run(&[op], rows, &held, values.len()).await?;
        let case = format!("{layout:?}");
        match back {
            true => bench.compare(Kernel::Rope, Vjp, case, &expected, &found),
            false => bench.compare_stacked(Kernel::Rope, case, COUNT * width, &expected, &found),
        }
    }
    Ok(())
}

/// Keys turned to their positions, side by side with values; each group's tangents in its own part of the cache.
async fn append(bench: &mut Bench<'_>, layout: RopeLayout) -> Result<(), ModelError> {
    const CAPACITY: usize = 12;
    let c = config(3, 3, 46, layout);
    let stacked = bench.stacked(&c, START, COUNT, &FIRSTS);
    let (plan, width) = (&stacked.plan, c.kv_heads * c.head_width);
    let (keys, values) = (bench.noise(plan.rows() * width), bench.noise(plan.rows() * width));
    let mut turned = keys.clone();
    rope::rotate(&c, &mut turned, c.kv_heads, &plan.positions(), false);
    let before = bench.noise(2 * CAPACITY * width * FIRSTS.len());
    let primal = 2 * CAPACITY * width;
    let (mut cache, mut tangents) = (before[..primal].to_vec(), before.clone());
    let put = |into: &mut [f32], row: usize, at: usize| {
        for i in 0..width {
            into[2 * (at * width + i)] = turned[row * width + i];
            into[2 * (at * width + i) + 1] = values[row * width + i];
        }
    };
    for row in 0..plan.primal {
        put(&mut cache, row, START + row);
    }
    for t in &plan.tangents {
        for i in 0..t.count {
            put(&mut tangents, t.row + i, t.group * CAPACITY + t.position + i);
        }
    }
    let gpu = bench.gpu;
    let uniform = gpu.uniform(&Append {
        kv_width: width as u32,
        head_width: c.head_width as u32,
        half_split: u32::from(layout == RopeLayout::HalfSplit),
        capacity: CAPACITY as u32,
    });
    let (keys, values) = (gpu.filled(&keys), gpu.filled(&values));
    let (held, held_tangents) = (gpu.filled(&before[..primal]), gpu.filled(&before));
    let buffers = [&uniform, &stacked.count, &stacked.info, &stacked.angles, &keys, &values, &held, &held_tangents];
    let op = Op::elements(bench.bind(Kernel::Append, &buffers), width / 2);
    let found = bench.run(&[op], plan.rows(), &held, cache.len()).await?;
    let found_tangents = bench.run(&[], 0, &held_tangents, tangents.len()).await?;
    let case = format!("{layout:?}");
    bench.compare(Kernel::Append, Value, &case, &cache, &found);
    bench.compare(Kernel::Append, Jvp, &case, &tangents, &found_tangents);
    Ok(())
}
