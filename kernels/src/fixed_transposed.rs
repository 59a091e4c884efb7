//! The transposed product in integers, for the vjp: `y_r += sum over o of c[r][o] * w_o` with quantized rows `w_o`.
//!
//! Within one block of 32 columns `c[r][o] * d[o]` plays the part that the activations play in [`super::fixed`]: it is
//! rounded to 16 bits over the rows of the tile, against the bound `max |c[r]| * max |d|`: looking for each block's own
//! largest product took a quarter of the time and gains one bit. Two rows of weights lie side by side, so that one
//! instruction takes four columns of both; a panel, all rows of a tile in one block, is eight kilobytes and serves some
//! rows of `c` in turn, which stay in the fastest cache with it.

use alloc::vec::Vec;

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4, u32x4};

use crate::fixed::{MAGIC, factor};
use crate::tile::{BLOCK, Quants, Tile};

/// Rows of weights in a tile, at most.
pub const ROWS: usize = 128;
/// Rows 2p and 2p + 1 lie side by side.
const PAIRS: usize = ROWS / 2;
/// Rows of cotangents that are worked on before the next: their 8 kilobytes stay in the fastest cache with a panel.
const TOGETHER: usize = 16;

/// A tile's weights by blocks of columns.
#[derive(Default)]
pub struct Panels {
    /// `[blocks][pairs][32 columns][2]`.
    q: Vec<[[i16; 2 * BLOCK]; PAIRS]>,
    /// `[blocks][rows]`, each block's scales divided by their largest.
    d: Vec<[f32; ROWS]>,
    /// `[blocks]`: what they were divided by.
    largest: Vec<f32>,
    /// `[blocks][rows]`.
    m: Vec<[f32; ROWS]>,
    /// Pairs of rows that the tile has.
    pairs: usize,
    /// Those whose products may be summed in 32 bits: fewer than all where |q| is up to 4,096, as Q6_K's.
    at_once: usize,
}

impl Panels {
    /// Rearranges a tile of at most [`ROWS`] rows, `blocks` blocks wide; rows that are not there count as zero.
    pub fn arrange(&mut self, tile: &Tile, blocks: usize) {
        self.q.resize(blocks, [[0; 2 * BLOCK]; PAIRS]);
        self.d.resize(blocks, [0.0; ROWS]);
        self.m.resize(blocks, [0.0; ROWS]);
        self.largest.resize(blocks, 0.0);
        self.at_once = (i32::MAX / (2 * 32_767 * tile.most)) as usize;
        let rows = tile.d.len() / blocks;
        self.pairs = rows.div_ceil(2);
        for b in 0..blocks {
            for o in 0..ROWS {
                let at = (o < rows).then_some(o * blocks + b);
                self.d[b][o] = at.map_or(0.0, |at| tile.d[at]);
                self.m[b][o] = at.map_or(0.0, |at| tile.m[at]);
            }
            self.largest[b] = largest(&self.d[b]);
            let inverse = factor(1.0, self.largest[b]);
            self.d[b].iter_mut().for_each(|d| *d *= inverse);
            let row = |o: usize| if o < rows { &tile.q[o * blocks + b] } else { &NOTHING };
            for (p, panel) in self.q[b].iter_mut().enumerate().take(self.pairs) {
                *panel = side_by_side(row(2 * p), row(2 * p + 1));
            }
        }
    }
}

/// Numbers of two rows in turn.
#[inline(always)]
fn side_by_side(first: &Quants, second: &Quants) -> [i16; 2 * BLOCK] {
    let (first, second): ([u32x4; 4], [u32x4; 4]) = (cast(*first), cast(*second));
    let (low, high) = (u32x4::splat(0xFFFF), u32x4::splat(0xFFFF_0000));
    let zipped: [[u32x4; 2]; 4] = core::array::from_fn(|k| {
        let (even, odd) = ((first[k] & low) | (second[k] << 16u32), (first[k] >> 16u32) | (second[k] & high));
        [even.unpack_lo(odd), even.unpack_hi(odd)]
    });
    cast(zipped)
}

/// A row that is not there.
static NOTHING: [i16; BLOCK] = [0; BLOCK];

fn largest(values: &[f32; ROWS]) -> f32 {
    let mut lanes = f32x4::ZERO;
    for part in values.as_chunks::<4>().0 {
        lanes = lanes.fast_max(f32x4::new(*part).abs());
    }
    let [a, b, c, d] = lanes.to_array();
    a.max(b).max(c.max(d))
}

