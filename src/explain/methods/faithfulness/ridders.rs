//! A slope by differences, with as little error as can be had, and how far off it may be.

/// The widest step, and how many there are, each half as wide as the one before.
const WIDEST: f64 = 0.2;
const STEPS: usize = 5;
/// How many standard deviations of its noise a slope may be off.
const DEVIATIONS: f64 = 3.0;
/// Evaluations that a noise is estimated from.
pub const EVALUATIONS: usize = 14;
/// How far they are apart: too near for the function's bends to show, and far enough for its roundings to differ.
pub const APART: f64 = 1e-4;

/// A slope made of central differences.
#[derive(Clone, Copy)]
struct Estimate {
    value: f64,
    /// The weight of each step's central difference in it.
    weights: [f64; STEPS],
}

impl Estimate {
    /// The central difference at step number `halvings`, of width `step`, between two values.
    fn central(halvings: usize, step: f64, (after, before): (f64, f64)) -> Self {
        let mut weights = [0.0; STEPS];
        weights[halvings] = 1.0;
        Self { value: (after - before) / (2.0 * step), weights }
    }

    /// Richardson's extrapolation from `wider` and the half as wide `self`, where halving the step divides the error by `factor`.
    fn extrapolated(&self, wider: &Self, factor: f64) -> Self {
        let of = |narrow: f64, wide: f64| (factor * narrow - wide) / (factor - 1.0);
        let weights = std::array::from_fn(|i| of(self.weights[i], wider.weights[i]));
        Self { value: of(self.value, wider.value), weights }
    }

    /// The standard deviation, where each value that the differences are made of has one of `noise`.
    fn deviation(&self, noise: f64) -> f64 {
        let each = self.weights.iter().enumerate().map(|(halvings, weight)| (weight / step(halvings)).powi(2));
        noise * (each.sum::<f64>() / 2.0).sqrt()
    }
}

fn step(halvings: usize) -> f64 {
    WIDEST / f64::from(1u32 << halvings)
}

/// The slope at 0 of the function `at`, and how far off it may be, by Ridders' method (1982): central differences at ever smaller
/// steps, of which each two neighbours are extrapolated to step 0, and so are these. Wide steps suffer from the function's bends,
/// which show in how far an estimate is from the two it was made of; narrow ones suffer from rounding, which `noise`, the standard
/// deviation of a value, tells of. The estimate for which the sum of both is least is returned.
///
/// Without `noise`, two narrow estimates that agree by chance would be taken for the best.
pub async fn slope_of<E>(noise: f64, mut at: impl AsyncFnMut(f64) -> Result<f64, E>) -> Result<(f64, f64), E> {
    let mut wider: Vec<Estimate> = Vec::new();
    let (mut best, mut error) = (0.0, f64::INFINITY);
    for halvings in 0..STEPS {
        let step = step(halvings);
        let mut row = vec![Estimate::central(halvings, step, (at(step).await?, at(-step).await?))];
        for (k, before) in wider.iter().enumerate() {
            // the error of order 2 (k + 1) falls by so much from step to step
            let better = row[k].extrapolated(before, f64::from(4u32 << (2 * k)));
            let bends = (better.value - row[k].value).abs().max((better.value - before.value).abs());
            let off = bends + DEVIATIONS * better.deviation(noise);
            if off < error {
                (best, error) = (better.value, off);
            }
            row.push(better);
        }
        wider = row;
    }
    Ok((best, error))
}

/// The standard deviation of a function's rounding, from its values at places that are equally far apart and so near that the
/// function itself is a parabola there: what is left of them without the parabola that fits best.
pub fn noise_of(values: &[f64]) -> f64 {
    const COEFFICIENTS: usize = 3;
    let mut left = values.to_vec();
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(COEFFICIENTS);
    for degree in 0..COEFFICIENTS {
        let mut power: Vec<f64> = (0..values.len()).map(|i| (i as f64).powi(degree as i32)).collect();
        basis.iter().for_each(|other| remove(&mut power, other));
        let length = dot(&power, &power).sqrt().max(f64::MIN_POSITIVE);
        power.iter_mut().for_each(|x| *x /= length);
        remove(&mut left, &power);
        basis.push(power);
    }
    (dot(&left, &left) / values.len().saturating_sub(COEFFICIENTS).max(1) as f64).sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Takes from `vector` its part along `unit`, a vector of length 1.
fn remove(vector: &mut [f64], unit: &[f64]) {
    let along = dot(vector, unit);
    vector.iter_mut().zip(unit).for_each(|(x, u)| *x -= along * u);
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use rand::Rng;

    use super::*;
    use crate::explain::chance::seeded;
    use crate::model::block_on;

    fn found(noise: f64, mut f: impl FnMut(f64) -> f64) -> (f64, f64) {
        block_on(slope_of(noise, async |x| Ok::<f64, Infallible>(f(x)))).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn slopes_of_bent_and_of_rounded_functions() {
        assert!((found(0.0, |x| (3.0 * x).exp()).0 - 3.0).abs() < 1e-9);
        assert!((found(0.0, |x| (20.0 * x).sin()).0 - 20.0).abs() < 2e-3);
        assert_eq!(found(0.0, |_| 2.0), (0.0, 0.0));
        // rounded as f32 are
        let rounded = |x: f64| f64::from((0.3 + 0.01 * (5.0 * x).tanh()) as f32);
        assert!((found(1e-8, rounded).0 - 0.05).abs() < 1e-4, "{:?}", found(1e-8, rounded));
    }

    /// What a slope is said to be off by holds, also where the function is noisy: its noise is estimated as for a picture.
    #[test]
    fn a_slope_is_off_by_no_more_than_it_says() {
        let mut rng = seeded(7);
        let (mut beyond, mut vague) = (0, 0);
        let draws = 1_000;
        for _ in 0..draws {
            let deviation = 10f64.powf(rng.random_range(-8.0..-3.5));
            let bend: f64 = rng.random_range(0.5..6.0);
            let mut noisy = |x: f64| {
                let even: f64 = (0..12).map(|_| rng.random_range(-0.5..0.5)).sum();
                (bend * x).tanh() + 0.3 * (bend * x).cos() + deviation * even
            };
            let near: Vec<f64> = (0..EVALUATIONS).map(|i| noisy(i as f64 * APART)).collect();
            let noise = noise_of(&near);
            assert!((0.3..3.0).contains(&(noise / deviation)), "{noise} for {deviation}");
            let (slope, error) = found(noise, noisy);
            beyond += usize::from((slope - bend).abs() > error);
            vague += usize::from(error > 20.0 * deviation.max(1e-4) + 0.01 * bend);
        }
        assert!(beyond <= draws / 200 && vague <= draws / 20, "{beyond} beyond, {vague} vague of {draws}");
    }
}
