//! The prompt and the response that several commands read, and the models that read them.

use std::ops::ControlFlow;
use std::path::Path;

use clap::Args;
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::{ModelReport, PromptToken};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("input").required(true).args(["prompt", "prompt_ids"])))]
#[command(group(clap::ArgGroup::new("output").args(["response", "response_ids", "new_tokens"])))]
pub struct Text {
    /// The prompt's text.
    #[arg(long)]
    pub prompt: Option<String>,
    /// Put the prompt into the model's chat template; of two models, both read it in the tuned model's.
    #[arg(long, requires = "prompt")]
    pub chat: bool,
    /// The prompt's token ids, used as they are.
    #[arg(long, value_delimiter = ',')]
    pub prompt_ids: Option<Vec<u32>>,
    /// The response.
    #[arg(long)]
    pub response: Option<String>,
    /// The response's token ids.
    #[arg(long, value_delimiter = ',')]
    pub response_ids: Option<Vec<u32>>,
    /// Use the (tuned) model's own greedy response of at most this many tokens (48 by default).
    #[arg(long)]
    pub new_tokens: Option<usize>,
}

impl Text {
    /// The prompt as `model` reads it.
    pub fn prepare(&self, model: &Runner) -> Result<Vec<PromptToken>, String> {
        let template = if self.chat { Template::Own } else { Template::Off };
        let prompt = match (&self.prompt, &self.prompt_ids) {
            (Some(text), _) => Prompt::text(text.clone(), template),
            (None, ids) => Prompt::Ids { ids: ids.clone().unwrap_or_default() },
        };
        let (tokens, _) = model.prepare(&prompt).map_err(|e| e.to_string())?;
        Ok(tokens)
    }

    /// The most tokens of a greedy answer.
    pub fn limit(&self) -> usize {
        self.new_tokens.unwrap_or(48)
    }

    /// The response that was given, if one was.
    pub fn given(&self, model: &Runner) -> Result<Option<Vec<u32>>, String> {
        match (&self.response, &self.response_ids) {
            (Some(text), _) => {
                let tokenizer = model.checkpoint().tokenizer().map_err(|e| e.to_string())?;
                tokenizer.encode_response(text).map(Some).map_err(|e| e.to_string())
            }
            (None, ids) => Ok(ids.clone()),
        }
    }

    /// The response's token ids: those given, or the model's own.
    pub fn response(&self, model: &mut Runner, prompt: &[u32]) -> Result<Vec<u32>, String> {
        match self.given(model)? {
            Some(ids) => Ok(ids),
            None => greedy(model, Prompt::Ids { ids: prompt.to_vec() }, self.limit()),
        }
    }
}

/// Opens a model.
pub fn load(path: &Path) -> Result<Runner, String> {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Runner::load_at_once(crate::open(path)?, &name).map_err(|e| format!("{}: {e}", path.display()))
}

/// Opens two models with the same tokenizer.
pub fn load_pair(base: &Path, tuned: &Path) -> Result<(Runner, Runner), String> {
    let (base, tuned) = (load(base)?, load(tuned)?);
    match base.info().tokenizer == tuned.info().tokenizer {
        true => Ok((base, tuned)),
        false => Err("The two models split text into different tokens, so they cannot be compared token by token. \
             Open a base model and its own tuned child."
            .into()),
    }
}

/// A run by token.
pub fn explain(model: &mut Runner, prompt: Prompt, response: Response, mode: Mode) -> Result<ModelReport, String> {
    let run = Run { mode, ..Run::by_token(prompt, response) };
    let mut quiet = async |_: Update| ControlFlow::Continue(());
    block_on(model.run(&run, || 0.0, &mut quiet)).map_err(|e| e.to_string())
}

/// A model's own greedy answer.
pub fn greedy(model: &mut Runner, prompt: Prompt, limit: usize) -> Result<Vec<u32>, String> {
    let own = Response::Own { limit, sampling: Sampling::default() };
    Ok(explain(model, prompt, own, Mode::Off)?.response.iter().map(|t| t.id).collect())
}

/// The token ids of a prompt.
pub fn ids(prompt: &[PromptToken]) -> Vec<u32> {
    prompt.iter().map(|t| t.id).collect()
}

/// A token as text, or its number if the model has no tokenizer.
pub fn spell(model: &Runner, id: u32) -> String {
    match model.checkpoint().tokenizer() {
        Ok(tokenizer) => String::from_utf8_lossy(tokenizer.token_bytes(id)).into_owned(),
        Err(_) => format!("#{id}"),
    }
}

/// Tokens as text.
pub fn spell_all(model: &Runner, ids: &[u32]) -> String {
    match model.checkpoint().tokenizer() {
        Ok(tokenizer) => tokenizer.decode(ids),
        Err(_) => ids.iter().map(|id| format!("#{id} ")).collect(),
    }
}
