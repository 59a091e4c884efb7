//! Products with 32-element quantized blocks in integers: weights as they are stored, activations rounded to 16 bits.
//!
//! A block is `w = d * q + m` with a small integer q around zero (Q4_0 to Q8_0; what the file stores from zero up is
//! shifted, so that rounding errors meet small factors), so `x . w = d * s * (xq . q) + m * sum(x)` where
//! `x = s * xq` is one block of the input with |xq| <= 32767. The rounding is 2^-16 of the block's largest value, far
//! below what the weights' own 4 to 8 bits leave open; sums of 32 products fit 32 bits. One instruction multiplies and
//! adds eight pairs, twice as many as in f32.

use bytemuck::cast;
use candle_core::quantized::GgmlDType;
use half::f16;
use wide::{f32x4, i16x8, i32x4, u8x16};

use super::kernels::dot;

/// 1.5 * 2^23: adding it leaves a small number, rounded to the nearest integer, in the low bits.
pub(super) const MAGIC: f32 = 12_582_912.0;
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
            let parts = block.as_chunks::<4>().0;
            let (mut largest, mut sum) = (f32x4::ZERO, f32x4::ZERO);
            for part in parts {
                largest = largest.fast_max(f32x4::new(*part).abs());
                sum += f32x4::new(*part);
            }
            let largest = largest.to_array().into_iter().fold(0.0f32, f32::max);
            let inverse = f32x4::splat(if largest > 0.0 { 32_767.0 / largest } else { 0.0 });
            let mut values = [0; BLOCK];
            for (part, out) in parts.iter().zip(values.as_chunks_mut::<4>().0) {
                let bits: i32x4 = cast(f32x4::new(*part) * inverse + f32x4::splat(MAGIC));
                *out = bits.to_array().map(|v| v as i16); // the low half
            }
            rounded.values.push(values);
            rounded.scales.push(largest / 32_767.0);
            rounded.sums.push(sum.to_array().into_iter().sum());
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
                (half_at(b, 0), 0.0)
            }),
            GgmlDType::Q4_1 => self.each::<20>(bytes, |b, q| {
                nibbles(&b[4..], q);
                (half_at(b, 0), half_at(b, 2) + 8.0 * half_at(b, 0))
            }),
            GgmlDType::Q5_0 => self.each::<22>(bytes, |b, q| {
                fives(&b[2..], q);
                (half_at(b, 0), 0.0)
            }),
            GgmlDType::Q5_1 => self.each::<24>(bytes, |b, q| {
                fives(&b[4..], q);
                (half_at(b, 0), half_at(b, 2) + 16.0 * half_at(b, 0))
            }),
            _ => self.each::<34>(bytes, |b, q| {
                let (parts, halves) = (b[2..].as_chunks::<16>().0, q.as_chunks_mut::<16>().0);
                for (part, out) in parts.iter().zip(halves) {
                    // each byte in the upper half of a pair, then shifted down with its sign
                    let v = u8x16::new(*part);
                    let sides = [u8x16::unpack_low(v, v), u8x16::unpack_high(v, v)];
                    for (side, out) in sides.into_iter().zip(out.as_chunks_mut::<LANES>().0) {
                        *out = (cast::<u8x16, i16x8>(side) >> 8i32).to_array();
                    }
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

/// -8 to 7.
#[inline(always)]
fn nibbles(bytes: &[u8], q: &mut [i16; BLOCK]) {
    let Some(packed) = bytes.first_chunk::<16>() else { return };
    let packed = u8x16::new(*packed);
    let low = packed & u8x16::splat(15);
    // bytes have no shift of their own: shift pairs, and drop what crosses over
    let high: u8x16 = cast(cast::<u8x16, i16x8>(packed) >> 4i32);
    let high = high & u8x16::splat(15);
    let sides = [
        u8x16::unpack_low(low, u8x16::ZERO),
        u8x16::unpack_high(low, u8x16::ZERO),
        u8x16::unpack_low(high, u8x16::ZERO),
        u8x16::unpack_high(high, u8x16::ZERO),
    ];
    for (side, out) in sides.into_iter().zip(q.as_chunks_mut::<LANES>().0) {
        *out = (cast::<u8x16, i16x8>(side) - i16x8::splat(8)).to_array();
    }
}

/// -16 to 15: four bytes of high bits, then the nibbles.
#[inline(always)]
fn fives(bytes: &[u8], q: &mut [i16; BLOCK]) {
    let high = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    nibbles(&bytes[4..], q);
    for (i, q) in q.iter_mut().enumerate() {
        *q += ((high >> i & 1) << 4) as i16 - 8;
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
        for o in 0..O {
            for r in 0..R {
                let mut sum = i32x4::ZERO;
                for k in 0..QUARTERS {
                    sum += quarter(&xq[r][b], k).dot(quarter(&wq[o][b], k));
                }
                acc[r][o] += f32x4::from_i32x4(sum) * f32x4::splat(xs[r][b] * wd[o][b]);
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
