//! Finding 2: do heads relate more words to instruction verbs?

use serde::{Deserialize, Serialize};

use super::verdict::SIGNIFICANT;
use super::{Comparison, Verdict, permille, written_p};
use crate::explain::INSTRUCTION_VERBS;
use crate::explain::chance::Chance;
use crate::explain::statistics::holm;
use crate::explain::weights::LayerGroup;
use crate::explain::weights::coherence::Coherence;
use crate::explain::weights::compare::{HeadChange, shift};

/// Verbs of either kind that a group of layers must have moved.
const FEWEST: usize = 5;
const SEED: u64 = 2;

/// Frequent English verbs that are none of the paper's instruction verbs.
pub const GENERAL_VERBS: &[&str] = &[
    "appear", "ask", "become", "begin", "believe", "bring", "build", "buy", "call", "change", "come", "cut", "die",
    "fall", "feel", "get", "go", "grow", "happen", "hear", "hold", "keep", "know", "lead", "learn", "leave", "let",
    "like", "live", "look", "lose", "love", "meet", "move", "need", "open", "pay", "play", "put", "read", "remember",
    "run", "see", "seem", "send", "sit", "speak", "spend", "stand", "start", "stay", "stop", "take", "talk", "think",
    "try", "turn", "use", "wait", "walk", "want", "watch", "win", "work",
];

/// One group of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerbShift {
    /// Which.
    pub group: LayerGroup,
    /// General verbs first, instruction verbs second: for each verb, of the heads whose number of pairs with it changed,
    /// the share in which it rose.
    pub comparison: Comparison,
    /// How often a permutation of the verbs' labels makes a difference as large; nothing where too few verbs moved.
    pub chance: Option<Chance>,
    /// Its p after Holm's correction over the three groups.
    pub corrected: Option<f64>,
    /// What follows for these layers.
    pub verdict: Verdict,
    /// The verbs with their shares; instruction verbs are marked.
    pub verbs: Vec<(String, bool, f64)>,
}

/// The finding over all layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerbFinding {
    /// Lower, middle and upper layers.
    pub groups: Vec<VerbShift>,
    /// Of the less coherent model's heads, where a judge was brought.
    pub coherence: Option<Coherence>,
    /// What follows: as in the paper, it holds where it holds in the lower or the middle layers.
    pub verdict: Verdict,
}

/// The shift statistic (METHODS.md, section 2) of both kinds of verb, group by group. `layers` holds every layer's heads,
/// `coherence` the less coherent model's, if it was judged.
pub fn verb_shift(layers: &[&[HeadChange]], coherence: Option<Coherence>) -> VerbFinding {
    let mut groups: Vec<VerbShift> = LayerGroup::ALL.into_iter().map(|group| of_group(layers, group)).collect();
    let tested: Vec<f64> = groups.iter().filter_map(|g| g.chance.map(Chance::p)).collect();
    let tests = tested.len();
    let mut corrected = holm(&tested).into_iter();
    for group in &mut groups {
        group.corrected = group.chance.and_then(|_| corrected.next());
        group.verdict = of_layers(group, tests);
    }
    VerbFinding { verdict: overall(&groups, coherence), groups, coherence }
}

fn of_group(layers: &[&[HeadChange]], group: LayerGroup) -> VerbShift {
    let of_group = layers.iter().enumerate().filter(|(l, _)| LayerGroup::of(*l, layers.len()) == group);
    let heads: Vec<&HeadChange> = of_group.flat_map(|(_, heads)| heads.iter()).collect();
    let shares = |verbs: &[&str]| -> Vec<(String, f64)> {
        verbs.iter().filter_map(|verb| Some(((*verb).to_owned(), shift(verb, &heads)?))).collect()
    };
    let (general, instruction) = (shares(GENERAL_VERBS), shares(INSTRUCTION_VERBS));
    let values = |list: &[(String, f64)]| list.iter().map(|(_, v)| *v).collect::<Vec<_>>();
    let comparison = Comparison::of(&values(&general), &values(&instruction));
    let chance = (general.len().min(instruction.len()) >= FEWEST)
        .then(|| Chance::of_labels(&values(&general), &values(&instruction), SEED + group as u64));
    let mark = |list: Vec<(String, f64)>, of: bool| list.into_iter().map(move |(verb, share)| (verb, of, share));
    let verbs = mark(instruction, true).chain(mark(general, false)).collect();
    VerbShift { group, comparison, chance, corrected: None, verdict: Verdict::unknown(""), verbs }
}

