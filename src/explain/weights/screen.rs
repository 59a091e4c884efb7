//! Which of a head's millions of pairs can be among its strongest: an upper bound of the form from a few numbers of each word.
//!
//! With `q' = q - m` and `k' = k - n` for any vectors m and n, here the means, `q . k = q . n + m . k' + q' . k'`: the first two
//! terms are numbers of one word each. The last is taken in a basis in which most of `q'` and `k'` lies along the first
//! [`LEADING`] directions. What they have there is multiplied in small integers; the product of the rest is at most
//! that of its lengths (Cauchy-Schwarz).

use bytemuck::cast;
use candle_core::{DType, Device, Tensor};
use shiftlens_kernels::floats::{dot, product};
use shiftlens_kernels::units::sums;
use wide::{f32x4, i16x8, i32x4, u64x2};

use super::spectrum::symmetric;
use crate::model::ModelError;

/// Directions along which products are taken.
const LEADING: usize = LANES * VECTORS;
const LANES: usize = 8;
const VECTORS: usize = 3;
/// Largest magnitude of a rounded coordinate: sums of so many products fit 32 bits.
const LARGEST: f32 = 8191.0;
/// How many words the means and the basis are taken from: any would do, but the bound is only close if they fit.
const SAMPLED: usize = 1024;
/// Words whose coordinates are computed at once.
const BLOCK: usize = 64;
/// What the sums that a bound is made of may be off by in f32, relative to the product of both sides' lengths; what they sum is
/// at most 256 wide.
const ROUNDING: f32 = 1e-4;
const WIDEST: usize = 256;

/// What the bound needs of a word, in two cache lines.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Word {
    query: [[i16; LANES]; VECTORS],
    key: [[i16; LANES]; VECTORS],
    /// As a query and as a key its own term of the sum, then the length of what lies off the leading directions.
    one: [f32; 4],
    /// The same as a key and as a query.
    other: [f32; 4],
}

/// The words of a head, to tell quickly which products stay below a bound.
pub struct Screen {
    words: Vec<Word>,
    /// What the integers' products are multiplied by.
    step: f32,
}

impl Screen {
    /// Of rows `[words, width]`; none for a head too wide, or with activations that small integers cannot stand for.
    pub fn new(queries: &[f32], keys: &[f32], width: usize) -> Result<Option<Self>, ModelError> {
        if width == 0 || width > WIDEST || queries.is_empty() {
            return Ok(None);
        }
        let means = [queries, keys].map(|rows| mean(rows, width));
        let scales = balance(queries, keys, &means);
        if ![&means[0], &means[1], &scales[0], &scales[1]].iter().all(|v| v.iter().all(|v| v.is_finite())) {
            return Ok(None);
        }
        let basis = leading(queries, keys, &means, &scales)?;
        let sides = [0, 1].map(|i| {
            let rows = if i == 0 { queries } else { keys };
            let other = means[1 - i].iter().zip(&scales[i]).map(|(m, s)| m / s).collect::<Vec<f32>>();
            Side::new(rows, &means[i], &scales[i], &basis, &other)
        });
        // `q . n` is that of q' and m together, the key's term that of k' alone
        let constant = dot(&means[0], &means[1]);
        Ok(Self::of(sides, constant))
    }

    fn of([queries, keys]: [Side; 2], constant: f32) -> Option<Self> {
        let steps = [&queries, &keys].map(Side::step);
        let (step, slack) = (steps[0] * steps[1], ROUNDING * queries.size * keys.size);
        if ![steps[0], steps[1], step].iter().all(|s| s.is_normal()) || !(slack + constant).is_finite() {
            return None;
        }
        let word = |(q, k): (&Place, &Place)| {
            let ((query, q_mass), (key, k_mass)) = (rounded(&q.leading, steps[0]), rounded(&k.leading, steps[1]));
            // each coordinate is off by half a step at most: |u v - u' v'| <= |u| |v - v'| + |u - u'| |v'|
            let of_query = q.other + constant + slack + 0.5 * steps[1] * q_mass;
            let of_key = k.other + 0.5 * steps[0] * (k_mass + 0.5 * LEADING as f32 * steps[1]);
            Word { query, key, one: [of_query, of_key, q.rest, k.rest], other: [of_key, of_query, k.rest, q.rest] }
        };
        let words: Vec<Word> = queries.places.iter().zip(&keys.places).map(word).collect();
        words.iter().all(|w| w.one.iter().all(|v| v.is_finite())).then_some(Self { words, step })
    }

