//! What is on screen besides results: the settings of the next run, and how the last one is read.

use serde::{Deserialize, Serialize};

use crate::explain::attribution::{Mode, Sampling};
use crate::explain::weights::heads;
use crate::explain::{By, Levels};
use crate::model::head::Target;

/// What the page is about at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tab {
    /// The prompt and what its response came from.
    #[default]
    Prompt,
    /// Attention heads.
    Heads,
    /// Feed-forward concepts.
    Concepts,
    /// The paper's findings.
    Findings,
    /// The report of a study, while one is open. No link and no lesson names it: it is in a file of the reader's.
    #[serde(skip)]
    Study,
}

impl Tab {
    /// As a link names it: what is sent is the picture in the first tab, where a report is open beside it.
    pub fn in_link(self) -> Self {
        if self == Self::Study { Self::Prompt } else { self }
    }
}

/// Whose response is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// Each model's own.
    #[default]
    Own,
    /// The tuned model's, by both.
    Tuned,
    /// The base model's, by both.
    Base,
    /// A typed one.
    Typed,
}

/// Where the chat template is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chat {
    /// For the tuned model.
    #[default]
    TunedOnly,
    /// For both.
    Both,
    /// Not at all.
    Off,
}

/// What the next run will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The response to explain.
    pub whose: Whose,
    /// The typed one.
    pub typed: String,
    /// The template.
    pub chat: Chat,
    /// What is differentiated.
    pub target: Target,
    /// By which method.
    pub mode: Mode,
    /// Most new tokens.
    pub limit: usize,
    /// How they are chosen.
    pub sampling: Sampling,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            whose: Whose::Own,
            typed: String::new(),
            chat: Chat::TunedOnly,
            target: Target::Prob,
            mode: Mode::Auto,
            limit: 32,
            sampling: Sampling::default(),
        }
    }
}

/// Levels or signed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The paper's levels.
    Levels,
    /// Signed importance.
    Signed,
}

/// How a run's importance is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Rows and columns of cells.
    #[default]
    Matrix,
    /// Words joined by ribbons.
    Graph,
}

/// How results are read; changing it runs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Granularity.
    pub by: By,
    /// What colours mean.
    pub scale: Scale,
    /// The paper's three numbers.
    pub how: Levels,
    /// Whether white space is shown.
    pub spaces: bool,
    /// How they are drawn. Links carry it apart, as it came later.
    #[serde(skip)]
    pub form: Form,
}

impl Default for Reading {
    fn default() -> Self {
        Self { by: By::Word, scale: Scale::Levels, how: Levels::default(), spaces: false, form: Form::Matrix }
    }
}

/// What is chosen in the views of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inside {
    /// How heads are read.
    pub reading: heads::Reading,
    /// Layer and head.
    pub head: (u32, u32),
    /// The layer whose concepts are shown.
    pub concepts: u32,
}

/// What the user chose to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// A row of the matrix.
    pub row: Option<usize>,
    /// A column.
    pub column: Option<usize>,
}

impl Options {
    /// The same within what the page itself would allow: a link may claim anything.
    pub fn sound(mut self) -> Self {
        let sampling = &mut self.sampling;
        let clamp =
            |v: f64, least: f64, most: f64, default: f64| if v.is_finite() { v.clamp(least, most) } else { default };
        self.limit = self.limit.clamp(1, 512);
        sampling.temperature = clamp(sampling.temperature, 0.0, 2.0, 0.0);
        sampling.top_k = sampling.top_k.min(200);
        sampling.top_p = clamp(sampling.top_p, 0.05, 1.0, 1.0);
        sampling.repeat_penalty = clamp(f64::from(sampling.repeat_penalty), 1.0, 2.0, 1.0) as f32;
        self
    }
}

impl Reading {
    /// As [`Options::sound`].
    pub fn sound(mut self) -> Self {
        self.how.count = self.how.count.clamp(2, 20);
        self.how.floor = self.how.floor.min(self.how.count - 1);
        self.how.norm = if self.how.norm.is_finite() { self.how.norm.clamp(2.0, 8.0) } else { 4.0 };
        self
    }
}
