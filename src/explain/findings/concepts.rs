//! Finding 3: do components turn toward users' tasks, while the shares of linguistic levels stay?

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::verdict::SIGNIFICANT;
use super::{Comparison, Verdict, percent, permille, written_p};
use crate::explain::chance::Chance;
use crate::explain::statistics::holm;
use crate::explain::weights::coherence::Coherence;
use crate::explain::weights::matching::Turn;
use crate::explain::weights::scorer::{self, Level, Task};
use crate::explain::weights::{LayerConcepts, NamedComponent};

/// By how much the shares of linguistic levels may differ and still count as stable.
pub const STABLE: f64 = 0.05;
/// If more components than this carry no label, the labels say nothing.
const UNLABELLED: f64 = 0.9;
const SEED: u64 = 3;

/// What the finding is held against beside permutations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Controls {
    /// How far components have turned, and how far random ones lie apart; nothing while no layer has been matched.
    pub turn: Option<Turn>,
    /// Of the less coherent model's components, where a judge was brought.
    pub coherence: Option<Coherence>,
}

/// What changed in the components' labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConceptShift {
    /// Layer by layer, base and tuned: the share of components about one of the tasks.
    pub tasks: Vec<(f64, f64)>,
    /// Over the layers.
    pub comparison: Comparison,
    /// How often the share rises as much if the labels are permuted among both models' components of each layer.
    pub chance: Chance,
    /// Layer by layer, how far the shares of levels lie apart: half the sum of their differences, 0 to 1.
    pub levels: Vec<f64>,
    /// How often the levels lie as far apart if they are permuted in the same way.
    pub chance_of_levels: Chance,
    /// The p of tasks and of levels, after Holm's correction over both.
    pub corrected: [f64; 2],
    /// The share of both models' components that are about no task.
    pub unlabelled: f64,
    /// What else it is held against.
    pub controls: Controls,
    /// What follows: it holds if components turn toward tasks and levels stay.
    pub verdict: Verdict,
}

impl ConceptShift {
    /// The mean distance of the levels' shares.
    pub fn level_distance(&self) -> f64 {
        mean(&self.levels)
    }
}

/// One layer's labels, the base's and the tuned model's.
struct Labels<T> {
    base: Vec<T>,
    tuned: Vec<T>,
}

impl<T: Copy> Labels<T> {
    /// The same labels on other components, of either model.
    fn permuted(&self, rng: &mut StdRng) -> Self {
        let mut all = [self.base.as_slice(), &self.tuned].concat();
        all.shuffle(rng);
        let tuned = all.split_off(self.base.len());
        Self { base: all, tuned }
    }
}

impl Labels<bool> {
    fn shares(&self) -> (f64, f64) {
        let share = |labels: &[bool]| labels.iter().filter(|l| **l).count() as f64 / labels.len().max(1) as f64;
        (share(&self.base), share(&self.tuned))
    }

    fn rise(&self) -> f64 {
        let (base, tuned) = self.shares();
        tuned - base
    }
}

