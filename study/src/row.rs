//! One unit's result: a checkpoint on a prompt.

use std::ops::Range;

use shiftlens::explain::{ModelReport, Role};
use shiftlens::share::study::{Exact, Seen};

/// A row of the results. Its fields are the columns that docs/studies.md describes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// Names the unit: a hash of settings, checkpoint, prompt set and prompt.
    pub unit: String,
    /// Hash of the settings.
    pub settings: String,
    /// The checkpoint's name in the plan.
    pub checkpoint: String,
    /// Names its weights.
    pub checkpoint_hash: String,
    /// Equal for checkpoints whose tokenizers are the same.
    pub tokenizer: String,
    /// The prompt set's name in the plan.
    pub prompt_set: String,
    /// The prompt's place in its set, from 0.
    pub prompt_index: usize,
    /// The prompt.
    pub prompt: String,
    /// The response that was explained.
    pub response: Option<String>,
    /// Why there is no result.
    pub error: Option<String>,
    /// The instruction score.
    pub score: Option<f64>,
    /// The mean of `kl_tokens`.
    pub kl: Option<f64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// What computed it: "CPU", or "GPU: " and its name.
    pub backend: Option<String>,
    /// Ids of the prompt as the model read it, its template with it.
    pub prompt_tokens: Vec<u32>,
    /// Their texts.
    pub prompt_texts: Vec<String>,
    /// Their bytes of the prompt; empty for the template's.
    pub prompt_spans: Vec<Range<usize>>,
    /// Ids of the response.
    pub response_tokens: Vec<u32>,
    /// Their texts.
    pub response_texts: Vec<String>,
    /// p of each.
    pub probability: Vec<f32>,
    /// KL(this checkpoint || the one before it) at each token of the response, nats; empty where there is nothing to compare.
    pub kl_tokens: Vec<f64>,
    /// Texts of the matrix's rows.
    pub row_text: Vec<String>,
    /// Their bytes of the prompt; empty where the rows are not parts of its text.
    pub spans: Vec<Range<usize>>,
    /// Whether they are the user's; the others are the template's.
    pub row_user: Vec<bool>,
    /// Whether they belong to the instruction.
    pub row_instruction: Vec<bool>,
    /// Signed gradient x input `[rows][response]`, row by row.
    pub importance: Vec<f32>,
    /// Levels `[rows][response]`, row by row.
    pub levels: Vec<u8>,
    /// Normalised density of each row.
    pub density: Vec<f64>,
}

impl Row {
    /// The same row with what a run found.
    pub fn filled(mut self, report: ModelReport) -> Self {
        self.response = Some(report.response.iter().map(|t| t.text.as_str()).collect());
        self.score = report.instruction_score;
        self.backend = Some(report.backend);
        self.prompt_tokens = report.prompt.iter().map(|t| t.id).collect();
        self.prompt_spans = report.prompt.iter().map(|t| t.span.clone()).collect();
        self.prompt_texts = report.prompt.into_iter().map(|t| t.text).collect();
        self.response_tokens = report.response.iter().map(|t| t.id).collect();
        self.probability = report.response.iter().map(|t| t.probability).collect();
        self.response_texts = report.response.into_iter().map(|t| t.text).collect();
        self.row_user = report.units.iter().map(|u| u.role == Role::User).collect();
        let marked = &report.instruction;
        let instruction = |span: &Range<usize>| span.start < marked.end && marked.start < span.end;
        self.row_instruction = report.units.iter().map(|u| u.role == Role::User && instruction(&u.span)).collect();
        self.spans = report.units.iter().map(|u| u.span.clone()).collect();
        self.row_text = report.units.into_iter().map(|u| u.text).collect();
        self.importance = report.importance.concat();
        self.levels = report.levels.concat();
        self.density = report.density;
        self
    }

    /// The same row with the divergence at each token of its response.
    pub fn diverging(self, kl_tokens: Vec<f64>) -> Self {
        let count = kl_tokens.len() as f64;
        let kl = (count > 0.0).then(|| kl_tokens.iter().sum::<f64>() / count);
        Self { kl, kl_tokens, ..self }
    }

    /// What a picture is made from.
    pub fn seen(&self) -> Seen {
        Seen {
            score: self.score,
            prompt_tokens: self.prompt_tokens.clone(),
            prompt_texts: self.prompt_texts.clone(),
            prompt_start: self.prompt_spans.iter().map(|span| span.start).collect(),
            prompt_end: self.prompt_spans.iter().map(|span| span.end).collect(),
            response_tokens: self.response_tokens.clone(),
            response_texts: self.response_texts.clone(),
            probability: self.probability.clone(),
            importance: Exact(self.importance.clone()),
            backend: self.backend.clone().unwrap_or_default(),
        }
    }

    /// About how much memory its lists and texts take.
    pub fn bytes(&self) -> usize {
        let numbers = 4 * self.importance.len() + self.levels.len() + 8 * self.density.len();
        let tokens = 48 * (2 * self.prompt_tokens.len() + self.response_tokens.len() + self.spans.len());
        numbers + tokens + self.prompt.len() + self.response.as_ref().map_or(0, String::len)
    }

    /// The same row without its matrices: what later units need of it.
    pub fn without_matrices(self) -> Self {
        Self { importance: Vec::new(), levels: Vec::new(), ..self }
    }

    /// The same row with the reason why there is no result.
    pub fn failed(mut self, reason: impl Into<String>) -> Self {
        self.error = Some(reason.into());
        self
    }
}
