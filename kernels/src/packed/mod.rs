//! Quantized weights in the order in which the kernels read them, with about as many bits as in the file.
//!
//! Eight rows of the matrix are a group. A block of 32 columns of a group holds, for the rows 0 to 3 and then for 4 to 7,
//! vectors of eight 16-bit lanes: two neighbouring columns of each of four rows, so that one multiplication of pairs gives
//! four rows' products, a lane each. A lane is shared by the fields of several pairs of columns: field f of vector v is pair
//! `VECTORS * f + v`. Rows past the last are zeros. With four bits a field, rows 0 to 3 of a block are:
//!
//! ```text
//!            lane 0       lane 1       lane 2       ...   lane 7
//! vector 0   row 0        row 0        row 1              row 3
//!            column 2p    column 2p+1  column 2p          column 2p+1   p = 0, 4,  8, 12 in bits 0-3, 4-7, 8-11, 12-15
//! vector 1   the same                                                   p = 1, 5,  9, 13
//! vector 2                                                              p = 2, 6, 10, 14
//! vector 3                                                              p = 3, 7, 11, 15
//! ```
//!
//! Before a group's blocks lie their scales, eight rows together: they are read first, and memory read in one direction comes
//! much sooner. Scales of one and two bytes are in the order 0 4 1 5 2 6 3 7, so that the halves of 32-bit lanes are the rows 0
//! to 3 and 4 to 7.

mod pack;
mod scales;

use core::ops::Range;

use bytemuck::cast;
use wide::i16x8;

use crate::storage::Storage;
use crate::tile::{BLOCK, Quants, Tile};

pub use pack::pack;
use scales::lane;
pub use scales::{Affine, Numbers};

/// Rows of a group.
pub const GROUP: usize = 8;
/// Pairs of columns in a block.
pub(crate) const PAIRS: usize = BLOCK / 2;
/// Blocks of a super-block.
const SUPER: usize = 8;
/// Bytes of a vector.
const VECTOR: usize = 16;

/// How a lane is divided into fields.
pub(crate) trait Field {
    /// Fields in a lane.
    const FIELDS: usize;
    /// Vectors of four rows' block.
    const VECTORS: usize = PAIRS.div_ceil(Self::FIELDS);
    /// Bits of a field.
    const BITS: usize = 16 / Self::FIELDS;

    /// Field `f` of every lane.
    fn get(lanes: i16x8, f: usize) -> i16x8;
}

/// Fields of four bits, from zero up.
pub(crate) struct Four;
/// Fields of five bits, from zero up.
pub(crate) struct Five;
/// Fields of eight bits with a sign.
pub(crate) struct Eight;

impl Field for Four {
    const FIELDS: usize = 4;

    #[inline(always)]
    fn get(lanes: i16x8, f: usize) -> i16x8 {
        (lanes >> (4 * f) as i32) & i16x8::splat(15)
    }
}

impl Field for Five {
    const FIELDS: usize = 3;

    #[inline(always)]
    fn get(lanes: i16x8, f: usize) -> i16x8 {
        (lanes >> (5 * f) as i32) & i16x8::splat(31)
    }
}

impl Field for Eight {
    const FIELDS: usize = 2;

    #[inline(always)]
    fn get(lanes: i16x8, f: usize) -> i16x8 {
        if f == 0 { (lanes << 8i32) >> 8i32 } else { lanes >> 8i32 }
    }
}

/// Which fields a storage type has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    Four,
    Five,
    Eight,
}

/// How a group's scales are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scales {
    /// f16, one a block.
    Halves,
    /// A small integer for every part of a block, times an f16 of the super-block.
    Supers,
    /// f32, one a super-block.
    Floats,
}

/// What a storage type becomes. A weight is `d * (q - centre) + m`.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub fields: Fields,
    /// What is taken from a field, so that rounding errors meet small factors.
    pub centre: i16,
    /// Parts of a block that have scales of their own.
    pub parts: usize,
    scales: Scales,
    /// Whether m is stored; it is zero otherwise.
    pub minima: bool,
}

impl Form {
    /// Of a storage type that [`tile::applies`] to.
    pub const fn of(storage: Storage) -> Self {
        use Fields::{Eight, Five, Four};
        use Scales::{Floats, Halves, Supers};
        let (fields, centre, parts, scales, minima) = match storage {
            Storage::Q4_0 => (Four, 8, 1, Halves, false),
            Storage::Q4_1 => (Four, 8, 1, Halves, true),
            Storage::Q5_0 => (Five, 16, 1, Halves, false),
            Storage::Q5_1 => (Five, 16, 1, Halves, true),
            Storage::Q3K => (Four, 4, 2, Supers, false),
            Storage::Q4K => (Four, 8, 1, Supers, true),
            Storage::Q5K => (Five, 16, 1, Supers, true),
            Storage::Q6K => (Eight, 0, 2, Supers, false),
            Storage::Q8K => (Eight, 0, 1, Floats, false),
            _ => (Eight, 0, 1, Halves, false), // Q8_0
        };
        Self { fields, centre, parts, scales, minima }
    }

    /// Vectors of a group's block.
    const fn vectors(self) -> usize {
        2 * match self.fields {
            Fields::Four => Four::VECTORS,
            Fields::Five => Five::VECTORS,
            Fields::Eight => Eight::VECTORS,
        }
    }

