//! Finding 3: do components turn toward users' tasks, while the shares of linguistic levels stay?

use serde::{Deserialize, Serialize};

use super::{Comparison, Verdict};
use crate::explain::weights::scorer::{self, Level, Task};
use crate::explain::weights::{LayerConcepts, NamedComponent};

/// By how much the shares of linguistic levels may differ and still count as stable.
pub const STABLE: f64 = 0.05;

/// What changed in the components' labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConceptShift {
    /// Layer by layer, base and tuned: the share of components about one of the tasks.
    pub tasks: Vec<(f64, f64)>,
    /// Over the layers.
    pub comparison: Comparison,
    /// Layer by layer, how far the shares of levels lie apart: half the sum of their differences, 0 to 1.
    pub levels: Vec<f64>,
}

impl ConceptShift {
    /// The mean distance of the levels' shares.
    pub fn level_distance(&self) -> f64 {
        self.levels.iter().sum::<f64>() / self.levels.len().max(1) as f64
    }

    /// Toward tasks, and stable in levels.
    pub fn verdict(&self) -> Verdict {
        match self.comparison.verdict() {
            Verdict::Holds if self.level_distance() > STABLE => Verdict::NotHere,
            other => other,
        }
    }
}

/// Compares the labels of every layer's components; `task` may know better than the scorer (a user's own label).
pub fn concept_shift<'a>(
    layers: impl IntoIterator<Item = (&'a LayerConcepts, &'a LayerConcepts)>,
    task: impl Fn(bool, usize, usize, &NamedComponent) -> Task,
) -> ConceptShift {
    let (mut tasks, mut levels) = (Vec::new(), Vec::new());
    for (base, tuned) in layers {
        let share = |is_tuned: bool, layer: &LayerConcepts| {
            let about = |(i, c): &(usize, &NamedComponent)| task(is_tuned, layer.layer, *i, c) != Task::None;
            layer.components.iter().enumerate().filter(about).count() as f64 / layer.components.len().max(1) as f64
        };
        tasks.push((share(false, base), share(true, tuned)));
        let (b, t) = (level_shares(base), level_shares(tuned));
        levels.push(b.iter().zip(t).map(|(b, t)| (b - t).abs()).sum::<f64>() / 2.0);
    }
    let (before, after): (Vec<f64>, Vec<f64>) = tasks.iter().copied().unzip();
    ConceptShift { comparison: Comparison::of(&before, &after), tasks, levels }
}

fn level_shares(layer: &LayerConcepts) -> [f64; 4] {
    let labels: Vec<Level> = layer.components.iter().map(|c| scorer::level(c).value).collect();
    Level::ALL.map(|level| labels.iter().filter(|l| **l == level).count() as f64 / labels.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::weights::Packed;

    fn layer(at: usize, about: usize) -> LayerConcepts {
        let component = |i: usize| {
            let words = if i < about { "plus minus seven eleven equation" } else { "cow milk barn grass field" };
            NamedComponent { share: 0.1, words: words.split(' ').map(|w| (w.to_owned(), 1.0)).collect() }
        };
        LayerConcepts { layer: at, components: (0..10).map(component).collect(), directions: Packed::default() }
    }

    #[test]
    fn a_turn_toward_tasks_shows_and_levels_stay() {
        let base: Vec<_> = (0..6).map(|l| layer(l, l % 2)).collect();
        let tuned: Vec<_> = (0..6).map(|l| layer(l, 4 + l % 2)).collect();
        let estimate = |_: bool, _: usize, _: usize, c: &NamedComponent| scorer::task(c).value;
        let found = concept_shift(base.iter().zip(&tuned), estimate);
        assert_eq!(found.tasks[0], (0.0, 0.4));
        assert_eq!((found.verdict(), found.level_distance()), (Verdict::Holds, 0.0));
        let still = concept_shift(base.iter().zip(&base), estimate);
        assert_eq!(still.verdict(), Verdict::NotHere);
        // a user who says that nothing is about a task
        assert_eq!(concept_shift(base.iter().zip(&tuned), |_, _, _, _| Task::None).verdict(), Verdict::TooFew);
    }
}
