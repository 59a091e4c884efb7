//! Whether a run computed again is the one that was sent.

use super::link::Precision;
use crate::explain::Levels;
use crate::explain::{ModelReport, Role, levels, scored_rows};

/// What a value may be off, as a share of its column's largest, beside the rounding of what was sent: machines and
/// backends round differently.
const TOLERANCE: f32 = 0.02;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// The same words, and values within tolerance.
    Same {
        /// The largest difference, as a share of its column's largest value.
        off: f32,
    },
    /// The same words, and values that are further apart.
    Apart {
        /// The largest difference, as above.
        off: f32,
    },
    /// The model answered otherwise, or reads the prompt otherwise.
    OtherWords,
    /// It is not the same checkpoint.
    OtherWeights,
}

impl Match {
    /// A sentence's end: "the tuned model: it matches."
    pub fn words(&self) -> String {
        match self {
            Self::Same { off } => {
                format!("it matches (no value is off by more than {:.1} % of the word's largest)", 100.0 * off)
            }
            Self::Apart { off } => {
                format!("no match (values are off by up to {:.0} % of the word's largest)", 100.0 * off)
            }
            Self::OtherWords => "no match (the text differs)".into(),
            Self::OtherWeights => "it cannot be compared (this is another checkpoint)".into(),
        }
    }
}

/// Holds `found` against `sent`, whose matrix has the given precision; none for an exact one.
pub fn compare(sent: &ModelReport, found: &ModelReport, precision: Option<Precision>) -> Match {
    if !sent.checkpoint.weights.is_empty() && sent.checkpoint.weights != found.checkpoint.weights {
        return Match::OtherWeights;
    }
    let words = |r: &ModelReport| {
        let units = r.units.iter().map(|u| (u.text.clone(), u.span.clone())).collect::<Vec<_>>();
        let response = r.response.iter().map(|t| (t.text.clone(), t.bytes.clone())).collect::<Vec<_>>();
        (r.by, r.target, units, response)
    };
    if words(sent) != words(found) || sent.importance.len() != found.importance.len() {
        return Match::OtherWords;
    }
    let (off, allowed) = match precision {
        Some(p) if !p.signed => (levels_apart(sent, found, p), 1.0 / f32::from(p.levels)),
        Some(p) => (values_apart(sent, found), 1.5 / p.steps() as f32),
        None => (values_apart(sent, found), 0.0),
    };
    if off <= allowed + TOLERANCE { Match::Same { off } } else { Match::Apart { off } }
}

/// The largest difference of values among the user's rows.
fn values_apart(sent: &ModelReport, found: &ModelReport) -> f32 {
    let own = || (0..sent.units.len()).filter(|n| sent.units[*n].role == Role::User);
    let columns = sent.response.len();
    (0..columns)
        .map(|m| {
            let most = own().map(|n| found.importance[n][m].abs()).fold(f32::MIN_POSITIVE, f32::max);
            own().map(|n| (sent.importance[n][m] - found.importance[n][m]).abs() / most).fold(0.0, f32::max)
        })
        .fold(0.0, f32::max)
}

/// The largest difference of levels, those that were left out aside.
fn levels_apart(sent: &ModelReport, found: &ModelReport, precision: Precision) -> f32 {
    let how = Levels { count: precision.levels, floor: precision.floor, norm: 4.0 };
    let of = |r: &ModelReport| levels(&r.importance, &scored_rows(&r.units, r.by), how);
    let (a, b) = (of(sent), of(found));
    let most = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| match (a, b) {
        // what is at the floor's edge may fall on either side
        (0, level) | (level, 0) => level.saturating_sub(precision.floor),
        (a, b) => a.abs_diff(*b),
    });
    f32::from(most.max().unwrap_or(0)) / f32::from(precision.levels)
}
