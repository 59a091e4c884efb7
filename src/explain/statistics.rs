//! Comparing two samples.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Size, mean and standard deviation (n - 1) of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

impl Summary {
    /// Summarises `values`.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n.max(1) as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self { n, mean, deviation: (squares / n.saturating_sub(1).max(1) as f64).sqrt() }
    }

    /// The 95 % confidence interval of the mean, by Student's t; nothing of fewer than two values.
    pub fn interval(&self) -> Option<[f64; 2]> {
        if self.n < 2 {
            return None;
        }
        let t = StudentsT::new(0.0, 1.0, (self.n - 1) as f64).ok()?.inverse_cdf(0.975);
        let half = t * self.deviation / (self.n as f64).sqrt();
        Some([self.mean - half, self.mean + half])
    }
}

/// Welch's t-test (Welch, 1947) of two samples whose variances may differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    /// The statistic; positive if the second mean is larger.
    pub t: f64,
    /// Degrees of freedom (Welch-Satterthwaite).
    pub freedom: f64,
    /// One-sided p: of a difference as large as this if the second mean were not larger.
    pub p: f64,
    /// Cohen's d with the pooled deviation.
    pub effect: f64,
}

/// Whether the mean of `second` is larger than that of `first`; nothing if either has fewer than two values or neither varies.
pub fn welch(first: Summary, second: Summary) -> Option<Welch> {
    let (va, vb) = (first.deviation.powi(2) / first.n as f64, second.deviation.powi(2) / second.n as f64);
    if first.n < 2 || second.n < 2 || va + vb <= 0.0 {
        return None;
    }
    let t = (second.mean - first.mean) / (va + vb).sqrt();
    let freedom = (va + vb).powi(2) / (va * va / (first.n - 1) as f64 + vb * vb / (second.n - 1) as f64);
    let pooled = ((first.deviation.powi(2) + second.deviation.powi(2)) / 2.0).sqrt();
    let distribution = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(Welch { t, freedom, p: distribution.sf(t), effect: (second.mean - first.mean) / pooled })
}

/// Up to so many differences, Wilcoxon's p is counted out; beyond, the normal distribution is as good.
const EXACT: usize = 50;

/// The Wilcoxon signed-rank test (Wilcoxon, 1945) of paired differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// Differences that are not zero; zeros are left out, as Wilcoxon did.
    pub n: usize,
    /// The sum of the positive differences' ranks; equal sizes share their mean rank.
    pub w: f64,
    /// One-sided p: of a sum as large as this if differences were as often negative as positive. Counted over all 2^n
    /// signs up to 50 differences; beyond, normal with corrections for ties and continuity.
    pub p: f64,
    /// The same for a sum as small as this.
    pub p_less: f64,
}

/// Whether `differences` tend to be positive; nothing if all are zero, or there are none.
pub fn wilcoxon(differences: &[f64]) -> Option<Wilcoxon> {
    let mut kept: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0 && d.is_finite()).collect();
    kept.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = kept.len();
    if n == 0 {
        return None;
    }
    // twice the mean ranks: whole numbers
    let mut doubled = Vec::with_capacity(n);
    let mut ties = 0.0;
    for group in kept.chunk_by(|a, b| a.abs() == b.abs()) {
        let (from, size) = (doubled.len(), group.len());
        doubled.extend(std::iter::repeat_n(2 * from + size + 1, size));
        ties += (size as f64).powi(3) - size as f64;
    }
    let positive: usize = kept.iter().zip(&doubled).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    let w = positive as f64 / 2.0;
    let (p, p_less) = if n <= EXACT { counted(&doubled, positive) } else { normal(n, w, ties)? };
    Some(Wilcoxon { n, w, p, p_less })
}

/// The shares of all choices of signs whose positive (doubled) ranks sum to `positive` or more, and to that or less.
fn counted(doubled: &[usize], positive: usize) -> (f64, f64) {
    let all: usize = doubled.iter().sum();
    let mut share = vec![0.0; all + 1];
    share[0] = 1.0;
    for &rank in doubled {
        for sum in (0..=all).rev() {
            let with = if sum >= rank { share[sum - rank] } else { 0.0 };
            share[sum] = (share[sum] + with) / 2.0;
        }
    }
    let (more, less): (f64, f64) = (share[positive..].iter().sum(), share[..=positive].iter().sum());
    (more.min(1.0), less.min(1.0))
}

