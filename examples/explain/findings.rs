//! `findings`: the paper's three findings on a pair.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shiftlens::explain::ModelReport;
use shiftlens::explain::attribution::Sampling;
use shiftlens::explain::findings::{
    Comparison, ConceptShift, Controls, PromptCase, ScoreFinding, ScoreRow, VerbFinding, concept_shift,
    instruction_scores, parse_prompts, percent, permille, verb_shift, written_p,
};
use shiftlens::explain::statistics::Summary;
use shiftlens::explain::weights::coherence::Coherence;
use shiftlens::explain::weights::compare::{HeadChange, Kept, kept};
use shiftlens::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use shiftlens::explain::weights::matching::{LayerMatches, Turn};
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon, scorer};
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
    /// Another model's word vectors ("word v1 v2 ..." a line), to judge the coherence of heads and components.
    #[arg(long)]
    judge: Option<PathBuf>,
    /// Where the JSON goes; standard output if absent. What it says in words goes to the other.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    scores: Scores,
    verbs: VerbFinding,
    concepts: ConceptShift,
    heads_kept: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coherence: Option<Judged>,
}

#[derive(Serialize)]
struct Scores {
    #[serde(flatten)]
    finding: ScoreFinding,
    rows: Vec<ScoreRow>,
}

/// Base and tuned.
#[derive(Serialize)]
struct Judged {
    heads: [Option<Coherence>; 2],
    components: [Option<Coherence>; 2],
}

/// One model with what its weights say.
struct Model {
    runner: Runner,
    words: Vec<String>,
    heads: Vec<LayerHeads>,
    concepts: Vec<LayerConcepts>,
}

pub fn run(a: &Findings) -> Result<(), String> {
    let text = std::fs::read_to_string(&a.prompts).map_err(|e| format!("{}: {e}", a.prompts.display()))?;
    let mut cases = parse_prompts(&text).map_err(|e| format!("{}: {e}", a.prompts.display()))?;
    cases.truncate(a.limit.unwrap_or(usize::MAX));
    let (mut base, mut tuned) = (open(&a.base)?, open(&a.tuned)?);
    let judged = a.judge.as_deref().map(|path| judged(path, &base, &tuned)).transpose()?;
    let lesser = |of: fn(&Judged) -> [Option<Coherence>; 2]| {
        judged.as_ref().map(of).and_then(|[base, tuned]| Coherence::lesser(base, tuned))
    };
    let changes: Vec<Vec<HeadChange>> =
        base.heads.iter().zip(&tuned.heads).map(|(b, t)| HeadChange::of_layer(b, t)).collect();
    let layers: Vec<&[HeadChange]> = changes.iter().map(Vec::as_slice).collect();
    let verbs = verb_shift(&layers, lesser(|j| j.heads));
    let shares: Vec<_> = base.heads.iter().zip(&tuned.heads).map(|(b, t)| kept(b, t)).collect();
    let pairs = || base.concepts.iter().zip(&tuned.concepts);
    let matches: Result<Vec<_>, ModelError> = pairs().map(|(b, t)| LayerMatches::between(b, t)).collect();
    let matches = matches.map_err(|e| e.to_string())?;
    let controls = Controls { turn: Turn::of(&matches), coherence: lesser(|j| j.components) };
    let concepts = concept_shift(pairs(), |_, _, _, c| scorer::task(c).value, controls);
    let mut rows = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        rows.push(score(a, case, &mut base.runner, &mut tuned.runner)?);
        if n % 20 == 19 {
            eprintln!("{} of {} prompts", n + 1, cases.len());
        }
    }
    let scores = Scores { finding: instruction_scores(&rows), rows };
    let heads_kept = Kept::of(&shares.iter().collect::<Vec<_>>());
    let report = Report { version: 2, scores, verbs, concepts, heads_kept, coherence: judged };
    match &a.json {
        Some(_) => println!("{}", in_words(&report)),
        None => eprintln!("{}", in_words(&report)),
    }
    crate::write(&report, a.json.as_deref())
}

/// The coherence of both models' heads and components.
fn judged(path: &std::path::Path, base: &Model, tuned: &Model) -> Result<Judged, String> {
    let [base, tuned] = [base, tuned].map(|model| -> Result<_, String> {
        let judge = crate::judge(path, &model.words)?;
        Ok((judge.of_heads(&model.heads), judge.of_components(&model.concepts)))
    });
    let (base, tuned) = (base?, tuned?);
    Ok(Judged { heads: [base.0, tuned.0], components: [base.1, tuned.1] })
}

