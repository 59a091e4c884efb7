//! Cosines in 16-bit integers, to tell quickly which of many can be large: one instruction multiplies eight pairs, twice as many as
//! in f32.

use alloc::vec::Vec;
use core::ops::Range;

use bytemuck::cast;
use wide::{i16x8, i32x4, u32x4, u64x2};

use crate::fixed::MAGIC;
use crate::floats::dot;

const LANES: usize = 8;

/// A length of one, in steps: products of two vectors so long, and the sums on the way there, fit 32 bits.
const ONE: f32 = 32_000.0;
/// What an f32 sum of a cosine's products may be off by, and more.
const ROUNDING: f32 = 1e-5;
/// Rows of the first and of the second matrix that are worked on at once: the former stay in the fastest cache.
const TOGETHER: [usize; 2] = [16, 64];

/// The rows of a matrix, each divided by its length.
pub struct Units {
    /// `[rows][width]`, each row filled up with zeros to whole vectors.
    values: Vec<[i16; LANES]>,
    /// Vectors of a row.
    vectors: usize,
    width: usize,
}

impl Units {
    /// Of rows `[rows, width]`; a row becomes zeros if its length is none, or so large or small that f32 does not hold its square.
    pub fn new(rows: &[f32], width: usize) -> Self {
        let vectors = width.div_ceil(LANES);
        let mut values = Vec::with_capacity(rows.len() / width * vectors);
        for row in rows.chunks_exact(width) {
            let square = dot(row, row);
            let by = if square.is_normal() { ONE / libm::sqrtf(square) } else { 0.0 };
            for part in row.chunks(LANES) {
                let mut whole = [0; LANES];
                for (whole, v) in whole.iter_mut().zip(part) {
                    *whole = (v * by + MAGIC).to_bits() as i16; // the low half
                }
                values.push(whole);
            }
        }
        Self { values, vectors, width }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.values.len() / self.vectors.max(1)
    }

    /// A product that a cosine of at least this much has for certain.
    pub fn floor(&self, cosine: f32) -> i32 {
        ((cosine - self.slack()) * (ONE * ONE)) as i32 // saturates
    }

    /// How far a product may be from the true cosine, in steps.
    pub fn slack_in_steps(&self) -> i32 {
        (self.slack() * (ONE * ONE)) as i32 + 1
    }

    /// Each coordinate is off by half a step at most, and a unit vector's coordinates sum to the root of their number at most:
    /// |u v - u' v'| <= |u| |v - v'| + |u - u'| |v'|.
    fn slack(&self) -> f32 {
        let width = self.width as f32;
        libm::sqrtf(width) / ONE + 0.25 * width / (ONE * ONE) + ROUNDING
    }

    /// The products of some rows with some of `others`, `[rows, others]`, in steps of steps.
    pub fn products(&self, rows: Range<usize>, of: &Self, others: Range<usize>, into: &mut [i32]) {
        let (stride, n) = (others.len(), self.vectors);
        for second in others.clone().step_by(TOGETHER[1]) {
            let second = second..(second + TOGETHER[1]).min(others.end);
            for first in rows.clone().step_by(TOGETHER[0]) {
                let first = first..(first + TOGETHER[0]).min(rows.end);
                for o in second.clone().step_by(4) {
                    for r in first.clone().step_by(2) {
                        let (height, width) = ((first.end - r).min(2), (second.end - o).min(4));
                        let found = tile(&self.values[r * n..(r + height) * n], &of.values[o * n..(o + width) * n], n);
                        for (h, found) in found.iter().enumerate().take(height) {
                            let at = (r + h - rows.start) * stride + o - others.start;
                            into[at..at + width].copy_from_slice(&found[..width]);
                        }
                    }
                }
            }
        }
    }
}

/// The products of two rows with four; of fewer, the last counts more than once.
#[inline(always)]
fn tile(rows: &[[i16; LANES]], others: &[[i16; LANES]], n: usize) -> [[i32; 4]; 2] {
    let row = |of: &[[i16; LANES]], r: usize| -> usize { (of.len() / n - 1).min(r) * n };
    let a: [&[[i16; LANES]]; 2] = core::array::from_fn(|r| &rows[row(rows, r)..][..n]);
    let b: [&[[i16; LANES]]; 4] = core::array::from_fn(|o| &others[row(others, o)..][..n]);
    let mut acc = [[i32x4::ZERO; 4]; 2];
    for i in 0..n {
        let a = a.map(|a| i16x8::new(a[i]));
        for o in 0..4 {
            let b = i16x8::new(b[o][i]);
            for r in 0..2 {
                acc[r][o] += a[r].dot(b);
            }
        }
    }
    acc.map(|acc| sums(acc).to_array())
}

/// The sum of each vector's lanes.
#[inline(always)]
pub fn sums(of: [i32x4; 4]) -> i32x4 {
    let [a, b, c, d]: [u32x4; 4] = cast(of);
    let pairs = [a.unpack_lo(b) + a.unpack_hi(b), c.unpack_lo(d) + c.unpack_hi(d)];
    let [ab, cd]: [u64x2; 2] = cast(pairs);
    let (even, odd): (i32x4, i32x4) = (cast(ab.unpack_lo(cd)), cast(ab.unpack_hi(cd)));
    even + odd
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
    fn products_are_cosines_within_their_slack() {
        for (rows, others, width) in [(1, 1, 5), (3, 7, 64), (18, 70, 100), (2, 4, 576)] {
            let (x, w) = (values(rows * width, 7), values(others * width, 8));
            let (a, b) = (Units::new(&x, width), Units::new(&w, width));
            assert_eq!((a.rows(), b.rows()), (rows, others));
            let mut found = vec![0; rows * others];
            a.products(0..rows, &b, 0..others, &mut found);
            for (i, found) in found.iter().enumerate() {
                let (x, w) = (&x[i / others * width..][..width], &w[i % others * width..][..width]);
                let exact = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                let cosine = (exact(x, w) / (exact(x, x) * exact(w, w)).sqrt()) as f32;
                assert!((cosine - *found as f32 / (ONE * ONE)).abs() < a.slack(), "{width}: {cosine} {found}");
                assert!(*found >= a.floor(cosine) && a.floor(cosine) + 2 * a.slack_in_steps() >= *found);
            }
        }
    }

    #[test]
    fn some_rows_with_some_others_are_those_of_all() {
        let (x, w) = (Units::new(&values(21 * 40, 1), 40), Units::new(&values(90 * 40, 2), 40));
        let (mut all, mut some) = (vec![0; 21 * 90], vec![0; 5 * 70]);
        x.products(0..21, &w, 0..90, &mut all);
        x.products(9..14, &w, 3..73, &mut some);
        assert!((0..5).all(|r| some[r * 70..][..70] == all[(9 + r) * 90 + 3..][..70]));
    }

    /// Vectors along one direction: the largest sums there can be. And none at all.
    #[test]
    fn the_largest_sums_do_not_overflow() {
        for row in [[1.0f32; 16], core::array::from_fn(|i| if i == 3 { -1e15 } else { 0.0 }), [1e-15; 16]] {
            let (x, mut found) = (Units::new(&row, 16), [0]);
            x.products(0..1, &x, 0..1, &mut found);
            assert!((found[0] as f32 / (ONE * ONE) - 1.0).abs() < x.slack(), "{row:?} {found:?}");
        }
        for row in [[0.0; 16], [1e-30; 16], [-1e30; 16], [f32::NAN; 16]] {
            let (x, mut found) = (Units::new(&row, 16), [7]);
            x.products(0..1, &x, 0..1, &mut found);
            assert_eq!(found, [0]);
        }
    }
}
