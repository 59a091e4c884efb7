//! A small llama for training only; the engine in `src/model` runs what it becomes.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::Rng;

use crate::ops::{CausalSoftmax, CrossEntropy, Heads, RmsNorm, SwiGlu, with};

/// The shape of the network.
#[derive(Clone, Copy)]
pub struct Shape {
    pub vocab: usize,
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub ffn: usize,
    pub context: usize,
}

pub const THETA: f32 = 10_000.0;
pub const EPS: f32 = 1e-5;

/// Named parameters, in GGUF's names and shapes (half-split rotary layout until export).
pub struct Network {
    pub shape: Shape,
    pub vars: Vec<(String, Var)>,
    angles: Arc<Vec<(f32, f32)>>,
}

impl Network {
    pub fn new(shape: Shape, sequence: usize, rng: &mut impl Rng) -> Result<Self> {
        let (d, hw) = (shape.width, shape.width / shape.heads);
        let kv = shape.kv_heads * hw;
        let mut vars = Vec::new();
        let mut matrix = |name: String, rows: usize, columns: usize, scale: f32| -> Result<()> {
            let normal = || {
                let (u, v): (f32, f32) = (rng.random_range(1e-7..1.0), rng.random());
                (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos() * scale
            };
            let values: Vec<f32> = std::iter::repeat_with(normal).take(rows * columns).collect();
            vars.push((name, Var::from_vec(values, (rows, columns), &Device::Cpu)?));
            Ok(())
        };
        let scale = 1.0 / (d as f32).sqrt();
        let deep = scale / (2.0 * shape.layers as f32).sqrt();
        matrix("token_embd.weight".into(), shape.vocab, d, 0.05)?;
        for i in 0..shape.layers {
            for (name, rows, columns, scale) in [
                ("attn_q", d, d, scale),
                ("attn_k", kv, d, scale),
                ("attn_v", kv, d, scale),
                ("attn_output", d, d, deep),
                ("ffn_gate", shape.ffn, d, scale),
                ("ffn_up", shape.ffn, d, scale),
                ("ffn_down", d, shape.ffn, deep),
            ] {
                matrix(format!("blk.{i}.{name}.weight"), rows, columns, scale)?;
            }
        }
        for i in 0..shape.layers {
            for name in ["attn_norm", "ffn_norm"] {
                vars.push((format!("blk.{i}.{name}.weight"), Var::ones(d, DType::F32, &Device::Cpu)?));
            }
        }
        vars.push(("output_norm.weight".into(), Var::ones(d, DType::F32, &Device::Cpu)?));
        let angle = |t: usize, i: usize| t as f32 * THETA.powf(-2.0 * i as f32 / hw as f32);
        let angles = (0..sequence).flat_map(|t| (0..hw / 2).map(move |i| angle(t, i))).map(|a| (a.cos(), a.sin()));
        Ok(Self { shape, vars, angles: Arc::new(angles.collect()) })
    }

    /// How many numbers training sets.
    pub fn parameters(&self) -> usize {
        self.vars.iter().map(|(_, v)| v.elem_count()).sum()
    }

    fn var(&self, name: &str) -> Result<&Tensor> {
        let found = self.vars.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.as_tensor()).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }

