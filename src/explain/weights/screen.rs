//! Which of a head's millions of pairs can be among its strongest: the form in small integers, never too low.

/// Largest magnitude of a rounded element: products of so wide a head still sum within 32 bits.
const LARGEST: f32 = 2047.0;
const WIDEST: usize = 256;

/// One side of a head, `[words, width]`, in steps of a common size.
struct Rounded {
    values: Vec<i16>,
    step: f32,
    /// The largest sum of magnitudes of a row.
    mass: f32,
}

impl Rounded {
    fn new(rows: &[f32], width: usize) -> Self {
        let largest = rows.iter().fold(0f32, |m, v| m.max(v.abs()));
        let step = if largest > 0.0 { largest / LARGEST } else { 1.0 };
        let values = rows.iter().map(|v| (v / step).round() as i16).collect();
        let mass = rows.chunks_exact(width.max(1)).map(|row| row.iter().map(|v| v.abs()).sum()).fold(0f32, f32::max);
        Self { values, step, mass }
    }
}

/// Queries and keys of a head, to tell quickly which products stay below a bound.
pub struct Screen {
    queries: Rounded,
    keys: Rounded,
    width: usize,
    /// How far a rounded product may be from the true one.
    slack: f32,
}

impl Screen {
    /// Of rows `[words, width]`; none for a head too wide for 32-bit sums.
    pub fn new(queries: &[f32], keys: &[f32], width: usize) -> Option<Self> {
        if width == 0 || width > WIDEST || ![queries, keys].iter().all(|rows| rows.iter().all(|v| v.is_finite())) {
            return None;
        }
        let (queries, keys) = (Rounded::new(queries, width), Rounded::new(keys, width));
        // each element is off by half a step at most: |q k - q' k'| <= |q - q'| |k| + |q'| |k - k'|
        let rounded_mass = queries.mass + 0.5 * width as f32 * queries.step;
        let slack = 0.5 * (queries.step * keys.mass + rounded_mass * keys.step);
        // and the sums of the true product in f32 are off by a little too
        let slack = 1.01 * slack;
        // tiny activations: their products in steps would not be numbers that can be divided by
        if ![queries.step, keys.step, queries.step * keys.step].iter().all(|s| s.is_normal()) {
            return None;
        }
        Some(Self { queries, keys, width, slack })
    }

    /// The integer product that a pair of at least `bound` reaches for certain.
    pub fn floor(&self, bound: f32) -> i32 {
        ((bound - self.slack) / (self.queries.step * self.keys.step)).floor() as i32 // saturates
    }

    /// The integer product of query `a` and key `b`.
    pub fn product(&self, a: u32, b: u32) -> i32 {
        let row = |i: u32| i as usize * self.width..(i as usize + 1) * self.width;
        let (q, k) = (&self.queries.values[row(a)], &self.keys.values[row(b)]);
        q.iter().zip(k).map(|(q, k)| i32::from(*q) * i32::from(*k)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_screened_out_is_below_the_bound() {
        let value = |i: usize| ((i * i) as f32 * 0.013).sin() * (1.0 + (i % 7) as f32);
        for width in [8, 20, 64, 256] {
            let q: Vec<f32> = (0..40 * width).map(value).collect();
            let k: Vec<f32> = (0..40 * width).map(|i| value(i + 977)).collect();
            let screen = Screen::new(&q, &k, width).unwrap();
            let mut screened = 0;
            for (a, b) in (0..40).flat_map(|a| (0..40).map(move |b| (a, b))) {
                let rows = q[a * width..][..width].iter().zip(&k[b * width..][..width]);
                let exact: f32 = rows.map(|(q, k)| q * k).sum();
                for bound in [exact, exact.next_up(), exact + 0.1, 5.0] {
                    let out = screen.product(a as u32, b as u32) < screen.floor(bound);
                    assert!(!out || exact < bound);
                    screened += usize::from(out);
                }
            }
            assert!(screened > 100, "{screened}");
        }
    }

    #[test]
    fn a_head_too_wide_or_not_finite_is_not_screened() {
        assert!(Screen::new(&[0.0; 300], &[0.0; 300], 300).is_none());
        assert!(Screen::new(&[f32::NAN; 8], &[0.0; 8], 8).is_none());
        assert!(Screen::new(&[1e-30; 8], &[1e-12; 8], 8).is_none());
    }
}
