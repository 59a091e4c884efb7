//! `lens` and `contributions`: one token of a response, layer by layer.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shiftlens::explain::CheckpointInfo;
use shiftlens::explain::contributions::{Contributions, LayerContributions};
use shiftlens::explain::lens::{Lens, parts_at};
use shiftlens::model::cpu::Source;
use shiftlens::model::head::{Choice, choice};
use shiftlens::model::{Engine, Tick, block_on};
use shiftlens::worker::Runner;

use crate::text::{Text, ids, load, load_pair, spell};

/// Most probable tokens of each reading; parts listed in the summary.
const TOP: usize = 5;
const STRONGEST: usize = 12;

#[derive(Args)]
pub struct LensOf {
    /// The checkpoint (the tuned one of a pair): a GGUF file, or a folder with safetensors.
    model: PathBuf,
    /// The base checkpoint, to find the layer from which the two models differ.
    #[arg(long)]
    base: Option<PathBuf>,
    #[command(flatten)]
    text: Text,
    /// Which token of the response, from 0.
    #[arg(long, default_value_t = 0)]
    token: usize,
    /// The file to write the JSON to.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Args)]
pub struct ContributionsOf {
    /// The checkpoint: a GGUF file, or a folder with safetensors.
    model: PathBuf,
    #[command(flatten)]
    text: Text,
    /// Which token of the response, from 0.
    #[arg(long, default_value_t = 0)]
    token: usize,
    /// Explain the difference to another token's logit: the token's id, or "auto" for the most probable other token.
    #[arg(long)]
    against: Option<Against>,
    /// The file to write the JSON to.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Against {
    Strongest,
    Token(u32),
}

impl std::str::FromStr for Against {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Strongest),
            id => id.parse().map(Self::Token).map_err(|_| "give a token's id, or auto".into()),
        }
    }
}

pub async fn quiet(_: Tick) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The tokens before the chosen one, and the chosen one.
fn chosen(text: &Text, model: &mut Runner, token: usize) -> Result<(Vec<u32>, u32), String> {
    let mut before = ids(&text.prepare(model)?);
    let response = text.response(model, &before)?;
    let Some(&id) = response.get(token) else {
        let count = response.len();
        return Err(format!("The response has {count} tokens, numbered from 0: there is no token {token}."));
    };
    before.extend_from_slice(&response[..token]);
    Ok((before, id))
}

#[derive(Serialize)]
struct Reading {
    checkpoint: CheckpointInfo,
    /// At the embedding, then after each layer.
    readings: Vec<Choice>,
    top_text: Vec<Vec<String>>,
    settles: Option<usize>,
}

#[derive(Serialize)]
struct LensReport {
    version: u32,
    token: u32,
    text: String,
    model: Reading,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Reading>,
    /// The first reading from which on the two models predict different tokens, up to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_at: Option<usize>,
}

pub fn lens(a: &LensOf) -> Result<(), String> {
    let (base, mut model) = match &a.base {
        Some(base) => {
            let (base, tuned) = load_pair(base, &a.model)?;
            (Some(base), tuned)
        }
        None => (None, load(&a.model)?),
    };
    let (before, token) = chosen(&a.text, &mut model, a.token)?;
    let read = |runner: &mut Runner| {
        block_on(Lens::read(runner.engine(), &before, token, TOP, &mut quiet)).map_err(|e| e.to_string())
    };
    let tuned = read(&mut model)?;
    let base = match base {
        Some(mut base) => Some((read(&mut base)?, base)),
        None => None,
    };
    let told = |lens: &Lens, runner: &Runner| Reading {
        checkpoint: runner.info().clone(),
        readings: lens.readings.clone(),
        top_text: lens.readings.iter().map(|r| r.top.iter().map(|c| spell(runner, c.id)).collect()).collect(),
        settles: lens.settles(),
    };
    let report = LensReport {
        version: 1,
        token,
        text: spell(&model, token),
        parts_at: base.as_ref().and_then(|(lens, _)| parts_at(lens, &tuned)),
        model: told(&tuned, &model),
        base: base.as_ref().map(|(lens, runner)| told(lens, runner)),
    };
    println!("{}", lens_in_words(&report));
    a.json.as_deref().map_or(Ok(()), |path| crate::write(&report, Some(path)))
}