    fn norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.apply_op2(self.var(name)?, RmsNorm { eps: EPS })
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.matmul(&self.var(name)?.t()?)
    }

    /// The final hidden states `[batch * time, width]` of ids `[batch, time]`.
    fn hidden(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, time) = ids.dims2()?;
        let s = self.shape;
        let (hw, share) = (s.width / s.heads, s.heads / s.kv_heads);
        let mut x = self.var("token_embd.weight")?.embedding(&ids.flatten_all()?)?;
        for i in 0..s.layers {
            let part = |name: &str| format!("blk.{i}.{name}.weight");
            let split = |x: Tensor, heads: usize, rotate: bool| {
                let angles = rotate.then(|| self.angles.clone());
                x.apply_op1(Heads { heads, share: s.heads / heads, time, angles })
            };
            let h = self.norm(&x, &part("attn_norm"))?;
            let q = split(self.linear(&h, &part("attn_q"))?, s.heads, true)?;
            let k = split(self.linear(&h, &part("attn_k"))?, s.heads / share, true)?;
            let v = split(self.linear(&h, &part("attn_v"))?, s.heads / share, false)?;
            let weights = q.matmul(&k.t()?)?.apply_op1(CausalSoftmax { scale: 1.0 / (hw as f32).sqrt() })?;
            let o = weights.matmul(&v)?.transpose(1, 2)?.reshape((batch * time, s.width))?;
            x = (x + self.linear(&o, &part("attn_output"))?)?;
            let h = self.norm(&x, &part("ffn_norm"))?;
            let (gate, up) = (self.linear(&h, &part("ffn_gate"))?, self.linear(&h, &part("ffn_up"))?);
            x = (x + self.linear(&gate.apply_op2(&up, SwiGlu)?, &part("ffn_down"))?)?;
        }
        self.norm(&x, "output_norm.weight")
    }

    /// Cross entropy of the next tokens where `counts` says so, divided by `over`. `ids` holds `batch` rows of
    /// `time + 1`, `counts` one flag for each of their `batch * time` predictions.
    pub fn loss(&self, ids: &[u32], counts: &[bool], batch: usize, over: f32) -> Result<Tensor> {
        let row = ids.len() / batch;
        let read: Vec<u32> = ids.chunks(row).flat_map(|r| &r[..row - 1]).copied().collect();
        let next = ids.chunks(row).flat_map(|r| &r[1..]);
        let targets: Vec<u32> = next.zip(counts).filter(|(_, c)| **c).map(|(id, _)| *id).collect();
        let hidden = self.hidden(&Tensor::from_vec(read, (batch, row - 1), &Device::Cpu)?)?;
        // Only what counts goes through the head.
        let places: Vec<u32> = (0..counts.len() as u32).filter(|i| counts[*i as usize]).collect();
        let hidden = match places.len() == counts.len() {
            true => hidden,
            false => hidden.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?,
        };
        let logits = hidden.matmul(&self.var("token_embd.weight")?.t()?)?;
        logits.apply_op1(CrossEntropy::new(targets, over))
    }

    /// The mean loss of a batch and its gradient for every parameter; the rows are shared out over the cores.
    pub fn gradients(&self, ids: &[u32], counts: &[bool], batch: usize) -> Result<(f32, Vec<Vec<f32>>)> {
        let over = counts.iter().filter(|c| **c).count().max(1) as f32;
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(batch);
        let share = batch.div_ceil(cores);
        let (row, flags) = (ids.len() / batch, counts.len() / batch);
        let part = |ids: &[u32], counts: &[bool]| -> Result<(f32, Vec<Vec<f32>>)> {
            let loss = self.loss(ids, counts, ids.len() / row, over)?;
            let store = loss.backward()?;
            let gradient = |(_, v): &(String, Var)| match store.get(v) {
                Some(g) => with(g, <[f32]>::to_vec),
                None => Ok(vec![0.0; v.elem_count()]),
            };
            Ok((loss.to_scalar()?, self.vars.iter().map(gradient).collect::<Result<_>>()?))
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let shares = ids.chunks(share * row).zip(counts.chunks(share * flags));
            let running: Vec<_> = shares.map(|(ids, counts)| scope.spawn(move || part(ids, counts))).collect();
            running.into_iter().map(|r| r.join()).collect()
        });
        let mut sum: Option<(f32, Vec<Vec<f32>>)> = None;
        for done in parts {
            let (loss, gradients) = done.map_err(|_| candle_core::Error::Msg("a training thread failed".into()))??;
            match &mut sum {
                None => sum = Some((loss, gradients)),
                Some((total, all)) => {
                    *total += loss;
                    all.iter_mut().flatten().zip(gradients.iter().flatten()).for_each(|(a, g)| *a += g);
                }
            }
        }
        sum.ok_or_else(|| candle_core::Error::Msg("an empty batch".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Every parameter's gradient along a random direction, against the loss's difference.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let shape = Shape { vocab: 31, width: 16, layers: 2, heads: 4, kv_heads: 2, ffn: 24, context: 16 };
        let mut rng = rand::rngs::StdRng::seed_from_u64(3);
        let network = Network::new(shape, 8, &mut rng).unwrap();
        let ids: Vec<u32> = (0..27).map(|_| rng.random_range(0..31)).collect();
        let counts: Vec<bool> = (0..24).map(|i| i % 3 != 0).collect();
        let loss = || network.loss(&ids, &counts, 3, 16.0).unwrap();
        let (whole, gradients) = network.gradients(&ids, &counts, 3).unwrap();
        assert!((whole - loss().to_scalar::<f32>().unwrap()).abs() < 1e-5);
        for ((name, var), gradient) in network.vars.iter().zip(&gradients) {
            let before = var.as_tensor().copy().unwrap();
            let direction: Vec<f32> = (0..gradient.len()).map(|_| rng.random_range(-1.7..1.7)).collect();
            let direction = Tensor::from_vec(direction, before.shape(), &Device::Cpu).unwrap();
            let gradient = Tensor::from_slice(gradient, before.shape(), &Device::Cpu).unwrap();
            let slope = (gradient * &direction).unwrap().sum_all().unwrap();
            let slope = slope.to_scalar::<f32>().unwrap();
            let at = |step: f64| {
                var.set(&(&before + (&direction * step).unwrap()).unwrap()).unwrap();
                loss().to_scalar::<f32>().unwrap()
            };
            // embeddings are small, and the norm after them bends what is a small step for everything else
            let step = if name.starts_with("token_embd") { 2e-4 } else { 2e-3 };
            let difference = (at(step) - at(-step)) / (2.0 * step as f32);
            var.set(&before).unwrap();
            assert!((slope - difference).abs() < 2e-2 * difference.abs().max(0.2), "{name}: {slope} {difference}");
        }
    }
}
