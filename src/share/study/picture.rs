//! A prompt with what each checkpoint of a chain made of it, in as little room as holds all of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Exact, Settings};
use crate::explain::methods::Method;
use crate::explain::{Levels, ModelReport, PromptToken, ResponseToken, Role, Seconds, units};
use crate::share::export::fits;

/// A prompt with its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Its set's place among the study's.
    pub set: usize,
    /// Its own place in that set, from 0.
    pub index: usize,
    /// The prompt.
    pub prompt: String,
    /// The instruction's bytes of the prompt.
    pub instruction: Range<usize>,
    /// One for each checkpoint of the chain; none where it has no result.
    pub results: Vec<Option<Seen>>,
}

/// What one checkpoint made of a prompt. Its lists are columns of the study's parts (docs/studies.md).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The instruction score.
    pub score: Option<f64>,
    /// Ids of the prompt as the model read it, its template with it.
    pub prompt_tokens: Vec<u32>,
    /// Their texts.
    pub prompt_texts: Vec<String>,
    /// Where their bytes of the prompt begin.
    pub prompt_start: Vec<usize>,
    /// Where these end; where they begin, for the template's.
    pub prompt_end: Vec<usize>,
    /// Ids of the response.
    pub response_tokens: Vec<u32>,
    /// Their texts.
    pub response_texts: Vec<String>,
    /// p of each.
    pub probability: Vec<f32>,
    /// Signed gradient x input `[rows][response]`, row by row.
    pub importance: Exact,
    /// What computed it: "CPU", or "GPU: " and its name; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub backend: String,
}

impl Seen {
    /// The same as a report. What a study does not hold (alternatives, ranks, entropies, times) is empty, as in a link. None if the
    /// parts do not fit together.
    pub fn report(&self, checkpoint: &Checkpoint, picture: &Picture, settings: &Settings) -> Option<ModelReport> {
        let (prompt, response) = (self.prompt()?, self.response()?);
        let units = units(&prompt, &picture.prompt, settings.by, false);
        let importance = &self.importance.0;
        (units.len().checked_mul(response.len()) == Some(importance.len())).then_some(())?;
        let mut report = ModelReport {
            checkpoint: checkpoint.info(),
            prompt,
            importance: importance.chunks(response.len()).map(<[f32]>::to_vec).collect(),
            response,
            units,
            levels: Vec::new(),
            density: Vec::new(),
            instruction_score: None,
            instruction: picture.instruction.clone(),
            target: settings.target,
            by: settings.by,
            mode: settings.mode.name().to_owned(),
            method: Method::default(),
            baseline: None,
            steps: None,
            completeness: Vec::new(),
            faithfulness: None,
            against: Vec::new(),
            against_text: Vec::new(),
            interventions: Vec::new(),
            without: Vec::new(),
            backend: self.backend.clone(),
            seconds: Seconds::default(),
        };
        report.score(Levels::default()); // a file holds the page's own levels, whatever the study's are
        Some(report)
    }

    /// Whether the page can show it.
    pub fn can_be_shown(&self, checkpoint: &Checkpoint, picture: &Picture, settings: &Settings) -> bool {
        self.report(checkpoint, picture, settings).is_some_and(|report| fits(&report, &picture.prompt))
    }

    /// The prompt's tokens; nothing where their numbers differ.
    fn prompt(&self) -> Option<Vec<PromptToken>> {
        let count = self.prompt_tokens.len();
        let spans = self.prompt_start.iter().zip(&self.prompt_end);
        let tokens = self.prompt_tokens.iter().zip(&self.prompt_texts).zip(spans);
        let token = |((id, text), (start, end)): ((&u32, &String), (&usize, &usize))| PromptToken {
            id: *id,
            text: text.clone(),
            bytes: None,
            role: if start < end { Role::User } else { Role::Template },
            span: *start..*end,
        };
        let lists = [self.prompt_texts.len(), self.prompt_start.len(), self.prompt_end.len()];
        (lists == [count; 3]).then(|| tokens.map(token).collect())
    }

    /// The response's tokens; nothing where their numbers differ, or there are none.
    fn response(&self) -> Option<Vec<ResponseToken>> {
        let count = self.response_tokens.len();
        let tokens = self.response_tokens.iter().zip(&self.response_texts).zip(&self.probability);
        let token = |((id, text), probability): ((&u32, &String), &f32)| ResponseToken {
            id: *id,
            text: text.clone(),
            bytes: None,
            probability: *probability,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
            top_text: Vec::new(),
        };
        let lists = [self.response_texts.len(), self.probability.len()];
        (count > 0 && lists == [count; 2]).then(|| tokens.map(token).collect())
    }
}
