//! `cells`: {base, tuned} x {plain, template} on one response.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::cells::{Cells, Distances, Effects, Four, Readings};
use shiftlens::explain::{CheckpointInfo, Levels, ModelReport};
use shiftlens::protocol::{Prompt, Response, Template};
use shiftlens::worker::Runner;

use crate::text::{explain, greedy, load_pair, spell_all};

#[derive(Args)]
pub struct CellsOf {
    /// The base checkpoint: a GGUF file, or a folder with safetensors.
    base: PathBuf,
    /// The tuned checkpoint, whose chat template both models read.
    tuned: PathBuf,
    /// The prompt's text.
    #[arg(long)]
    prompt: String,
    /// The response that all four runs explain. By default the tuned model's own greedy one, in its template.
    #[arg(long)]
    response: Option<String>,
    /// The most tokens of that greedy response.
    #[arg(long, default_value_t = 48, conflicts_with = "response")]
    new_tokens: usize,
    /// The file to write the JSON to.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    base: CheckpointInfo,
    tuned: CheckpointInfo,
    prompt: String,
    response_text: String,
    #[serde(flatten)]
    cells: Cells,
}

pub fn run(a: &CellsOf) -> Result<(), String> {
    let (mut base, mut tuned) = load_pair(&a.base, &a.tuned)?;
    let Some(template) = tuned.checkpoint().chat_template.as_ref().map(|t| t.source().to_owned()) else {
        return Err(
            "The tuned model has no chat template, so there is no effect of a template to compare. Open a checkpoint that has one.".into()
        );
    };
    let template = Template::Given { source: template };
    let prompt = |template: &Template| Prompt::text(a.prompt.clone(), template.clone());
    let response = match &a.response {
        Some(text) => {
            let tokenizer = tuned.checkpoint().tokenizer().map_err(|e| e.to_string())?;
            tokenizer.encode_response(text).map_err(|e| e.to_string())?
        }
        None => greedy(&mut tuned, prompt(&template), a.new_tokens)?,
    };
    let both = |model: &mut Runner| -> Result<Readings<ModelReport>, String> {
        let mut read =
            |template: &Template| explain(model, prompt(template), Response::Ids { ids: response.clone() }, Mode::Auto);
        Ok(Readings { plain: read(&Template::Off)?, template: read(&template)? })
    };
    let reports = Four { base: both(&mut base)?, tuned: both(&mut tuned)? };
    let report = Report {
        version: 1,
        base: base.info().clone(),
        tuned: tuned.info().clone(),
        prompt: a.prompt.clone(),
        response_text: spell_all(&tuned, &response),
        cells: Cells::of(&reports, Levels::default()).map_err(|e| e.to_string())?,
    };
    println!("{}", in_words(&report));
    a.json.as_deref().map_or(Ok(()), |path| crate::write(&report, Some(path)))
}

fn in_words(report: &Report) -> String {
    let cells = &report.cells;
    let effects = |e: &Effects| {
        format!(
            "template {:+.3} (base) {:+.3} (tuned); weights {:+.3} (plain) {:+.3} (template); interaction {:+.3}",
            e.template_on_base, e.template_on_tuned, e.weights_plain, e.weights_in_template, e.interaction
        )
    };
    let apart = |d: &Distances| {
        format!(
            "template {:.2} (base) {:.2} (tuned); weights {:.2} (plain) {:.2} (template)",
            d.template_on_base, d.template_on_tuned, d.weights_plain, d.weights_in_template
        )
    };
    let mut lines = vec![
        format!("All four runs explain {:?}", report.response_text),
        format!(
            "Tokens of the prompt that are the same in all four runs: {}; left out: {}",
            cells.tokens.len(),
            cells.left_out
        ),
        format!(
            "Distance between runs (0: the same, 2: nothing in common), by importance: {}",
            apart(&cells.importance_apart)
        ),
        format!("  by level: {}", apart(&cells.levels_apart)),
    ];
    if let (Some(scores), Some(score)) = (&cells.scores, &cells.score) {
        lines.push(format!(
            "Instruction score: base {:.3} plain, {:.3} in the template; tuned {:.3} plain, {:.3} in the template",
            scores.base.plain, scores.base.template, scores.tuned.plain, scores.tuned.template
        ));
        lines.push(format!("  {}", effects(score)));
    }
    lines.push("What changed each token's mean level (of 10); * marks the instruction:".into());
    lines.extend(cells.tokens.iter().map(|t| {
        let mark = if t.instruction { '*' } else { ' ' };
        format!("{mark} {:<14} {}", format!("{:?}", t.text), effects(&t.level))
    }));
    lines.join("\n")
}
