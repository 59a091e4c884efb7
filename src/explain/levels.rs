//! From signed importance to the paper's levels, density and instruction score (METHODS.md, section 1).

use serde::{Deserialize, Serialize};

/// How signed importance becomes levels, and levels a density.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// L: the number of levels, 1 to 255.
    pub count: u8,
    /// b: levels up to this one become zero.
    pub floor: u8,
    /// p: the norm that density divides by, greater than one.
    pub norm: f32,
}

impl Default for Levels {
    fn default() -> Self {
        Self { count: 10, floor: 7, norm: 4.0 }
    }
}

/// Levels `[rows][columns]` of `importance` `[rows][columns]`:
/// `ceil(L * max(I, 0) / max of the column)`, zero where at most b. Only rows that `counts` marks take part; the others
/// are zero. A column without a positive value is zero.
pub fn levels(importance: &[Vec<f32>], counts: &[bool], how: Levels) -> Vec<Vec<u8>> {
    let columns = importance.iter().map(Vec::len).min().unwrap_or(0);
    let mut out = vec![vec![0; columns]; importance.len()];
    for m in 0..columns {
        let rows = || (0..importance.len()).filter(|&n| counts.get(n).copied().unwrap_or(false));
        let max = rows().map(|n| importance[n][m]).fold(0.0f32, f32::max);
        if max <= 0.0 || !max.is_finite() {
            continue;
        }
        for n in rows() {
            let share = f64::from(importance[n][m].max(0.0)) / f64::from(max);
            out[n][m] = floored((f64::from(how.count) * share).ceil() as u8, how.floor);
        }
    }
    out
}

/// A level, or zero where it is at most b.
pub fn floored(level: u8, floor: u8) -> u8 {
    if level <= floor { 0 } else { level }
}

/// a[n] = ||S[n,:]||_1 / ||S[n,:]||_p, zero for an empty row.
pub fn density(levels: &[Vec<u8>], p: f32) -> Vec<f64> {
    let p = f64::from(p);
    let row = |row: &Vec<u8>| {
        let sum: f64 = row.iter().map(|&s| f64::from(s)).sum();
        let norm = row.iter().map(|&s| f64::from(s).powf(p)).sum::<f64>().powf(1.0 / p);
        if sum > 0.0 { sum / norm } else { 0.0 }
    };
    levels.iter().map(row).collect()
}

/// a' = a / max a; all zero where a is.
pub fn normalised(density: &[f64]) -> Vec<f64> {
    let max = density.iter().copied().fold(0.0, f64::max);
    density.iter().map(|a| if max > 0.0 { a / max } else { 0.0 }).collect()
}

/// sum a'[n] w[n] / log2(2 + sum w[n]), with the mask w of instruction rows.
pub fn instruction_score(normalised: &[f64], instruction: &[bool]) -> f64 {
    let marked = instruction.iter().filter(|w| **w).count() as f64;
    let sum: f64 = normalised.iter().zip(instruction).filter(|(_, w)| **w).map(|(a, _)| a).sum();
    sum / (2.0 + marked).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Levels = Levels { count: 10, floor: 0, norm: 4.0 };

    #[test]
    fn levels_round_up_and_ignore_what_lowers_the_probability() {
        let i = vec![vec![1.0, -1.0], vec![0.101, -2.0], vec![-3.0, -0.5]];
        assert_eq!(levels(&i, &[true; 3], ALL), [[10, 0], [2, 0], [0, 0]]);
        assert_eq!(levels(&i, &[true; 3], Levels::default()), [[10, 0], [0, 0], [0, 0]]);
    }

    #[test]
    fn rows_left_out_do_not_set_the_scale() {
        let i = vec![vec![100.0], vec![1.0], vec![0.5]];
        assert_eq!(levels(&i, &[false, true, true], ALL), [[0], [10], [5]]);
    }

    #[test]
    fn density_counts_how_many_outputs_a_token_feeds() {
        let d = density(&[vec![0, 0, 9], vec![5, 5, 5], vec![0, 0, 0]], 4.0);
        assert!((d[0] - 1.0).abs() < 1e-12 && (d[1] - 3.0 / 3f64.powf(0.25)).abs() < 1e-12 && d[2] == 0.0);
        let n = normalised(&d);
        assert_eq!(n[1], 1.0);
        assert!((instruction_score(&n, &[false, true, false]) - 1.0 / 3f64.log2()).abs() < 1e-12);
        assert_eq!(instruction_score(&[0.0; 2], &[false; 2]), 0.0);
    }

    #[test]
    fn broken_numbers_do_not_spread() {
        assert_eq!(levels(&[vec![f32::NAN, 1.0]], &[true], ALL), [[0, 10]]);
        assert!(levels(&[], &[], ALL).is_empty());
    }
}
