//! The memory that a loaded model's runs can have.

use crate::checkpoint::catalogue::{ENGINE_MEMORY, GROUPS, RUN};
use crate::checkpoint::{Checkpoint, ModelConfig};
use crate::explain::attribution::{Mode, Respond};
use crate::explain::memory::{Plan, Sizes, plan};
use crate::explain::{By, CheckpointInfo, PromptToken, Unit, units};
use crate::model::{Shortage, cpu};

/// What a tokenizer and the file's own description take, whatever the vocabulary.
const LEAST: u64 = 4 << 20;
/// What they take for a token of the vocabulary.
const TOKEN: u64 = 512;

/// Memory for runs, beside what the model holds.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes that there can be at most.
    pub bytes: u64,
    /// Tries for so many bytes; gives how many there are of them.
    pub ask: fn(u64) -> u64,
}

impl Budget {
    /// Without any bound.
    pub fn endless() -> Self {
        Self { bytes: u64::MAX, ask: |bytes| bytes }
    }

    /// Within what a browser's engine can have, beside this model.
    pub fn beside(checkpoint: &Checkpoint, ask: fn(u64) -> u64) -> Self {
        Self { bytes: ENGINE_MEMORY.saturating_sub(held(checkpoint)), ask }
    }

    /// How many of `need` bytes there are.
    pub fn of(&self, need: u64) -> u64 {
        if need > self.bytes { self.bytes } else { (self.ask)(need) }
    }
}

/// A run, as its memory is estimated.
pub(super) struct Asked {
    sizes: Sizes,
    /// The same by word, where that is the user's choice.
    by_word: Option<Sizes>,
    mode: Mode,
}

impl Asked {
    /// Of a prompt with the text that is explained, by `units` of it.
    pub fn new(
        info: &CheckpointInfo,
        (prompt, text): (&[PromptToken], &str),
        units_of_it: &[Unit],
        by: By,
        respond: &Respond,
        mode: Mode,
    ) -> Self {
        let sizes = |units: &[Unit]| {
            let groups: Vec<Vec<usize>> = units.iter().map(|u| u.tokens.clone()).collect();
            Sizes::new(prompt.len(), &groups, respond, info.context)
        };
        let choosable = by == By::Token && By::Word.with(info.parameters) == By::Word;
        let by_word = choosable.then(|| sizes(&units(prompt, text, By::Word, true)));
        Self { sizes: sizes(units_of_it), by_word, mode }
    }

    /// See [`plan`].
    pub fn plan(&self, config: &ModelConfig, room: impl Fn(u64) -> u64) -> Result<Plan, Shortage> {
        plan(config, &self.sizes, self.mode, self.by_word.as_ref(), room)
    }
}

/// Bytes that a model holds once it is loaded: weights, vocabulary, tokenizer.
pub fn held(checkpoint: &Checkpoint) -> u64 {
    cpu::weight_bytes(checkpoint) + LEAST + checkpoint.config.vocab as u64 * TOKEN
}

/// Bytes that a short run takes: the page's own, of which the catalogue says whether it will run.
pub fn short_run(config: &ModelConfig) -> u64 {
    let (prompt, response) = (RUN.0 as usize, RUN.1 as usize);
    let groups: Vec<Vec<usize>> = (0..GROUPS as usize).map(|g| vec![g * prompt / GROUPS as usize]).collect();
    let respond = Respond::Generate { limit: response, sampling: Default::default(), stops: Vec::new() };
    Sizes::new(prompt, &groups, &respond, config.context).bytes(config, Mode::Forward)
}
