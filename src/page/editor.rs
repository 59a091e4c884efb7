//! What the user has set: the prompt and the options of the next run, and how results are read.

use std::ops::Range;

use super::Tracked;
use crate::share::RunSpec;
use crate::share::screen::{Options, Reading};

/// What the user changes.
#[derive(Debug, Clone)]
pub enum Command {
    /// The prompt's text; a mark in the old text is void.
    Prompt(String),
    /// The instruction, bytes of the prompt; found automatically if absent.
    Mark(Option<Range<usize>>),
    /// The options of the next run.
    Options(Options),
    /// How results are read.
    Reading(Reading),
    /// Everything as a run was asked.
    As(Box<RunSpec>),
}

/// The settings on screen. Results never read them: they carry the [`RunSpec`] that they were asked by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Editor {
    /// The prompt's text.
    pub prompt: Tracked<String>,
    /// The user's mark in it.
    pub marked: Tracked<Option<Range<usize>>>,
    /// Of the next run.
    pub options: Tracked<Options>,
    /// How results are read.
    pub reading: Tracked<Reading>,
}

impl Editor {
    /// Takes in a change.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Prompt(text) => (*self.prompt, *self.marked) = (text, None),
            Command::Mark(marked) => *self.marked = marked,
            Command::Options(options) => *self.options = options,
            Command::Reading(reading) => *self.reading = reading,
            Command::As(spec) => {
                *self.marked = spec.mark();
                (*self.prompt, *self.options) = (spec.prompt, spec.options);
                self.reading.by = spec.by;
            }
        }
    }

    /// What is run if Run is pressed now.
    pub fn spec(&self) -> RunSpec {
        RunSpec {
            prompt: (*self.prompt).clone(),
            marked: (*self.marked).clone(),
            options: (*self.options).clone(),
            by: self.reading.by,
        }
    }
}
