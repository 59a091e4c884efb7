//! The operations that candle's own would make slow: each with its derivative, over slices. One core: training
//! gives each core rows of the batch of its own.

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Error, Layout, Result, Shape, Storage, Tensor};

fn view<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (from, to) = layout.contiguous_offsets().ok_or_else(|| Error::Msg("not contiguous".into()))?;
    Ok(&storage.as_slice::<f32>()?[from..to])
}

/// The values of a tensor.
pub fn with<R>(t: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let t = t.contiguous()?;
    let (storage, layout) = t.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(view(storage, layout)?)),
        _ => Err(Error::Msg("not on the CPU".into())),
    }
}

fn tensor(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}

/// RMSNorm with its gain: `[rows, width]`, `[width]`.
pub struct RmsNorm {
    pub eps: f32,
}

impl RmsNorm {
    fn inverse(&self, x: &[f32]) -> f32 {
        1.0 / (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32 + self.eps).sqrt()
    }
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, gain) = (view(s1, l1)?, view(s2, l2)?);
        let width = gain.len();
        let mut y = vec![0.0; x.len()];
        y.chunks_mut(width).zip(x.chunks(width)).for_each(|(y, x)| {
            let inverse = self.inverse(x);
            y.iter_mut().zip(x).zip(gain).for_each(|((y, x), g)| *y = x * inverse * g);
        });
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, gain: &Tensor, _: &Tensor, c: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, dgain) = with(x, |xs| {
            with(gain, |gs| {
                with(c, |cs| {
                    let width = gs.len();
                    let (mut dx, mut dgain) = (vec![0.0; xs.len()], vec![0.0; width]);
                    let rows = dx.chunks_mut(width).zip(xs.chunks(width)).zip(cs.chunks(width));
                    rows.for_each(|((dx, x), c)| self.row_vjp(x, gs, c, dx, &mut dgain));
                    (dx, dgain)
                })
            })
        })???;
        Ok((Some(tensor(dx, x)?), Some(tensor(dgain, gain)?)))
    }
}

impl RmsNorm {
    fn row_vjp(&self, x: &[f32], gain: &[f32], c: &[f32], dx: &mut [f32], dgain: &mut [f32]) {
        let inverse = self.inverse(x);
        let mut along = 0.0;
        for (((x, g), c), d) in x.iter().zip(gain).zip(c).zip(dgain) {
            along += x * g * c;
            *d += c * x * inverse;
        }
        let back = along * inverse * inverse * inverse / x.len() as f32;
        for (((dx, x), g), c) in dx.iter_mut().zip(x).zip(gain).zip(c) {
            *dx = inverse * g * c - back * x;
        }
    }
}

/// `silu(gate) * up`.
pub struct SwiGlu;

fn silu(x: f32) -> (f32, f32) {
    let s = 1.0 / (1.0 + (-x).exp());
    (x * s, s * (1.0 + x * (1.0 - s)))
}

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (view(s1, l1)?, view(s2, l2)?);
        let a = gate.iter().zip(up).map(|(g, u)| silu(*g).0 * u).collect();
        Ok((CpuStorage::F32(a), l1.shape().clone()))
    }

    fn bwd(&self, gate: &Tensor, up: &Tensor, _: &Tensor, c: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dg, du): (Vec<f32>, Vec<f32>) = with(gate, |gate| {
            with(up, |up| {
                with(c, |c| {
                    let all = gate.iter().zip(up).zip(c);
                    all.map(|((g, u), c)| {
                        let (value, slope) = silu(*g);
                        (c * u * slope, c * value)
                    })
                    .unzip()
                })
            })
        })???;
        Ok((Some(tensor(dg, gate)?), Some(tensor(du, up)?)))
    }
}

/// `[batch * time, heads * width]` to `[batch, heads, time, width]`, rotated if there are angles.
#[derive(Clone)]
pub struct Heads {
    pub heads: usize,
    pub time: usize,
    /// (cos, sin) of `[time][width / 2]`.
    pub angles: Option<Arc<Vec<(f32, f32)>>>,
}

