//! Comparing two samples.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

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
}
