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
        let (mut marked, mut sums) = (0, Sums::default());
        for (word, _) in words[from..].iter().zip(&spread.instruction).filter(|(_, marked)| **marked) {
            marked += 1;
            sums.add(word);
        }
        prompts.push(Prompt { words: from..words.len(), marked });
        observed += divisors.rise(&sums);
    }
    let mut sampler = Sampler::default();
    Chance::of(observed / count, seed, |rng| {
        let mut sum = 0.0;
        for prompt in &prompts {
            let (words, mut chosen) = (&words[prompt.words.clone()], Sums::default());
            sampler.each(rng, words.len(), prompt.marked, |w| chosen.add(&words[w as usize]));
            sum += divisors.rise(&chosen);
        }
        sum / count
    })
}

fn rows(side: &OnWords) -> usize {
    side.rows.iter().map(|r| usize::from(*r)).sum()
}

/// What the words that stand for the instruction have together: base, then tuned. Densities are f32, so that their sums in f64 are exact
/// in any order.
#[derive(Default)]
struct Sums {
    density: [f64; 2],
    rows: [usize; 2],
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, word: &Word) {
        for side in 0..2 {
            self.density[side] += f64::from(word.density[side]);
            self.rows[side] += usize::from(word.rows[side]);
        }
    }
}

/// log2(2 + n), by the number n of rows.
struct Divisors(Vec<f64>);

impl Divisors {
    fn up_to(rows: usize) -> Self {
        Self((0..=rows).map(|n| (2.0 + n as f64).log2()).collect())
    }

    /// By how much the tuned model's score is higher if these words are the instruction.
    fn rise(&self, words: &Sums) -> f64 {
        words.density[1] / self.0[words.rows[1]] - words.density[0] / self.0[words.rows[0]]
    }
}

/// Draws what [`index::sample`] draws from the same generator, without its allocations.
#[derive(Default)]
struct Sampler {
    chosen: Vec<u32>,
}

impl Sampler {
    /// Gives `amount` different numbers below `length`, which is not smaller, to `take`.
    #[inline(always)] // millions of times: calls would take a tenth of it
    fn each(&mut self, rng: &mut StdRng, length: usize, amount: usize, take: impl FnMut(u32)) {
        let all = length as u32;
        match amount {
            // where rand takes Floyd's way and where Fisher and Yates's
            0..12 if length <= 64 => return few(rng, all, amount as u32, take),
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
        self.chosen.iter().copied().for_each(take);
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

/// [`Sampler::floyd`] for up to 64 words, which are marked in the bits of a number: most prompts are so short.
#[inline(always)]
fn few(rng: &mut StdRng, length: u32, amount: u32, mut take: impl FnMut(u32)) {
    let mut there = 0u64;
    for j in length - amount..length {
        let t = rng.random_range(..=j);
        let new = if there >> t & 1 == 1 { j } else { t };
        there |= 1 << new;
        take(new);
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
                let mut wanted: Vec<u32> =
                    index::sample(&mut theirs, length, amount).iter().map(|i| i as u32).collect();
                let mut found = Vec::new();
                sampler.each(&mut ours, length, amount, |w| found.push(w));
                wanted.sort_unstable();
                found.sort_unstable();
                assert_eq!(found, wanted, "{amount} of {length}");
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