/// A row of cotangents over a tile, times 32767 over the largest; short tiles are filled up with zeros.
struct Cotangents {
    c: [f32; ROWS],
    /// What this has to be multiplied by.
    unit: f32,
}

impl Cotangents {
    fn new(row: &[f32]) -> Self {
        let mut c = [0.0; ROWS];
        c[..row.len()].copy_from_slice(row);
        let largest = largest(&c);
        let by = factor(32_767.0, largest);
        c.iter_mut().for_each(|c| *c *= by);
        Self { c, unit: largest / 32_767.0 }
    }
}

/// Adds the products of all rows of `c` (`[rows][stride]`, the tile's `count` columns first) to `y`
/// (`[blocks][rows][32]`: what is worked on at once lies together).
pub fn product(c: &[f32], stride: usize, count: usize, panels: &Panels, y: &mut [[f32; BLOCK]]) {
    let rows = y.len() / panels.d.len();
    for from in (0..rows).step_by(TOGETHER) {
        let some = from..(from + TOGETHER).min(rows);
        let c: Vec<Cotangents> = some.clone().map(|r| Cotangents::new(&c[r * stride..r * stride + count])).collect();
        for (b, y) in y.chunks_exact_mut(rows).enumerate() {
            // two rows of four accumulators and four weights fit sixteen vector registers
            for (c, y) in c.chunks(2).zip(y[some.clone()].chunks_mut(2)) {
                match c.len() {
                    2 => block::<2>(c, panels, b, y),
                    _ => block::<1>(c, panels, b, y),
                }
            }
        }
    }
}

/// Rows of cotangents times a block's scales, rounded and packed in pairs, and the sums of `c * m`.
#[inline(always)]
fn round<const R: usize>(c: &[Cotangents], panels: &Panels, b: usize) -> ([[i32; PAIRS]; R], [f32; R]) {
    let (mut values, mut sums) = ([[0; PAIRS]; R], [[f32x4::ZERO; 2]; R]);
    let (d, m) = (panels.d[b].as_chunks::<8>().0, panels.m[b].as_chunks::<8>().0);
    for (k, (d, m)) in d.iter().zip(m).enumerate().take(panels.pairs.div_ceil(4)) {
        let (d, m): ([f32x4; 2], [f32x4; 2]) = (cast(*d), cast(*m));
        for r in 0..R {
            let c: [f32x4; 2] = cast(c[r].c.as_chunks::<8>().0[k]);
            let four = [0, 1].map(|h| {
                sums[r][h] += c[h] * m[h];
                let bits: i32x4 = cast(c[h] * d[h] + f32x4::splat(MAGIC));
                bits - i32x4::splat(MAGIC.to_bits() as i32)
            });
            values[r].as_chunks_mut::<4>().0[k] = cast(i16x8::from_i32x8_saturate(cast(four)));
        }
    }
    (values, sums.map(|[a, b]| (a + b).to_array().into_iter().sum()))
}

#[inline(always)]
fn block<const R: usize>(c: &[Cotangents], panels: &Panels, b: usize, y: &mut [[f32; BLOCK]]) {
    let (values, sums) = round::<R>(c, panels, b);
    let scales: [f32; R] = core::array::from_fn(|r| c[r].unit * panels.largest[b]);
    let shifts: [f32; R] = core::array::from_fn(|r| c[r].unit * sums[r]);
    for half in 0..2 {
        for from in (0..panels.pairs).step_by(panels.at_once) {
            let mut acc = [[i32x4::ZERO; 4]; R];
            for p in from..(from + panels.at_once).min(panels.pairs) {
                let p = p % PAIRS; // which it is anyway: no bounds are looked at
                let (parts, _) = panels.q[b][p][half * BLOCK..(half + 1) * BLOCK].as_chunks::<8>();
                for r in 0..R {
                    let pair: i16x8 = cast(i32x4::splat(values[r][p]));
                    for v in 0..4 {
                        acc[r][v] += i16x8::new(parts[v]).dot(pair);
                    }
                }
            }
            for (r, y) in y.iter_mut().enumerate().take(R) {
                let (scale, shift) = (f32x4::splat(scales[r]), f32x4::splat(if from == 0 { shifts[r] } else { 0.0 }));
                for (v, y) in y.as_chunks_mut::<4>().0[half * 4..half * 4 + 4].iter_mut().enumerate() {
                    let value = f32x4::from_i32x4(acc[r][v]) * scale + shift;
                    *y = (f32x4::new(*y) + value).to_array();
                }
            }
        }
    }
}
