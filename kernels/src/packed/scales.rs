//! Scales and minima of a group of rows: eight numbers at a time.

use alloc::vec::Vec;
use core::ops::Range;

use bytemuck::cast;
use wide::{f32x4, i16x8, i32x4, u8x16};

use super::{GROUP, Group, SUPER, Scales, VECTOR};

/// A number for each of a group's rows.
pub type Numbers = [f32x4; 2];

/// The scales of a group's blocks.
#[derive(Default)]
pub struct Affine {
    /// `[blocks][parts]`.
    pub d: Vec<Numbers>,
    /// `[blocks]`.
    pub m: Vec<Numbers>,
}

impl Group<'_> {
    /// The scales of some blocks; where a form has no minima, `m` stays empty.
    pub fn affine(&self, blocks: Range<usize>, to: &mut Affine) {
        to.d.clear();
        to.m.clear();
        let centre = f32x4::splat(f32::from(self.form.centre));
        match self.form.scales {
            Scales::Halves => {
                let (d, m) = (self.scales().as_chunks::<16>().0, self.minima().as_chunks::<16>().0);
                to.d.extend(d[blocks.clone()].iter().map(eight_halves));
                if self.form.minima {
                    let m = m[blocks].iter().map(eight_halves);
                    to.m.extend(m.zip(&to.d).map(|(m, d)| [m[0] + centre * d[0], m[1] + centre * d[1]]));
                }
            }
            Scales::Supers => {
                let (d, m) = (self.scales().as_chunks::<16>().0, self.minima().as_chunks::<16>().0);
                let (steps, small) = (self.steps().chunks_exact(self.form.parts), self.small());
                let (mut scale, mut minimum, mut of) = ([f32x4::ZERO; 2], [f32x4::ZERO; 2], usize::MAX);
                for (b, steps) in blocks.clone().zip(steps.skip(blocks.start)) {
                    if of != b / SUPER {
                        of = b / SUPER;
                        scale = eight_halves(&d[of]);
                        minimum = if self.form.minima { eight_halves(&m[of]) } else { minimum };
                    }
                    to.d.extend(steps.iter().map(|steps| {
                        let steps = eight_steps(steps);
                        [scale[0] * steps[0], scale[1] * steps[1]]
                    }));
                    if self.form.minima {
                        let (d, small) = (to.d[to.d.len() - 1], eight_steps(&small[b]));
                        to.m.push([0, 1].map(|h| centre * d[h] - minimum[h] * small[h]));
                    }
                }
            }
            Scales::Floats => {
                let scales = self.scales().as_chunks::<4>().0.as_chunks::<GROUP>().0;
                to.d.extend(blocks.map(|b| cast::<_, Numbers>(scales[b / SUPER].map(f32::from_le_bytes))));
            }
        }
    }

    /// The f16 scales of every block's super-block, where steps are a part of the integers.
    pub(super) fn super_scales(&self, blocks: Range<usize>, to: &mut Affine) {
        let d = self.scales().as_chunks::<16>().0;
        to.m.clear();
        to.d.clear();
        to.d.extend(blocks.map(|b| eight_halves(&d[b / SUPER])));
    }
}

/// Where row `o` of a group has its scale of one or two bytes.
pub(super) const fn lane(o: usize) -> usize {
    2 * (o % 4) + o / 4
}

// lanes are taken out of bytes as they lie
const _: () = assert!(cfg!(target_endian = "little"));

/// Eight f16.
#[inline(always)]
pub(super) fn eight_halves(bytes: &[u8; 16]) -> Numbers {
    // all of it in vectors: with a scalar way out beside it, the compiler loads every number by itself
    let bits: i16x8 = cast(u8x16::new(*bytes));
    let pairs: i32x4 = cast(bits);
    let high = [pairs << 16i32, pairs & i32x4::splat(!0xFFFF)];
    // of an exponent that is neither the least nor the greatest, one more has bits above its lowest
    let above = (bits + i16x8::splat(1 << 10)) & i16x8::splat(0x7800);
    if above.simd_eq(i16x8::ZERO).any() {
        return high.map(any_halves);
    }
    high.map(|high| cast(((high >> 3i32) & i32x4::splat(0x8FFF_FFFF_u32 as i32)) + i32x4::splat(BIAS)))
}

/// What the exponents' biases of f16 and f32 differ by, at its place in f32.
const BIAS: i32 = 112 << 23;

/// Four f16 of any kind, in the upper halves of 32 bits.
#[cold]
fn any_halves(high: i32x4) -> f32x4 {
    let magnitude = (high >> 3i32) & i32x4::splat(0x0FFF_FFFF);
    let bias = i32x4::splat(BIAS);
    let finite = magnitude + bias;
    // what is not finite stays so
    let normal = finite + (magnitude.simd_gt(i32x4::splat((31 << 23) - 1)) & bias);
    let tiny: i32x4 = cast(f32x4::from_i32x4(magnitude >> 13i32) * f32x4::splat(1.0 / (1 << 24) as f32));
    let is_tiny = i32x4::splat(1 << 23).simd_gt(magnitude);
    cast((is_tiny & tiny) | (!is_tiny & normal) | (high & i32x4::splat(i32::MIN)))
}

/// Eight small integers.
#[inline(always)]
fn eight_steps(bytes: &[u8; GROUP]) -> Numbers {
    let mut twice = [0; VECTOR];
    twice[..GROUP].copy_from_slice(bytes);
    let twice = u8x16::new(twice);
    // each byte in the upper half of a pair, then shifted down with its sign
    let pairs: i32x4 = cast(cast::<_, i16x8>(u8x16::unpack_low(twice, twice)) >> 8i32);
    [(pairs << 16i32) >> 16i32, pairs >> 16i32].map(f32x4::from_i32x4)
}
