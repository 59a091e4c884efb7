//! A matrix of importance in few bits: every column in steps of its own scale, chosen so that the paper's levels are exact.
//!
//! A positive value of a column whose largest scored value is `s` becomes `q = ceil(Q I / s)` with Q = L k steps: its level
//! `ceil(L I / s)` is `ceil(q / k)` for certain. Read back, q stands for the middle of its step.

use super::coder::{Chance, Coder, Decoder, Encoder, Number};
use crate::explain::Levels;

/// How much of the values a link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// L, of which the levels are exact.
    pub levels: u8,
    /// k, steps in a level.
    pub fine: u8,
    /// Whether values that lowered a probability, and those of the template's tokens, are there.
    pub signed: bool,
    /// Levels up to this one are left out; 0 for none.
    pub floor: u8,
}

impl Precision {
    /// From the finest, 8 bits with a sign, to the levels that are on screen and nothing else.
    pub fn ladder(how: Levels) -> Vec<Self> {
        let levels = how.count.clamp(2, 127);
        let finest = 127 / levels;
        let signed = |fine| Self { levels, fine, signed: true, floor: 0 };
        let mut all: Vec<Self> =
            [finest, finest / 2, finest / 4, 1].into_iter().filter(|k| *k > 0).map(signed).collect();
        all.dedup();
        all.push(Self { levels, fine: 1, signed: false, floor: 0 });
        all.push(Self { levels, fine: 1, signed: false, floor: how.floor.min(levels) });
        all
    }

    /// Q: steps up to a column's largest scored value.
    pub fn steps(self) -> u32 {
        u32::from(self.levels) * u32::from(self.fine)
    }

    /// As bytes that [`Precision::read`] takes.
    pub fn bytes(self) -> [u8; 4] {
        [self.levels, self.fine, u8::from(self.signed), self.floor]
    }

    /// From what [`Precision::bytes`] gave; none if it makes no sense.
    pub fn read(bytes: [u8; 4]) -> Option<Self> {
        let [levels, fine, signed, floor] = bytes;
        let sound = levels >= 1 && fine >= 1 && signed <= 1 && u32::from(levels) * u32::from(fine) <= 255;
        sound.then_some(Self { levels, fine, signed: signed == 1, floor })
    }
}

/// Steps of an octave of a column's scale, and the least exponent.
const OCTAVE: f32 = 64.0;
const LOWEST: f32 = -120.0;

fn scale_code(scale: f32) -> u32 {
    if scale > 0.0 && scale.is_finite() { (1.0 + (scale.log2() - LOWEST) * OCTAVE).round().max(1.0) as u32 } else { 0 }
}

fn scale_of(code: u32) -> f32 {
    if code == 0 { 0.0 } else { ((code - 1) as f32 / OCTAVE + LOWEST).min(127.0).exp2() }
}

/// `[rows][columns]` of importance; `scored` rows make up the levels.
pub fn write(importance: &[Vec<f32>], scored: &[bool], precision: Precision) -> Vec<u8> {
    let columns = importance.first().map_or(0, Vec::len);
    let mut encoder = Encoder::new();
    let mut cells = Cells::new(importance.len(), precision);
    for m in 0..columns {
        let column: Vec<f32> = importance.iter().map(|row| row.get(m).copied().unwrap_or(0.0)).collect();
        let own = || column.iter().zip(scored).filter(|(_, s)| **s).map(|(v, _)| *v);
        let largest = own().fold(0.0f32, f32::max);
        let scale = if largest > 0.0 { largest } else { column.iter().fold(0.0f32, |m, v| m.max(v.abs())) };
        let exact = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
        let steps =
            column.iter().zip(scored).map(|(&v, &scored)| round(v, exact, scored, precision)).collect::<Vec<_>>();
        cells.column(&mut encoder, scale_code(scale), &steps);
    }
    encoder.finish()
}

/// From here on, in shares of the scale, steps are steps of an octave: a value that lowered a probability, or one of the
/// template's, can be far larger than all that raised it.
const FAR: f64 = 2.0;

/// The steps of a magnitude that is `share` of its column's scale.
fn steps_of(share: f64, precision: Precision) -> i32 {
    let near = f64::from(precision.steps()) * share.min(FAR);
    (near.ceil().max(1.0) + (f64::from(OCTAVE) * (share / FAR).log2()).round().clamp(0.0, 1e5)) as i32
}

/// The share again, the middle of its step.
fn share_of(steps: u32, precision: Precision) -> f32 {
    let near = (FAR as f32) * precision.steps() as f32;
    let steps = steps as f32;
    let octaves = ((steps - near).max(0.0) / OCTAVE).min(200.0);
    (steps.min(near) - 0.5).max(0.0) / (precision.steps() as f32 - 0.5) * octaves.exp2()
}

/// The steps of one value. A level is found as [`crate::explain::levels`] finds it, to the last bit.
fn round(value: f32, scale: f32, scored: bool, precision: Precision) -> i32 {
    if !value.is_finite() || value == 0.0 {
        return 0;
    }
    let share = f64::from(value.abs()) / f64::from(scale);
    let steps = steps_of(share, precision);
    if scored && value > 0.0 {
        let level = (f64::from(precision.levels) * share).ceil().clamp(1.0, 127.0) as i32;
        let fine = i32::from(precision.fine);
        return match level > i32::from(precision.floor) {
            true => steps.clamp((level - 1) * fine + 1, level * fine),
            false => 0,
        };
    }
    match (precision.signed, value > 0.0) {
        (false, _) => 0,
        (true, true) => steps,
        (true, false) => -steps,
    }
}

