//! The register-blocked products everything else is made of.

use wide::f32x4;

const LANES: usize = 4;

#[inline(always)]
fn madd(a: f32x4, b: f32x4, c: f32x4) -> f32x4 {
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    {
        use core::arch::wasm32::{f32x4_relaxed_madd, v128};
        // SAFETY: f32x4 is `repr(C, align(16))` around four f32, as v128 is; every bit pattern is valid in both.
        unsafe {
            let [a, b, c] = [a, b, c].map(|v| core::mem::transmute::<f32x4, v128>(v));
            core::mem::transmute::<v128, f32x4>(f32x4_relaxed_madd(a, b, c))
        }
    }
    #[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
    a.mul_add(b, c)
}

#[inline(always)]
fn sum(v: f32x4) -> f32 {
    let [a, b, c, d] = v.to_array();
    (a + b) + (c + d)
}

/// Sum of products; the slices have equal length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    let ((ac, ar), (bc, br)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut acc = [f32x4::ZERO; 4];
    let mut quads = ac.chunks_exact(4).zip(bc.chunks_exact(4));
    for (a, b) in &mut quads {
        for i in 0..4 {
            acc[i] = madd(f32x4::new(a[i]), f32x4::new(b[i]), acc[i]);
        }
    }
    let rest = ac.len() / 4 * 4;
    for (a, b) in ac[rest..].iter().zip(&bc[rest..]) {
        acc[0] = madd(f32x4::new(*a), f32x4::new(*b), acc[0]);
    }
    let tail: f32 = ar.iter().zip(br).map(|(a, b)| a * b).sum();
    sum((acc[0] + acc[1]) + (acc[2] + acc[3])) + tail
}

/// `y += a * x`.
pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
    let ((xc, xr), (yc, yr)) = (x.as_chunks::<LANES>(), y.as_chunks_mut::<LANES>());
    let scale = f32x4::splat(a);
    for (x, y) in xc.iter().zip(yc) {
        *y = madd(scale, f32x4::new(*x), f32x4::new(*y)).to_array();
    }
    for (x, y) in xr.iter().zip(yr) {
        *y += a * x;
    }
}

/// `out[r][o] = x_r . w_o` for R rows of `x` and O rows of `w`, all `k` long.
#[inline(always)]
fn dots<const R: usize, const O: usize>(all_x: &[f32], w: &[f32], k: usize) -> [[f32; O]; R] {
    let chunks = k / LANES;
    let x: [&[[f32; LANES]]; R] = core::array::from_fn(|r| &all_x[r * k..(r + 1) * k].as_chunks().0[..chunks]);
    let v: [&[[f32; LANES]]; O] = core::array::from_fn(|o| &w[o * k..(o + 1) * k].as_chunks().0[..chunks]);
    let mut acc = [[f32x4::ZERO; O]; R];
    for i in 0..chunks {
        let wide: [f32x4; O] = core::array::from_fn(|o| f32x4::new(v[o][i]));
        for r in 0..R {
            let x = f32x4::new(x[r][i]);
            for o in 0..O {
                acc[r][o] = madd(x, wide[o], acc[r][o]);
            }
        }
    }
    let mut out = acc.map(|row| row.map(sum));
    // unquantized storage may have any width
    for i in chunks * LANES..k {
        for (r, row) in out.iter_mut().enumerate() {
            for (o, y) in row.iter_mut().enumerate() {
                *y += all_x[r * k + i] * w[o * k + i];
            }
        }
    }
    out
}

/// `y[r * stride + o] = x_r . w_o` for every row of `x` (`[rows, k]`) and of the tile `w` (`[tile, k]`).
pub fn product(x: &[f32], w: &[f32], k: usize, y: &mut [f32], stride: usize) {
    let (rows, tile) = (x.len() / k, w.len() / k);
    let mut r = 0;
    while r < rows {
        // two rows of four accumulators fit sixteen vector registers; three spill
        let step = (rows - r).min(2);
        let x = &x[r * k..(r + step) * k];
        let mut o = 0;
        while o < tile {
            let w = &w[o * k..];
            let left = tile - o;
            let y = &mut y[r * stride + o..];
            o += match (step, left) {
                (1, 8..) => store(dots::<1, 8>(x, w, k), y, stride),
                (1, 4..) => store(dots::<1, 4>(x, w, k), y, stride),
                (2, 4..) => store(dots::<2, 4>(x, w, k), y, stride),
                (1, _) => store(dots::<1, 1>(x, w, k), y, stride),
                _ => store(dots::<2, 1>(x, w, k), y, stride),
            };
        }
        r += step;
    }
}

