//! Products with quantized blocks in integers: weights as small integers, activations rounded to 16 bits.
//!
//! A block of weights is `w = d * (q - centre) + m`, so `x . w = d * s * (xq . q - centre * sum(xq)) + m * sum(x)` where
//! `x = s * xq` is one block of the input with |xq| <= 32767. The rounding is 2^-16 of the block's largest value, far
//! below what the weights' own 4 to 8 bits leave open; sums of 32 products fit 32 bits. One instruction multiplies and
//! adds eight pairs, twice as many as in f32: two neighbouring values of a row of the input with the same columns of four
//! rows of weights ([`packed`]), so that four sums lie in one register and are scaled together.

use alloc::vec::Vec;

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use crate::packed::{self, Affine, Eight, Field, Fields, Five, Four, GROUP, Group};
use crate::storage::Storage;
use crate::tile::BLOCK;

/// 1.5 * 2^23: adding it leaves a small number, rounded to the nearest integer, in the low bits.
pub const MAGIC: f32 = 12_582_912.0;

/// Rows of activations rounded to 16 bits, block by block.
#[derive(Default)]
pub struct Rounded {
    /// `[rows][blocks][32]`.
    pub values: Vec<[i16; BLOCK]>,
    /// `[rows][blocks]`: x = scale * value.
    pub scales: Vec<f32>,
    /// `[rows][blocks]`: the sum of the block's x.
    pub sums: Vec<f32>,
    /// `[rows][blocks]`: the sums of the first 16 and of the last 16 values.
    pub totals: Vec<[i32; 2]>,
}

impl Rounded {
    /// No rows.
    pub const EMPTY: Self = Self { values: Vec::new(), scales: Vec::new(), sums: Vec::new(), totals: Vec::new() };

    /// Rounds the rows of `x`; their width is a multiple of [`BLOCK`].
    pub fn new(x: &[f32]) -> Self {
        let mut rounded = Self::default();
        rounded.round(x);
        rounded
    }

    /// Makes room for so many blocks.
    pub fn resize(&mut self, blocks: usize) {
        self.values.resize(blocks, [0; BLOCK]);
        self.scales.resize(blocks, 0.0);
        self.sums.resize(blocks, 0.0);
        self.totals.resize(blocks, [0; 2]);
    }

    /// Rounds other rows in the same place.
    pub fn round(&mut self, x: &[f32]) {
        let blocks = x.as_chunks::<BLOCK>().0;
        self.values.clear();
        self.scales.clear();
        self.sums.clear();
        self.totals.clear();
        for block in blocks {
            let parts = block.as_chunks::<4>().0;
            let (mut largest, mut sum) = (f32x4::ZERO, f32x4::ZERO);
            for part in parts {
                largest = largest.fast_max(f32x4::new(*part).abs());
                sum += f32x4::new(*part);
            }
            let largest = largest.to_array().into_iter().fold(0.0f32, f32::max);
            let inverse = f32x4::splat(factor(32_767.0, largest));
            let mut values = [0; BLOCK];
            for (part, out) in parts.iter().zip(values.as_chunks_mut::<4>().0) {
                let bits: i32x4 = cast(f32x4::new(*part) * inverse + f32x4::splat(MAGIC));
                *out = bits.to_array().map(|v| v as i16); // the low half
            }
            self.totals.push(totals(&values));
            self.values.push(values);
            self.scales.push(largest / 32_767.0);
            self.sums.push(sum.to_array().into_iter().sum());
        }
    }
}

/// What brings `largest` to `to`; 0 for what is so small that no f32 does: times infinity it would be no number.
pub(crate) fn factor(to: f32, largest: f32) -> f32 {
    let factor = to / largest;
    if factor.is_finite() { factor } else { 0.0 }
}

/// The sums of a block's halves.
#[inline(always)]
fn totals(values: &[i16; BLOCK]) -> [i32; 2] {
    let (ones, parts) = (i16x8::splat(1), values.as_chunks::<8>().0);
    [0, 2]
        .map(|at| (i16x8::new(parts[at]).dot(ones) + i16x8::new(parts[at + 1]).dot(ones)).to_array().into_iter().sum())
}

/// Some groups of rows of a packed matrix.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// What the rows were stored as.
    pub storage: Storage,
    /// Columns.
    pub inputs: usize,
    /// The groups, as [`packed::pack`] makes them.
    pub bytes: &'a [u8],
    /// Rows that are wanted of them.
    pub outputs: usize,
}

