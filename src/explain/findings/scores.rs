//! Finding 1: do the instruction's words carry more importance in the tuned model?

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::other_words::other_words;
use super::verdict::SIGNIFICANT;
use super::{Comparison, PromptCase, Verdict, permille, written_p};
use crate::explain::chance::Chance;
use crate::explain::statistics::{Wilcoxon, holm, wilcoxon};
use crate::explain::weights::Packed;
use crate::explain::{By, ModelReport, Role, segment};

/// With fewer prompts not even differences that all go one way are significant after the correction.
const FEWEST: usize = 6;
const SEED: u64 = 1;

/// One prompt's instruction scores.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreRow {
    /// The prompt.
    pub prompt: String,
    /// The response that both explain, or the tuned model's own.
    pub response: String,
    /// The base's score; nothing if it gave no response.
    pub base: Option<f64>,
    /// The tuned model's.
    pub tuned: Option<f64>,
    /// How the density lies on the prompt's words; nothing where a run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

/// How both models' density lies on a prompt's words (and punctuation marks).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Which words are the instruction's.
    pub instruction: Vec<bool>,
    /// In the base.
    pub base: OnWords,
    /// In the tuned model.
    pub tuned: OnWords,
}

/// One model's density on the words of a prompt.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OnWords {
    /// The normalised density of a word's rows, summed.
    pub density: Packed,
    /// How many rows begin in it.
    pub rows: Vec<u16>,
}

impl OnWords {
    /// `measured` holds the bytes of `prompt` and the normalised density of each of the user's rows.
    fn of(prompt: &str, words: &[Range<usize>], measured: impl Iterator<Item = (Range<usize>, f64)>) -> Self {
        let (mut density, mut rows) = (vec![0.0; words.len()], vec![0u16; words.len()]);
        for (span, a) in measured {
            let word = word_of(prompt, words, &span);
            if let (Some(sum), Some(count)) = (density.get_mut(word), rows.get_mut(word)) {
                (*sum, *count) = (*sum + a as f32, count.saturating_add(1));
            }
        }
        Self { density: Packed(density), rows }
    }
}

/// The word in which a row with the bytes `span` begins, after its space; the last one if none comes there.
fn word_of(prompt: &str, words: &[Range<usize>], span: &Range<usize>) -> usize {
    let text = prompt.get(span.clone()).unwrap_or_default();
    let at = span.start + (text.len() - text.trim_start().len());
    words.partition_point(|w| w.end <= at).min(words.len().saturating_sub(1))
}

impl Spread {
    /// The same with those words as the instruction in which one of `rows` begins, bytes of the prompt: where others than ours marked
    /// the instruction, token by token.
    pub fn marked_by(mut self, case: &PromptCase, rows: impl Iterator<Item = Range<usize>>) -> Self {
        let words = segment(&case.prompt, By::Word);
        self.instruction = vec![false; words.len()];
        for row in rows {
            if let Some(marked) = self.instruction.get_mut(word_of(&case.prompt, &words, &row)) {
                *marked = true;
            }
        }
        self
    }

    /// How density lies on the words of `case`: for both models the bytes of the prompt and the normalised density of each
    /// of the user's rows.
    pub fn of(
        case: &PromptCase,
        base: impl Iterator<Item = (Range<usize>, f64)>,
        tuned: impl Iterator<Item = (Range<usize>, f64)>,
    ) -> Self {
        let words = segment(&case.prompt, By::Word);
        let span = case.span();
        Self {
            instruction: words.iter().map(|w| w.start < span.end && span.start < w.end).collect(),
            base: OnWords::of(&case.prompt, &words, base),
            tuned: OnWords::of(&case.prompt, &words, tuned),
        }
    }

    /// Whether other words could be the instruction, and the numbers belong together.
    fn choosable(&self) -> bool {
        let words = self.instruction.len();
        let marked = self.instruction.iter().filter(|m| **m).count();
        let fits = |side: &OnWords| side.density.0.len() == words && side.rows.len() == words;
        (1..words).contains(&marked) && fits(&self.base) && fits(&self.tuned)
    }
}

impl ScoreRow {
    /// From both models' reports on `case`.
    pub fn of(case: &PromptCase, base: &ModelReport, tuned: &ModelReport) -> Self {
        fn measured(report: &ModelReport) -> impl Iterator<Item = (Range<usize>, f64)> {
            let rows = report.units.iter().zip(&report.density).filter(|(u, _)| u.role == Role::User);
            rows.map(|(unit, a)| (unit.span.clone(), *a))
        }
        Self {
            prompt: case.prompt.clone(),
            response: tuned.response.iter().map(|t| t.text.as_str()).collect(),
            base: base.instruction_score,
            tuned: tuned.instruction_score,
            spread: Some(Spread::of(case, measured(base), measured(tuned))),
        }
    }
}