#[inline(always)]
fn store<const R: usize, const O: usize>(values: [[f32; O]; R], y: &mut [f32], stride: usize) -> usize {
    for (r, row) in values.iter().enumerate() {
        y[r * stride..r * stride + O].copy_from_slice(row);
    }
    O
}

/// `y_r += sum over o of c[r * stride + o] * w_o`: rows of `y` are `[k]`, rows of the tile `w` too.
pub fn transposed_product(c: &[f32], stride: usize, w: &[f32], k: usize, y: &mut [f32]) {
    let (rows, tile) = (y.len() / k, w.len() / k);
    let mut r = 0;
    while r < rows {
        let step = (rows - r).min(2);
        let (c, y) = (&c[r * stride..], &mut y[r * k..(r + step) * k]);
        match step {
            1 => accumulate::<1, 8>(c, stride, tile, w, k, y),
            _ => accumulate::<2, 4>(c, stride, tile, w, k, y),
        }
        r += step;
    }
}

#[inline(always)]
fn accumulate<const R: usize, const V: usize>(
    c: &[f32],
    stride: usize,
    tile: usize,
    w: &[f32],
    k: usize,
    y: &mut [f32],
) {
    let block = V * LANES;
    let whole = k / block * block;
    let c: [&[f32]; R] = core::array::from_fn(|r| &c[r * stride..r * stride + tile]);
    for i in (0..whole).step_by(block) {
        let mut acc = [[f32x4::ZERO; V]; R];
        for o in 0..tile {
            let w = &w[o * k + i..o * k + i + block].as_chunks::<LANES>().0[..V];
            for r in 0..R {
                let scale = f32x4::splat(c[r][o]);
                for v in 0..V {
                    acc[r][v] = madd(scale, f32x4::new(w[v]), acc[r][v]);
                }
            }
        }
        for r in 0..R {
            let y = &mut y[r * k + i..r * k + i + block].as_chunks_mut::<LANES>().0[..V];
            for v in 0..V {
                y[v] = (f32x4::new(y[v]) + acc[r][v]).to_array();
            }
        }
    }
    for r in 0..R {
        for o in 0..tile {
            axpy(c[r][o], &w[o * k + whole..(o + 1) * k], &mut y[r * k + whole..(r + 1) * k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn values(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16) as f32 / 32_768.0) - 1.0)
            .collect()
    }

    #[test]
    fn blocked_products_equal_plain_sums() {
        for (rows, tile, k) in
            [(1, 8, 32), (2, 5, 64), (3, 4, 36), (4, 13, 20), (7, 9, 100), (11, 3, 4), (3, 9, 50), (1, 13, 7)]
        {
            let (x, w) = (values(rows * k, 1), values(tile * k, 2));
            let mut y = vec![0.0; rows * tile];
            product(&x, &w, k, &mut y, tile);
            let c = values(rows * tile, 3);
            let mut back = vec![0.5; rows * k];
            transposed_product(&c, tile, &w, k, &mut back);
            for r in 0..rows {
                for o in 0..tile {
                    let plain: f32 = (0..k).map(|i| x[r * k + i] * w[o * k + i]).sum();
                    assert!((plain - y[r * tile + o]).abs() < 1e-4);
                    assert!((plain - dot(&x[r * k..(r + 1) * k], &w[o * k..(o + 1) * k])).abs() < 1e-4);
                }
                for i in 0..k {
                    let plain: f32 = 0.5 + (0..tile).map(|o| c[r * tile + o] * w[o * k + i]).sum::<f32>();
                    assert!((plain - back[r * k + i]).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn odd_lengths_keep_their_tails() {
        let (a, b) = (values(23, 4), values(23, 5));
        let plain: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        assert!((dot(&a, &b) - plain).abs() < 1e-5);
        let mut y = b.clone();
        axpy(2.0, &a, &mut y);
        assert!(y.iter().zip(&a).zip(&b).all(|((y, a), b)| (y - (b + 2.0 * a)).abs() < 1e-6));
    }
}
