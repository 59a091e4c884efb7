//! Quantized weight rows as small integers: what the products in integers are given.
//!
//! Every block of 32 values becomes `w = d * q + m` with an integer q around zero: what the file stores from zero up is
//! shifted, so that rounding errors meet small factors. A super-block of 256 values becomes eight of these blocks, the
//! scales and minima of its parts multiplied out. Where each half of a block has a whole number for a scale of its own (Q3_K,
//! Q6_K), it goes into q.

use alloc::vec::Vec;

use bytemuck::cast;
use wide::{f32x8, i16x8, i32x8, u8x16};

use crate::storage::Storage;

/// Elements of a block.
pub const BLOCK: usize = 32;
/// Integers that one instruction takes.
pub const LANES: usize = 8;

/// The integers of a block.
pub type Quants = [i16; BLOCK];

/// Whether `dtype` is made of blocks that a tile can hold, and `width` a whole number of them.
pub fn applies(dtype: Storage, width: usize) -> bool {
    use Storage::*;
    matches!(dtype, Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | Q3K | Q4K | Q5K | Q6K | Q8K)
        && width.is_multiple_of(dtype.block_size())
}

/// A tile of weight rows, unpacked to integers.
#[derive(Default)]
pub struct Tile {
    /// `[rows][blocks][32]`.
    pub q: Vec<Quants>,
    /// `[rows][blocks]`.
    pub d: Vec<f32>,
    /// `[rows][blocks]`.
    pub m: Vec<f32>,
    /// What no |q| passes.
    pub most: i32,
}

impl Tile {
    /// Nothing in it.
    pub fn clear(&mut self) {
        self.q.clear();
        self.d.clear();
        self.m.clear();
    }

    /// The weights themselves.
    pub fn expand(&self, out: &mut [f32]) {
        let affine = self.d.iter().zip(&self.m);
        for ((q, (d, m)), out) in self.q.iter().zip(affine).zip(out.as_chunks_mut::<BLOCK>().0) {
            for (q, out) in q.as_chunks::<LANES>().0.iter().zip(out.as_chunks_mut::<LANES>().0) {
                let q = f32x8::from_i32x8(i32x8::new(q.map(i32::from)));
                *out = (q * f32x8::splat(*d) + f32x8::splat(*m)).to_array();
            }
        }
    }
}

/// The integers of a file's whole blocks of `storage`, one of the types that [`applies`] to.
pub(crate) fn read(storage: Storage, bytes: &[u8], q: &mut [Quants]) {
    match storage {
        Storage::Q4_0 => each::<18>(bytes, q, |b, q| centre(nibbles(&b[2..]), 8, q)),
        Storage::Q4_1 => each::<20>(bytes, q, |b, q| centre(nibbles(&b[4..]), 8, q)),
        Storage::Q5_0 => each::<22>(bytes, q, |b, q| centre(fives(&b[2..]), 16, q)),
        Storage::Q5_1 => each::<24>(bytes, q, |b, q| centre(fives(&b[4..]), 16, q)),
        Storage::Q8_0 => each::<34>(bytes, q, |b, q| signed(&b[2..], q)),
        Storage::Q3K => each_super(bytes, q, q3_k),
        Storage::Q4K => each_super::<144>(bytes, q, |b, i, q| centre(k_nibbles(i, &b[16..]), 8, q)),
        Storage::Q5K => each_super(bytes, q, q5_k),
        Storage::Q6K => each_super(bytes, q, q6_k),
        Storage::Q8K => each_super::<292>(bytes, q, |b, i, q| signed(&b[4 + BLOCK * i..4 + BLOCK * (i + 1)], q)),
        other => unreachable!("{other:?} has no tile"),
    }
}

/// Blocks of `B` bytes.
#[inline(always)]
fn each<const B: usize>(bytes: &[u8], q: &mut [Quants], f: impl Fn(&[u8; B], &mut Quants)) {
    bytes.as_chunks::<B>().0.iter().zip(q).for_each(|(block, q)| f(block, q));
}

/// Super-blocks of `B` bytes; `f` is asked for each of the eight blocks in one.
#[inline(always)]
fn each_super<const B: usize>(bytes: &[u8], q: &mut [Quants], f: impl Fn(&[u8; B], usize, &mut Quants)) {
    for (block, q) in bytes.as_chunks::<B>().0.iter().zip(q.as_chunks_mut::<8>().0) {
        q.iter_mut().enumerate().for_each(|(i, q)| f(block, i, q));
    }
}

