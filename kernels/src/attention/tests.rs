use std::vec;
use std::vec::Vec;

use super::*;
use crate::matrix::Scratch;
use crate::pool::tests::Threads;
use crate::pool::{MOST_PARTS, Pool, Task};

const N: usize = 45; // more than a page of positions, and than a block of queries
const FIRSTS: [usize; 3] = [0, 7, 40];

fn shapes() -> impl Iterator<Item = Shape> {
    let sizes = [(12, 4, 2), (8, 3, 3), (16, 4, 1)];
    let windows = [None, Some(1), Some(10)];
    sizes.into_iter().flat_map(move |(width, heads, kv_heads)| {
        windows.map(move |window| Shape { width, heads, kv_heads, scale: 0.4, window })
    })
}

fn values(count: usize, seed: u32) -> Vec<f32> {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503)) >> 8) % 65_536;
    (0..count as u32).map(|i| noise(i) as f32 / 32_768.0 - 1.0).collect()
}

/// Attention as its formula has it, one query and one head at a time, in f64.
fn plain(shape: &Shape, queries: &[f64], keys: &[f64], values: &[f64]) -> Vec<f64> {
    let (width, kv_width) = (shape.width, shape.kv_width());
    let mut out = vec![0.0; queries.len()];
    for (row, head) in (0..keys.len() / kv_width).flat_map(|row| (0..shape.heads).map(move |head| (row, head))) {
        let at = (row * shape.heads + head) * width;
        let of = |j: usize| j * kv_width + head / shape.heads_per_kv() * width;
        let score =
            |j: usize| (0..width).map(|i| queries[at + i] * keys[of(j) + i]).sum::<f64>() * f64::from(shape.scale);
        let weights: Vec<f64> = shape.seen(row).map(|j| score(j).exp()).collect();
        let sum: f64 = weights.iter().sum();
        for (j, weight) in shape.seen(row).zip(weights) {
            (0..width).for_each(|i| out[at + i] += weight / sum * values[of(j) + i]);
        }
    }
    out
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// Queries, keys and values of the whole sequence.
fn sequence(shape: &Shape, seed: u32) -> [Vec<f32>; 3] {
    [(N * shape.heads * shape.width, 1), (N * shape.kv_width(), 2), (N * shape.kv_width(), 3)]
        .map(|(count, more)| values(count, 10 * seed + more))
}

/// The central difference of the plain formula along `tangent`.
fn difference(shape: &Shape, at: &[Vec<f32>; 3], tangent: &[Vec<f32>; 3]) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let moved = |by: f64| {
        let [q, k, v] = [0, 1, 2].map(|i| {
            let pairs = at[i].iter().zip(&tangent[i]);
            pairs.map(|(x, t)| f64::from(*x) + by * f64::from(*t)).collect::<Vec<f64>>()
        });
        plain(shape, &q, &k, &v)
    };
    moved(STEP).iter().zip(moved(-STEP)).map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
}

/// A group's tangents are zero before its first position.
fn tangent(shape: &Shape, group: usize) -> [Vec<f32>; 3] {
    let mut all = sequence(shape, 20 + group as u32);
    for values in &mut all {
        let row = values.len() / N;
        values[..FIRSTS[group] * row].fill(0.0);
    }
    all
}

fn close(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*a) - b).abs() < 2e-5 * (1.0 + b.abs()), "{what}, {i}: {a}, not {b}");
    }
}

/// Runs a task alone, or on several threads.
type Run<'a> = &'a dyn Fn(&dyn Task);

/// Calls `f` with either way to run a task.
fn both_ways(f: impl Fn(Run)) {
    f(&|task| {
        let mut scratch = Scratch::default();
        for part in 0..task.parts() {
            task.compute(part, &mut scratch);
            task.write(part, &scratch);
        }
    });
    let (pool, sleep) = (Pool::new(), Threads::default());
    pool.with_helpers(2, &sleep, || f(&|task| pool.lead_and_leave(task, 2, &mut Scratch::default(), &sleep)));
}

