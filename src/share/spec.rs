//! What a run was asked to do: frozen when Run is pressed, it travels with the result, its export and its link.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::screen::Options;
use crate::checkpoint::Turn;
use crate::checkpoint::conversation::messages;
use crate::explain::methods::{How, is_default};
use crate::explain::{By, find_instruction_of};
use crate::protocol::{Prompt, Response, Template};

/// Everything that decides what a pair of models makes of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// The text that is explained.
    pub prompt: String,
    /// The conversation that it is a part of; one turn of the user's if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// The user's own mark of the instruction, bytes of the prompt; found automatically if absent.
    pub marked: Option<Range<usize>>,
    /// Parts of the prompt that are read as one unit each: bytes, in order, not overlapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Range<usize>>,
    /// Whether the template's tokens make up a row of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub template_row: bool,
    /// Whose response, the template, the target, the method, the length and the sampling.
    pub options: Options,
    /// By which method, and against what.
    #[serde(default, skip_serializing_if = "is_default")]
    pub how: How,
    /// The granularity asked for. Small models are explained by token all the same.
    pub by: By,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            turns: Vec::new(),
            marked: None,
            spans: Vec::new(),
            template_row: false,
            options: Options::default(),
            how: How::default(),
            by: By::Word,
        }
    }
}

impl RunSpec {
    /// The instruction, bytes of the prompt.
    pub fn instruction(&self) -> Range<usize> {
        self.mark().unwrap_or_else(|| find_instruction_of(&self.prompt, &self.turns))
    }

    /// The user's mark, if it is one of this prompt.
    pub fn mark(&self) -> Option<Range<usize>> {
        self.marked.clone().filter(|m| self.prompt.get(m.clone()).is_some())
    }

    /// The same for `prompt` within what the page itself would allow: a file may claim anything. None if the turns do not
    /// fit the prompt.
    pub(super) fn sound(mut self, prompt: &str) -> Option<Self> {
        self.prompt = prompt.to_owned();
        self.marked = self.mark();
        self.options = self.options.sound();
        self.how = self.how.sound();
        self.spans = sound_spans(&self.prompt, self.spans);
        messages(&self.prompt, &self.turns)?;
        Some(self)
    }

    /// The granularity of the run: a sentence cannot be cut into the user's own units afterwards.
    pub fn run_by(&self) -> By {
        if self.by == By::Sentence && !self.spans.is_empty() { By::Word } else { self.by }
    }

    /// The prompt of a run, put into `template`.
    pub fn prompt_in(&self, template: Template) -> Prompt {
        Prompt::Text { text: self.prompt.clone(), turns: self.turns.clone(), template }
    }

    /// A response of the model's own.
    pub fn own_response(&self) -> Response {
        Response::Own { limit: self.options.limit, sampling: self.options.sampling }
    }
}

/// `spans` if they are parts of `prompt`, in order and not overlapping; else none.
pub(super) fn sound_spans(prompt: &str, spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let within = spans.iter().all(|s| !s.is_empty() && prompt.get(s.clone()).is_some());
    let ordered = spans.windows(2).all(|pair| pair[0].end <= pair[1].start);
    if within && ordered { spans } else { Vec::new() }
}
