//! Every piece's derivatives: jvp against finite differences, vjp against jvp by `<u, J v> = <J^T u, v>`.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::attention;
use super::layer::{Batch, Kept, Layer, Pass};
use super::linear::Linear;
use super::norm::RmsNorm;
use super::{mlp, rope};
use crate::checkpoint::{Activation, LayerSpec, ModelConfig, Norms, Part, QkNorm, RopeLayout};
use crate::model::row_plan::RowPlan;
use crate::model::steps::Attend;
use shiftlens_kernels::attention::Shape;
use shiftlens_kernels::floats::dot;

pub(super) fn values(n: usize, seed: u64) -> Vec<f32> {
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

pub(super) fn config(layout: RopeLayout) -> ModelConfig {
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
        ropes: vec![(0..4).map(|i| 0.5f32.powi(i)).collect()],
        embedding_scale: 1.0,
        inputs_scale: 1.0,
        logit_scale: 1.0,
        specs: vec![LayerSpec::llama(8)],
        gain_offset: 0.0,
    }
}

pub(super) fn close(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{i}: {a} against {b}");
    }
}

/// (f(x + h v) - f(x - h v)) / 2h
pub(super) fn difference(f: impl Fn(&[f32]) -> Vec<f32>, x: &[f32], v: &[f32]) -> Vec<f32> {
    const H: f32 = 1e-2;
    let at = |s: f32| f(&x.iter().zip(v).map(|(x, v)| x + s * v).collect::<Vec<_>>());
    at(H).iter().zip(at(-H)).map(|(a, b)| (a - b) / (2.0 * H)).collect()
}

/// Rows 0..n primal, n..2n the tangent of one group that covers all positions.
pub(super) fn stacked(n: usize) -> RowPlan {
    RowPlan::new(0, n, &[0])
}

#[test]
fn norm_derivatives() {
    const W: usize = 16;
    // rows of one vector, and of two that share a gain
    for width in [W, W / 2] {
        let norm = RmsNorm { gain: values(width, 1), eps: 1e-5 };
        let (x, v, u) = (values(2 * W, 2), values(2 * W, 3), values(2 * W, 4));
        let value = |x: &[f32]| norm.forward(x, &RowPlan::new(0, 2, &[]));
        let both = norm.forward(&[x.clone(), v.clone()].concat(), &stacked(2));
        let jvp = &both[2 * W..];
        close(jvp, &difference(value, &x, &v), 2e-3);
        let mut vjp = vec![0.0; 2 * W];
        norm.vjp_into(&x, &[0, 1], &u, &mut vjp);
        assert!((dot(&u, jvp) - dot(&vjp, &v)).abs() < 1e-4);
    }
}

#[test]
fn feed_forward_derivatives() {
    const W: usize = 8;
    let (g, u, dg, du, c) = (values(2 * W, 1), values(2 * W, 2), values(2 * W, 3), values(2 * W, 4), values(2 * W, 5));
    for activation in [Activation::Silu, Activation::GeluTanh] {
        let value = |x: &[f32]| {
            let (g, u) = x.split_at(2 * W);
            mlp::forward(activation, g, u, &RowPlan::new(0, 2, &[]))
        };
        let stack = |a: &[f32], b: &[f32]| [a, b].concat();
        let both = mlp::forward(activation, &stack(&g, &dg), &stack(&u, &du), &stacked(2));
        let jvp = both[2 * W..].to_vec();
        close(&jvp, &difference(value, &stack(&g, &u), &stack(&dg, &du)), 2e-3);
        let (vg, vu) = mlp::vjp(activation, &g, &u, &[0, 1], &c);
        assert!((dot(&c, &jvp) - dot(&vg, &dg) - dot(&vu, &du)).abs() < 1e-4);
    }
}

#[test]
fn rotations_turn_back_and_depend_on_distance_only() {
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        let c = config(layout);
        let x = values(3 * 32, 1);
        let mut y = x.clone();
        rope::rotate(&c, 0, &mut y, &[0, 5, 9], false);
        assert_eq!(x[..32], y[..32]);
        rope::rotate(&c, 0, &mut y, &[0, 5, 9], true);
        close(&y, &x, 1e-5);
        let product = |a: usize, b: usize| {
            let (mut q, mut k) = (x[..32].to_vec(), x[32..64].to_vec());
            rope::rotate(&c, 0, &mut q, &[a], false);
            rope::rotate(&c, 0, &mut k, &[b], false);
            dot(&q, &k)
        };
        assert!((product(7, 3) - product(24, 20)).abs() < 1e-4);
    }
}

/// How a layer may weigh: all that is before, or a window.
fn ways(c: &ModelConfig) -> [Shape; 3] {
    [None, Some(3), Some(1)].map(|window| attention::shape(c, Attend { scale: 0.4, window }))
}

#[test]
fn attention_weights_sum_to_one_and_look_back_only() {
    let c = config(RopeLayout::HalfSplit);
    for (heads, window) in ways(&c).into_iter().zip([4, 3, 1]) {
        for head in 0..4 {
            let pattern = attention::pattern(heads, &values(4 * 32, 1), &values(4 * 16, 2), head);
            assert_eq!(pattern.len(), 1 + 2 + 3 + 4);
            for i in 0..4 {
                let row = &pattern[i * (i + 1) / 2..][..=i];
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                assert!(row[..(i + 1usize).saturating_sub(window)].iter().all(|w| *w == 0.0));
            }
        }
    }
}