/// The matrix again, `[rows][columns]`.
pub fn read(bytes: &[u8], rows: usize, columns: usize, precision: Precision) -> Vec<Vec<f32>> {
    let mut decoder = Decoder::new(bytes);
    let mut cells = Cells::new(rows, precision);
    let mut importance = vec![vec![0.0; columns]; rows];
    let nothing = vec![0; rows];
    for m in 0..columns {
        let scale = scale_of(cells.column(&mut decoder, 0, &nothing));
        for (row, &steps) in importance.iter_mut().zip(&cells.last) {
            let middle = (share_of(steps.unsigned_abs(), precision) * scale).min(f32::MAX);
            row[m] = if steps < 0 { -middle } else { middle };
        }
    }
    importance
}

/// Contexts of a matrix that is coded column by column.
struct Cells {
    signed: bool,
    /// The last column and the one before.
    last: Vec<i32>,
    before: Vec<i32>,
    scale: Number,
    scale_up: Chance,
    last_scale: u32,
    /// By what stands beside: sizes, then signs.
    sizes: [Number; SIZES],
    signs: [Chance; 3],
}

const SIZES: usize = 9;

impl Cells {
    fn new(rows: usize, precision: Precision) -> Self {
        Self {
            signed: precision.signed,
            last: vec![0; rows],
            before: vec![0; rows],
            scale: Number::default(),
            scale_up: Chance::default(),
            last_scale: scale_code(1e-3),
            sizes: [Number::default(); SIZES],
            signs: [Chance::default(); 3],
        }
    }

    /// Codes a column, or decodes one into `last`. Gives its scale.
    fn column(&mut self, coder: &mut impl Coder, scale: u32, steps: &[i32]) -> u32 {
        let up = coder.bit(&mut self.scale_up, scale >= self.last_scale);
        let distance = self.scale.code(coder, scale.abs_diff(self.last_scale));
        let scale =
            if up { self.last_scale.saturating_add(distance) } else { self.last_scale.saturating_sub(distance) };
        self.last_scale = scale;
        let mut above = 0;
        let mut column = Vec::with_capacity(steps.len());
        for (i, &value) in steps.iter().enumerate() {
            let (left, far) = (self.last[i], self.before[i]);
            let near = 2 * left.unsigned_abs() + far.unsigned_abs() + above;
            let size = (32 - near.leading_zeros()) as usize;
            let magnitude = self.sizes[size.min(SIZES - 1)].code(coder, value.unsigned_abs()).min(1 << 24) as i32;
            let negative =
                magnitude > 0 && self.signed && coder.bit(&mut self.signs[(left.signum() + 1) as usize], value < 0);
            above = magnitude.unsigned_abs();
            column.push(if negative { -magnitude } else { magnitude });
        }
        self.before = std::mem::replace(&mut self.last, column);
        scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::levels;
    use proptest::prelude::*;

    fn matrix() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let value = prop_oneof![Just(0.0f32), -1.0f32..1.0, 1e-9f32..1e-6, -3.0f32..30.0];
        (1usize..12, 1usize..20).prop_flat_map(move |(rows, columns)| {
            prop::collection::vec(prop::collection::vec(value.clone(), columns), rows)
        })
    }

    proptest! {
        #[test]
        fn levels_are_exact_on_every_rung(importance in matrix(), count in 2u8..21, floor in 0u8..8, unscored in 0usize..3) {
            let how = Levels { count, floor: floor.min(count - 1), norm: 4.0 };
            let scored: Vec<bool> = (0..importance.len()).map(|n| n >= unscored).collect();
            let expected = levels(&importance, &scored, how);
            for precision in Precision::ladder(how) {
                let bytes = write(&importance, &scored, precision);
                let found = read(&bytes, importance.len(), importance[0].len(), precision);
                prop_assert_eq!(&levels(&found, &scored, how), &expected, "{:?}", precision);
            }
        }

        #[test]
        fn signed_values_are_off_by_a_step_at_most(importance in matrix()) {
            let scored = vec![true; importance.len()];
            let precision = Precision::ladder(Levels::default())[0];
            let found = read(&write(&importance, &scored, precision), importance.len(), importance[0].len(), precision);
            for m in 0..importance[0].len() {
                let largest = importance.iter().map(|row| row[m]).fold(0.0f32, f32::max);
                let scale = if largest > 0.0 { largest } else { importance.iter().map(|row| row[m].abs()).fold(0.0, f32::max) };
                for (a, b) in importance.iter().zip(&found) {
                    // a step, and half a step of the scale's own
                    let most = scale / 100.0 + 0.03 * a[m].abs();
                    prop_assert!((a[m] - b[m]).abs() <= most, "{} {} of {}", a[m], b[m], scale);
                }
            }
        }

        #[test]
        fn any_bytes_are_a_matrix(bytes in prop::collection::vec(any::<u8>(), 0..200), rows in 0usize..9, columns in 0usize..9) {
            let precision = Precision::ladder(Levels::default())[0];
            let found = read(&bytes, rows, columns, precision);
            prop_assert!(found.iter().flatten().all(|v| v.is_finite()));
        }
    }
}
