//! Seeded chance: how often a statistic is reached when labels are permuted at random.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// How often labels are permuted.
pub const PERMUTATIONS: usize = 2_000;

/// Equal seeds give equal draws, in the browser and out of it.
pub fn seeded(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// What chance makes of a statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// How many draws reached the statistic.
    pub reached: usize,
    /// Of how many.
    pub draws: usize,
    /// The draws' mean.
    pub mean: f64,
}

impl Chance {
    /// Draws a statistic [`PERMUTATIONS`] times and counts those as large as `observed` or larger.
    pub fn of(observed: f64, seed: u64, mut draw: impl FnMut(&mut StdRng) -> f64) -> Self {
        let mut rng = seeded(seed);
        // sums in another order are equal up to rounding
        let bound = observed - 1e-9 * observed.abs().max(1e-3);
        let (mut reached, mut sum) = (0, 0.0);
        for _ in 0..PERMUTATIONS {
            let value = draw(&mut rng);
            reached += usize::from(value >= bound);
            sum += value;
        }
        Self { reached, draws: PERMUTATIONS, mean: sum / PERMUTATIONS as f64 }
    }

    /// By how much the mean of `second` is larger than that of `first`, against the same with the values' labels permuted.
    pub fn of_labels(first: &[f64], second: &[f64], seed: u64) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut all = [second, first].concat();
        Self::of(mean(second) - mean(first), seed, |rng| {
            all.shuffle(rng);
            let (second, first) = all.split_at(second.len());
            mean(second) - mean(first)
        })
    }

    /// The share of the draws that reached it.
    pub fn share(self) -> f64 {
        self.reached as f64 / self.draws.max(1) as f64
    }

    /// The p that follows, (reached + 1) / (draws + 1): never zero (Phipson and Smyth, 2010).
    pub fn p(self) -> f64 {
        (self.reached + 1) as f64 / (self.draws + 1) as f64
    }
}

/// A number below `n`, which is not zero.
pub fn below(rng: &mut StdRng, n: usize) -> usize {
    rng.random_range(0..n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_draws_is_counted() {
        let found = Chance::of(0.75, 1, |rng| rng.random::<f64>());
        assert!((found.share() - 0.25).abs() < 0.03 && (found.mean - 0.5).abs() < 0.03, "{found:?}");
        assert_eq!(found, Chance::of(0.75, 1, |rng| rng.random::<f64>()));
        let never = Chance::of(2.0, 1, |rng| rng.random::<f64>());
        assert_eq!((never.share(), never.p()), (0.0, 1.0 / 2001.0));
    }

    #[test]
    fn samples_that_differ_are_told_from_chance() {
        let lifted: Vec<f64> = (0..30).map(|i| 1.0 + f64::from(i) * 0.1).collect();
        let low: Vec<f64> = (0..30).map(|i| f64::from(i) * 0.01).collect();
        assert_eq!(Chance::of_labels(&low, &lifted, 6).reached, 0);
        let share = Chance::of_labels(&low, &low, 6).share();
        assert!((0.4..0.6).contains(&share), "{share}");
    }
}