/// The value and the jvp of every group, the sequence read in pieces of `pieces` positions.
fn streamed(shape: Shape, pieces: &[usize], run: Run) -> (Vec<f32>, Vec<Vec<f32>>) {
    let primal = sequence(&shape, 1);
    let tangents: Vec<_> = (0..FIRSTS.len()).map(|group| tangent(&shape, group)).collect();
    let wide = shape.heads * shape.width;
    let (mut value, mut jvps) = (Vec::new(), vec![Vec::new(); FIRSTS.len()]);
    let (mut cache, mut start) = (Cache::new(shape, FIRSTS.len()), 0);
    for &primal_rows in pieces {
        let mut rows = primal_rows;
        let mut plan = Vec::new();
        for (group, &first) in FIRSTS.iter().enumerate().filter(|(_, first)| **first < start + primal_rows) {
            let position = first.max(start);
            let count = start + primal_rows - position;
            plan.push(Tangent { group, row: rows, position, count });
            rows += count;
        }
        let stack = |which: usize| {
            let row = primal[which].len() / N;
            let mut stacked = primal[which][start * row..(start + primal_rows) * row].to_vec();
            for t in &plan {
                stacked.extend_from_slice(&tangents[t.group][which][t.position * row..(t.position + t.count) * row]);
            }
            stacked
        };
        let [queries, keys, values] = [0, 1, 2].map(stack);
        let plan = Plan { start, primal: primal_rows, tangents: &plan };
        cache.append(&plan, &keys, &values);
        let mut out = vec![f32::NAN; queries.len()];
        run(&Forward::new(&cache, plan, &queries, &mut out));
        value.extend_from_slice(&out[..primal_rows * wide]);
        for t in plan.tangents {
            jvps[t.group].extend_from_slice(&out[t.row * wide..(t.row + t.count) * wide]);
        }
        start += primal_rows;
    }
    assert_eq!(cache.length(), N);
    (value, jvps)
}

#[test]
fn values_and_tangents_are_those_of_the_formula() {
    both_ways(|run| {
        for shape in shapes() {
            let (at, from) = (sequence(&shape, 1), |first: usize| first * shape.heads * shape.width);
            let [q, k, v] = [0, 1, 2].map(|i| wide(&at[i]));
            for pieces in [&[N][..], &[33, 1, 1, 10]] {
                let (value, jvps) = streamed(shape, pieces, run);
                close(&value, &plain(&shape, &q, &k, &v), "value");
                for (group, jvp) in jvps.iter().enumerate() {
                    let expected = difference(&shape, &at, &tangent(&shape, group));
                    close(jvp, &expected[from(FIRSTS[group])..], &std::format!("{shape:?}, group {group}"));
                }
            }
        }
    });
}

/// `<c, J t> = <J^T c, t>` for several lengths at once, with the differences of the formula on the left.
#[test]
fn the_vjp_is_the_transpose_of_the_derivative() {
    const LENGTHS: [usize; 6] = [N, 1, 17, 44, 16, 30];
    both_ways(|run| {
        for shape in shapes() {
            let (wide, kv_width) = (shape.heads * shape.width, shape.kv_width());
            let (at, rows) = (sequence(&shape, 1), LENGTHS.iter().sum::<usize>());
            let c = values(rows * wide, 77);
            let [mut dq, mut dk, mut dv] = [wide, kv_width, kv_width].map(|width| vec![f32::NAN; rows * width]);
            let into = Cotangents { queries: &mut dq, keys: &mut dk, values: &mut dv };
            let sequence = Sequence { queries: &at[0], keys: &at[1], values: &at[2] };
            run(&Vjp::new(shape, sequence, &LENGTHS, &c, into));
            let tangent = tangent(&shape, 1);
            let jvp = difference(&shape, &at, &tangent);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            let mut start = 0;
            for n in LENGTHS {
                let own = |all: &[f32], width: usize| all[start * width..(start + n) * width].to_vec();
                let forwards: f64 = own(&c, wide).iter().zip(&jvp).map(|(c, j)| f64::from(*c) * j).sum();
                let backwards = dot(&own(&dq, wide), &tangent[0][..n * wide])
                    + dot(&own(&dk, kv_width), &tangent[1][..n * kv_width])
                    + dot(&own(&dv, kv_width), &tangent[2][..n * kv_width]);
                assert!(
                    (forwards - backwards).abs() < 1e-4 * (1.0 + forwards.abs()),
                    "{shape:?}: {forwards} {backwards}"
                );
                start += n;
            }
        }
    });
}

