//! The control of finding 1: other words of a prompt, chosen at random, in the instruction's place.
//!
//! A study of 100,000 prompts makes 200 million choices, so all prompts' numbers lie side by side and a choice allocates nothing.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::index;

use super::scores::{OnWords, Spread};
use crate::explain::chance::Chance;

/// What one word has in both models: base, then tuned.
#[derive(Clone, Copy)]
struct Word {
    density: [f32; 2],
    rows: [u16; 2],
}

/// A prompt: its part of the list of words, and how many of them are the instruction's.
struct Prompt {
    words: std::ops::Range<usize>,
    marked: usize,
}

/// The mean rise of the instruction's words against that of as many random words of each prompt, the same in both models.
/// Every prompt must have other words to choose.
pub(super) fn other_words(spreads: &[&Spread], seed: u64) -> Chance {
    let count = spreads.len() as f64;
    let mut words = Vec::new();
    let mut prompts = Vec::with_capacity(spreads.len());
    let mut observed = 0.0;
    let divisors = Divisors::up_to(spreads.iter().flat_map(|s| [rows(&s.base), rows(&s.tuned)]).max().unwrap_or(0));
    for spread in spreads {
        let from = words.len();
        words.extend((0..spread.instruction.len()).map(|w| Word {
            density: [&spread.base, &spread.tuned].map(|side| side.density.0[w]),
            rows: [&spread.base, &spread.tuned].map(|side| side.rows[w]),
        }));
        let marked: Vec<u32> = (0..).zip(&spread.instruction).filter_map(|(w, marked)| marked.then_some(w)).collect();
        prompts.push(Prompt { words: from..words.len(), marked: marked.len() });
        observed += divisors.rise(&words[from..], &marked);
    }
    let mut sampler = Sampler::default();
    Chance::of(observed / count, seed, |rng| {
        let mut sum = 0.0;
        for prompt in &prompts {
            let words = &words[prompt.words.clone()];
            sum += divisors.rise(words, sampler.sample(rng, words.len(), prompt.marked));
        }
        sum / count
    })
}

fn rows(side: &OnWords) -> usize {
    side.rows.iter().map(|r| usize::from(*r)).sum()
}

/// log2(2 + n), by the number n of rows.
struct Divisors(Vec<f64>);

impl Divisors {
    fn up_to(rows: usize) -> Self {
        Self((0..=rows).map(|n| (2.0 + n as f64).log2()).collect())
    }

    /// By how much the tuned model's score is higher if the words of `marked` are the instruction.
    fn rise(&self, words: &[Word], marked: &[u32]) -> f64 {
        let (mut sums, mut rows) = ([0.0; 2], [0; 2]);
        for w in marked {
            let word = words[*w as usize];
            for side in 0..2 {
                sums[side] += f64::from(word.density[side]);
                rows[side] += usize::from(word.rows[side]);
            }
        }
        sums[1] / self.0[rows[1]] - sums[0] / self.0[rows[0]]
    }
}

/// Draws what [`index::sample`] draws from the same generator, without its allocations.
#[derive(Default)]
struct Sampler {
    chosen: Vec<u32>,
}

impl Sampler {
    /// `amount` different numbers below `length`, which is not smaller.
    fn sample(&mut self, rng: &mut StdRng, length: usize, amount: usize) -> &[u32] {
        let all = length as u32;
        match amount {
            // where rand takes Floyd's way and where Fisher and Yates's
            0..12 => self.floyd(rng, all, amount as u32),
            12..163 if length < 500_000 => match (length as f32) < (10.0 + 1.6 * amount as f32) * amount as f32 {
                true => self.shuffled(rng, all, amount),
                false => self.floyd(rng, all, amount as u32),
            },
            _ => {
                self.chosen.clear();
                self.chosen.extend(index::sample(rng, length, amount).iter().map(|i| i as u32));
            }
        }
        &self.chosen
    }

    fn floyd(&mut self, rng: &mut StdRng, length: u32, amount: u32) {
        self.chosen.clear();
        for j in length - amount..length {
            let t = rng.random_range(..=j);
            if let Some(at) = self.chosen.iter().position(|x| *x == t) {
                self.chosen[at] = j;
            }
            self.chosen.push(t);
        }
    }

    fn shuffled(&mut self, rng: &mut StdRng, length: u32, amount: usize) {
        self.chosen.clear();
        self.chosen.extend(0..length);
        for i in 0..amount as u32 {
            let j = rng.random_range(i..length);
            self.chosen.swap(i as usize, j as usize);
        }
        self.chosen.truncate(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::chance::seeded;
    use crate::explain::weights::Packed;

    /// Results do not change with the way they are computed: the draws are those of rand itself, and so is the generator's
    /// state afterwards.
    #[test]
    fn draws_are_those_of_rand() {
        let (mut ours, mut theirs) = (seeded(7), seeded(7));
        let mut sampler = Sampler::default();
        for length in (1..60).chain([90, 200, 300, 450, 700, 1200, 2700, 3000]) {
            for amount in [1, 2, 5, 11, 12, 13, 20, 40, 100, 162, 163, 300].into_iter().filter(|a| *a <= length) {
                let wanted: Vec<u32> = index::sample(&mut theirs, length, amount).iter().map(|i| i as u32).collect();
                assert_eq!(sampler.sample(&mut ours, length, amount), wanted, "{amount} of {length}");
            }
        }
        assert_eq!(ours.random::<u64>(), theirs.random::<u64>());
    }

    #[test]
    fn the_control_is_what_its_definition_gives() {
        let mut rng = seeded(3);
        let mut side = |words: usize| OnWords {
            density: Packed((0..words).map(|_| rng.random()).collect()),
            rows: (0..words).map(|w| (w % 3) as u16).collect(),
        };
        let mut spread = |words: usize, marked: usize| Spread {
            instruction: (0..words).map(|w| w < marked).collect(),
            base: side(words),
            tuned: side(words),
        };
        let spreads = [spread(9, 3), spread(30, 14), spread(60, 1)];
        let score = |side: &OnWords, marked: &[usize]| {
            let sum: f64 = marked.iter().map(|w| f64::from(side.density.0[*w])).sum();
            sum / (2.0 + marked.iter().map(|w| f64::from(side.rows[*w])).sum::<f64>()).log2()
        };
        let mean = |marked: &mut dyn FnMut(&Spread) -> Vec<usize>| {
            let rise = |s: &Spread, marked: &[usize]| score(&s.tuned, marked) - score(&s.base, marked);
            spreads.iter().map(|s| rise(s, &marked(s))).sum::<f64>() / 3.0
        };
        let observed = mean(&mut |s| (0..s.instruction.len()).filter(|w| s.instruction[*w]).collect());
        let wanted = Chance::of(observed, 9, |rng| {
            mean(&mut |s| {
                let marked = s.instruction.iter().filter(|m| **m).count();
                index::sample(rng, s.instruction.len(), marked).into_vec()
            })
        });
        assert_eq!(other_words(&spreads.each_ref(), 9), wanted);
    }
}