impl Heads {
    /// Turns one head's vector at position `t`; `back` turns it the other way.
    fn rotate(&self, x: &mut [f32], t: usize, back: bool) {
        let Some(angles) = &self.angles else { return };
        let half = x.len() / 2;
        let (first, second) = x.split_at_mut(half);
        for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(&angles[t * half..(t + 1) * half]) {
            let sin = if back { -sin } else { *sin };
            (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
        }
    }
}

impl CustomOp1 for Heads {
    fn name(&self) -> &'static str {
        "heads"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = view(s, l)?;
        let width = l.shape().dims2()?.1 / self.heads;
        let row = self.heads * width;
        let batch = x.len() / (row * self.time);
        let mut y = vec![0.0; x.len()];
        let sequences = y.chunks_mut(self.time * row).zip(x.chunks(self.time * row));
        sequences.for_each(|(y, x)| {
            for (h, y) in y.chunks_mut(self.time * width).enumerate() {
                for (t, y) in y.chunks_mut(width).enumerate() {
                    y.copy_from_slice(&x[t * row + h * width..][..width]);
                    self.rotate(y, t, false);
                }
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((batch, self.heads, self.time, width))))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, c: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dims2()?.1 / self.heads;
        let row = self.heads * width;
        let dx = with(c, |c| {
            let mut dx = vec![0.0; c.len()];
            let sequences = dx.chunks_mut(self.time * row).zip(c.chunks(self.time * row));
            sequences.for_each(|(dx, c)| {
                for (h, c) in c.chunks(self.time * width).enumerate() {
                    for (t, c) in c.chunks(width).enumerate() {
                        dx[t * row + h * width..][..width].copy_from_slice(c);
                    }
                }
                for (i, dx) in dx.chunks_mut(width).enumerate() {
                    self.rotate(dx, i / self.heads, true);
                }
            });
            dx
        })?;
        Ok(Some(tensor(dx, x)?))
    }
}

/// The weights of causal attention within a document, from scores `[batch, heads, time, time]`.
pub struct CausalSoftmax {
    pub scale: f32,
    /// Where the document of each of `[batch][time]` positions starts in its row.
    pub starts: Arc<Vec<usize>>,
}

impl CausalSoftmax {
    /// The keys that row `i` of `[batch * heads * time]` may see.
    fn seen(&self, i: usize, rows: usize, time: usize) -> std::ops::RangeInclusive<usize> {
        let (t, batch) = (i % time, self.starts.len() / time);
        let row = i / (rows / batch);
        self.starts[row * time + t]..=t
    }
}

impl CustomOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let scores = view(s, l)?;
        let time = l.dims()[l.dims().len() - 1];
        let mut weights = vec![0.0; scores.len()];
        let rows = weights.chunks_mut(time).zip(scores.chunks(time)).enumerate();
        rows.for_each(|(i, (w, s))| {
            let seen = self.seen(i, scores.len() / time, time);
            let (w, s) = (&mut w[seen.clone()], &s[seen]);
            let largest = s.iter().copied().fold(f32::MIN, f32::max);
            let mut sum = 0.0;
            for (w, s) in w.iter_mut().zip(s) {
                *w = ((s - largest) * self.scale).exp();
                sum += *w;
            }
            w.iter_mut().for_each(|w| *w /= sum);
        });
        Ok((CpuStorage::F32(weights), l.shape().clone()))
    }

    fn bwd(&self, scores: &Tensor, weights: &Tensor, c: &Tensor) -> Result<Option<Tensor>> {
        let time = scores.dim(candle_core::D::Minus1)?;
        let ds = with(weights, |weights| {
            with(c, |c| {
                let mut ds = vec![0.0; weights.len()];
                let rows = ds.chunks_mut(time).zip(weights.chunks(time)).zip(c.chunks(time)).enumerate();
                rows.for_each(|(i, ((ds, w), c))| {
                    let seen = self.seen(i, weights.len() / time, time);
                    let (ds, w, c) = (&mut ds[seen.clone()], &w[seen.clone()], &c[seen]);
                    let mean: f32 = w.iter().zip(c).map(|(w, c)| w * c).sum();
                    ds.iter_mut().zip(w).zip(c).for_each(|((d, w), c)| *d = w * (c - mean) * self.scale);
                });
                ds
            })
        })??;
        Ok(Some(tensor(ds, scores)?))
    }
}