/// Many key/value heads and many groups: no more parts than a task may have, and each group's jvp as if it were alone.
#[test]
fn many_groups_of_many_heads_fit_a_tasks_parts() {
    const GROUPS: usize = 300;
    let shape = Shape { width: 4, heads: 64, kv_heads: 64, scale: 0.4, window: None };
    let (rows, row) = (1 + GROUPS, shape.kv_width());
    let [queries, keys, vals] = [1, 2, 3].map(|seed| values(rows * row, seed));
    let jvps = |groups: &[usize], run: Run| {
        let tangents: Vec<Tangent> =
            (0..groups.len()).map(|group| Tangent { group, row: 1 + group, position: 0, count: 1 }).collect();
        let plan = Plan { start: 0, primal: 1, tangents: &tangents };
        let stack = |of: &[f32]| {
            let rows = groups.iter().flat_map(|g| &of[(1 + g) * row..(2 + g) * row]);
            of[..row].iter().chain(rows).copied().collect::<Vec<f32>>()
        };
        let [queries, keys, vals] = [&queries, &keys, &vals].map(|of| stack(of));
        let mut cache = Cache::new(shape, groups.len());
        cache.append(&plan, &keys, &vals);
        let mut out = vec![f32::NAN; queries.len()];
        let task = Forward::new(&cache, plan, &queries, &mut out);
        assert!(task.parts() <= MOST_PARTS);
        run(&task);
        out
    };
    both_ways(|run| {
        let all = jvps(&(0..GROUPS).collect::<Vec<usize>>(), run);
        for group in [0, 11, 12, 13, 150, GROUPS - 1] {
            assert_eq!(jvps(&[group], run)[row..], all[(1 + group) * row..(2 + group) * row], "group {group}");
        }
    });
}

/// What is forgotten leaves nothing behind, within a page and at its border; a group's tangents cannot be cut.
#[test]
fn a_cache_that_was_cut_is_one_that_never_held_more() {
    for shape in shapes() {
        for left in [0, 1, 31, 32, 33, N] {
            let [queries, keys, values] = sequence(&shape, 3);
            let other = sequence(&shape, 4);
            let plan = Plan { start: 0, primal: N, tangents: &[] };
            let mut cut = Cache::new(shape, 0);
            cut.append(&plan, &other[1], &other[2]);
            assert!(cut.truncate(0) && cut.length() == 0);
            cut.append(&plan, &keys, &values);
            assert!(cut.truncate(left) && cut.length() == left);
            let rest = Plan { start: left, primal: N - left, tangents: &[] };
            let (from, row) = (left * shape.kv_width(), left * shape.heads * shape.width);
            cut.append(&rest, &keys[from..], &values[from..]);
            let mut whole = Cache::new(shape, 0);
            whole.append(&plan, &keys, &values);
            let outputs = [&cut, &whole].map(|cache| {
                let mut out = vec![0.0; queries.len() - row];
                let task = Forward::new(cache, rest, &queries[row..], &mut out);
                let mut scratch = Scratch::default();
                for part in 0..task.parts() {
                    task.compute(part, &mut scratch);
                    task.write(part, &scratch);
                }
                out
            });
            assert_eq!(outputs[0], outputs[1], "{left} positions left");
        }
    }
    assert!(!Cache::new(shapes().next().unwrap(), 1).truncate(0));
}