/// `y[r * stride + o] = x_r . w_o` for all rows of `x` and of `w`.
pub fn product(x: &Rounded, w: &Weights, affine: &mut Affine, y: &mut [f32], stride: usize) {
    let size = packed::group_bytes(w.storage, w.inputs);
    for (from, bytes) in (0..w.outputs).step_by(GROUP).zip(w.bytes.chunks_exact(size)) {
        let group = Group::new(w.storage, w.inputs, bytes);
        group.affine(0..group.blocks, affine);
        let (form, count) = (group.form, GROUP.min(w.outputs - from));
        match (form.fields, form.parts) {
            (Fields::Four, 1) => rows::<Four, 1>(x, &group, affine, &mut y[from..], stride, count),
            (Fields::Four, _) => rows::<Four, 2>(x, &group, affine, &mut y[from..], stride, count),
            (Fields::Five, _) => rows::<Five, 1>(x, &group, affine, &mut y[from..], stride, count),
            (Fields::Eight, 1) => rows::<Eight, 1>(x, &group, affine, &mut y[from..], stride, count),
            (Fields::Eight, _) => rows::<Eight, 2>(x, &group, affine, &mut y[from..], stride, count),
        }
    }
}

/// The first `count` rows of a group, for all rows of `x`.
fn rows<F: Field, const PARTS: usize>(
    x: &Rounded,
    group: &Group,
    affine: &Affine,
    y: &mut [f32],
    stride: usize,
    count: usize,
) {
    let rows = x.scales.len() / group.blocks;
    let mut r = 0;
    while r < rows {
        let y = &mut y[r * stride..];
        r += match rows - r {
            4.. => store(few::<F, PARTS, 4>(x, r, group, affine), y, stride, count),
            2.. => store(few::<F, PARTS, 2>(x, r, group, affine), y, stride, count),
            _ => store(few::<F, PARTS, 1>(x, r, group, affine), y, stride, count),
        };
    }
}

fn store<const R: usize>(values: [[f32x4; 2]; R], y: &mut [f32], stride: usize, count: usize) -> usize {
    for (r, [low, high]) in values.into_iter().enumerate() {
        let row: [f32; GROUP] = cast([low, high]);
        y[r * stride..][..count].copy_from_slice(&row[..count]);
    }
    R
}

/// `R` rows of `x` from `row` on times the eight rows of a group.
#[inline(never)]
fn few<F: Field, const PARTS: usize, const R: usize>(
    x: &Rounded,
    row: usize,
    group: &Group,
    affine: &Affine,
) -> [[f32x4; 2]; R] {
    let blocks = group.blocks;
    let span = |r: usize| (row + r) * blocks..(row + r + 1) * blocks;
    let values: [&[[i16; BLOCK]]; R] = core::array::from_fn(|r| &x.values[span(r)][..blocks]);
    let totals: [&[[i32; 2]]; R] = core::array::from_fn(|r| &x.totals[span(r)][..blocks]);
    let scales: [&[f32]; R] = core::array::from_fn(|r| &x.scales[span(r)][..blocks]);
    let (d, centre) = (&affine.d[..blocks * PARTS], -i32::from(group.form.centre));
    let quants = &group.quants()[..blocks * 2 * F::VECTORS];
    let mut out = [[f32x4::ZERO; 2]; R];
    // unrolled by the compiler, the loop over these has more sums under way than there are registers
    let vectors = core::hint::black_box(F::VECTORS);
    for b in 0..blocks {
        let (low, high) = quants[b * 2 * F::VECTORS..][..2 * F::VECTORS].split_at(F::VECTORS);
        for part in 0..PARTS {
            let mut acc: [[i32x4; 2]; R] = core::array::from_fn(|r| {
                let total = if PARTS == 1 { totals[r][b][0] + totals[r][b][1] } else { totals[r][b][part] };
                [i32x4::splat(centre * total); 2]
            });
            // a part of a block has some of the fields; the last two pairs of the fives are not there, and their weights zero
            let fields = F::FIELDS / PARTS;
            for v in 0..vectors {
                let lanes: [i16x8; 2] = [cast(low[v]), cast(high[v])];
                for f in fields * part..fields * (part + 1) {
                    let weights = lanes.map(|lanes| F::get(lanes, f));
                    for r in 0..R {
                        let pairs = values[r][b].as_chunks::<2>().0;
                        let pair: i16x8 = cast(i32x4::splat(cast(pairs[(F::VECTORS * f + v) % packed::PAIRS])));
                        for h in 0..2 {
                            acc[r][h] += weights[h].dot(pair);
                        }
                    }
                }
            }
            let d = d[b * PARTS + part];
            for ((out, acc), scales) in out.iter_mut().zip(acc).zip(scales) {
                let scale = f32x4::splat(scales[b]);
                for h in 0..2 {
                    out[h] += f32x4::from_i32x4(acc[h]) * (d[h] * scale);
                }
            }
        }
    }
    for (b, m) in affine.m.iter().enumerate() {
        for (r, out) in out.iter_mut().enumerate() {
            let sum = f32x4::splat(x.sums[(row + r) * blocks + b]);
            for h in 0..2 {
                out[h] += m[h] * sum;
            }
        }
    }
    out
}
