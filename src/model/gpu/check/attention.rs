//! Attention: value and jvp over a cache, and both kernels of its vjp.

use shiftlens_kernels::attention::{Cache, Sequence, Shape};

use super::Derivative::Vjp;
use super::{Bench, beside, config};
use crate::checkpoint::{ModelConfig, RopeLayout};
use crate::model::ModelError;
use crate::model::cpu::attention;
use crate::model::gpu::bindings;
use crate::model::gpu::cache::Places;
use crate::model::gpu::forward::projected;
use crate::model::gpu::kernels::Kernel;
use crate::model::gpu::ops::{Count, Op};
use crate::model::gpu::reverse::cotangent_info;
use crate::model::gpu::uniforms::Heads;
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;

/// Heads, key heads, head width: shared keys, one width beyond a workgroup, the widest.
const SHAPES: [(usize, usize, usize); 3] = [(4, 2, 16), (3, 1, 80), (2, 2, 256)];
/// Windows beside those: less than a workgroup, more than one of the vjp's kernels takes, and more than attention's takes.
const WINDOWS: [usize; 3] = [7, 68, 260];
/// The sequence so far, and what is added: more keys than a workgroup of attention takes at once.
const START: usize = 270;
const COUNT: usize = 5;
const FIRSTS: [usize; 4] = [0, 30, 272, 400];
const CAPACITY: usize = 280;

/// Queries beside keys and values that nobody may read: those are in the cache.
fn with_noise(c: &ModelConfig, queries: &[f32]) -> Vec<f32> {
    let (width, kv_width) = (c.heads * c.head_width, c.kv_heads * c.head_width);
    let other = vec![1e3; queries.len() / width * 2 * kv_width];
    beside(&[(queries, width), (&other, 2 * kv_width)])
}

fn shape(c: &ModelConfig) -> Shape {
    attention::shape(c, Attend::of(&c.specs[0]))
}

fn case(c: &ModelConfig) -> String {
    let window = c.specs[0].window.map(|w| format!(", a window of {w}")).unwrap_or_default();
    format!("{} heads of {}, {} for keys{window}", c.heads, c.head_width, c.kv_heads)
}

/// Every shape that sees all, and the first with windows and another scale.
fn shapes() -> Vec<ModelConfig> {
    let of = |(heads, kv_heads, width)| config(heads, kv_heads, width, RopeLayout::HalfSplit);
    let windowed = WINDOWS.map(|window| {
        let mut c = of(SHAPES[0]);
        (c.specs[0].window, c.specs[0].attention_scale) = (Some(window), 0.4);
        c
    });
    SHAPES.map(of).into_iter().chain(windowed).collect()
}

pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    for c in shapes() {
        let (heads, kv_heads, head_width) = (c.heads, c.kv_heads, c.head_width);
        let (width, kv_width, length) = (heads * head_width, kv_heads * head_width, START + COUNT);
        let stacked = bench.stacked(&c, (START, COUNT), &FIRSTS, CAPACITY);
        let rows = stacked.plan.rows();
        let whole = RowPlan::new(0, length, &FIRSTS);
        let (mut keys, mut values) = (bench.noise(whole.rows() * kv_width), bench.noise(whole.rows() * kv_width));
        let mut cpu = Cache::new(shape(&c), FIRSTS.len());
        cpu.append(&whole.plan(), &keys, &values);
        // large where nothing may be read: behind the sequence
        let places = Places::new(CAPACITY, &FIRSTS);
        let mut tangents = vec![1e3; 2 * places.total * kv_width];
        for t in &whole.tangents {
            let (rows, at) = (t.row * kv_width..(t.row + t.count) * kv_width, 2 * places.starts[t.group] * kv_width);
            let both = beside(&[(&keys[rows.clone()], kv_width), (&values[rows], kv_width)]);
            tangents[at..at + both.len()].copy_from_slice(&both);
        }
        // scores up to a few units, so that weights differ
        let queries: Vec<f32> = bench.noise(rows * width).into_iter().map(|q| 3.0 * q).collect();
        let expected = attention::forward(&cpu, &stacked.plan, &queries);
        keys.truncate(length * kv_width);
        values.truncate(length * kv_width);
        let mut cache = beside(&[(&keys, kv_width), (&values, kv_width)]);
        cache.resize(2 * CAPACITY * kv_width, 1e3);
        let gpu = bench.gpu;
        let shape = gpu.uniform(&Heads::new(&c, Attend::of(&c.specs[0])));
        let (held, cache, tangents) =
            (gpu.filled(&with_noise(&c, &queries)), gpu.filled(&cache), bench.tangents(&tangents));
        let out = gpu.storage(rows * width);
        let (info, tangents) = (&stacked.info, &tangents);
        let buffers = bindings::Attention { shape: &shape, info, projected: &held, cache: &cache, tangents, out: &out };
        let op = Op::new(bench.bind(buffers), Count::Fixed(heads), Count::Rows(1));
        let found = bench.run(&[op], rows, &out, rows * width).await?;
        bench.compare_stacked(Kernel::Attention, case(&c), COUNT * width, &expected, &found);
    }
    Ok(())
}