/// The finding on a set of prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreFinding {
    /// Base against tuned, as two samples.
    pub comparison: Comparison,
    /// The same prompts in pairs, tuned minus base.
    pub paired: Option<Wilcoxon>,
    /// How often as many random words of each prompt rise as much as the instruction's, the same in both models.
    pub chance: Option<Chance>,
    /// How many prompts have words beside the instruction: those that `chance` is about.
    pub choosable: usize,
    /// The p of the pairs and of chance, after Holm's correction over both.
    pub corrected: Option<[f64; 2]>,
    /// What follows.
    pub verdict: Verdict,
}

/// What has been measured while it goes on: nothing is tested against chance, and there is no verdict yet.
pub fn scores_so_far(rows: &[ScoreRow]) -> ScoreFinding {
    let both: Vec<(f64, f64)> = rows.iter().filter_map(|r| r.base.zip(r.tuned)).collect();
    let (base, tuned): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
    ScoreFinding {
        comparison: Comparison::of(&base, &tuned),
        paired: None,
        chance: None,
        choosable: 0,
        corrected: None,
        verdict: Verdict::unknown("the prompts are still being measured"),
    }
}

/// Puts the finding to the test on the prompts that both models answered.
pub fn instruction_scores(rows: &[ScoreRow]) -> ScoreFinding {
    let both: Vec<(f64, f64)> = rows.iter().filter_map(|r| r.base.zip(r.tuned)).collect();
    let (base, tuned): (Vec<f64>, Vec<f64>) = both.iter().copied().unzip();
    let differences: Vec<f64> = both.iter().map(|(b, t)| t - b).collect();
    let paired = wilcoxon(&differences);
    let spreads: Vec<&Spread> = rows
        .iter()
        .filter(|r| r.base.is_some() && r.tuned.is_some())
        .filter_map(|r| r.spread.as_ref().filter(|s| s.choosable()))
        .collect();
    let chance = (!spreads.is_empty()).then(|| other_words(&spreads, SEED));
    let corrected = paired.map(|w| match chance {
        Some(c) => <[f64; 2]>::try_from(holm(&[w.p, c.p()])).unwrap_or([1.0; 2]),
        None => [w.p, 1.0],
    });
    let mut found = ScoreFinding {
        comparison: Comparison::of(&base, &tuned),
        paired,
        chance,
        choosable: spreads.len(),
        corrected,
        verdict: Verdict::unknown(""),
    };
    found.verdict = verdict(&found);
    found
}

