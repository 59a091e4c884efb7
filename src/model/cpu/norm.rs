//! RMSNorm (Zhang and Sennrich, 2019): `y = g * x / rms(x)`, its jvp and its vjp.

use candle_core::Tensor;

use super::kernels::dot;
use super::rows;
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;

/// A norm's gain and epsilon.
pub(in crate::model) struct RmsNorm {
    pub gain: Vec<f32>,
    pub eps: f32,
}

impl RmsNorm {
    fn scale(&self, x: &[f32]) -> f32 {
        1.0 / (dot(x, x) / x.len() as f32 + self.eps).sqrt()
    }

    /// Value of the primal rows and jvp of the tangent rows of `[rows, width]`.
    pub fn forward(&self, x: &Tensor, plan: &RowPlan) -> Result<Tensor, ModelError> {
        let width = self.gain.len();
        let y = rows::with(x, |x| {
            let row = |r: usize| &x[r * width..(r + 1) * width];
            let scales: Vec<f32> = (0..plan.primal).map(|r| self.scale(row(r))).collect();
            let mut y = vec![0.0; x.len()];
            for r in 0..plan.primal {
                let y = &mut y[r * width..(r + 1) * width];
                for ((y, x), g) in y.iter_mut().zip(row(r)).zip(&self.gain) {
                    *y = x * scales[r] * g;
                }
            }
            for (r, p) in plan.pairs() {
                let s = scales[p];
                let along = dot(row(p), row(r)) * s * s / width as f32;
                let y = &mut y[r * width..(r + 1) * width];
                for (((y, dx), x), g) in y.iter_mut().zip(row(r)).zip(row(p)).zip(&self.gain) {
                    *y = g * s * (dx - x * along);
                }
            }
            y
        })?;
        rows::from_vec(y, width)
    }

    /// Adds the vjp for cotangent rows `c` at inputs `x` of the same rows to `into`. `of` gives each cotangent's row of `x`.
    pub fn vjp_into(&self, x: &[f32], of: &[usize], c: &[f32], into: &mut [f32]) {
        let width = self.gain.len();
        let mut gc = vec![0.0; width];
        for ((&p, c), into) in of.iter().zip(c.chunks_exact(width)).zip(into.chunks_exact_mut(width)) {
            let x = &x[p * width..(p + 1) * width];
            let s = self.scale(x);
            gc.iter_mut().zip(c).zip(&self.gain).for_each(|((o, c), g)| *o = c * g);
            let along = dot(x, &gc) * s * s / width as f32;
            for ((into, gc), x) in into.iter_mut().zip(&gc).zip(x) {
                *into += s * (gc - x * along);
            }
        }
    }
}