/// What each row of logits is compared with.
pub enum Wanted {
    /// The next token: cross entropy. And tokens that are not wanted there: unlikelihood, `-ln(1 - p)` of each.
    Tokens { next: Vec<u32>, unwanted: Vec<Vec<u32>> },
    /// Another model's logits, `[rows, vocabulary]`: the divergence KL(other || this).
    Logits(Vec<f32>),
}

/// The weighted sum of a loss over the rows of `[rows, vocabulary]`. The derivative is made beside the value, while the
/// exponentials are there.
pub struct RowLoss {
    wanted: Wanted,
    weights: Vec<f32>,
    derivative: Mutex<Vec<f32>>,
}

/// How much an unwanted token counts beside the one that came.
const UNWANTED: f32 = 4.0;
/// The least that is left of a probability of one when an unwanted token has it, so that its loss stays finite.
const RARE: f32 = 1e-4;

impl RowLoss {
    /// One weight a row.
    pub fn new(wanted: Wanted, weights: Vec<f32>) -> Self {
        Self { wanted, weights, derivative: Mutex::default() }
    }

    /// A row's loss; leaves its derivative in the place of its logits.
    fn row(&self, at: usize, row: &mut [f32]) -> f32 {
        let weight = self.weights[at];
        match &self.wanted {
            Wanted::Tokens { next, unwanted } => {
                let target = next[at] as usize;
                let chosen = row[target];
                let mut loss = softmax(row) - chosen;
                // d(-ln(1 - p)) / dz = odds * (one-hot of the token - probabilities), with odds = p / (1 - p)
                let probability: Vec<f32> = unwanted[at].iter().map(|id| row[*id as usize]).collect();
                let odds = |p: &f32| UNWANTED * p / (1.0 - p).max(RARE);
                loss -= UNWANTED * probability.iter().map(|p| (1.0 - p).max(RARE).ln()).sum::<f32>();
                let less = 1.0 - probability.iter().map(odds).sum::<f32>();
                row.iter_mut().for_each(|p| *p *= weight * less);
                row[target] -= weight;
                for (id, p) in unwanted[at].iter().zip(&probability) {
                    row[*id as usize] += weight * odds(p);
                }
                weight * loss
            }
            Wanted::Logits(all) => {
                let mut other = all[at * row.len()..][..row.len()].to_vec();
                // sum of p (log p - log q), with log p - log q = the logits' difference less that of the normalisers
                let mut apart: Vec<f32> = other.iter().zip(&*row).map(|(a, b)| a - b).collect();
                let between = softmax(&mut other) - softmax(row);
                apart.iter_mut().for_each(|d| *d -= between);
                row.iter_mut().zip(&other).for_each(|(q, p)| *q = weight * (*q - p));
                weight * other.iter().zip(&apart).map(|(p, d)| p * d).sum::<f32>()
            }
        }
    }
}

/// Turns logits into probabilities; gives the logarithm of their normaliser.
fn softmax(row: &mut [f32]) -> f32 {
    let largest = row.iter().copied().fold(f32::MIN, f32::max);
    let mut total = 0.0;
    for v in row.iter_mut() {
        *v = (*v - largest).exp();
        total += *v;
    }
    row.iter_mut().for_each(|v| *v /= total);
    largest + total.ln()
}

impl CustomOp1 for RowLoss {
    fn name(&self) -> &'static str {
        "row-loss"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, vocab) = l.shape().dims2()?;
        let mut derivative = view(s, l)?.to_vec();
        let loss = derivative.chunks_mut(vocab).enumerate().map(|(at, row)| self.row(at, row)).sum();
        if let Ok(mut kept) = self.derivative.lock() {
            *kept = derivative;
        }
        Ok((CpuStorage::F32(vec![loss]), Shape::from(())))
    }

    /// For a cotangent of one: the loss is what is differentiated.
    fn bwd(&self, logits: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        let kept = self.derivative.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
        Ok(Some(tensor(kept, logits)?))
    }
}