fn of_layers(group: &VerbShift, tests: usize) -> Verdict {
    let (Some(chance), Some(p)) = (group.chance, group.corrected) else {
        let (general, instruction) = (group.comparison.first.n, group.comparison.second.n);
        return Verdict::unknown(format!(
            "pairs changed with only {instruction} instruction verbs and {general} general ones"
        ));
    };
    let (p, share) = (written_p(p), permille(chance.share()));
    let means = group.comparison.second.mean - group.comparison.first.mean;
    match group.corrected {
        Some(p_value) if p_value < SIGNIFICANT => Verdict::holds(format!(
            "instruction verbs gain pairs in more heads than general verbs (p = {p}, after Holm over {tests}; {share} of 2,000 random permutations of the verbs' labels do as well)"
        )),
        _ if means < 0.0 && chance.share() > 1.0 - SIGNIFICANT => Verdict::not(format!(
            "general verbs gain pairs in more heads ({share} of 2,000 random permutations do better)"
        )),
        _ => Verdict::not(format!(
            "instruction verbs gain no more than random verbs would (p = {p}, after Holm over {tests}; {share} of 2,000 random permutations do as well)"
        )),
    }
}

fn overall(groups: &[VerbShift], coherence: Option<Coherence>) -> Verdict {
    use super::Outcome::{CannotBeTold, Holds};
    if let Some(c) = coherence.filter(Coherence::nil) {
        return Verdict::unknown(format!(
            "the words that heads relate are no closer than random words ({})",
            c.words()
        ));
    }
    let paper = &groups[..groups.len().min(2)];
    let held: Vec<&VerbShift> = paper.iter().filter(|g| g.verdict.outcome == Holds).collect();
    let about = |g: &VerbShift| format!("{} layers: {}", g.group.name(), g.verdict.reason);
    if !held.is_empty() {
        return Verdict::holds(held.into_iter().map(about).collect::<Vec<_>>().join("; "));
    }
    let said = paper.iter().map(about).collect::<Vec<_>>().join("; ");
    match paper.iter().all(|g| g.verdict.outcome == CannotBeTold) {
        true => Verdict::unknown(said),
        false => Verdict::not(said),
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::explain::chance::seeded;
    use crate::explain::findings::Outcome;
    use crate::explain::weights::compare::NamedPair;
    use crate::explain::weights::lexicon;

    #[test]
    fn the_two_lists_share_no_verb_and_are_bundled_words() {
        let words = lexicon::english();
        assert!(GENERAL_VERBS.iter().all(|v| !INSTRUCTION_VERBS.contains(v) && words.iter().any(|w| w == v)));
    }

    fn pair(verb: &str, i: usize) -> NamedPair {
        NamedPair { query: verb.into(), key: format!("word{i}"), score: 1.0 }
    }

    #[test]
    fn heads_that_turn_to_instruction_verbs_show() {
        let head = |h: usize| HeadChange {
            gained: INSTRUCTION_VERBS.iter().map(|v| pair(v, h)).collect(),
            lost: GENERAL_VERBS.iter().skip(h).map(|v| pair(v, h)).collect(),
            ..HeadChange::default()
        };
        let layer = [head(0), head(1)];
        let found = verb_shift(&[&layer, &layer, &layer], None);
        assert_eq!(found.groups.len(), 3);
        let group = &found.groups[0];
        assert_eq!((group.comparison.second.mean, group.comparison.first.mean), (1.0, 0.0));
        // neither sample varies: Welch's test says nothing, the labels do
        assert_eq!((group.comparison.welch, group.chance.unwrap().reached), (None, 0));
        assert!((group.corrected.unwrap() - 3.0 / 2001.0).abs() < 1e-12, "three groups are tested at once");
        assert_eq!(found.verdict.outcome, Outcome::Holds, "{found:?}");
        assert_eq!(group.verbs.len(), INSTRUCTION_VERBS.len() + GENERAL_VERBS.len());
        let nil = Coherence { n: 10, mean: 0.1, best: 0.3, bound: 0.2, above: 0.05 };
        assert_eq!(verb_shift(&[&layer, &layer, &layer], Some(nil)).verdict.outcome, Outcome::CannotBeTold);
        let still = [HeadChange::default()];
        assert_eq!(verb_shift(&[&still, &still, &still], None).verdict.outcome, Outcome::CannotBeTold);
    }

    /// Verbs that gain or lose whatever their kind: p is as often in one part of 0 to 1 as in another.
    #[test]
    fn by_chance_the_share_is_even() {
        let mut rng = seeded(5);
        let shares: Vec<f64> = (0..120)
            .map(|i| {
                let mut draw = |n: usize| (0..n).map(|_| rng.random::<f64>()).collect::<Vec<_>>();
                Chance::of_labels(&draw(40), &draw(25), i).share()
            })
            .collect();
        for (low, high) in [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)] {
            let count = shares.iter().filter(|s| (low..high).contains(*s)).count();
            assert!((16..46).contains(&count), "{count} in {low} to {high}");
        }
    }
}
