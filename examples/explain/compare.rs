//! `compare`: both models on the same text.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shiftlens::explain::divergence::{Parting, TokenDivergence, compare, parting};
use shiftlens::explain::{CheckpointInfo, PromptToken};
use shiftlens::model::block_on;
use shiftlens::model::head::Choice;
use shiftlens::protocol::Prompt;
use shiftlens::worker::Runner;

use crate::text::{Text, greedy, ids, load_pair, spell, spell_all};

/// Most probable tokens listed for each token.
const ALTERNATIVES: usize = 5;

#[derive(Args)]
pub struct Compare {
    /// The base checkpoint: a GGUF file, or a folder with safetensors.
    base: PathBuf,
    /// The tuned checkpoint.
    tuned: PathBuf,
    #[command(flatten)]
    text: Text,
    /// The file to write the JSON to.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    models: Pair<CheckpointInfo>,
    prompt: Vec<PromptToken>,
    /// The response that both models read, token by token.
    response: Vec<Token>,
    /// Means over the response, nats.
    mean_kl_tuned_base: f64,
    mean_kl_base_tuned: f64,
    /// Where the two greedy answers part, if they do.
    parting: Option<PartingText>,
}

#[derive(Serialize)]
struct Pair<T> {
    base: T,
    tuned: T,
}

#[derive(Serialize)]
struct Token {
    text: String,
    #[serde(flatten)]
    divergence: TokenDivergence,
    top_text: Pair<Vec<String>>,
}

#[derive(Serialize)]
struct PartingText {
    #[serde(flatten)]
    parting: Parting,
    /// The part that both answers share, and how each goes on.
    shared_text: String,
    base_text: String,
    tuned_text: String,
}

pub fn run(a: &Compare) -> Result<(), String> {
    let (mut base, mut tuned) = load_pair(&a.base, &a.tuned)?;
    let prompt = a.text.prepare(&tuned)?;
    let read = ids(&prompt);
    let answer = |model: &mut Runner| greedy(model, Prompt::Ids { ids: read.clone() }, a.text.limit());
    let answers = (answer(&mut base)?, answer(&mut tuned)?);
    let response = a.text.given(&tuned)?.unwrap_or_else(|| answers.1.clone());
    let tokens = block_on(compare(base.engine(), tuned.engine(), &read, &response, ALTERNATIVES));
    let tokens = tokens.map_err(|e| e.to_string())?;
    let mean = |of: fn(&TokenDivergence) -> f64| tokens.iter().map(of).sum::<f64>() / tokens.len().max(1) as f64;
    let texts = |c: &Choice| c.top.iter().map(|c| spell(&tuned, c.id)).collect::<Vec<_>>();
    let report = Report {
        version: 1,
        models: Pair { base: base.info().clone(), tuned: tuned.info().clone() },
        mean_kl_tuned_base: mean(|t| t.kl_tuned_base),
        mean_kl_base_tuned: mean(|t| t.kl_base_tuned),
        parting: parting(&answers.0, &answers.1).map(|parting| PartingText {
            shared_text: spell_all(&tuned, &answers.1[..parting.at]),
            base_text: spell_all(&tuned, &parting.base),
            tuned_text: spell_all(&tuned, &parting.tuned),
            parting,
        }),
        response: tokens
            .iter()
            .map(|token| Token {
                text: spell(&tuned, token.id),
                top_text: Pair { base: texts(&token.base), tuned: texts(&token.tuned) },
                divergence: token.clone(),
            })
            .collect(),
        prompt,
    };
    println!("{}", in_words(&report));
    a.json.as_deref().map_or(Ok(()), |path| crate::write(&report, Some(path)))
}

/// A summary in words.
fn in_words(report: &Report) -> String {
    let mut lines = vec![
        "KL in nats; then for each model the token's probability and rank, the entropy, and the most probable token"
            .to_owned(),
        format!("{:<16} {:>9} {:>9}  {:<44} tuned", "token", "KL(t||b)", "KL(b||t)", "base"),
    ];
    let side = |c: &Choice, top: &[String]| {
        let likeliest = top.first().map_or_else(String::new, |text| format!("{text:?}"));
        format!("p {:.3} rank {:<5} entropy {:.2} {likeliest}", c.probability, c.rank, c.entropy)
    };
    lines.extend(report.response.iter().map(|t| {
        let d = &t.divergence;
        let (base, tuned) = (side(&d.base, &t.top_text.base), side(&d.tuned, &t.top_text.tuned));
        let text = format!("{:?}", t.text);
        format!("{text:<16} {:>9.4} {:>9.4}  {base:<44} {tuned}", d.kl_tuned_base, d.kl_base_tuned)
    }));
    let (there, back) = (report.mean_kl_tuned_base, report.mean_kl_base_tuned);
    lines.push(format!(
        "Mean over {} tokens: KL(tuned||base) {there:.4}, KL(base||tuned) {back:.4}",
        report.response.len()
    ));
    lines.push(match &report.parting {
        None => "The two greedy answers are the same.".into(),
        Some(p) => format!(
            "The greedy answers differ from token {} on (counted from 0), after {:?}\n  base:  {:?}\n  tuned: {:?}",
            p.parting.at, p.shared_text, p.base_text, p.tuned_text
        ),
    });
    lines.join("\n")
}