fn lens_in_words(report: &LensReport) -> String {
    let line = |reading: &Reading, layer: usize| {
        let Some((choice, texts)) = reading.readings.get(layer).zip(reading.top_text.get(layer)) else {
            return String::new();
        };
        let top = choice.top.iter().zip(texts).take(3).map(|(c, text)| format!("{text:?} {:.2}", c.probability));
        format!("p {:.3} rank {:<6} {}", choice.probability, choice.rank, top.collect::<Vec<_>>().join(", "))
    };
    let mut lines =
        vec![format!("{:?} after each layer, and the most probable tokens there (0 is the embedding)", report.text)];
    for layer in 0..report.model.readings.len() {
        let tuned = line(&report.model, layer);
        lines.push(match &report.base {
            None => format!("{layer:>3}  {tuned}"),
            Some(base) => format!("{layer:>3}  base {:<64} tuned {tuned}", line(base, layer)),
        });
    }
    if let Some(layer) = report.model.settles {
        lines.push(format!("It is the most probable token from layer {layer} on."));
    }
    if report.base.is_some() {
        lines.push(match report.parts_at {
            Some(layer) => format!("From layer {layer} on the two models predict different tokens."),
            None => "The two models predict the same token in the end.".into(),
        });
    }
    lines.join("\n")
}

#[derive(Serialize)]
struct ContributionsReport {
    version: u32,
    checkpoint: CheckpointInfo,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    against_text: Option<String>,
    #[serde(flatten)]
    contributions: Contributions,
    sum: f64,
    layers: Vec<LayerContributions>,
}

pub fn contributions(a: &ContributionsOf) -> Result<(), String> {
    let mut model = load(&a.model)?;
    let (before, token) = chosen(&a.text, &mut model, a.token)?;
    let against = match a.against {
        None => None,
        Some(Against::Token(id)) => Some(id),
        Some(Against::Strongest) => Some(strongest_other(&mut model, &before, token)?),
    };
    let read = block_on(Contributions::read(model.engine(), &before, token, against, &mut quiet));
    let contributions = read.map_err(|e| e.to_string())?;
    let report = ContributionsReport {
        version: 1,
        checkpoint: model.info().clone(),
        text: spell(&model, token),
        against_text: against.map(|id| spell(&model, id)),
        sum: contributions.sum(),
        layers: contributions.by_layer(),
        contributions,
    };
    println!("{}", contributions_in_words(&report));
    a.json.as_deref().map_or(Ok(()), |path| crate::write(&report, Some(path)))
}

/// The most probable token that is not this one.
fn strongest_other(model: &mut Runner, before: &[u32], token: u32) -> Result<u32, String> {
    let engine = model.engine();
    let logits = block_on(async {
        let residual = engine.residual(before, &mut quiet).await?;
        engine.lens(&residual, engine.config().layers)
    });
    let top = choice(&logits.map_err(|e| e.to_string())?, token, 2).top;
    let other = top.iter().map(|c| c.id).find(|id| *id != token);
    other.ok_or_else(|| "The model has no other token.".into())
}

fn name(source: Source) -> String {
    match source {
        Source::Embedding => "embedding".into(),
        Source::Head { layer, head } => format!("layer {layer}, head {head}"),
        Source::AttentionBias { layer } => format!("layer {layer}, attention bias"),
        Source::FeedForward { layer } => format!("layer {layer}, feed-forward"),
        Source::FeedForwardBias { layer } => format!("layer {layer}, feed-forward bias"),
        Source::OutputBias => "output bias".into(),
    }
}

fn contributions_in_words(report: &ContributionsReport) -> String {
    let whole = &report.contributions;
    let what = match &report.against_text {
        None => format!("The logit of {:?}", report.text),
        Some(other) => format!("The logit of {:?} minus that of {other:?}", report.text),
    };
    let mut lines = vec![
        format!("{what}: {:.4}; its parts sum to {:.4}", whole.logit, report.sum),
        format!("embedding {:+.3}", whole.embedding()),
    ];
    let layer = |l: &LayerContributions| {
        format!("{:>3}  attention {:+8.3}  feed-forward {:+8.3}", l.layer, l.attention, l.feed_forward)
    };
    lines.extend(report.layers.iter().map(layer));
    lines.push("The strongest parts:".into());
    lines.extend(whole.strongest(STRONGEST).iter().map(|part| format!("  {:+8.3}  {}", part.value, name(part.source))));
    lines.join("\n")
}
