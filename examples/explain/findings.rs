//! `findings`: the paper's three findings on a pair.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::findings::{
    Comparison, ConceptShift, PromptCase, ScoreRow, VerbShift, Verdict, concept_shift, instruction_scores,
    parse_prompts, verb_shift,
};
use shiftlens::explain::weights::compare::HeadChange;
use shiftlens::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use shiftlens::explain::weights::matching::LayerMatches;
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon, scorer};
use shiftlens::explain::{By, ModelReport};
use shiftlens::model::head::Target;
use shiftlens::model::{ModelError, Tick, block_on};
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

/// Longest response, tokens; components of a layer: as on the page.
const RESPONSE: usize = 60;
const COMPONENTS: usize = 300;

#[derive(Args)]
pub struct Findings {
    /// The base checkpoint: a GGUF file, or a folder with safetensors.
    #[arg(long)]
    base: PathBuf,
    /// The tuned checkpoint.
    #[arg(long)]
    tuned: PathBuf,
    /// Prompts: TSV (prompt, instruction, response) or JSON lines.
    #[arg(long, default_value = "public/findings/held-out.jsonl")]
    prompts: PathBuf,
    /// How many of them; all if absent.
    #[arg(long)]
    limit: Option<usize>,
    /// Each model explains its own response, instead of the tuned model's under both.
    #[arg(long)]
    own: bool,
    /// Where the JSON goes; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    scores: Scores,
    verbs: Vec<VerbShift>,
    concepts: Concepts,
}

#[derive(Serialize)]
struct Scores {
    comparison: Comparison,
    verdict: Verdict,
    rows: Vec<ScoreRow>,
}

#[derive(Serialize)]
struct Concepts {
    #[serde(flatten)]
    shift: ConceptShift,
    verdict: Verdict,
    /// Degrees, over all components.
    mean_angle: f64,
}

/// One model with what its weights say.
struct Model {
    runner: Runner,
    heads: Vec<LayerHeads>,
    concepts: Vec<LayerConcepts>,
}

pub fn run(a: &Findings) -> Result<(), String> {
    let text = std::fs::read_to_string(&a.prompts).map_err(|e| format!("{}: {e}", a.prompts.display()))?;
    let mut cases = parse_prompts(&text).map_err(|e| format!("{}: {e}", a.prompts.display()))?;
    cases.truncate(a.limit.unwrap_or(usize::MAX));
    let (mut base, mut tuned) = (open(&a.base)?, open(&a.tuned)?);
    let changes: Vec<Vec<HeadChange>> =
        base.heads.iter().zip(&tuned.heads).map(|(b, t)| HeadChange::of_layer(b, t)).collect();
    let layers: Vec<&[HeadChange]> = changes.iter().map(Vec::as_slice).collect();
    let pairs = || base.concepts.iter().zip(&tuned.concepts);
    let shift = concept_shift(pairs(), |_, _, _, c| scorer::task(c).value);
    let matches: Result<Vec<_>, ModelError> = pairs().map(|(b, t)| LayerMatches::between(b, t)).collect();
    let angles: Vec<f64> =
        matches.map_err(|e| e.to_string())?.iter().flat_map(|l| l.matches.iter().map(|m| f64::from(m.angle))).collect();
    let mean_angle = angles.iter().sum::<f64>() / angles.len().max(1) as f64;
    let verbs = verb_shift(&layers);
    let concepts = Concepts { verdict: shift.verdict(), shift, mean_angle };
    let mut rows = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        rows.push(score(a, case, &mut base.runner, &mut tuned.runner)?);
        if n % 20 == 19 {
            eprintln!("{} of {} prompts", n + 1, cases.len());
        }
    }
    let comparison = instruction_scores(&rows);
    let scores = Scores { verdict: comparison.verdict(), comparison, rows };
    crate::write(&Report { version: 1, scores, verbs, concepts }, a.json.as_deref())
}

fn open(path: &std::path::Path) -> Result<Model, String> {
    let fail = |e: ModelError| format!("{}: {e}", path.display());
    let checkpoint = crate::open(path)?;
    let mut atlas = Atlas::new(&checkpoint, &lexicon::english(), Relatedness::Own).map_err(fail)?;
    let how = HeadOptions { reading: Reading::Relation, keep: compared_pairs(Reading::Relation) };
    let mut quiet = async |_: Tick| ControlFlow::Continue(());
    let (mut heads, mut concepts) = (Vec::new(), Vec::new());
    for layer in 0..checkpoint.config.layers {
        heads.push(block_on(atlas.heads(&checkpoint, layer, how, &mut quiet)).map_err(fail)?);
        concepts.push(atlas.concepts(&checkpoint, layer, COMPONENTS).map_err(fail)?);
        eprintln!("{}: layer {layer}", path.display());
    }
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Ok(Model { runner: Runner::load(checkpoint, &name, |_, _| Ok(())).map_err(fail)?, heads, concepts })
}

fn score(a: &Findings, case: &PromptCase, base: &mut Runner, tuned: &mut Runner) -> Result<ScoreRow, String> {
    let own = || Response::Own { limit: RESPONSE, sampling: Sampling::default() };
    let given = case.response.clone().map(|text| Response::Text { text });
    let explain = |runner: &mut Runner, template: Template, response: Response| -> Result<ModelReport, String> {
        let run = Run {
            prompt: Prompt::Text { text: case.prompt.clone(), template },
            response,
            by: By::Token,
            target: Target::Prob,
            mode: Mode::Auto,
            instruction: Some(case.span()),
        };
        let mut quiet = async |_: Update| ControlFlow::Continue(());
        block_on(runner.run(&run, || 0.0, &mut quiet)).map_err(|e| format!("“{}”: {e}", case.prompt))
    };
    let after = explain(tuned, Template::Own, given.unwrap_or_else(own))?;
    let response: String = after.response.iter().map(|t| t.text.as_str()).collect();
    let response_of_base = match (a.own, tuned.info().tokenizer == base.info().tokenizer) {
        (true, _) => own(),
        (false, true) => Response::Ids { ids: after.response.iter().map(|t| t.id).collect() },
        (false, false) => Response::Text { text: response.clone() },
    };
    let before = explain(base, Template::Off, response_of_base)?;
    Ok(ScoreRow {
        prompt: case.prompt.clone(),
        response,
        base: before.instruction_score,
        tuned: after.instruction_score,
    })
}
