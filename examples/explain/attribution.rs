//! `attribution`: traces every response token to the prompt.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use shiftlens::explain::attribution::{Against, Mode, Sampling};
use shiftlens::explain::methods::intervention::{self, MOST_FACTOR};
use shiftlens::explain::methods::{Baseline, GAP, How, Intervention, MOST_STEPS, Method, Of, Site};
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
    /// By tangents or by cotangents.
    #[arg(long, default_value = "auto")]
    mode: ModeArg,
    /// Why this token and not that one: how far the target is above another token's. `auto` for the strongest other one at each
    /// place, or one id for each token of the response.
    #[arg(long, value_name = "auto|ID,ID,...", value_parser = against)]
    against: Option<Against>,
    /// How the importance is found. All but the first are computed on the CPU.
    #[arg(long, default_value = "gradient-x-input")]
    method: MethodArg,
    /// What integrated gradients, occlusion and the check put in a token's place: the mean row of the embedding table, zeros, or
    /// a padding word.
    #[arg(long, value_name = "mean|zero|TEXT", default_value = "mean", value_parser = baseline)]
    baseline: Baseline,
    /// Nodes of integrated gradients; by default raised until the completeness gap is below 1 %.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MOST_STEPS as u64))]
    steps: Option<u64>,
    /// Check the picture: take units away in its order and in random ones, and compute ten cells again by differences.
    #[arg(long)]
    check: bool,
    /// Switch these heads off, counted from 0: what the answer becomes, and the attribution of it. Computed on the CPU.
    #[arg(long, value_name = "LAYER.HEAD", value_delimiter = ',', value_parser = head_off)]
    switch_off: Vec<Intervention>,
    /// Multiply what a layer's feed-forward block writes along these principal components, counted from 0: 0 switches one off.
    #[arg(long, value_name = "LAYER.COMPONENT=FACTOR", value_delimiter = ',', value_parser = scaled_concept)]
    scale_concept: Vec<Intervention>,
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

#[derive(Clone, Copy, ValueEnum)]
enum MethodArg {
    GradientXInput,
    GradientNorm,
    IntegratedGradients,
    Occlusion,
}

/// `mean`, `zero`, or a word.
fn baseline(text: &str) -> Result<Baseline, String> {
    Ok(match text {
        "mean" => Baseline::Mean,
        "zero" => Baseline::Zero,
        text => Baseline::Text(text.to_owned()),
    })
}

/// `auto`, or token ids.
fn against(text: &str) -> Result<Against, String> {
    if text == "auto" {
        return Ok(Against::Auto);
    }
    let ids: Result<Vec<u32>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    ids.map(Against::Tokens).map_err(|_| format!("{text:?} is neither auto nor token ids with commas between"))
}

/// `layer.number`.
fn place(text: &str) -> Option<(usize, usize)> {
    let (layer, number) = text.split_once('.')?;
    Some((layer.parse().ok()?, number.parse().ok()?))
}

/// A head that is switched off: `2.3`.
fn head_off(text: &str) -> Result<Intervention, String> {
    let (layer, head) = place(text).ok_or(format!("{text:?} is not a layer and a head, as in 2.3"))?;
    Ok(Intervention { layer, site: Site::Head(head), factor: 0.0, of: Of::Both })
}

/// A component and its factor: `2.5=0`.
fn scaled_concept(text: &str) -> Result<Intervention, String> {
    let wrong = || format!("{text:?} is not a layer, a component and a factor, as in 2.5=0");
    let (at, factor) = text.split_once('=').ok_or_else(wrong)?;
    let (layer, component) = place(at).ok_or_else(wrong)?;
    let factor: f32 = factor.parse().map_err(|_| wrong())?;
    if !factor.is_finite() || factor.abs() > MOST_FACTOR {
        return Err(format!("{factor} is not a factor between -{MOST_FACTOR} and {MOST_FACTOR}"));
    }
    Ok(Intervention { layer, site: Site::Component(component), factor, of: Of::Both })
}

pub fn run(a: &Attribution) -> Result<(), String> {
    fits(a)?;
    let runtime = |path: &Option<PathBuf>| path.as_deref().map(|p| explain(p, a)).transpose();
    let models = Models { base: runtime(&a.base)?, tuned: runtime(&a.tuned)? };
    let export = Export::new(a.prompt.clone().unwrap_or_default(), models);
    crate::write(&export, a.json.as_deref())
}

/// Fails where an option is named that the method does not read.
fn fits(a: &Attribution) -> Result<(), String> {
    let method = a.method.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
    match (a.method, a.mode, a.steps) {
        (MethodArg::GradientXInput, _, None) | (MethodArg::IntegratedGradients, ModeArg::Auto, _) => Ok(()),
        (_, ModeArg::Auto, None) => Ok(()),
        (_, _, Some(_)) if !matches!(a.method, MethodArg::IntegratedGradients) => {
            Err(format!("--steps counts the nodes of integrated gradients, and {method} has none. Leave it out."))
        }
        _ => Err(format!("--mode chooses how gradient x input is computed, and {method} has one way. Leave it out.")),
    }
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
        how: How {
            method: match a.method {
                MethodArg::GradientXInput => Method::GradientInput,
                MethodArg::GradientNorm => Method::GradientNorm,
                MethodArg::IntegratedGradients => Method::IntegratedGradients,
                MethodArg::Occlusion => Method::Occlusion,
            },
            baseline: a.baseline.clone(),
            steps: a.steps.map(|steps| steps as usize),
            against: a.against.clone(),
            check: a.check,
            interventions: [&a.switch_off[..], &a.scale_concept].concat(),
        },
    };
    let started = Instant::now();
    let mut quiet = async |_: Update| ControlFlow::Continue(());
    let report = shiftlens::model::block_on(runner.run(&run, || started.elapsed().as_secs_f64(), &mut quiet));
    let report = report.map_err(|e| fail(&e))?;
    for line in remarks(&report) {
        eprintln!("{}: {line}", path.display());
    }
    Ok(report)
}

/// What a reader of the numbers should know: whether integrated gradients are complete, and what the check found.
fn remarks(report: &ModelReport) -> Vec<String> {
    let largest = report.completeness.iter().copied().fold(0f32, f32::max);
    let gap = report.steps.map(|steps| {
        let advice = match f64::from(largest) < GAP {
            true => "",
            false => ": above 1 %, so that the columns do not add up. Name more --steps, or another --baseline",
        };
        format!("The largest completeness gap with {steps} steps is {:.2} %{advice}.", 100.0 * largest)
    });
    let before = (!report.without.is_empty()).then(|| {
        let without: String = report.without.iter().map(|t| t.text.as_str()).collect();
        format!("With {}. Without: {without:?}", intervention::words(&report.interventions))
    });
    gap.into_iter().chain(report.faithfulness.as_ref().map(|f| f.said.clone())).chain(before).collect()
}
