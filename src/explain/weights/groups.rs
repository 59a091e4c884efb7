//! Layers in three groups, as the paper reports them.

use serde::{Deserialize, Serialize};

/// A third of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerGroup {
    /// The first third.
    Lower,
    /// The second.
    Middle,
    /// The last.
    Upper,
}

impl LayerGroup {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Lower, Self::Middle, Self::Upper];

    /// The group of layer `layer` of `layers`.
    pub fn of(layer: usize, layers: usize) -> Self {
        match layer * 3 / layers.max(1) {
            0 => Self::Lower,
            1 => Self::Middle,
            _ => Self::Upper,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Middle => "middle",
            Self::Upper => "upper",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_are_as_even_as_can_be() {
        let count =
            |layers: usize| LayerGroup::ALL.map(|g| (0..layers).filter(|l| LayerGroup::of(*l, layers) == g).count());
        assert_eq!((count(6), count(30), count(7)), ([2, 2, 2], [10, 10, 10], [3, 2, 2]));
    }
}
