//! Products with 32-element quantized blocks in integers: weights as they are stored, activations rounded to 16 bits.
//!
//! A block is `w = d * q + m` with a small integer q (Q4_0 to Q8_0), so `x . w = d * s * (xq . q) + m * sum(x)` where
//! `x = s * xq` is one block of the input with |xq| <= 32767. The rounding is 2^-16 of the block's largest value, far
//! below what the weights' own 4 to 8 bits leave open; sums of 32 products fit 32 bits. One instruction multiplies and
//! adds eight pairs, twice as many as in f32.

use candle_core::quantized::GgmlDType;
use half::f16;
use wide::{f32x4, i16x8, i32x4};

use super::kernels::dot;

/// Elements of a block.
pub(super) const BLOCK: usize = 32;
const LANES: usize = 8;
const QUARTERS: usize = BLOCK / LANES;

/// Whether `dtype` is one of the affine 32-blocks, and `width` a whole number of them.
pub(super) fn applies(dtype: GgmlDType, width: usize) -> bool {
    use GgmlDType::*;
    matches!(dtype, Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0) && width.is_multiple_of(BLOCK)
}

/// Rows of activations rounded to 16 bits, block by block.
pub(super) struct Rounded {
    /// `[rows][blocks][32]`.
    values: Vec<[i16; BLOCK]>,
    /// `[rows][blocks]`: x = scale * value.
    scales: Vec<f32>,
    /// `[rows][blocks]`: the sum of the block's x.
    sums: Vec<f32>,
}

impl Rounded {
    /// Rounds the rows of `x`; their width is a multiple of [`BLOCK`].
    pub fn new(x: &[f32]) -> Self {
        let blocks = x.as_chunks::<BLOCK>().0;
        let mut rounded = Self {
            values: Vec::with_capacity(blocks.len()),
            scales: Vec::with_capacity(blocks.len()),
            sums: Vec::with_capacity(blocks.len()),
        };
        for block in blocks {
            let largest = block.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let scale = largest / 32_767.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            rounded.values.push(block.map(|v| (v * inverse).round_ties_even() as i16));
            rounded.scales.push(scale);
            rounded.sums.push(block.iter().sum());
        }
        rounded
    }
}

/// A tile of weight rows, unpacked to integers.
#[derive(Default)]
pub(super) struct Tile {
    /// `[rows][blocks][32]`.
    pub(super) q: Vec<[i16; BLOCK]>,
    /// `[rows][blocks]`.
    pub(super) d: Vec<f32>,
    /// `[rows][blocks]`.
    pub(super) m: Vec<f32>,
}

impl Tile {
    /// Unpacks whole blocks of `dtype`.
    pub fn unpack(&mut self, dtype: GgmlDType, bytes: &[u8]) {
        let count = bytes.len() / dtype.type_size();
        self.q.resize(count, [0; BLOCK]);
        self.d.resize(count, 0.0);
        self.m.resize(count, 0.0);
        match dtype {
            GgmlDType::Q4_0 => self.each::<18>(bytes, |b, q| {
                nibbles(&b[2..], q);
                (half_at(b, 0), -8.0 * half_at(b, 0))
            }),
            GgmlDType::Q4_1 => self.each::<20>(bytes, |b, q| {
                nibbles(&b[4..], q);
                (half_at(b, 0), half_at(b, 2))
            }),
            GgmlDType::Q5_0 => self.each::<22>(bytes, |b, q| {
                fives(&b[2..], q);
                (half_at(b, 0), -16.0 * half_at(b, 0))
            }),
            GgmlDType::Q5_1 => self.each::<24>(bytes, |b, q| {
                fives(&b[4..], q);
                (half_at(b, 0), half_at(b, 2))
            }),
            _ => self.each::<34>(bytes, |b, q| {
                for (q, v) in q.iter_mut().zip(&b[2..]) {
                    *q = i16::from(*v as i8);
                }
                (half_at(b, 0), 0.0)
            }),
        }
    }

