//! "Guess first": the reader marks the words that mattered, and only then sees the model's.

use super::{Side, Tracked};
use crate::explain::By;

/// What the reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Hide the colours until a guess is made; or guess again.
    Start,
    /// Show everything again.
    Stop,
    /// Mark a word, by its place among the user's own, or no more.
    Toggle(usize),
    /// Hold the guess against the models.
    Look,
}

/// A guess.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guess {
    /// Words of the prompt by their place among the user's own.
    pub picked: Vec<usize>,
    /// Whether it has been held against the models.
    pub looked: bool,
}

/// Whose words are marked: of a result of this prompt, in this granularity.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The model whose response is shown.
    pub side: Side,
    /// What was asked.
    pub prompt: String,
    /// How it is read.
    pub by: By,
    /// Whether there is anything to mark yet.
    pub are_there: bool,
}

/// The guess, if colours are hidden until one is made.
#[derive(Debug, Clone, Default)]
pub struct Guessing {
    /// None while everything is shown.
    pub guess: Tracked<Option<Guess>>,
    /// What it is about.
    of: Option<Words>,
}

impl Guessing {
    /// Does what the reader wants.
    pub fn command(&mut self, command: Command) {
        match (command, &mut *self.guess) {
            (Command::Start, guess) => *guess = Some(Guess::default()),
            (Command::Stop, guess) => *guess = None,
            (Command::Toggle(word), Some(guess)) if !guess.looked => {
                match guess.picked.iter().position(|p| *p == word) {
                    Some(at) => drop(guess.picked.remove(at)),
                    None => guess.picked.push(word),
                }
            }
            (Command::Look, Some(guess)) => guess.looked = true,
            (Command::Toggle(_) | Command::Look, _) => {}
        }
    }

    /// Whether a guess may be made: other words make it void.
    pub fn go_on(&mut self, words: impl FnOnce() -> Words) {
        if self.guess.is_none() {
            self.of = None;
            return;
        }
        let words = words();
        let before = self.of.replace(words.clone());
        if before.is_some_and(|before| before != words) && *self.guess != Some(Guess::default()) {
            *self.guess = Some(Guess::default());
        }
    }
}