    /// Adds those of `pairs`, each both ways, whose products may reach `floor`: queries first, then keys.
    pub fn near(&self, pairs: &[(u32, u32)], floor: f32, into: &mut Vec<(u32, u32)>) {
        let mut take = |two: [(u32, u32); 2], of: u32| {
            let mut left = self.may_reach(two, floor) & of;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let (a, b) = two[bit as usize / 2];
                into.push(if bit.is_multiple_of(2) { (a, b) } else { (b, a) });
            }
        };
        let (twos, last) = pairs.as_chunks::<2>();
        twos.iter().for_each(|two| take(*two, 0b1111));
        last.iter().for_each(|pair| take([*pair; 2], 0b11));
    }

    /// Which products of two pairs of words may reach `floor`: the first bit says it of the first pair's first word as a
    /// query and the second as a key, the next of the same the other way, and two more of the second pair.
    #[inline(always)]
    fn may_reach(&self, pairs: [(u32, u32); 2], floor: f32) -> u32 {
        let [first, second] = pairs.map(|(a, b)| (&self.words[a as usize], &self.words[b as usize]));
        let terms = |(a, b): (&Word, &Word)| -> [u64x2; 2] {
            let (a, b) = (f32x4::new(a.one), f32x4::new(b.other));
            [cast(a + b), cast(a * b)]
        };
        let ([own, rest], [more_own, more_rest]) = (terms(first), terms(second));
        let own: f32x4 = cast(own.unpack_lo(more_own));
        let rest: f32x4 = cast(rest.unpack_hi(more_rest));
        let along = |(a, b): (&Word, &Word)| [products(&a.query, &b.key), products(&b.query, &a.key)];
        let ([a, b], [c, d]) = (along(first), along(second));
        let along = f32x4::from_i32x4(sums([a, b, c, d])) * f32x4::splat(self.step);
        (own + rest + along).simd_ge(f32x4::splat(floor)).to_bitmask()
    }
}

/// Four partial sums of `a . b`.
#[inline(always)]
fn products(a: &[[i16; LANES]; VECTORS], b: &[[i16; LANES]; VECTORS]) -> i32x4 {
    let parts = a.iter().zip(b).map(|(a, b)| i16x8::new(*a).dot(i16x8::new(*b)));
    parts.fold(i32x4::ZERO, |sum, part| sum + part)
}

/// Coordinates in steps, and the sum of their magnitudes.
fn rounded(values: &[f32; LEADING], step: f32) -> ([[i16; LANES]; VECTORS], f32) {
    let by = 1.0 / step;
    let whole = values.map(|v| (v * by).round_ties_even() as i16);
    (cast(whole), values.iter().map(|v| v.abs()).sum())
}

/// One word on one side.
struct Place {
    leading: [f32; LEADING],
    /// Its product with the other side's mean.
    other: f32,
    /// The length of what the leading directions leave out, never too small.
    rest: f32,
}

/// All words on one side, queries or keys.
struct Side {
    places: Vec<Place>,
    /// No row is longer, with the mean or without.
    size: f32,
}

impl Side {
    /// `(row - mean) * scale` for every row of `rows`, along the directions of `basis` and times `other`, the other side's mean
    /// in the same scale.
    fn new(rows: &[f32], mean: &[f32], scale: &[f32], basis: &[f32], other: &[f32]) -> Self {
        let width = mean.len();
        let onto: Vec<f32> = [basis, other].concat();
        let count = LEADING + 1;
        let mut places = Vec::with_capacity(rows.len() / width);
        let (mut centred, mut along, mut longest) = (Vec::new(), Vec::new(), 0f32);
        for rows in rows.chunks(BLOCK * width) {
            centred.clear();
            for row in rows.chunks_exact(width) {
                centred.extend(row.iter().zip(mean).zip(scale).map(|((v, m), s)| (v - m) * s));
            }
            along.resize(rows.len() / width * count, 0.0);
            product(&centred, &onto, width, &mut along, count);
            for (row, along) in centred.chunks_exact(width).zip(along.chunks_exact(count)) {
                let (square, mut leading) = (dot(row, row), [0.0; LEADING]);
                leading.copy_from_slice(&along[..LEADING]);
                longest = longest.max(square);
                let rest = (square - dot(&leading, &leading)).max(0.0) + ROUNDING * square;
                places.push(Place { leading, other: along[LEADING], rest: rest.sqrt() });
            }
        }
        let mean = mean.iter().zip(scale).map(|(m, s)| (m * s).powi(2)).sum::<f32>().sqrt();
        Self { places, size: longest.sqrt() + mean }
    }

    fn step(&self) -> f32 {
        let largest = self.places.iter().flat_map(|p| &p.leading).fold(0f32, |m, v| m.max(v.abs()));
        if largest > 0.0 { largest / LARGEST } else { 1.0 }
    }
}

/// Rows spread over all of `rows`.
fn sample(rows: &[f32], width: usize) -> impl Iterator<Item = &[f32]> {
    let count = rows.len() / width;
    rows.chunks_exact(width).step_by(count.div_ceil(SAMPLED).max(1))
}

fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0f32; width], 0);
    for row in sample(rows, width) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        count += 1;
    }
    sum.iter().map(|s| s / count.max(1) as f32).collect()
}

