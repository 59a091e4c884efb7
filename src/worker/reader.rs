//! What a checkpoint's text side does for a run: prompts to tokens, tokens to text.

use std::ops::Range;

use crate::checkpoint::conversation::{Message, messages};
use crate::checkpoint::{ChatTemplate, Checkpoint, CheckpointError, Rendered, Tokenizer};
use crate::explain::attribution::Respond;
use crate::explain::methods::{self, Baseline};
use crate::explain::{By, CheckpointInfo, PromptToken, ResponseToken, Role, find_instruction_of, prompt_tokens, spell};
use crate::model::cpu::CpuEngine;
use crate::model::head::Choice;
use crate::model::{Length, ModelError};
use crate::protocol::{Prompt, Response, Run, Template};

/// A checkpoint and its description.
pub(super) struct Reader {
    pub checkpoint: Checkpoint,
    pub info: CheckpointInfo,
}

impl Reader {
    /// A prompt as the model will read it: its tokens, and the text that is explained.
    pub fn prepare(&self, prompt: &Prompt) -> Result<(Vec<PromptToken>, String), CheckpointError> {
        match prompt {
            Prompt::Text { text, turns, template } => {
                let tokenizer = self.checkpoint.tokenizer()?;
                let turns = messages(text, turns).ok_or_else(|| {
                    CheckpointError::Template("the turns of the conversation do not fit its text".into())
                })?;
                let rendered = self.render(&turns, template, tokenizer)?;
                let pieces = tokenizer.encode_prompt(&rendered.text)?;
                Ok((prompt_tokens(tokenizer, &rendered, &pieces), text.clone()))
            }
            Prompt::Ids { ids } => Ok(self.tokens_of_ids(ids)),
        }
    }

    fn render(
        &self,
        turns: &[Message],
        template: &Template,
        tokenizer: &Tokenizer,
    ) -> Result<Rendered, CheckpointError> {
        let (bos, eos) = (tokenizer.text_of(tokenizer.bos), tokenizer.text_of(tokenizer.eos));
        match (template, &self.checkpoint.chat_template) {
            (Template::Own, Some(own)) => own.render(turns, &bos, &eos),
            (Template::Given { source }, _) => ChatTemplate::new(source.clone()).render(turns, &bos, &eos),
            _ => Ok(Rendered::plain(turns)),
        }
    }

    /// Ids as they are; a leading BOS is nobody's word.
    fn tokens_of_ids(&self, ids: &[u32]) -> (Vec<PromptToken>, String) {
        let tokenizer = self.checkpoint.tokenizer().ok();
        let mut text = String::new();
        let mut tokens = Vec::with_capacity(ids.len());
        for (i, &id) in ids.iter().enumerate() {
            let (spelled, bytes) = self.spell(id);
            let role = match tokenizer.and_then(|t| t.bos) {
                Some(bos) if i == 0 && bos == id => Role::Template,
                _ => Role::User,
            };
            let start = text.len();
            if role == Role::User {
                text.push_str(&spelled);
            }
            tokens.push(PromptToken { id, text: spelled, bytes, role, span: start..text.len() });
        }
        (tokens, text)
    }

    pub fn spell(&self, id: u32) -> (String, Option<Vec<u8>>) {
        match self.checkpoint.tokenizer() {
            Ok(tokenizer) => spell(tokenizer.token_bytes(id)),
            Err(_) => (format!("#{id}"), None),
        }
    }

    pub fn response_token(&self, id: u32, choice: Choice) -> ResponseToken {
        let (text, bytes) = self.spell(id);
        let top_text = choice.top.iter().map(|c| self.spell(c.id).0).collect();
        let Choice { probability, rank, entropy, top } = choice;
        ResponseToken { id, text, bytes, probability, rank, entropy, top, top_text }
    }

    /// The text of what each token of `response` was set against; empty for one that was set against itself.
    pub fn others(&self, response: &[u32], against: &[u32]) -> Vec<String> {
        let text = |(token, other): (&u32, &u32)| if token == other { String::new() } else { self.spell(*other).0 };
        response.iter().zip(against).map(text).collect()
    }

    /// The tokens of `text` as a response would begin with it, each with its text.
    pub fn tokens(&self, text: &str) -> Result<Vec<(u32, String)>, CheckpointError> {
        let ids = self.checkpoint.tokenizer()?.encode_response(text)?;
        Ok(ids.into_iter().map(|id| (id, self.spell(id).0)).collect())
    }

    pub fn respond(&self, response: &Response) -> Result<Respond, CheckpointError> {
        Ok(match response {
            Response::Own { limit, sampling } => {
                let stops = self.checkpoint.tokenizer().map(|t| t.stops.clone()).unwrap_or_default();
                Respond::Generate { limit: *limit, sampling: *sampling, stops }
            }
            Response::Text { text } => Respond::Forced(self.checkpoint.tokenizer()?.encode_response(text)?),
            Response::Ids { ids } => Respond::Forced(ids.clone()),
        })
    }

    /// The embedding row `[width]` that stands in a token's place.
    pub fn baseline_row(&self, engine: &CpuEngine, baseline: &Baseline) -> Result<Vec<f32>, ModelError> {
        let padding = match baseline {
            Baseline::Text(text) => self.checkpoint.tokenizer()?.encode_response(text)?,
            Baseline::Mean | Baseline::Zero => Vec::new(),
        };
        methods::baseline_row(engine, baseline, &padding)
    }

    /// What they take of the model's context.
    pub fn length(&self, prompt: &[PromptToken], respond: &Respond) -> Length {
        Length {
            prompt: prompt.len(),
            template: prompt.iter().filter(|t| t.role == Role::Template).count(),
            response: respond.given(),
            context: self.info.context,
        }
    }

    pub fn instruction(&self, run: &Run, text: &str) -> Range<usize> {
        match &run.prompt {
            Prompt::Ids { .. } if run.by == By::Token && self.checkpoint.tokenizer().is_err() => 0..0,
            Prompt::Ids { .. } => find_instruction_of(text, &[]),
            Prompt::Text { turns, .. } => find_instruction_of(text, turns),
        }
    }
}
