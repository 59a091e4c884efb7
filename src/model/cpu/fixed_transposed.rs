//! The transposed product in integers, for the vjp: `y_r += sum over o of c[r][o] * w_o` with quantized rows `w_o`.
//!
//! Within one block of 32 columns `c[r][o] * d[o]` plays the part that the activations play in [`super::fixed`]: it is
//! rounded to 16 bits over the rows of the tile, against the bound `max |c[r]| * max |d|`: looking for each block's own
//! largest product took a quarter of the time and gains one bit. Two rows of weights lie side by side, so that one
//! instruction takes four columns of both; a panel, all rows of a tile in one block, is four kilobytes and serves every
//! row of `c` in turn.

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4};

use super::fixed::{BLOCK, MAGIC, Tile};

/// Rows of weights in a tile.
pub(super) const ROWS: usize = 64;
/// Rows o and o + PAIRS lie side by side.
const PAIRS: usize = ROWS / 2;
/// A tile's weights by blocks of columns.
#[derive(Default)]
pub(super) struct Panels {
    /// `[blocks][pairs][32 columns][2]`.
    q: Vec<[[i16; 2 * BLOCK]; PAIRS]>,
    /// `[blocks][rows]`, each block's scales divided by their largest.
    d: Vec<[f32; ROWS]>,
    /// `[blocks]`: what they were divided by.
    largest: Vec<f32>,
    /// `[blocks][rows]`.
    m: Vec<[f32; ROWS]>,
}

impl Panels {
    /// Rearranges a tile of at most [`ROWS`] rows, `blocks` blocks wide; rows that are not there count as zero.
    pub fn arrange(&mut self, tile: &Tile, blocks: usize) {
        self.q.resize(blocks, [[0; 2 * BLOCK]; PAIRS]);
        self.d.resize(blocks, [0.0; ROWS]);
        self.m.resize(blocks, [0.0; ROWS]);
        self.largest.resize(blocks, 0.0);
        let rows = tile.d.len() / blocks;
        for b in 0..blocks {
            for o in 0..ROWS {
                let at = (o < rows).then_some(o * blocks + b);
                self.d[b][o] = at.map_or(0.0, |at| tile.d[at]);
                self.m[b][o] = at.map_or(0.0, |at| tile.m[at]);
            }
            self.largest[b] = largest(&self.d[b]);
            let inverse = inverse(self.largest[b]);
            self.d[b].iter_mut().for_each(|d| *d *= inverse);
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

fn largest(values: &[f32; ROWS]) -> f32 {
    let mut lanes = f32x4::ZERO;
    for part in values.as_chunks::<4>().0 {
        lanes = lanes.fast_max(f32x4::new(*part).abs());
    }
    let [a, b, c, d] = lanes.to_array();
    a.max(b).max(c.max(d))
}

fn inverse(x: f32) -> f32 {
    if x > 0.0 { 1.0 / x } else { 0.0 }
}

/// A row of cotangents over a tile; short tiles are filled up with zeros, so that every loop has a fixed length.
struct Cotangents {
    c: [f32; ROWS],
    largest: f32,
    /// 32767 over the largest.
    by: f32,
}

impl Cotangents {
    fn new(row: &[f32]) -> Self {
        let mut c = [0.0; ROWS];
        c[..row.len()].copy_from_slice(row);
        let largest = largest(&c);
        Self { c, largest, by: 32_767.0 * inverse(largest) }
    }
}

/// Adds the products of all rows of `c` (`[rows][stride]`, the tile's `count` columns first) to `y`
/// (`[blocks][rows][32]`: what is worked on at once lies together).
pub(super) fn product(c: &[f32], stride: usize, count: usize, panels: &Panels, y: &mut [[f32; BLOCK]]) {
    let rows = y.len() / panels.d.len();
    let c: Vec<Cotangents> = (0..rows).map(|r| Cotangents::new(&c[r * stride..r * stride + count])).collect();
    for (b, y) in y.chunks_exact_mut(rows).enumerate() {
        // two rows of four accumulators and four weights fit sixteen vector registers
        for (c, y) in c.chunks(2).zip(y.chunks_mut(2)) {
            match c.len() {
                2 => block::<2>(c, panels, b, y),
                _ => block::<1>(c, panels, b, y),
            }
        }
    }
}

/// One row's cotangents times the block's scales, rounded and packed in pairs.
#[inline(always)]
fn pack(c: &Cotangents, d: &[f32; ROWS], values: &mut [i32; PAIRS]) {
    let (by, c, d) = (f32x4::splat(c.by), c.c.as_chunks::<4>().0, d.as_chunks::<4>().0);
    let bits = |k: usize| cast::<f32x4, i32x4>(f32x4::new(c[k]) * by * f32x4::new(d[k]) + f32x4::splat(MAGIC));
    for (k, out) in values.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let pair: i32x4 = (bits(k) & i32x4::splat(0xFFFF)) | (bits(k + PAIRS / 4) << 16i32);
        *out = pair.to_array();
    }
}

/// The sum of `c * m`.
#[inline(always)]
fn shift(c: &[f32; ROWS], m: &[f32; ROWS]) -> f32 {
    let mut sum = f32x4::ZERO;
    for (c, m) in c.as_chunks::<4>().0.iter().zip(m.as_chunks::<4>().0) {
        sum += f32x4::new(*c) * f32x4::new(*m);
    }
    let [a, b, c, d] = sum.to_array();
    (a + b) + (c + d)
}

#[inline(always)]
fn block<const R: usize>(c: &[Cotangents], panels: &Panels, b: usize, y: &mut [[f32; BLOCK]]) {
    let mut values = [[0; PAIRS]; R];
    let (mut scales, mut shifts) = ([0.0; R], [0.0; R]);
    for r in 0..R {
        pack(&c[r], &panels.d[b], &mut values[r]);
        scales[r] = c[r].largest / 32_767.0 * panels.largest[b];
        shifts[r] = shift(&c[r].c, &panels.m[b]);
    }
    for half in 0..2 {
        let mut acc = [[i32x4::ZERO; 4]; R];
        for (p, q) in panels.q[b].iter().enumerate() {
            let (parts, _) = q[half * BLOCK..(half + 1) * BLOCK].as_chunks::<8>();
            for r in 0..R {
                let pair: i16x8 = cast(i32x4::splat(values[r][p]));
                for v in 0..4 {
                    acc[r][v] += i16x8::new(parts[v]).dot(pair);
                }
            }
        }
        for (r, y) in y.iter_mut().enumerate().take(R) {
            let (scale, shift) = (f32x4::splat(scales[r]), f32x4::splat(shifts[r]));
            for (v, y) in y.as_chunks_mut::<4>().0[half * 4..half * 4 + 4].iter_mut().enumerate() {
                let value = f32x4::from_i32x4(acc[r][v]) * scale + shift;
                *y = (f32x4::new(*y) + value).to_array();
            }
        }
    }
}
