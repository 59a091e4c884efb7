//! `attribution`: traces every response token to the prompt.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::head::Target;
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::share::{Export, Models};
use shiftlens::worker::{Runner, Update};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("input").required(true).args(["prompt", "prompt_ids"])))]
#[command(group(clap::ArgGroup::new("output").args(["response", "response_ids", "new_tokens"])))]
#[command(group(clap::ArgGroup::new("slot").required(true).multiple(true).args(["tuned", "base"])))]
pub struct Attribution {
    /// The tuned checkpoint: a GGUF file, or a folder with safetensors.
    #[arg(long)]
    tuned: Option<PathBuf>,
    /// The base checkpoint.
    #[arg(long)]
    base: Option<PathBuf>,
    /// The prompt's text.
    #[arg(long)]
    prompt: Option<String>,
    /// Put the prompt into the model's chat template, where it has one.
    #[arg(long, requires = "prompt")]
    chat: bool,
    /// The prompt's token ids, used as they are.
    #[arg(long, value_delimiter = ',')]
    prompt_ids: Option<Vec<u32>>,
    /// A response to explain.
    #[arg(long)]
    response: Option<String>,
    /// A response's token ids.
    #[arg(long, value_delimiter = ',')]
    response_ids: Option<Vec<u32>>,
    /// Explain the model's own greedy response of at most this many tokens.
    #[arg(long)]
    new_tokens: Option<usize>,
    /// Rows: by word of the prompt's text, or by token (the default for ids).
    #[arg(long)]
    by: Option<ByArg>,
    /// What is differentiated.
    #[arg(long, default_value = "prob")]
    target: TargetArg,
    /// Which exact method.
    #[arg(long, default_value = "auto")]
    mode: ModeArg,
    /// Where the JSON goes; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ByArg {
    Token,
    Word,
    Sentence,
}

#[derive(Clone, Copy, ValueEnum)]
enum TargetArg {
    Prob,
    Logprob,
    Logit,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArg {
    Auto,
    Forward,
    Reverse,
}

pub fn run(a: &Attribution) -> Result<(), String> {
    let runtime = |path: &Option<PathBuf>| path.as_deref().map(|p| explain(p, a)).transpose();
    let models = Models { base: runtime(&a.base)?, tuned: runtime(&a.tuned)? };
    let export = Export::new(a.prompt.clone().unwrap_or_default(), models);
    crate::write(&export, a.json.as_deref())
}

fn explain(path: &Path, a: &Attribution) -> Result<ModelReport, String> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let checkpoint = crate::open(path)?;
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut runner = Runner::load_at_once(checkpoint, &name).map_err(|e| fail(&e))?;
    let run = Run {
        prompt: match (&a.prompt, &a.prompt_ids) {
            (Some(text), _) => Prompt::text(text.clone(), if a.chat { Template::Own } else { Template::Off }),
            (None, ids) => Prompt::Ids { ids: ids.clone().unwrap_or_default() },
        },
        response: match (&a.response, &a.response_ids) {
            (Some(text), _) => Response::Text { text: text.clone() },
            (None, Some(ids)) => Response::Ids { ids: ids.clone() },
            (None, None) => Response::Own { limit: a.new_tokens.unwrap_or(48), sampling: Sampling::default() },
        },
        by: match (a.by, a.prompt_ids.is_some()) {
            (Some(ByArg::Token), _) | (None, true) => By::Token,
            (Some(ByArg::Word), _) | (None, false) => By::Word,
            (Some(ByArg::Sentence), _) => By::Sentence,
        },
        target: match a.target {
            TargetArg::Prob => Target::Prob,
            TargetArg::Logprob => Target::Logprob,
            TargetArg::Logit => Target::Logit,
        },
        mode: match a.mode {
            ModeArg::Auto => Mode::Auto,
            ModeArg::Forward => Mode::Forward,
            ModeArg::Reverse => Mode::Reverse,
        },
        instruction: None,
        template_row: false,
    };
    let started = Instant::now();
    let mut quiet = async |_: Update| ControlFlow::Continue(());
    let report = shiftlens::model::block_on(runner.run(&run, || started.elapsed().as_secs_f64(), &mut quiet));
    report.map_err(|e| fail(&e))
}
