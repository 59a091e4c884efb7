//! The transposed product in integers, for the vjp: `y_r += sum over o of c[r][o] * w_o` with quantized rows `w_o`.
//!
//! Within one block of 32 columns `c[r][o] * d[o]` plays the part that the activations play in [`super::fixed`]: it is
//! rounded to 16 bits over the rows of the tile. Two rows of weights lie side by side, so that one instruction takes
//! four columns of both; a panel, all rows of a tile in one block, is two kilobytes and serves every row of `c` in turn.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use super::fixed::{BLOCK, Tile};

/// Rows of weights in a tile.
pub(super) const ROWS: usize = 32;
/// Rows o and o + PAIRS lie side by side.
const PAIRS: usize = ROWS / 2;
const VECTORS: usize = ROWS / 4;
/// 1.5 * 2^23: adding it leaves a small number, rounded, in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// A tile's weights by blocks of columns.
#[derive(Default)]
pub(super) struct Panels {
    /// `[blocks][pairs][32 columns][2]`.
    q: Vec<[[i16; 2 * BLOCK]; PAIRS]>,
    /// `[blocks][rows]`.
    d: Vec<[f32; ROWS]>,
    m: Vec<[f32; ROWS]>,
}

impl Panels {
    /// Rearranges a tile of at most [`ROWS`] rows, `blocks` blocks wide; rows that are not there count as zero.
    pub fn arrange(&mut self, tile: &Tile, blocks: usize) {
        self.q.resize(blocks, [[0; 2 * BLOCK]; PAIRS]);
        self.d.resize(blocks, [0.0; ROWS]);
        self.m.resize(blocks, [0.0; ROWS]);
        let rows = tile.d.len() / blocks;
        for b in 0..blocks {
            for o in 0..ROWS {
                let at = (o < rows).then_some(o * blocks + b);
                self.d[b][o] = at.map_or(0.0, |at| tile.d[at]);
                self.m[b][o] = at.map_or(0.0, |at| tile.m[at]);
                let zero = [0; BLOCK];
                let q = at.map_or(&zero, |at| &tile.q[at]);
                let side = o / PAIRS;
                for (pair, q) in self.q[b][o % PAIRS].as_chunks_mut::<2>().0.iter_mut().zip(q) {
                    pair[side] = *q;
                }
            }
        }
    }
}

/// Adds the products of all rows of `c` (`[rows][stride]`, the tile's `count` columns first) to `y` (`[rows][blocks * 32]`).
pub(super) fn product(c: &[f32], stride: usize, count: usize, panels: &Panels, y: &mut [f32]) {
    let width = panels.d.len() * BLOCK;
    let rows = y.len() / width;
    // short tiles are filled up with zeros, so that every loop has a fixed length
    let padded: Vec<[f32; ROWS]> = (0..rows)
        .map(|r| {
            let mut row = [0.0; ROWS];
            row[..count].copy_from_slice(&c[r * stride..r * stride + count]);
            row
        })
        .collect();
    for b in 0..panels.d.len() {
        let mut r = 0;
        while r < rows {
            // two rows of four accumulators and four weights fit sixteen vector registers
            let step = (rows - r).min(2);
            match step {
                2 => block::<2>(&padded[r..], panels, b, &mut y[r * width..], width),
                _ => block::<1>(&padded[r..], panels, b, &mut y[r * width..], width),
            }
            r += step;
        }
    }
}

/// One row's cotangents times the block's scales, rounded: pairs packed in 32 bits, their scale, and the sum of `c * m`.
#[inline(always)]
fn round(c: &[f32; ROWS], d: &[f32; ROWS], m: &[f32; ROWS]) -> ([i32; PAIRS], f32, f32) {
    let lanes = |v: &[f32; ROWS]| -> [f32x4; VECTORS] {
        let (parts, _) = v.as_chunks::<4>();
        core::array::from_fn(|k| f32x4::new(parts[k]))
    };
    let (c, d, m) = (lanes(c), lanes(d), lanes(m));
    let (mut largest, mut shift) = (f32x4::ZERO, f32x4::ZERO);
    let mut scaled = [f32x4::ZERO; VECTORS];
    for k in 0..VECTORS {
        scaled[k] = c[k] * d[k];
        largest = largest.fast_max(scaled[k].abs());
        shift += c[k] * m[k];
    }
    let largest = largest.to_array().into_iter().fold(0.0f32, f32::max);
    let inverse = if largest > 0.0 { f32x4::splat(32_767.0 / largest) } else { f32x4::ZERO };
    let bits = scaled.map(|v| cast::<f32x4, i32x4>(v * inverse + f32x4::splat(MAGIC)));
    let mut packed = [0; PAIRS];
    for (k, out) in packed.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let pair: i32x4 = (bits[k] & i32x4::splat(0xFFFF)) | (bits[k + VECTORS / 2] << 16i32);
        *out = pair.to_array();
    }
    (packed, largest / 32_767.0, shift.to_array().into_iter().sum())
}

#[inline(always)]
fn block<const R: usize>(c: &[[f32; ROWS]], panels: &Panels, b: usize, y: &mut [f32], width: usize) {
    let rounded: [_; R] = core::array::from_fn(|r| round(&c[r], &panels.d[b], &panels.m[b]));
    for half in 0..2 {
        let mut acc = [[i32x4::ZERO; 4]; R];
        for (p, q) in panels.q[b].iter().enumerate() {
            let (parts, _) = q[half * BLOCK..(half + 1) * BLOCK].as_chunks::<8>();
            let w: [i16x8; 4] = core::array::from_fn(|v| i16x8::new(parts[v]));
            for r in 0..R {
                let pair: i16x8 = cast(i32x4::splat(rounded[r].0[p]));
                for v in 0..4 {
                    acc[r][v] += w[v].dot(pair);
                }
            }
        }
        for r in 0..R {
            let (_, scale, shift) = rounded[r];
            let at = r * width + b * BLOCK + half * BLOCK / 2;
            for (v, y) in y[at..at + BLOCK / 2].as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let value = f32x4::from_i32x4(acc[r][v]) * f32x4::splat(scale) + f32x4::splat(shift);
                *y = (f32x4::new(*y) + value).to_array();
            }
        }
    }
}