/// What each dimension of queries and of keys is multiplied by, one the other's inverse, so that both vary as much: their
/// products stay as they are, and the lengths of both sides' rest come as near as they can.
fn balance(queries: &[f32], keys: &[f32], means: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
    let width = means[0].len();
    let spread = |rows: &[f32], mean: &[f32]| {
        let mut sum = vec![0f32; width];
        for row in sample(rows, width) {
            sum.iter_mut().zip(row.iter().zip(mean)).for_each(|(s, (v, m))| *s += (v - m).powi(2));
        }
        sum
    };
    let ratio = |(q, k): (f32, f32)| if q > 0.0 && k > 0.0 { (k / q).sqrt().sqrt() } else { 1.0 };
    let spreads = spread(queries, &means[0]).into_iter().zip(spread(keys, &means[1]));
    let scales: Vec<f32> = spreads.map(ratio).collect();
    let inverse = scales.iter().map(|s| 1.0 / s).collect();
    [scales, inverse]
}

/// Orthonormal directions `[LEADING, width]` along which centred and balanced queries and keys vary most; rows of zeros where
/// there are no more.
fn leading(
    queries: &[f32],
    keys: &[f32],
    means: &[Vec<f32>; 2],
    scales: &[Vec<f32>; 2],
) -> Result<Vec<f32>, ModelError> {
    let width = means[0].len();
    let mut all = Vec::new();
    for ((rows, mean), scale) in [queries, keys].into_iter().zip(means).zip(scales) {
        let start = all.len();
        for row in sample(rows, width) {
            all.extend(row.iter().zip(mean).zip(scale).map(|((v, m), s)| (v - m) * s));
        }
        let length = dot(&all[start..], &all[start..]).sqrt();
        // both sides count as much
        all[start..].iter_mut().for_each(|v| *v /= length.max(f32::MIN_POSITIVE));
    }
    let all = Tensor::from_vec(all, ((), width), &Device::Cpu)?;
    let covariance = all.t()?.matmul(&all)?.to_dtype(DType::F64)?;
    let (_, vectors) = symmetric(&covariance)?;
    let count = LEADING.min(width);
    let mut basis: Vec<f32> = vectors.narrow(1, 0, count)?.t()?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    basis.resize(LEADING * width, 0.0);
    Ok(basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_screened_out_is_below_the_bound() {
        let value = |i: usize| ((i * i) as f32 * 0.013).sin() * (1.0 + (i % 7) as f32) + (i % 5) as f32;
        for width in [8, 20, 64, 256] {
            // of most words' activations little lies off a few directions, as a model's
            let rows = |from: usize| -> Vec<f32> {
                let mixed = |i: usize| {
                    let (word, at) = (i / width, i % width);
                    let few: f32 = (0..4).map(|d| value(from + 97 * word + d) * value(31 * d + at)).sum();
                    few + 0.05 * value(from + i)
                };
                (0..40 * width).map(mixed).collect()
            };
            let (q, k) = (rows(0), rows(977));
            let screen = Screen::new(&q, &k, width).unwrap().unwrap();
            let exact = |a: u32, b: u32| dot(&q[a as usize * width..][..width], &k[b as usize * width..][..width]);
            let mut all: Vec<f32> =
                (0..40).flat_map(|a| (0..40).map(move |b| (a, b))).map(|(a, b)| exact(a, b)).collect();
            all.sort_by(f32::total_cmp);
            let strong = all[all.len() - 20];
            let mut screened = 0;
            for (a, b) in (0..40).flat_map(|a| (0..40).map(move |b| (a, b))) {
                let pairs = [(a, b), (b, (a + 1) % 40)];
                let found = pairs.map(|(a, b)| [exact(a, b), exact(b, a)]).concat();
                for (bit, exact) in found.into_iter().enumerate() {
                    for bound in [exact, exact - 0.1, exact.next_down(), strong] {
                        let out = screen.may_reach(pairs, bound) >> bit & 1 == 0;
                        assert!(!out || exact < bound, "{exact} {bound}");
                        screened += usize::from(out);
                    }
                }
            }
            assert!(screened > 3000, "width {width}: {screened}");
        }
    }

    #[test]
    fn a_head_too_wide_or_not_finite_is_not_screened() {
        let none = |q: &[f32], k: &[f32], width| Screen::new(q, k, width).unwrap().is_none();
        assert!(none(&[0.0; 300], &[0.0; 300], 300));
        assert!(none(&[f32::NAN; 8], &[0.0; 8], 8));
        assert!(none(&[0.0, 1e30, 0.0, f32::INFINITY], &[0.0; 4], 2));
    }

    /// Nothing to tell apart: everything may be among the strongest, and nothing fails.
    #[test]
    fn equal_words_are_not_screened_out() {
        for q in [[0.0; 16], [3.0; 16]] {
            let screen = Screen::new(&q, &[2.0; 16], 4).unwrap().unwrap();
            assert_eq!(screen.may_reach([(0, 1), (2, 3)], 8.0 * q[0]), 15);
        }
    }
}
