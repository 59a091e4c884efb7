//! How one run is asked for.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Turn;
use crate::explain::By;
use crate::explain::attribution::{Mode, Sampling};
use crate::explain::methods::{How, is_default};
use crate::model::Shortage;
use crate::model::head::Target;

/// The prompt of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Prompt {
    /// Text, as the user typed it.
    Text {
        /// The text that is explained.
        text: String,
        /// The conversation that it is a part of; one turn of the user's if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        turns: Vec<Turn>,
        /// What stands around it.
        template: Template,
    },
    /// Token ids, used as they are.
    Ids {
        /// The ids.
        ids: Vec<u32>,
    },
}

impl Prompt {
    /// A single turn of the user's.
    pub fn text(text: impl Into<String>, template: Template) -> Self {
        Self::Text { text: text.into(), turns: Vec::new(), template }
    }
}

/// What a run will take of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Bytes, about, beside the model.
    pub bytes: u64,
    /// Why it will be refused, if there are not so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Shortage>,
}

/// Which chat template a prompt is put into.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "lowercase")]
pub enum Template {
    /// None.
    #[default]
    Off,
    /// The model's own; none if it has none.
    Own,
    /// Another model's.
    Given {
        /// Its Jinja source.
        source: String,
    },
}

/// The response of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Response {
    /// The model's own.
    Own {
        /// Most tokens.
        limit: usize,
        /// How each is chosen.
        sampling: Sampling,
    },
    /// A given text.
    Text {
        /// The text.
        text: String,
    },
    /// Given token ids.
    Ids {
        /// The ids.
        ids: Vec<u32>,
    },
}

/// One run: prompt, response, and how it is explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The prompt.
    pub prompt: Prompt,
    /// The response.
    pub response: Response,
    /// Granularity of the prompt's units.
    pub by: By,
    /// What is differentiated.
    pub target: Target,
    /// Forward or reverse.
    pub mode: Mode,
    /// By which method, and against what.
    #[serde(default, skip_serializing_if = "is_default")]
    pub how: How,
    /// The instruction, bytes of the prompt's text; found automatically if absent.
    pub instruction: Option<Range<usize>>,
    /// Whether the template's tokens make up a row of their own, where it is not by token.
    #[serde(default)]
    pub template_row: bool,
}

impl Run {
    /// A run explained by token, its probabilities differentiated by the cheaper mode, with no more asked of it.
    pub fn by_token(prompt: Prompt, response: Response) -> Self {
        Self {
            prompt,
            response,
            by: By::Token,
            target: Target::Prob,
            mode: Mode::Auto,
            how: How::default(),
            instruction: None,
            template_row: false,
        }
    }
}
