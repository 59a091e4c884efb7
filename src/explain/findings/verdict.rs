//! What the tests of a finding say, with the control that it rests on.

use serde::{Deserialize, Serialize};

/// Below this p, after Holm's correction, a difference counts.
pub(super) const SIGNIFICANT: f64 = 0.05;

/// The three things that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As in the paper.
    Holds,
    /// Measured, and not as in the paper.
    DoesNotHold,
    /// Nothing can be concluded from what was measured.
    CannotBeTold,
}

impl Outcome {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "Holds",
            Self::DoesNotHold => "Does not hold",
            Self::CannotBeTold => "Cannot be told",
        }
    }
}

/// An outcome and its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which.
    pub outcome: Outcome,
    /// Why, in a plain sentence without its full stop.
    pub reason: String,
}

impl Verdict {
    pub(super) fn holds(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Holds, reason: reason.into() }
    }

    pub(super) fn not(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::DoesNotHold, reason: reason.into() }
    }

    /// It cannot be told, because of `reason`.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::CannotBeTold, reason: reason.into() }
    }

    /// "Cannot be told: 98 % of the components have no task label."
    pub fn words(&self) -> String {
        format!("{}: {}.", self.outcome.name(), self.reason)
    }
}

/// A p value: "0.003", "4.1e-9".
pub fn written_p(p: f64) -> String {
    if p < 0.001 { format!("{p:.1e}") } else { format!("{p:.3}") }
}

/// A share in whole percent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A share in percent with one decimal.
pub fn permille(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
