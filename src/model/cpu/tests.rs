//! Every piece's derivatives: jvp against finite differences, vjp against jvp by `<u, J v> = <J^T u, v>`.

use super::attention::{self, LayerCache};
use super::norm::RmsNorm;
use super::rows;
use super::{kernels::dot, mlp, rope};
use crate::checkpoint::{ModelConfig, RopeLayout};
use crate::model::row_plan::RowPlan;

fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn config(layout: RopeLayout) -> ModelConfig {
    ModelConfig {
        architecture: "llama".into(),
        vocab: 1,
        width: 32,
        layers: 1,
        heads: 4,
        kv_heads: 2,
        head_width: 8,
        ffn_width: 8,
        context: 64,
        norm_eps: 1e-5,
        rope_layout: layout,
        rope_frequencies: (0..4).map(|i| 0.5f32.powi(i)).collect(),
    }
}

fn close(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{i}: {a} against {b}");
    }
}

/// (f(x + h v) - f(x - h v)) / 2h
fn difference(f: impl Fn(&[f32]) -> Vec<f32>, x: &[f32], v: &[f32]) -> Vec<f32> {
    const H: f32 = 1e-2;
    let at = |s: f32| f(&x.iter().zip(v).map(|(x, v)| x + s * v).collect::<Vec<_>>());
    at(H).iter().zip(at(-H)).map(|(a, b)| (a - b) / (2.0 * H)).collect()
}

/// Rows 0..n primal, n..2n the tangent of one group that covers all positions.
fn stacked(n: usize) -> RowPlan {
    RowPlan::new(0, n, &[0])
}

fn values_of(t: &candle_core::Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn norm_derivatives() {
    const W: usize = 16;
    let norm = RmsNorm { gain: values(W, 1), eps: 1e-5 };
    let (x, v, u) = (values(2 * W, 2), values(2 * W, 3), values(2 * W, 4));
    let value = |x: &[f32]| {
        values_of(&norm.forward(&rows::from_vec(x.to_vec(), W).unwrap(), &RowPlan::new(0, 2, &[])).unwrap())
    };
    let both = norm.forward(&rows::from_vec([x.clone(), v.clone()].concat(), W).unwrap(), &stacked(2)).unwrap();
    let jvp = &values_of(&both)[2 * W..];
    close(jvp, &difference(value, &x, &v), 2e-3);
    let mut vjp = vec![0.0; 2 * W];
    norm.vjp_into(&x, &[0, 1], &u, &mut vjp);
    assert!((dot(&u, jvp) - dot(&vjp, &v)).abs() < 1e-4);
}

#[test]
fn feed_forward_derivatives() {
    const W: usize = 8;
    let (g, u, dg, du, c) = (values(2 * W, 1), values(2 * W, 2), values(2 * W, 3), values(2 * W, 4), values(2 * W, 5));
    let rows = |v: &[f32]| rows::from_vec(v.to_vec(), W).unwrap();
    let value = |x: &[f32]| {
        let (g, u) = x.split_at(2 * W);
        values_of(&mlp::forward(&rows(g), &rows(u), &RowPlan::new(0, 2, &[])).unwrap())
    };
    let both =
        mlp::forward(&rows(&[g.clone(), dg.clone()].concat()), &rows(&[u.clone(), du.clone()].concat()), &stacked(2));
    let jvp = values_of(&both.unwrap())[2 * W..].to_vec();
    close(&jvp, &difference(value, &[g.clone(), u.clone()].concat(), &[dg.clone(), du.clone()].concat()), 2e-3);
    let (vg, vu) = mlp::vjp(&rows(&g), &rows(&u), &[0, 1], &rows(&c)).unwrap();
    assert!((dot(&c, &jvp) - dot(&values_of(&vg), &dg) - dot(&values_of(&vu), &du)).abs() < 1e-4);
}

#[test]
fn rotations_turn_back_and_depend_on_distance_only() {
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        let c = config(layout);
        let x = values(3 * 32, 1);
        let mut y = x.clone();
        rope::rotate(&c, &mut y, 4, &[0, 5, 9], false);
        assert_eq!(x[..32], y[..32]);
        rope::rotate(&c, &mut y, 4, &[0, 5, 9], true);
        close(&y, &x, 1e-5);
        let product = |a: usize, b: usize| {
            let (mut q, mut k) = (x[..32].to_vec(), x[32..64].to_vec());
            rope::rotate(&c, &mut q, 4, &[a], false);
            rope::rotate(&c, &mut k, 4, &[b], false);
            dot(&q, &k)
        };
        assert!((product(7, 3) - product(24, 20)).abs() < 1e-4);
    }
}

/// Queries, keys and values of `n` positions packed into one vector.
fn attend(c: &ModelConfig, x: &[f32], n: usize) -> Vec<f32> {
    let (q, rest) = x.split_at(n * 32);
    let (k, v) = rest.split_at(n * 16);
    let plan = RowPlan::new(0, n, &[]);
    let mut cache = LayerCache::new(0);
    cache.append(&plan, k, v, 16);
    attention::forward(c, q, &plan, &[], &cache)
}

#[test]
fn attention_derivatives() {
    const N: usize = 5;
    let c = config(RopeLayout::Interleaved);
    let (x, u) = (values(N * 64, 1), values(N * 32, 2));
    for first in [0, 2] {
        // the group's tangents are zero before its first position
        let mut v = values(N * 64, 3);
        for (width, at) in [(32, 0), (16, N * 32), (16, N * 48)] {
            v[at..at + first * width].fill(0.0);
        }
        let plan = RowPlan::new(0, N, &[first]);
        let stack = |at: usize, width: usize| [&x[at..at + N * width], &v[at + first * width..at + N * width]].concat();
        let mut cache = LayerCache::new(1);
        cache.append(&plan, &stack(N * 32, 16), &stack(N * 48, 16), 16);
        let both = attention::forward(&c, &stack(0, 32), &plan, &[first], &cache);
        close(&both[..N * 32], &attend(&c, &x, N), 1e-6);
        let mut jvp = vec![0.0; first * 32];
        jvp.extend_from_slice(&both[N * 32..]);
        close(&jvp, &difference(|x| attend(&c, x, N), &x, &v), 5e-3);

        // two stacked cotangents of different lengths
        let short = N - 2;
        let cotangents = [&u[..], &u[..short * 32]].concat();
        let back = attention::vjp(&c, &x[..N * 32], &x[N * 32..N * 48], &x[N * 48..], &[N, short], &cotangents);
        let pull = |from: usize, n: usize| {
            dot(&back.queries[from * 32..(from + n) * 32], &v[..n * 32])
                + dot(&back.keys[from * 16..(from + n) * 16], &v[N * 32..][..n * 16])
                + dot(&back.values[from * 16..(from + n) * 16], &v[N * 48..][..n * 16])
        };
        assert!((pull(0, N) - dot(&u, &jvp)).abs() < 1e-4);
        assert!((pull(N, short) - dot(&u[..short * 32], &jvp[..short * 32])).abs() < 1e-4);
    }
}

#[test]
fn attention_weights_sum_to_one_and_look_back_only() {
    let c = config(RopeLayout::HalfSplit);
    let p = attention::pattern(&c, &values(4 * 32, 1), &values(4 * 16, 2));
    for head in &p {
        for (i, row) in head.iter().enumerate() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(row[i + 1..].iter().all(|w| *w == 0.0));
        }
    }
}