/// A layer of random weights.
pub(super) fn layer(c: &ModelConfig, spec: &LayerSpec) -> Layer {
    layer_but(c, spec, |_, _| {})
}

/// The same with `change` made to the weights of its matrices.
pub(super) fn layer_but(c: &ModelConfig, spec: &LayerSpec, change: impl Fn(Part, &mut [f32])) -> Layer {
    let (mut matrices, mut norms) = (Vec::new(), Vec::new());
    let of = ModelConfig { specs: vec![spec.clone()], ..c.clone() };
    for (i, (part, shape)) in of.layer_shapes(0).into_iter().enumerate() {
        let numbers = values(shape.iter().product(), 100 + i as u64);
        if part.is_norm() {
            norms.push((part, RmsNorm { gain: numbers.iter().map(|v| 1.0 + 0.5 * v).collect(), eps: 1e-5 }));
        } else {
            let mut small: Vec<f32> = numbers.iter().map(|v| 0.4 * v).collect();
            change(part, &mut small);
            let weight = Tensor::from_vec(small, shape.clone(), &Device::Cpu).unwrap();
            let bias = matches!(part, Part::Queries | Part::Output | Part::Down).then(|| values(shape[0], 7));
            matrices.push((part, Linear::new(QTensor::quantize(&weight, GgmlDType::F32).unwrap(), bias).unwrap()));
        }
    }
    Layer::new(spec.clone(), matrices, norms, None)
}

/// Every way in which families differ, one at a time and together.
pub(super) fn specs() -> Vec<LayerSpec> {
    let llama = LayerSpec::llama(8);
    let (both, after) = (Norms { before: true, after: true }, Norms { before: false, after: true });
    vec![
        llama.clone(),
        LayerSpec { rope: None, ..llama.clone() },
        LayerSpec { window: Some(2), ..llama.clone() },
        LayerSpec { qk_norm: QkNorm::Head, ..llama.clone() },
        LayerSpec { qk_norm: QkNorm::Whole, attention_norms: after, ffn_norms: after, ..llama.clone() },
        LayerSpec { attention_norms: both, ffn_norms: both, activation: Activation::GeluTanh, ..llama.clone() },
        LayerSpec { residual_scale: 0.6, attention_scale: 0.3, ..llama.clone() },
        LayerSpec {
            residual_scale: 0.6,
            window: Some(3),
            qk_norm: QkNorm::Head,
            attention_norms: both,
            ffn_norms: both,
            ..llama
        },
    ]
}

/// The list of steps, folded forwards and backwards, whatever is in it.
#[test]
fn layer_derivatives() {
    const N: usize = 4;
    let c = config(RopeLayout::HalfSplit);
    let (x, v, u) = (values(N * 32, 1), values(N * 32, 2), values(N * 32, 3));
    for spec in specs() {
        let layer = layer(&c, &spec);
        let run = |x: Vec<f32>, plan: &RowPlan, groups: usize, kept: Option<&mut Kept>| {
            let positions = plan.positions();
            let pass = Pass { config: &c, plan, positions: &positions };
            layer.forward(&pass, x, &mut layer.cache(&c, groups), kept).unwrap()
        };
        let value = |x: &[f32]| run(x.to_vec(), &RowPlan::new(0, N, &[]), 0, None);
        let both = run([x.clone(), v.clone()].concat(), &stacked(N), 1, None);
        close(&both[..N * 32], &value(&x), 1e-6);
        let jvp = &both[N * 32..];
        close(jvp, &difference(value, &x, &v), 1e-2);

        let mut kept = Kept::default();
        run(x.clone(), &RowPlan::new(0, N, &[]), 0, Some(&mut kept));
        // two stacked cotangents of different lengths
        let short = N - 1;
        let batch = Batch::new(vec![N, short]);
        let stacked = [&u[..], &u[..short * 32]].concat();
        let back = layer.vjp(&c, &kept, &batch, stacked, false).unwrap();
        let near = |a: f32, b: f32| assert!((a - b).abs() < 2e-4 * (1.0 + b.abs()), "{spec:?}: {a} against {b}");
        near(dot(&back[..N * 32], &v), dot(&u, jvp));
        near(dot(&back[N * 32..], &v[..short * 32]), dot(&u[..short * 32], &jvp[..short * 32]));

        // cotangents of the predicting positions alone, the others zero
        let last = |n: usize| u[(n - 1) * 32..n * 32].to_vec();
        let few = layer.vjp(&c, &kept, &batch, [last(N), last(short)].concat(), true).unwrap();
        let mut spread = vec![0.0; (N + short) * 32];
        spread[(N - 1) * 32..N * 32].copy_from_slice(&last(N));
        spread[(N + short - 1) * 32..].copy_from_slice(&last(short));
        close(&few, &layer.vjp(&c, &kept, &batch, spread, false).unwrap(), 1e-5);
    }
}