    #[inline(always)]
    fn each<const B: usize>(&mut self, bytes: &[u8], f: impl Fn(&[u8; B], &mut [i16; BLOCK]) -> (f32, f32)) {
        let affine = self.d.iter_mut().zip(&mut self.m);
        for ((block, q), (d, m)) in bytes.as_chunks::<B>().0.iter().zip(&mut self.q).zip(affine) {
            (*d, *m) = f(block, q);
        }
    }
}

#[inline(always)]
fn half_at(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

#[inline(always)]
fn nibbles(bytes: &[u8], q: &mut [i16; BLOCK]) {
    for i in 0..BLOCK / 2 {
        q[i] = i16::from(bytes[i] & 15);
        q[i + BLOCK / 2] = i16::from(bytes[i] >> 4);
    }
}

/// Four bytes of high bits, then the nibbles.
#[inline(always)]
fn fives(bytes: &[u8], q: &mut [i16; BLOCK]) {
    let high = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    nibbles(&bytes[4..], q);
    for (i, q) in q.iter_mut().enumerate() {
        *q |= ((high >> i & 1) << 4) as i16;
    }
}

/// `y[r * stride + o] = x_r . w_o` for all rows of `x` and of the tile; both are `blocks` blocks wide.
pub(super) fn product(x: &Rounded, w: &Tile, blocks: usize, y: &mut [f32], stride: usize) {
    let (rows, tile) = (x.scales.len() / blocks, w.d.len() / blocks);
    let mut r = 0;
    while r < rows {
        let step = (rows - r).min(2);
        let mut o = 0;
        while o < tile {
            o += match (step, tile - o) {
                (2, 4..) => pairs::<2, 4>(x, r, w, o, blocks, y, stride),
                (1, 4..) => pairs::<1, 4>(x, r, w, o, blocks, y, stride),
                (2, _) => pairs::<2, 1>(x, r, w, o, blocks, y, stride),
                _ => pairs::<1, 1>(x, r, w, o, blocks, y, stride),
            };
        }
        r += step;
    }
}

#[inline(always)]
fn pairs<const R: usize, const O: usize>(
    x: &Rounded,
    row: usize,
    w: &Tile,
    output: usize,
    blocks: usize,
    y: &mut [f32],
    stride: usize,
) -> usize {
    let span = |i: usize| i * blocks..(i + 1) * blocks;
    let xq: [&[[i16; BLOCK]]; R] = core::array::from_fn(|r| &x.values[span(row + r)][..blocks]);
    let xs: [&[f32]; R] = core::array::from_fn(|r| &x.scales[span(row + r)][..blocks]);
    let wq: [&[[i16; BLOCK]]; O] = core::array::from_fn(|o| &w.q[span(output + o)][..blocks]);
    let wd: [&[f32]; O] = core::array::from_fn(|o| &w.d[span(output + o)][..blocks]);
    let mut acc = [[f32x4::ZERO; O]; R];
    for b in 0..blocks {
        // few enough values at a time for sixteen vector registers
        let mut sums = [[i32x4::ZERO; O]; R];
        for k in 0..QUARTERS {
            let wide: [i16x8; R] = core::array::from_fn(|r| quarter(&xq[r][b], k));
            for o in 0..O {
                let weights = quarter(&wq[o][b], k);
                for r in 0..R {
                    sums[r][o] += wide[r].dot(weights);
                }
            }
        }
        for o in 0..O {
            for r in 0..R {
                acc[r][o] += f32x4::from_i32x4(sums[r][o]) * f32x4::splat(xs[r][b] * wd[o][b]);
            }
        }
    }
    for r in 0..R {
        for o in 0..O {
            let [a, b, c, d] = acc[r][o].to_array();
            let shift = dot(&w.m[span(output + o)], &x.sums[span(row + r)]);
            y[(row + r) * stride + output + o] = (a + b) + (c + d) + shift;
        }
    }
    O
}

#[inline(always)]
fn quarter(block: &[i16; BLOCK], k: usize) -> i16x8 {
    i16x8::new(block.as_chunks::<LANES>().0[k])
}
