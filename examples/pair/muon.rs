//! Muon (Jordan et al., 2024) for the layers' matrices: momentum whose singular values are brought near one.
//!
//! Copying words from far back is learned from many faint directions at once. Adam follows the few loud ones first; in a
//! trial of repeated word lists Muon copied after 200 steps, while Adam did not after 600.

use candle_core::{Device, Result, Tensor};

use crate::ops::with;

const MOMENTUM: f32 = 0.95;
/// Coefficients of the quintic iteration, from Jordan et al.
const QUINTIC: (f64, f64, f64) = (3.4445, -4.7750, 2.0315);
const ITERATIONS: usize = 5;

/// The step's direction for a matrix `[rows, columns]`, after its momentum has taken the gradient in.
pub fn direction(momentum: &mut [f32], gradient: &[f32], shape: (usize, usize)) -> Result<Vec<f32>> {
    let ahead = momentum.iter_mut().zip(gradient).map(|(m, g)| {
        *m = MOMENTUM * *m + g;
        g + MOMENTUM * *m
    });
    let ahead = Tensor::from_vec(ahead.collect::<Vec<f32>>(), shape, &Device::Cpu)?;
    let taller = (shape.0 as f64 / shape.1 as f64).max(1.0).sqrt();
    with(&(orthogonal(&ahead)? * taller)?, <[f32]>::to_vec)
}

/// The matrix with the same singular vectors and singular values between about 0.7 and 1.2.
pub fn orthogonal(g: &Tensor) -> Result<Tensor> {
    let (rows, columns) = g.dims2()?;
    let length = f64::from(g.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt();
    let mut x = (if rows > columns { g.t()?.contiguous()? } else { g.clone() } / (length + 1e-7))?;
    let (a, b, c) = QUINTIC;
    for _ in 0..ITERATIONS {
        let square = x.matmul(&x.t()?)?;
        let turn = ((&square * b)? + (square.matmul(&square)? * c)?)?;
        x = ((&x * a)? + turn.matmul(&x)?)?;
    }
    if rows > columns { x.t()?.contiguous() } else { Ok(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_values_come_near_one() {
        let (rows, columns) = (24, 40);
        let values: Vec<f32> =
            (0..rows * columns).map(|i| ((i * i) as f32 * 0.37).sin() * (1 + i % columns) as f32).collect();
        for transposed in [false, true] {
            let g = Tensor::from_slice(&values, (rows, columns), &Device::Cpu).unwrap();
            let g = if transposed { g.t().unwrap().contiguous().unwrap() } else { g };
            let o = orthogonal(&g).unwrap();
            let small =
                if transposed { o.t().unwrap().matmul(&o).unwrap() } else { o.matmul(&o.t().unwrap()).unwrap() };
            // the sum of the squared singular values, and of their fourth powers
            let second = with(&small, |s| (0..rows).map(|i| s[i * rows + i]).sum::<f32>()).unwrap() / rows as f32;
            let fourth = small.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap() / rows as f32;
            assert!((0.6..1.3).contains(&second), "{second}");
            assert!(fourth - second * second < 0.15, "{fourth} {second}");
        }
    }
}