fn normal(n: usize, w: f64, ties: f64) -> Option<(f64, f64)> {
    let n = n as f64;
    let mean = n * (n + 1.0) / 4.0;
    let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0).sqrt();
    let standard = Normal::new(0.0, 1.0).ok()?;
    Some((standard.sf((w - mean - 0.5) / deviation), standard.cdf((w - mean + 0.5) / deviation)))
}

/// p values corrected for being tested at once (Holm, 1979), in the order given.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut corrected = vec![0.0; ps.len()];
    let mut least = 0.0f64;
    for (rank, at) in order.into_iter().enumerate() {
        least = least.max((ps.len() - rank) as f64 * ps[at]).min(1.0);
        corrected[at] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from scipy.stats.ttest_ind(b, a, equal_var=False, alternative="greater").
    #[test]
    fn agrees_with_scipy() {
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
        let b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
        let found = welch(Summary::of(&a), Summary::of(&b)).unwrap();
        assert!((found.t - 2.852_954_870).abs() < 1e-8, "{found:?}");
        assert!((found.freedom - 27.887_303_988).abs() < 1e-8, "{found:?}");
        assert!((found.p - 0.004_035_969_086).abs() < 1e-9, "{found:?}");
        assert!(welch(Summary::of(&[1.0]), Summary::of(&b)).is_none());
        assert!(welch(Summary::of(&[1.0, 1.0]), Summary::of(&[2.0, 2.0])).is_none());
    }

    /// METHODS.md's row for LIMA: 1.266 +- 0.429 and 1.556 +- 0.484, 300 each.
    #[test]
    fn agrees_with_the_papers_p() {
        let side = |mean, deviation| Summary { n: 300, mean, deviation };
        let p = welch(side(1.266, 0.429), side(1.556, 0.484)).unwrap().p;
        assert!(p > 1e-14 && p < 4e-14, "{p}");
    }

    /// Darwin's maize (no ties), against scipy.stats.wilcoxon(mode="exact"); ties and zeros, counted over all signs in
    /// Python; eighty values with ties and zeros, against scipy.stats.wilcoxon(mode="approx", correction=True).
    #[test]
    fn the_signed_rank_test_agrees_with_scipy() {
        let near = |found: Wilcoxon, n: usize, w: f64, p: f64, less: f64| {
            assert_eq!((found.n, found.w), (n, w));
            assert!((found.p - p).abs() < 1e-9 && (found.p_less - less).abs() < 1e-9, "{found:?}");
        };
        let maize = [6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0];
        near(wilcoxon(&maize).unwrap(), 15, 96.0, 0.020_629_882_812_5, 0.982_330_322_265_625);
        let tied = [0.0, 1.0, 1.0, -1.0, 2.0, 2.0, -3.0, 4.0, 0.0, 5.0];
        near(wilcoxon(&tied).unwrap(), 8, 28.0, 0.085_937_5, 0.929_687_5);
        let many: Vec<f64> =
            (0..80).map(|i| f64::from((i * 37) % 23) * 0.5 - 5.0 + if i % 3 == 0 { 0.0 } else { 0.5 }).collect();
        near(wilcoxon(&many).unwrap(), 77, 1859.0, 0.03481785073014773, 0.9655713584601837);
        assert_eq!(wilcoxon(&[0.0, 0.0]), None);
    }

    /// Counted out and by the normal distribution, fifty values give nearly the same p.
    #[test]
    fn the_two_ways_to_the_signed_ranks_p_meet() {
        let differences: Vec<f64> = (1..=50).map(|i| f64::from(i) * if i % 5 < 2 { -1.0 } else { 1.0 }).collect();
        let exact = wilcoxon(&differences).unwrap();
        let (p, less) = normal(50, exact.w, 0.0).unwrap();
        assert!((p - exact.p).abs() < 2e-3 && (less - exact.p_less).abs() < 2e-3, "{p} {exact:?}");
    }

    /// Four p values worked through in the text books: 0.01, 0.04, 0.03, 0.005.
    #[test]
    fn holms_correction_steps_down() {
        let near = |found: Vec<f64>, wanted: &[f64]| {
            assert!(
                found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-12),
                "{found:?}"
            );
        };
        near(holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
        near(holm(&[0.5, 0.9]), &[1.0, 1.0]);
        near(holm(&[]), &[]);
    }
}