fn verdict(found: &ScoreFinding) -> Verdict {
    let n = found.comparison.first.n;
    if n < FEWEST {
        let measured = match n {
            0 => "no prompt has been measured".to_owned(),
            1 => "only 1 prompt has been measured".to_owned(),
            _ => format!("only {n} prompts have been measured"),
        };
        return Verdict::unknown(format!("{measured}, and it takes {FEWEST}"));
    }
    let (Some(paired), Some([p, p_chance])) = (found.paired, found.corrected) else {
        return Verdict::not("both models have the same score on every prompt");
    };
    if p >= SIGNIFICANT {
        return Verdict::not(match paired.p_less < SIGNIFICANT {
            true => format!(
                "the tuned model's words of the instruction carry less density (p = {} paired)",
                written_p(paired.p_less)
            ),
            false => format!("the rise is no larger than chance makes it (p = {} paired, after Holm)", written_p(p)),
        });
    }
    let Some(chance) = found.chance.filter(|_| found.choosable >= FEWEST) else {
        return Verdict::unknown(format!(
            "the score rises (p = {} paired), but only {} of {n} prompts have words beside the instruction to hold it against",
            written_p(p),
            found.choosable
        ));
    };
    let share = permille(chance.share());
    match p_chance < SIGNIFICANT {
        true => Verdict::holds(format!(
            "tuned words of the instruction carry more density (p = {} paired, after Holm; {share} of 2,000 random choices of the instruction's words do as well)",
            written_p(p)
        )),
        false => Verdict::not(format!(
            "density rises, but not on the instruction above other words ({share} of 2,000 random choices of the instruction's words rise as much)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::explain::chance::seeded;
    use crate::explain::findings::Outcome;

    /// Prompts of ten words, the first four the instruction; `lift` is added to what the tuned model has there, `all` to
    /// what it has everywhere.
    fn rows(n: usize, lift: f32, all: f32, seed: u64) -> Vec<ScoreRow> {
        let mut rng = seeded(seed);
        (0..n)
            .map(|i| {
                let instruction: Vec<bool> = (0..10).map(|w| w < 4).collect();
                let mut side = |lift: f32, all: f32| {
                    let density = (0..10).map(|w| rng.random::<f32>() + all + if w < 4 { lift } else { 0.0 }).collect();
                    OnWords { density: Packed(density), rows: vec![1; 10] }
                };
                let spread = Spread { base: side(0.0, 0.0), tuned: side(lift, all), instruction };
                let score = |s: &OnWords| {
                    let sum: f64 = s.density.0[..4].iter().map(|d| f64::from(*d)).sum();
                    Some(sum / (2.0 + 4.0f64).log2())
                };
                let (base, tuned) = (score(&spread.base), score(&spread.tuned));
                ScoreRow { prompt: i.to_string(), base, tuned, spread: Some(spread), ..ScoreRow::default() }
            })
            .collect()
    }

    fn outcome(rows: &[ScoreRow]) -> Outcome {
        instruction_scores(rows).verdict.outcome
    }

    #[test]
    fn a_rise_on_the_instruction_holds_and_one_everywhere_does_not() {
        let found = instruction_scores(&rows(60, 0.4, 0.0, 1));
        assert_eq!(found.verdict.outcome, Outcome::Holds, "{found:?}");
        assert!(found.chance.unwrap().share() < 0.01 && found.verdict.words().contains("paired, after Holm"));
        let everywhere = instruction_scores(&rows(60, 0.0, 0.4, 2));
        assert!(everywhere.corrected.unwrap()[0] < 0.001);
        assert_eq!(everywhere.verdict.outcome, Outcome::DoesNotHold, "{everywhere:?}");
        assert_eq!(outcome(&rows(60, -0.4, 0.0, 3)), Outcome::DoesNotHold);
    }

    /// Without any effect, p is as often in one part of 0 to 1 as in another.
    #[test]
    fn by_chance_the_share_is_even() {
        let shares: Vec<f64> =
            (0..100).map(|seed| instruction_scores(&rows(12, 0.0, 0.0, 100 + seed)).chance.unwrap().share()).collect();
        for (low, high) in [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)] {
            let count = shares.iter().filter(|s| (low..high).contains(*s)).count();
            assert!((12..40).contains(&count), "{count} in {low} to {high}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_said() {
        assert_eq!(
            instruction_scores(&[]).verdict.words(),
            "Cannot be told: no prompt has been measured, and it takes 6."
        );
        assert_eq!(outcome(&rows(5, 0.9, 0.0, 1)), Outcome::CannotBeTold);
        let mut whole = rows(60, 0.4, 0.0, 1);
        for spread in whole.iter_mut().filter_map(|r| r.spread.as_mut()) {
            spread.instruction = vec![true; 10];
        }
        let found = instruction_scores(&whole);
        assert_eq!((found.verdict.outcome, found.choosable, found.chance), (Outcome::CannotBeTold, 0, None));
        // numbers that do not belong together, as from a damaged file, are left out
        whole.iter_mut().filter_map(|r| r.spread.as_mut()).for_each(|s| s.base.rows = Vec::new());
        assert_eq!(instruction_scores(&whole).choosable, 0);
        let same: Vec<ScoreRow> =
            (0..9).map(|_| ScoreRow { base: Some(1.0), tuned: Some(1.0), ..ScoreRow::default() }).collect();
        assert_eq!(outcome(&same), Outcome::DoesNotHold);
    }

    #[test]
    fn words_are_marked_where_a_marked_token_begins() {
        let case = PromptCase { prompt: "Say hello to Anna".into(), instruction: None, response: None };
        let spread = Spread::of(&case, std::iter::empty(), std::iter::empty());
        // tokens " hel" and " Anna", with the spaces before them
        let marked = spread.marked_by(&case, [3..7, 12..17].into_iter());
        assert_eq!(marked.instruction, [false, true, false, true]);
    }

    /// A prompt that goes on for ever without a space, or a damaged file of results.
    #[test]
    fn more_rows_in_a_word_than_can_be_counted_are_no_error() {
        let case = PromptCase { prompt: "Say hello".into(), instruction: None, response: None };
        let many = || (0..70_000).map(|_| (0..3, 0.5));
        assert_eq!(Spread::of(&case, many(), many()).base.rows, [u16::MAX, 0]);
    }

    #[test]
    fn only_prompts_that_both_models_answered_are_compared() {
        let row = |base, tuned| ScoreRow { base, tuned, ..ScoreRow::default() };
        let found = instruction_scores(&[row(Some(1.0), Some(2.0)), row(None, Some(9.0)), row(Some(3.0), Some(3.0))]);
        assert_eq!((found.comparison.first.n, found.comparison.second.mean), (2, 2.5));
    }
}
