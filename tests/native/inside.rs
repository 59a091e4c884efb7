//! What goes on inside a model on one sequence, against direct computation. (Attention against PyTorch: `gold.rs`.)

use crate::support::Tiny;
use crate::support::listeners::quiet;
use candle_core::{Device, Tensor};
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::local::{LayerAttention, LayerFiring, weight};
use shiftlens::model::block_on;
use shiftlens::model::cpu::Trace;

const SEQUENCE: [u32; 7] = [5, 9, 2, 9, 31, 17, 4];

/// The sequence read up to each layer in turn.
fn each_layer(checkpoint: &Checkpoint, mut see: impl FnMut(&Trace, usize)) {
    let engine = crate::support::engine(checkpoint);
    let mut trace = engine.trace(&SEQUENCE).unwrap();
    for layer in 0..trace.layers() {
        block_on(engine.read_to(&mut trace, layer, &mut quiet)).unwrap();
        see(&trace, layer);
    }
}

fn matrix(checkpoint: &Checkpoint, name: &str) -> Vec<Vec<f64>> {
    let t: Vec<Vec<f32>> = checkpoint.tensor(name).unwrap().dequantize(&Device::Cpu).unwrap().to_vec2().unwrap();
    t.into_iter().map(|r| r.into_iter().map(f64::from).collect()).collect()
}

fn times(m: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    m.iter().map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect()
}

/// The rollout is the product of the layers' mean patterns, half of each the residual stream's.
#[test]
fn rollout_is_the_product_of_the_layers() {
    let checkpoint = Tiny { layers: 4, ..Tiny::default() }.checkpoint();
    let count = SEQUENCE.len();
    let mut rolled: Vec<Vec<f64>> =
        (0..count).map(|i| (0..count).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    each_layer(&checkpoint, |trace, layer| {
        let attention = LayerAttention::of(trace, layer).unwrap();
        let mean = attention.mean();
        let step = |q: usize, k: usize| 0.5 * f64::from(weight(&mean, q, k)) + 0.5 * f64::from(u8::from(q == k));
        let entry = |q: usize, k: usize| (0..count).map(|via| step(q, via) * rolled[via][k]).sum::<f64>();
        rolled = (0..count).map(|q| (0..count).map(|k| entry(q, k)).collect()).collect();
        for (q, row) in rolled.iter().enumerate() {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            for (k, v) in row.iter().enumerate() {
                assert!((v - f64::from(weight(&attention.rollout, q, k))).abs() < 1e-5, "layer {layer}, {q}, {k}");
            }
        }
    });
}

/// Without attention a token's path through the layers can be followed by hand, in f64.
#[test]
fn components_fire_by_what_the_block_writes() {
    let checkpoint = Tiny::default().checkpoint_edited(&|name, t| match name.ends_with("attn_output.weight") {
        true => t.zeros_like().unwrap(),
        false => t,
    });
    let embedding = matrix(&checkpoint, "token_embd.weight");
    let width = embedding[0].len();
    let mut rows: Vec<Vec<f64>> = SEQUENCE.iter().map(|id| embedding[*id as usize].clone()).collect();
    // ten directions that are no principal components: what counts is the product
    let directions: Vec<f32> = (0..10 * width).map(|i| ((i * i + 3 * i) as f32).sin()).collect();
    let along = Tensor::from_vec(directions.clone(), (10, width), &Device::Cpu).unwrap();
    each_layer(&checkpoint, |trace, layer| {
        let part = |name: &str| matrix(&checkpoint, &format!("blk.{layer}.ffn_{name}.weight"));
        let (gate, up, down) = (part("gate"), part("up"), part("down"));
        let gain: Vec<f32> = checkpoint.floats(&format!("blk.{layer}.ffn_norm.weight")).unwrap().to_vec1().unwrap();
        let firing = LayerFiring::of(trace, layer, &along).unwrap();
        for (row, fired) in rows.iter_mut().zip(&firing.tokens) {
            let mean = row.iter().map(|v| v * v).sum::<f64>() / width as f64;
            let norm = (mean + f64::from(checkpoint.config.norm_eps)).sqrt();
            let normed: Vec<f64> = row.iter().zip(&gain).map(|(v, g)| v / norm * f64::from(*g)).collect();
            let hidden = times(&gate, &normed).into_iter().zip(times(&up, &normed));
            let hidden: Vec<f64> = hidden.map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            let written = times(&down, &hidden);
            let by_hand = |c: usize| {
                directions[c * width..][..width].iter().zip(&written).map(|(d, w)| f64::from(*d) * w).sum::<f64>()
            };
            assert_eq!(fired.len(), 8);
            assert!(fired.windows(2).all(|f| f[0].1.abs() >= f[1].1.abs()));
            for (component, strength) in fired {
                let expected = by_hand(*component);
                let close = (expected - f64::from(*strength)).abs() < 1e-3 * expected.abs().max(0.01);
                assert!(close, "layer {layer}, component {component}: {strength}, by hand {expected}");
            }
            row.iter_mut().zip(&written).for_each(|(v, w)| *v += w);
        }
    });
}
