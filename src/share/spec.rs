//! What a run was asked to do: frozen when Run is pressed, it travels with the result, its export and its link.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::screen::Options;
use crate::explain::{By, find_instruction};
use crate::protocol::Response;

/// Everything that decides what a pair of models makes of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// What the user typed.
    pub prompt: String,
    /// The user's own mark of the instruction, bytes of the prompt; found automatically if absent.
    pub marked: Option<Range<usize>>,
    /// Whose response, the template, the target, the method, the length and the sampling.
    pub options: Options,
    /// The granularity asked for. Small models are explained by token all the same.
    pub by: By,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self { prompt: String::new(), marked: None, options: Options::default(), by: By::Word }
    }
}

impl RunSpec {
    /// The instruction, bytes of the prompt.
    pub fn instruction(&self) -> Range<usize> {
        self.mark().unwrap_or_else(|| find_instruction(&self.prompt))
    }

    /// The user's mark, if it is one of this prompt.
    pub fn mark(&self) -> Option<Range<usize>> {
        self.marked.clone().filter(|m| self.prompt.get(m.clone()).is_some())
    }

    /// The same for `prompt` within what the page itself would allow: a file may claim anything.
    pub(super) fn sound(mut self, prompt: &str) -> Self {
        self.prompt = prompt.to_owned();
        self.marked = self.mark();
        self.options = self.options.sound();
        self
    }

    /// A response of the model's own.
    pub fn own_response(&self) -> Response {
        Response::Own { limit: self.options.limit, sampling: self.options.sampling }
    }
}