impl Labels<Level> {
    /// Half the sum of the shares' differences.
    fn distance(&self) -> f64 {
        let shares = |labels: &[Level]| {
            Level::ALL.map(|l| labels.iter().filter(|x| **x == l).count() as f64 / labels.len().max(1) as f64)
        };
        shares(&self.base).iter().zip(shares(&self.tuned)).map(|(b, t)| (b - t).abs()).sum::<f64>() / 2.0
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The mean over layers of a statistic of their labels, with the labels as they are and permuted.
fn permuted<T: Copy>(layers: &[Labels<T>], seed: u64, statistic: impl Fn(&Labels<T>) -> f64) -> Chance {
    let over = |values: f64| values / layers.len().max(1) as f64;
    let observed = over(layers.iter().map(&statistic).sum());
    Chance::of(observed, seed, |rng| over(layers.iter().map(|l| statistic(&l.permuted(rng))).sum()))
}

/// Compares the labels of every layer's components; `task` may know better than the scorer (a user's own label).
pub fn concept_shift<'a>(
    layers: impl IntoIterator<Item = (&'a LayerConcepts, &'a LayerConcepts)>,
    task: impl Fn(bool, usize, usize, &NamedComponent) -> Task,
    controls: Controls,
) -> ConceptShift {
    let (mut tasks, mut levels) = (Vec::new(), Vec::new());
    for (base, tuned) in layers {
        let about = |is_tuned: bool, layer: &LayerConcepts| -> Vec<bool> {
            let one = |(i, c): (usize, &NamedComponent)| task(is_tuned, layer.layer, i, c) != Task::None;
            layer.components.iter().enumerate().map(one).collect()
        };
        tasks.push(Labels { base: about(false, base), tuned: about(true, tuned) });
        let level = |layer: &LayerConcepts| layer.components.iter().map(|c| scorer::level(c).value).collect();
        levels.push(Labels { base: level(base), tuned: level(tuned) });
    }
    let shares: Vec<(f64, f64)> = tasks.iter().map(Labels::shares).collect();
    let (before, after): (Vec<f64>, Vec<f64>) = shares.iter().copied().unzip();
    let chance = permuted(&tasks, SEED, Labels::<bool>::rise);
    let chance_of_levels = permuted(&levels, SEED + 1, Labels::<Level>::distance);
    let corrected = holm(&[chance.p(), chance_of_levels.p()]);
    let all = || tasks.iter().flat_map(|l| l.base.iter().chain(&l.tuned));
    let mut found = ConceptShift {
        comparison: Comparison::of(&before, &after),
        tasks: shares,
        chance,
        levels: levels.iter().map(Labels::distance).collect(),
        chance_of_levels,
        corrected: [corrected[0], corrected[1]],
        unlabelled: all().filter(|about| !**about).count() as f64 / all().count().max(1) as f64,
        controls,
        verdict: Verdict::unknown(""),
    };
    found.verdict = verdict(&found);
    found
}

fn verdict(found: &ConceptShift) -> Verdict {
    if found.tasks.is_empty() {
        return Verdict::unknown("no layer has been read");
    }
    if found.unlabelled > UNLABELLED {
        return Verdict::unknown(format!("{} of the components have no task label", percent(found.unlabelled)));
    }
    if let Some(c) = found.controls.coherence.filter(Coherence::nil) {
        return Verdict::unknown(format!("components are named by words no closer than random words ({})", c.words()));
    }
    if let Some(turn) = found.controls.turn.filter(Turn::by_chance) {
        return Verdict::unknown(format!("no component can be matched: {}", turn.words()));
    }
    let [p, p_levels] = found.corrected;
    let (share, levels) = (permille(found.chance.share()), permille(found.chance_of_levels.share()));
    let distance = percent(found.level_distance());
    if p >= SIGNIFICANT {
        return Verdict::not(match found.chance.share() > 1.0 - SIGNIFICANT {
            true => format!("fewer components are about a task ({share} of 2,000 random permutations have more)"),
            false => format!(
                "the rise in components about tasks is no larger than for random labels ({share} of 2,000 random permutations do as well)"
            ),
        });
    }
    let toward = format!(
        "more components are about a task (p = {}, after Holm; {share} of 2,000 random permutations do as well)",
        written_p(p)
    );
    match found.level_distance() > STABLE && p_levels < SIGNIFICANT {
        true => Verdict::not(format!(
            "{toward}, but the levels change: they differ by {distance} ({levels} of 2,000 random permutations differ as much)"
        )),
        false => Verdict::holds(format!(
            "{toward}, and the levels stay: they differ by {distance} ({} expected by chance)",
            percent(found.chance_of_levels.mean)
        )),
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::explain::chance::seeded;
    use crate::explain::findings::Outcome;
    use crate::explain::weights::Packed;

    fn layer(at: usize, about: usize) -> LayerConcepts {
        let component = |i: usize| {
            let words = if i < about { "plus minus seven eleven equation" } else { "cow milk barn grass field" };
            NamedComponent { share: 0.1, words: words.split(' ').map(|w| (w.to_owned(), 1.0)).collect() }
        };
        LayerConcepts { layer: at, components: (0..10).map(component).collect(), directions: Packed::default() }
    }

    const ESTIMATE: fn(bool, usize, usize, &NamedComponent) -> Task = |_, _, _, c| scorer::task(c).value;

    #[test]
    fn a_turn_toward_tasks_shows_and_levels_stay() {
        let base: Vec<_> = (0..6).map(|l| layer(l, 1 + l % 2)).collect();
        let tuned: Vec<_> = (0..6).map(|l| layer(l, 4 + l % 2)).collect();
        let found = concept_shift(base.iter().zip(&tuned), ESTIMATE, Controls::default());
        assert_eq!(found.tasks[0], (0.1, 0.4));
        assert_eq!((found.verdict.outcome, found.level_distance()), (Outcome::Holds, 0.0), "{:?}", found.verdict);
        assert!(found.chance.share() < 0.01 && (found.chance_of_levels.share() - 1.0).abs() < 1e-9);
        let few: Vec<_> = (0..6).map(|l| layer(l, l % 2)).collect();
        let still = concept_shift(few.iter().zip(&few), ESTIMATE, Controls::default());
        assert_eq!(still.verdict.words(), "Cannot be told: 95 % of the components have no task label.");
        let much = concept_shift(tuned.iter().zip(&tuned), ESTIMATE, Controls::default());
        assert_eq!(much.verdict.outcome, Outcome::DoesNotHold, "{:?}", much.verdict);
    }

    #[test]
    fn without_labels_coherence_or_anything_to_turn_there_is_no_verdict() {
        let (base, tuned): (Vec<_>, Vec<_>) = (0..6).map(|l| (layer(l, 1), layer(l, 5))).unzip();
        let of = |task: fn(bool, usize, usize, &NamedComponent) -> Task, controls| {
            concept_shift(base.iter().zip(&tuned), task, controls).verdict.words()
        };
        assert!(of(ESTIMATE, Controls::default()).starts_with("Holds: "));
        // a user who says that nothing is about a task
        assert_eq!(
            of(|_, _, _, _| Task::None, Controls::default()),
            "Cannot be told: 100 % of the components have no task label."
        );
        let nil = Some(Coherence { n: 9, mean: 0.1, best: 0.4, bound: 0.3, above: 0.05 });
        let said = of(ESTIMATE, Controls { coherence: nil, turn: None });
        assert!(said.starts_with("Cannot be told: ") && said.contains("5 % of random words do (0.30)"), "{said}");
        let turn = Some(Turn { mean: 75.0, by_chance: 76.0, nearer: 0.06 });
        let said = of(ESTIMATE, Controls { coherence: None, turn });
        assert!(said.starts_with("Cannot be told: ") && said.contains("75°") && said.contains("76°"), "{said}");
    }

    #[test]
    fn levels_that_move_are_told_from_levels_that_stay() {
        let half = |a: Level, b: Level| Labels { base: vec![a; 40], tuned: [vec![a; 20], vec![b; 20]].concat() };
        let moved = permuted(&[half(Level::Semantics, Level::Syntax)], 1, Labels::<Level>::distance);
        assert!(moved.share() < 0.01 && moved.mean < 0.2, "{moved:?}");
    }

    /// Labels that have nothing to do with the model: p is as often in one part of 0 to 1 as in another.
    #[test]
    fn by_chance_the_share_is_even() {
        let mut rng = seeded(8);
        let mut shares = Vec::new();
        for seed in 0..120 {
            let mut labels = || (0..60).map(|_| rng.random::<f64>() < 0.3).collect::<Vec<_>>();
            let layers: Vec<_> = (0..4).map(|_| Labels { base: labels(), tuned: labels() }).collect();
            shares.push(permuted(&layers, seed, Labels::<bool>::rise).share());
        }
        for (low, high) in [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)] {
            let count = shares.iter().filter(|s| (low..high).contains(*s)).count();
            assert!((15..48).contains(&count), "{count} in {low} to {high}");
        }
    }
}