/// Cotangents of different lengths, stacked; the longest over more keys than a workgroup takes at once.
pub(super) async fn check_vjp(bench: &mut Bench<'_>) -> Result<(), ModelError> {
    const LENGTHS: [usize; 3] = [5, 70, 64];
    const POSITIONS: usize = 70;
    for c in shapes() {
        let (heads, kv_heads, head_width) = (c.heads, c.kv_heads, c.head_width);
        let (width, kv_width) = (heads * head_width, kv_heads * head_width);
        let rows: usize = LENGTHS.iter().sum();
        let queries: Vec<f32> = bench.noise(POSITIONS * width).into_iter().map(|q| 3.0 * q).collect();
        let (keys, values) = (bench.noise(POSITIONS * kv_width), bench.noise(POSITIONS * kv_width));
        let cotangents = bench.noise(rows * width);
        let expected = attention::vjp(
            shape(&c),
            Sequence { queries: &queries, keys: &keys, values: &values },
            &LENGTHS,
            &cotangents,
        );
        let gpu = bench.gpu;
        let (shape, info) =
            (gpu.uniform(&Heads::new(&c, Attend::of(&c.specs[0]))), gpu.filled(&cotangent_info(&LENGTHS)));
        let (held, cache) =
            (gpu.filled(&with_noise(&c, &queries)), gpu.filled(&beside(&[(&keys, kv_width), (&values, kv_width)])));
        let (cotangents, statistics) = (gpu.filled(&cotangents), gpu.storage(2 * rows * heads));
        let result = gpu.storage(rows * projected(&c));
        let (shape, info, cache) = (&shape, &info, &cache);
        let (cotangent, statistics, to) = (&cotangents, &statistics, &result);
        let buffers =
            bindings::AttentionVjpQueries { shape, info, projected: &held, cache, c: cotangent, dq: to, statistics };
        let of_queries = Op::new(bench.bind(buffers), Count::Fixed(heads), Count::Rows(1));
        let buffers =
            bindings::AttentionVjpKeys { shape, info, projected: &held, cache, c: cotangent, statistics, dkv: to };
        let of_keys = Op::new(bench.bind(buffers), Count::Fixed(kv_heads), Count::Rows(1));
        let found = bench.run(&[of_queries, of_keys], rows, &result, rows * projected(&c)).await?;
        let of = |from: usize, width: usize| -> Vec<f32> {
            found.chunks_exact(projected(&c)).flat_map(|row| row[from..from + width].to_vec()).collect()
        };
        bench.compare(Kernel::AttentionVjpQueries, Vjp, case(&c), &expected.queries, &of(0, width));
        for (name, from, expected) in [("keys", width, &expected.keys), ("values", width + kv_width, &expected.values)]
        {
            bench.compare(
                Kernel::AttentionVjpKeys,
                Vjp,
                format!("{}: {name}", case(&c)),
                expected,
                &of(from, kv_width),
            );
        }
    }
    Ok(())
}
