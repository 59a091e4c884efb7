//! The transposed product in integers, for the vjp: `y_r += sum over o of c[r][o] * w_o` with quantized rows `w_o`.
//!
//! Within one block of 32 columns `c[r][o] * d[o]` plays the part that the activations play in [`super::fixed`]: it is
//! rounded to 16 bits over the rows of the tile. Two rows of weights lie side by side, so that one instruction takes
//! four columns of both; a panel, all rows of a tile in one block, is two kilobytes and serves every row of `c` in turn.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use super::fixed::{BLOCK, MAGIC, Tile};

/// Rows of weights in a tile.
pub(super) const ROWS: usize = 32;
/// Rows o and o + PAIRS lie side by side.
const PAIRS: usize = ROWS / 2;
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
            }
            let row = |o: usize| if o < rows { &tile.q[o * blocks + b] } else { &NOTHING };
            for (p, panel) in self.q[b].iter_mut().enumerate() {
                let (first, second) = (row(p).as_chunks::<8>().0, row(p + PAIRS).as_chunks::<8>().0);
                for (k, out) in panel.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                    let sides = first[k].iter().zip(&second[k]);
                    for (pair, (first, second)) in out.as_chunks_mut::<2>().0.iter_mut().zip(sides) {
                        *pair = [*first, *second];
                    }
                }
            }
        }
    }
}

/// A row that is not there.
static NOTHING: [i16; BLOCK] = [0; BLOCK];

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

/// One row's cotangents times the block's scales, rounded and packed in pairs.
#[derive(Clone, Copy)]
struct Pairs {
    values: [i32; PAIRS],
    scale: f32,
    /// The sum of `c * m`.
    shift: f32,
}

impl Pairs {
    const ZERO: Self = Self { values: [0; PAIRS], scale: 0.0, shift: 0.0 };

    /// Written in place, and the products made twice: moving arrays about costs more than multiplying.
    #[inline(always)]
    fn round(&mut self, c: &[f32; ROWS], d: &[f32; ROWS], m: &[f32; ROWS]) {
        let (c, d, m) = (c.as_chunks::<4>().0, d.as_chunks::<4>().0, m.as_chunks::<4>().0);
        let scaled = |k: usize| f32x4::new(c[k]) * f32x4::new(d[k]);
        let (mut largest, mut shift) = (f32x4::ZERO, f32x4::ZERO);
        for k in 0..ROWS / 4 {
            largest = largest.fast_max(scaled(k).abs());
            shift += f32x4::new(c[k]) * f32x4::new(m[k]);
        }
        let [a, b, c, d] = largest.to_array();
        let largest = a.max(b).max(c.max(d));
        let inverse = f32x4::splat(if largest > 0.0 { 32_767.0 / largest } else { 0.0 });
        let bits = |k: usize| cast::<f32x4, i32x4>(scaled(k) * inverse + f32x4::splat(MAGIC));
        for (k, out) in self.values.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let pair: i32x4 = (bits(k) & i32x4::splat(0xFFFF)) | (bits(k + PAIRS / 4) << 16i32);
            *out = pair.to_array();
        }
        let [a, b, c, d] = shift.to_array();
        self.scale = largest / 32_767.0;
        self.shift = (a + b) + (c + d);
    }
}

#[inline(always)]
fn block<const R: usize>(c: &[[f32; ROWS]], panels: &Panels, b: usize, y: &mut [f32], width: usize) {
    let mut rounded = [Pairs::ZERO; R];
    for r in 0..R {
        rounded[r].round(&c[r], &panels.d[b], &panels.m[b]);
    }
    for half in 0..2 {
        let mut acc = [[i32x4::ZERO; 4]; R];
        for (p, q) in panels.q[b].iter().enumerate() {
            let (parts, _) = q[half * BLOCK..(half + 1) * BLOCK].as_chunks::<8>();
            for r in 0..R {
                let pair: i16x8 = cast(i32x4::splat(rounded[r].values[p]));
                for v in 0..4 {
                    acc[r][v] += i16x8::new(parts[v]).dot(pair);
                }
            }
        }
        for r in 0..R {
            let at = r * width + b * BLOCK + half * BLOCK / 2;
            for (v, y) in y[at..at + BLOCK / 2].as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let value =
                    f32x4::from_i32x4(acc[r][v]) * f32x4::splat(rounded[r].scale) + f32x4::splat(rounded[r].shift);
                *y = (f32x4::new(*y) + value).to_array();
            }
        }
    }
}