/// Block `i` of a super-block; so are those that follow.
#[inline(always)]
fn q3_k(b: &[u8; 110], i: usize, q: &mut Quants) {
    let half = |h: usize| {
        let low = bits(sixteen(&b[32 + i / 4 * 32 + 16 * h..]), i % 4 * 2, 0, 3);
        low | bits(sixteen(&b[16 * h..]), i, 2, 4)
    };
    centre([half(0), half(1)], 4, q);
}

#[inline(always)]
fn q5_k(b: &[u8; 176], i: usize, q: &mut Quants) {
    let low = k_nibbles(i, &b[48..]);
    let high = [bits(sixteen(&b[16..]), i, 4, 16), bits(sixteen(&b[32..]), i, 4, 16)];
    centre([low[0] | high[0], low[1] | high[1]], 16, q);
}

#[inline(always)]
fn q6_k(b: &[u8; 210], i: usize, q: &mut Quants) {
    let (low, high, quarter) = (&b[i / 4 * 64 + i % 2 * 32..], &b[128 + i / 4 * 32..], i % 4);
    let half = |h: usize| {
        let low = bits(sixteen(&low[16 * h..]), quarter / 2 * 4, 0, 15);
        low | bits(sixteen(&high[16 * h..]), 2 * quarter, 4, 48)
    };
    centre([half(0), half(1)], 32, q);
}

/// The first sixteen bytes.
#[inline(always)]
fn sixteen(bytes: &[u8]) -> u8x16 {
    u8x16::new(bytes.first_chunk().copied().unwrap_or_default())
}

/// Moves the bits of every byte so that bit `from` becomes bit `to`, and keeps those in `mask`.
#[inline(always)]
fn bits(v: u8x16, from: usize, to: usize, mask: u8) -> u8x16 {
    // bytes have no shift of their own: shift pairs, and drop what crosses over
    let pairs: i16x8 = cast(v);
    let moved = if from >= to { pairs >> (from - to) as i32 } else { pairs << (to - from) as i32 };
    cast::<i16x8, u8x16>(moved) & u8x16::splat(mask)
}

/// The low halves of 16 bytes, then their high halves.
#[inline(always)]
fn nibbles(bytes: &[u8]) -> [u8x16; 2] {
    let packed = sixteen(bytes);
    [bits(packed, 0, 0, 15), bits(packed, 4, 0, 15)]
}

/// Block `i` of Q4_K: the low or the high halves of 32 bytes.
#[inline(always)]
fn k_nibbles(i: usize, bytes: &[u8]) -> [u8x16; 2] {
    [0, 16].map(|at| bits(sixteen(&bytes[i / 2 * 32 + at..]), i % 2 * 4, 0, 15))
}

/// 0 to 31: four bytes of high bits, then the nibbles.
#[inline(always)]
fn fives(bytes: &[u8]) -> [u8x16; 2] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let ones = u8x16::new([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
    let low = nibbles(&bytes[4..]);
    [0, 1].map(|h| {
        // every byte of high bits beside itself eight times, each time with another bit looked at
        let spread: u8x16 = cast([u64::from(bytes[2 * h]) * EACH, u64::from(bytes[2 * h + 1]) * EACH]);
        low[h] | ((spread & ones).simd_eq(ones) & u8x16::splat(16))
    })
}

/// Widens and moves down by `centre`.
#[inline(always)]
fn centre(halves: [u8x16; 2], centre: i16, q: &mut Quants) {
    for (v, out) in halves.into_iter().zip(q.as_chunks_mut::<16>().0) {
        let sides = [u8x16::unpack_low(v, u8x16::ZERO), u8x16::unpack_high(v, u8x16::ZERO)];
        for (side, out) in sides.into_iter().zip(out.as_chunks_mut::<LANES>().0) {
            *out = (cast::<u8x16, i16x8>(side) - i16x8::splat(centre)).to_array();
        }
    }
}

/// Bytes with a sign.
#[inline(always)]
fn signed(bytes: &[u8], q: &mut Quants) {
    for (part, out) in bytes.as_chunks::<16>().0.iter().zip(q.as_chunks_mut::<16>().0) {
        // each byte in the upper half of a pair, then shifted down with its sign
        let v = u8x16::new(*part);
        let sides = [u8x16::unpack_low(v, v), u8x16::unpack_high(v, v)];
        for (side, out) in sides.into_iter().zip(out.as_chunks_mut::<LANES>().0) {
            *out = (cast::<u8x16, i16x8>(side) >> 8i32).to_array();
        }
    }
}