    /// Where a group's steps, small minima, scales, minima and quants end.
    const fn ends(self, blocks: usize) -> [usize; 5] {
        let with = if self.minima { 1 } else { 0 };
        let (steps, small, each) = match self.scales {
            Scales::Halves => (0, 0, blocks * GROUP * 2),
            Scales::Supers => (blocks * self.parts * GROUP, with * blocks * GROUP, blocks / SUPER * GROUP * 2),
            Scales::Floats => (0, 0, blocks / SUPER * GROUP * 4),
        };
        let scales = steps + small + each;
        let minima = scales + with * each;
        [steps, steps + small, scales, minima, minima + blocks * self.vectors() * VECTOR]
    }
}

/// Bytes of a group of rows `inputs` wide.
pub const fn group_bytes(storage: Storage, inputs: usize) -> usize {
    Form::of(storage).ends(inputs / BLOCK)[4]
}

/// A group of rows.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    pub form: Form,
    pub blocks: usize,
    bytes: &'a [u8],
}

impl<'a> Group<'a> {
    /// Of the bytes that [`pack`] made.
    pub fn new(storage: Storage, inputs: usize, bytes: &'a [u8]) -> Self {
        Self { form: Form::of(storage), blocks: inputs / BLOCK, bytes }
    }

    /// `[blocks][2][vectors]`.
    pub fn quants(&self) -> &'a [[u8; VECTOR]] {
        let [_, _, _, from, to] = self.form.ends(self.blocks);
        self.bytes[from..to].as_chunks().0
    }

    /// The whole numbers that multiply the scales, `[blocks][parts]`.
    fn steps(&self) -> &'a [[u8; GROUP]] {
        self.bytes[..self.form.ends(self.blocks)[0]].as_chunks().0
    }

    /// Those that multiply the minima, `[blocks]`.
    fn small(&self) -> &'a [[u8; GROUP]] {
        let [from, to, ..] = self.form.ends(self.blocks);
        self.bytes[from..to].as_chunks().0
    }

    fn scales(&self) -> &'a [u8] {
        let [_, from, to, ..] = self.form.ends(self.blocks);
        &self.bytes[from..to]
    }

    fn minima(&self) -> &'a [u8] {
        let [_, _, from, to, _] = self.form.ends(self.blocks);
        &self.bytes[from..to]
    }

    /// The integers of row `o` in some blocks, around zero; where parts of a block have steps, times these.
    pub fn row(&self, o: usize, blocks: Range<usize>, out: &mut [Quants]) {
        match self.form.fields {
            Fields::Four => self.row_of::<Four>(o, blocks.clone(), out),
            Fields::Five => self.row_of::<Five>(o, blocks.clone(), out),
            Fields::Eight => self.row_of::<Eight>(o, blocks.clone(), out),
        }
        if self.form.parts == 2 {
            for (steps, q) in self.steps().as_chunks::<2>().0[blocks].iter().zip(out) {
                for (half, step) in q.as_chunks_mut::<PAIRS>().0.iter_mut().zip(steps) {
                    half.iter_mut().for_each(|q| *q *= i16::from(step[lane(o)] as i8));
                }
            }
        }
    }

    #[inline(always)]
    fn row_of<F: Field>(&self, o: usize, blocks: Range<usize>, out: &mut [Quants]) {
        let (half, lane) = (o / 4 * F::VECTORS, o % 4);
        let centre = i16x8::splat(self.form.centre);
        for (q, out) in self.quants().chunks_exact(2 * F::VECTORS).skip(blocks.start).zip(out) {
            let q = &q[half..half + F::VECTORS];
            for from in (0..F::VECTORS).step_by(4) {
                // this row's lanes of up to four vectors: columns that follow each other
                let count = (F::VECTORS - from).min(4);
                let mut lanes = [[0u8; 4]; 4];
                for (lanes, q) in lanes.iter_mut().zip(&q[from..from + count]) {
                    *lanes = q.as_chunks::<4>().0[lane];
                }
                let lanes: i16x8 = cast(lanes);
                for f in 0..F::FIELDS {
                    let at = 2 * (F::VECTORS * f + from);
                    if at < BLOCK {
                        let values = (F::get(lanes, f) - centre).to_array();
                        out[at..at + 2 * count].copy_from_slice(&values[..2 * count]);
                    }
                }
            }
        }
    }

    /// Adds some rows to a tile, which has as many blocks a row.
    fn unpack(&self, rows: Range<usize>, blocks: Range<usize>, affine: &mut Affine, tile: &mut Tile) {
        match self.form.parts {
            2 => self.super_scales(blocks.clone(), affine),
            _ => self.affine(blocks.clone(), affine),
        }
        for o in rows {
            let at = tile.q.len();
            tile.q.resize(at + blocks.len(), [0; BLOCK]);
            self.row(o, blocks.clone(), &mut tile.q[at..]);
            let of = |numbers: &Numbers| numbers[o / 4].to_array()[o % 4];
            tile.d.extend(affine.d.iter().map(of));
            tile.m.extend(affine.m.iter().map(of));
        }
        tile.m.resize(tile.d.len(), 0.0);
    }
}

/// Unpacks rows of a packed matrix, some blocks of each.
pub(crate) fn unpack(
    storage: Storage,
    inputs: usize,
    bytes: &[u8],
    rows: Range<usize>,
    blocks: Range<usize>,
    affine: &mut Affine,
    tile: &mut Tile,
) {
    tile.clear();
    tile.most = if storage == Storage::Q6K { 32 * 128 } else { 128 };
    let size = group_bytes(storage, inputs);
    let mut from = rows.start;
    while from < rows.end {
        let g = from / GROUP;
        let to = (GROUP * (g + 1)).min(rows.end);
        let group = Group::new(storage, inputs, &bytes[g * size..(g + 1) * size]);
        group.unpack(from - GROUP * g..to - GROUP * g, blocks.clone(), affine, tile);
        from = to;
    }
}

#[cfg(test)]
mod tests;
