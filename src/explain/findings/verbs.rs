//! Finding 2: do heads relate more words to instruction verbs?

use serde::{Deserialize, Serialize};

use super::Comparison;
use crate::explain::INSTRUCTION_VERBS;
use crate::explain::weights::LayerGroup;
use crate::explain::weights::compare::{HeadChange, shift};

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
    /// The verbs with their shares; instruction verbs are marked.
    pub verbs: Vec<(String, bool, f64)>,
}

/// The shift statistic (METHODS.md, section 2) of both kinds of verb, group by group. `layers` holds every layer's heads.
pub fn verb_shift(layers: &[&[HeadChange]]) -> Vec<VerbShift> {
    let one = |group: LayerGroup| {
        let of_group = layers.iter().enumerate().filter(|(l, _)| LayerGroup::of(*l, layers.len()) == group);
        let heads: Vec<&HeadChange> = of_group.flat_map(|(_, heads)| heads.iter()).collect();
        let shares = |verbs: &[&str]| -> Vec<(String, f64)> {
            verbs.iter().filter_map(|verb| Some(((*verb).to_owned(), shift(verb, &heads)?))).collect()
        };
        let (general, instruction) = (shares(GENERAL_VERBS), shares(INSTRUCTION_VERBS));
        let values = |list: &[(String, f64)]| list.iter().map(|(_, v)| *v).collect::<Vec<_>>();
        let comparison = Comparison::of(&values(&general), &values(&instruction));
        let mark = |list: Vec<(String, f64)>, of: bool| list.into_iter().map(move |(verb, share)| (verb, of, share));
        VerbShift { group, comparison, verbs: mark(instruction, true).chain(mark(general, false)).collect() }
    };
    LayerGroup::ALL.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::findings::Verdict;
    use crate::explain::weights::compare::NamedPair;
    use crate::explain::weights::lexicon;

    #[test]
    fn the_two_lists_share_no_verb_and_are_bundled_words() {
        let words = lexicon::english();
        assert!(GENERAL_VERBS.iter().all(|v| !INSTRUCTION_VERBS.contains(v) && words.iter().any(|w| w == v)));
    }

    #[test]
    fn heads_that_turn_to_instruction_verbs_show() {
        let pair = |verb: &str, i: usize| NamedPair { query: verb.into(), key: format!("word{i}"), score: 1.0 };
        let head = |h: usize| HeadChange {
            gained: INSTRUCTION_VERBS.iter().map(|v| pair(v, h)).collect(),
            lost: GENERAL_VERBS.iter().skip(h).map(|v| pair(v, h)).collect(),
            ..HeadChange::default()
        };
        let layer = [head(0), head(1)];
        let found = verb_shift(&[&layer, &layer, &layer]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].comparison.second.mean, 1.0);
        assert_eq!(found[0].comparison.first.mean, 0.0);
        // neither sample varies: no test, and that is said
        assert_eq!(found[0].comparison.verdict(), Verdict::TooFew);
        assert_eq!(found[0].verbs.len(), INSTRUCTION_VERBS.len() + GENERAL_VERBS.len());
    }
}