fn compared(c: &Comparison, [first, second]: [&str; 2]) -> String {
    let welch = c.welch.map_or_else(|| "–".to_owned(), |w| written_p(w.p));
    let side = |s: Summary| format!("{:.3} ± {:.3}", s.mean, s.deviation);
    format!("{first} {}, {second} {}; Welch's p {welch}", side(c.first), side(c.second))
}

const MODELS: [&str; 2] = ["base", "tuned"];

/// What was found, for people.
fn in_words(report: &Report) -> String {
    let Report { scores, verbs, concepts, heads_kept, coherence, .. } = report;
    let found = &scores.finding;
    let mut lines = vec![
        "Finding 1: the tuned model relies more on the instruction's words".to_owned(),
        format!("  {}", found.verdict.words()),
        format!("  {} (n = {})", compared(&found.comparison, MODELS), found.comparison.first.n),
    ];
    if let Some(paired) = found.paired {
        lines.push(format!("  paired (Wilcoxon, {} differences): p {}", paired.n, written_p(paired.p)));
    }
    if let Some(chance) = found.chance {
        lines.push(format!(
            "  {} of 2,000 random choices of the instruction's words rise as much ({} prompts)",
            permille(chance.share()),
            found.choosable
        ));
    }
    lines.push("Finding 2: heads relate more words to instruction verbs".into());
    lines.push(format!("  {}", verbs.verdict.words()));
    for group in &verbs.groups {
        let share = group.chance.map_or_else(|| "–".to_owned(), |c| permille(c.share()));
        lines.push(format!(
            "  {} layers: {}; {share} of 2,000 labellings do as well",
            group.group.name(),
            compared(&group.comparison, ["general verbs", "instruction verbs"])
        ));
    }
    lines.push("Finding 3: concepts rotate toward users' tasks, while linguistic levels stay".into());
    lines.push(format!("  {}", concepts.verdict.words()));
    lines.push(format!("  {}", compared(&concepts.comparison, MODELS)));
    lines.push(format!(
        "  {} of 2,000 permutations do as well; {} have no task label; levels differ by {}, by chance by {}",
        permille(concepts.chance.share()),
        percent(concepts.unlabelled),
        permille(concepts.level_distance()),
        permille(concepts.chance_of_levels.mean)
    ));
    if let Some(turn) = concepts.controls.turn {
        lines.push(format!("  Components: {}", turn.words()));
    }
    if let Some(k) = heads_kept {
        lines.push(format!(
            "Heads keep {} of their pairs; another head of their layer has {} of them",
            percent(k.own),
            percent(k.others)
        ));
    }
    if let Some(judged) = coherence {
        let parts = [("Heads", judged.heads), ("Components", judged.components)];
        for (what, sides) in parts {
            for (name, side) in MODELS.iter().zip(sides) {
                let said = side.map_or_else(|| "too few known words".to_owned(), |c| c.words());
                lines.push(format!("{what}, {name}: {said}"));
            }
        }
    }
    lines.join("\n")
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
    let words = atlas.words().to_vec();
    Ok(Model { runner: Runner::load_at_once(checkpoint, &name).map_err(fail)?, words, heads, concepts })
}

fn score(a: &Findings, case: &PromptCase, base: &mut Runner, tuned: &mut Runner) -> Result<ScoreRow, String> {
    let own = || Response::Own { limit: RESPONSE, sampling: Sampling::default() };
    let given = case.response.clone().map(|text| Response::Text { text });
    let explain = |runner: &mut Runner, template: Template, response: Response| -> Result<ModelReport, String> {
        let run = Run {
            instruction: Some(case.span()),
            ..Run::by_token(Prompt::text(case.prompt.clone(), template), response)
        };
        let mut quiet = async |_: Update| ControlFlow::Continue(());
        block_on(runner.run(&run, || 0.0, &mut quiet)).map_err(|e| format!("“{}”: {e}", case.prompt))
    };
    let after = explain(tuned, Template::Own, given.unwrap_or_else(own))?;
    let response: String = after.response.iter().map(|t| t.text.as_str()).collect();
    let response_of_base = match (a.own, tuned.info().tokenizer == base.info().tokenizer) {
        (true, _) => own(),
        (false, true) => Response::Ids { ids: after.response.iter().map(|t| t.id).collect() },
        (false, false) => Response::Text { text: response },
    };
    let before = explain(base, Template::Off, response_of_base)?;
    Ok(ScoreRow::of(case, &before, &after))
}
