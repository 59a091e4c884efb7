//! A small llama with candle's autograd, for training only; the engine in `src/model` runs what it writes.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use rand::Rng;

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
pub const EPS: f64 = 1e-5;

/// Named parameters, in GGUF's names and shapes (half-split rotary layout until export).
pub struct Network {
    pub shape: Shape,
    pub vars: Vec<(String, Var)>,
    cos: Tensor,
    sin: Tensor,
    mask: Tensor,
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
        let half = hw / 2;
        let angles: Vec<f32> = (0..sequence)
            .flat_map(|t| (0..half).map(move |i| t as f32 * THETA.powf(-2.0 * i as f32 / hw as f32)))
            .collect();
        let angles = Tensor::from_vec(angles, (sequence, half), &Device::Cpu)?;
        let mask: Vec<f32> =
            (0..sequence).flat_map(|i| (0..sequence).map(move |j| if j > i { -1e9 } else { 0.0 })).collect();
        Ok(Self {
            shape,
            vars,
            cos: angles.cos()?,
            sin: angles.sin()?,
            mask: Tensor::from_vec(mask, (sequence, sequence), &Device::Cpu)?,
        })
    }

    fn var(&self, name: &str) -> Result<&Tensor> {
        let found = self.vars.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.as_tensor()).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }

    fn norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let scale = (x.sqr()?.mean_keepdim(D::Minus1)? + EPS)?.sqrt()?;
        x.broadcast_div(&scale)?.broadcast_mul(self.var(name)?)
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let (b, t, d) = x.dims3()?;
        let w = self.var(name)?;
        x.reshape((b * t, d))?.matmul(&w.t()?)?.reshape((b, t, w.dim(0)?))
    }

    /// `[batch, time, heads * hw]` to rotated `[batch, heads, time, hw]`.
    fn heads(&self, x: &Tensor, heads: usize, rotate: bool) -> Result<Tensor> {
        let (b, t, d) = x.dims3()?;
        let x = x.reshape((b, t, heads, d / heads))?.transpose(1, 2)?.contiguous()?;
        if !rotate {
            return Ok(x);
        }
        let half = d / heads / 2;
        let (a, c) = (x.narrow(3, 0, half)?, x.narrow(3, half, half)?);
        let (cos, sin) = (self.cos.narrow(0, 0, t)?, self.sin.narrow(0, 0, t)?);
        let first = (a.broadcast_mul(&cos)? - c.broadcast_mul(&sin)?)?;
        let second = (a.broadcast_mul(&sin)? + c.broadcast_mul(&cos)?)?;
        Tensor::cat(&[first, second], 3)
    }

    /// Logits `[batch * time, vocab]` of ids `[batch, time]`.
    pub fn logits(&self, ids: &Tensor) -> Result<Tensor> {
        let (b, t) = ids.dims2()?;
        let s = self.shape;
        let hw = s.width / s.heads;
        let embedding = self.var("token_embd.weight")?;
        let mut x = embedding.embedding(&ids.flatten_all()?)?.reshape((b, t, s.width))?;
        let mask = self.mask.narrow(0, 0, t)?.narrow(1, 0, t)?;
        for i in 0..s.layers {
            let part = |name: &str| format!("blk.{i}.{name}.weight");
            let h = self.norm(&x, &part("attn_norm"))?;
            let q = self.heads(&self.linear(&h, &part("attn_q"))?, s.heads, true)?;
            let k = self.heads(&self.linear(&h, &part("attn_k"))?, s.kv_heads, true)?;
            let v = self.heads(&self.linear(&h, &part("attn_v"))?, s.kv_heads, false)?;
            let share = s.heads / s.kv_heads;
            let wide = |x: Tensor| -> Result<Tensor> {
                x.unsqueeze(2)?.expand((b, s.kv_heads, share, t, hw))?.contiguous()?.reshape((b, s.heads, t, hw))
            };
            let scores = (q.matmul(&wide(k)?.t()?)? * (1.0 / (hw as f64).sqrt()))?.broadcast_add(&mask)?;
            let scores = scores.broadcast_sub(&scores.detach().max_keepdim(D::Minus1)?)?.exp()?;
            let weights = scores.broadcast_div(&scores.sum_keepdim(D::Minus1)?)?;
            let o = weights.matmul(&wide(v)?)?.transpose(1, 2)?.contiguous()?.reshape((b, t, s.width))?;
            x = (x + self.linear(&o, &part("attn_output"))?)?;
            let h = self.norm(&x, &part("ffn_norm"))?;
            let gate = self.linear(&h, &part("ffn_gate"))?.silu()?;
            let a = (gate * self.linear(&h, &part("ffn_up"))?)?;
            x = (x + self.linear(&a, &part("ffn_down"))?)?;
        }
        let x = self.norm(&x, "output_norm.weight")?.reshape((b * t, s.width))?;
        x.matmul(&embedding.t()?)
    }

    /// Mean cross entropy where `weight` is one. `ids` `[batch, time + 1]`, `weight` `[batch * time]`.
    pub fn loss(&self, ids: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let (b, t) = ids.dims2()?;
        let logits = self.logits(&ids.narrow(1, 0, t - 1)?.contiguous()?)?;
        let targets = ids.narrow(1, 1, t - 1)?.contiguous()?.reshape((b * (t - 1), 1))?;
        let max = logits.detach().max_keepdim(1)?;
        let shifted = logits.broadcast_sub(&max)?;
        let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
        let nll = (log_sum - shifted.gather(&targets, 1)?)?.squeeze(1)?;
        (nll * weight)?.sum_all()? / f64::from(weight.sum_all()?.to_scalar::<f32>()?.max(1.0))
    }
}
