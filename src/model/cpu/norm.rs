//! RMSNorm (Zhang and Sennrich, 2019): `y = g * x / rms(x)`, its jvp and its vjp.
//!
//! A row may hold several vectors of the gain's width, as the heads of a query: each is normed for itself.

use shiftlens_kernels::floats::dot;

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

    /// Maps a part of the vector `x` as `forward` maps all of it, with the scale of `x` held fixed: parts that sum to `x` are
    /// mapped to parts that sum to its value.
    pub fn held(&self, x: &[f32], part: &mut [f32]) {
        let scale = self.scale(x);
        part.iter_mut().zip(&self.gain).for_each(|(v, g)| *v *= scale * g);
    }

    /// Value of the primal rows and jvp of the tangent rows of `[rows, width]`, `width` a multiple of the gain's.
    pub fn forward(&self, x: &[f32], plan: &RowPlan) -> Vec<f32> {
        let width = self.gain.len();
        let each = x.len() / plan.rows().max(1) / width;
        let at = |row: usize, i: usize| (row * each + i) * width..(row * each + i + 1) * width;
        let scales: Vec<f32> = x[..plan.primal * each * width].chunks_exact(width).map(|x| self.scale(x)).collect();
        let mut y = vec![0.0; x.len()];
        for (i, s) in scales.iter().enumerate() {
            for ((y, x), g) in y[at(0, i)].iter_mut().zip(&x[at(0, i)]).zip(&self.gain) {
                *y = x * s * g;
            }
        }
        for (r, p) in plan.pairs() {
            for i in 0..each {
                let (s, dx, x) = (scales[p * each + i], &x[at(r, i)], &x[at(p, i)]);
                let along = dot(x, dx) * s * s / width as f32;
                for (((y, dx), x), g) in y[at(r, i)].iter_mut().zip(dx).zip(x).zip(&self.gain) {
                    *y = g * s * (dx - x * along);
                }
            }
        }
        y
    }

    /// Adds the vjp for cotangent rows `c` at inputs `x` of the same rows to `into`. `of` gives each cotangent's row of `x`.
    pub fn vjp_into(&self, x: &[f32], of: &[usize], c: &[f32], into: &mut [f32]) {
        let width = self.gain.len();
        let row = c.len() / of.len().max(1);
        let mut gc = vec![0.0; width];
        for ((&p, c), into) in of.iter().zip(c.chunks_exact(row)).zip(into.chunks_exact_mut(row)) {
            let vectors = x[p * row..(p + 1) * row].chunks_exact(width).zip(c.chunks_exact(width));
            for ((x, c), into) in vectors.zip(into.chunks_exact_mut(width)) {
                let s = self.scale(x);
                gc.iter_mut().zip(c).zip(&self.gain).for_each(|((o, c), g)| *o = c * g);
                let along = dot(x, &gc) * s * s / width as f32;
                for ((into, gc), x) in into.iter_mut().zip(&gc).zip(x) {
                    *into += s * (gc - x * along);
                }
            }
        }
    }
}
