//! `heads` and `concepts`: what the weights say without any prompt.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::CheckpointInfo;
use shiftlens::explain::weights::compare::{HeadChange, NamedPair, named};
use shiftlens::explain::weights::concepts;
use shiftlens::explain::weights::heads::{Head, HeadOptions, Reading, WordPairs};
use shiftlens::explain::weights::{Related, Relatedness, Words, lexicon};
use shiftlens::model::ModelError;

/// The checkpoints and the words of either command.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("slot").required(true).multiple(true).args(["tuned", "base"])))]
struct Input {
    /// The tuned checkpoint: a GGUF file, or a folder with safetensors.
    #[arg(long)]
    tuned: Option<PathBuf>,
    /// The base checkpoint.
    #[arg(long)]
    base: Option<PathBuf>,
    /// Layers, from 0; all if absent.
    #[arg(long, value_delimiter = ',')]
    layers: Option<Vec<usize>>,
    /// A list of words, one a line, in place of the bundled English one.
    #[arg(long)]
    words: Option<PathBuf>,
    /// Where the JSON goes; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Heads {
    #[command(flatten)]
    input: Input,
    /// How a head is read.
    #[arg(long, default_value = "relation")]
    reading: ReadingArg,
    /// Most pairs of a head.
    #[arg(long, default_value_t = 100)]
    keep: usize,
    /// Word vectors ("word v1 v2 ..." a line) that say which words are related, in place of the model's own embeddings.
    #[arg(long)]
    vectors: Option<PathBuf>,
}

#[derive(Args)]
pub struct ConceptsOf {
    #[command(flatten)]
    input: Input,
    /// How many components of a layer.
    #[arg(long, default_value_t = 300)]
    components: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReadingArg {
    Relation,
    Paper,
}

#[derive(Serialize)]
struct Report<L> {
    version: u32,
    models: Pair<Model<L>>,
    /// What tuning changed, where both models are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Pair<T> {
    base: Option<T>,
    tuned: Option<T>,
}

#[derive(Serialize)]
struct Model<L> {
    checkpoint: CheckpointInfo,
    words: usize,
    #[serde(skip)]
    list: Vec<String>,
    layers: Vec<L>,
    seconds: f64,
}

#[derive(Serialize)]
struct HeadLayer {
    layer: usize,
    heads: Vec<HeadOut>,
    #[serde(skip)]
    found: Vec<Head>,
}

#[derive(Serialize)]
struct HeadOut {
    pairs: Vec<NamedPair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dimensions: Vec<DimensionOut>,
}

#[derive(Serialize)]
struct DimensionOut {
    index: usize,
    weight: f32,
    pairs: Vec<NamedPair>,
}

#[derive(Serialize)]
struct Change {
    layer: usize,
    head: usize,
    #[serde(flatten)]
    change: HeadChange,
}

#[derive(Serialize)]
struct ConceptLayer {
    layer: usize,
    components: Vec<ComponentOut>,
}

#[derive(Serialize)]
struct ComponentOut {
    share: f64,
    words: Vec<(String, f32)>,
}

pub fn heads(a: &Heads) -> Result<(), String> {
    let of = |path: &Option<PathBuf>| path.as_deref().map(|p| head_model(p, a)).transpose();
    let models = Pair { base: of(&a.input.base)?, tuned: of(&a.input.tuned)? };
    let mut changes = Vec::new();
    if let Pair { base: Some(base), tuned: Some(tuned) } = &models {
        for (b, t) in base.layers.iter().zip(&tuned.layers) {
            for (head, (before, after)) in b.found.iter().zip(&t.found).enumerate() {
                let change = HeadChange::between((before, &base.list), (after, &tuned.list));
                changes.push(Change { layer: b.layer, head, change });
            }
        }
    }
    crate::write(&Report { version: 1, models, changes }, a.input.json.as_deref())
}

pub fn concepts(a: &ConceptsOf) -> Result<(), String> {
    let of = |path: &Option<PathBuf>| path.as_deref().map(|p| concept_model(p, a)).transpose();
    let models = Pair { base: of(&a.input.base)?, tuned: of(&a.input.tuned)? };
    crate::write(&Report { version: 1, models, changes: Vec::new() }, a.input.json.as_deref())
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A model with its words.
struct Opened {
    checkpoint: Checkpoint,
    info: CheckpointInfo,
    words: Words,
    layers: Vec<usize>,
    started: Instant,
}

impl Opened {
    fn new(path: &Path, input: &Input) -> Result<Self, String> {
        let fail = |e: ModelError| format!("{}: {e}", path.display());
        let checkpoint = crate::open(path)?;
        let started = Instant::now();
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let list = match &input.words {
            Some(path) => lexicon::parse(&text(path)?),
            None => lexicon::english(),
        };
        let tokenizer = checkpoint.tokenizer().map_err(|e| fail(e.into()))?;
        let words = Words::of(&list, tokenizer).map_err(fail)?;
        if words.words.is_empty() {
            return Err(format!("{}: it writes none of the list's words with one or two tokens", path.display()));
        }
        let layers = input.layers.clone().unwrap_or_else(|| (0..checkpoint.config.layers).collect());
        if let Some(layer) = layers.iter().find(|l| **l >= checkpoint.config.layers) {
            return Err(format!(
                "{}: there is no layer {layer}, only 0 to {}",
                path.display(),
                checkpoint.config.layers - 1
            ));
        }
        let info = CheckpointInfo::of(&checkpoint, &name);
        Ok(Self { checkpoint, info, words, layers, started })
    }

    fn finished<L>(self, list: Vec<String>, layers: Vec<L>) -> Model<L> {
        Model { checkpoint: self.info, words: list.len(), list, layers, seconds: self.started.elapsed().as_secs_f64() }
    }
}

fn head_model(path: &Path, a: &Heads) -> Result<Model<HeadLayer>, String> {
    let fail = |e: ModelError| format!("{}: {e}", path.display());
    let opened = Opened::new(path, &a.input)?;
    let words = opened.words.words.clone();
    let by = match &a.vectors {
        Some(path) => Relatedness::parse(&text(path)?, &words),
        None => Relatedness::Own,
    };
    let input = opened.words.input(&opened.checkpoint).map_err(fail)?;
    let related = Related::find(&words, &input, &by, |_| Ok(())).map_err(fail)?;
    if related.pairs.is_empty() {
        return Err("No two of the words are related: the word vectors hold too few of them.".into());
    }
    let pairs = WordPairs::new(opened.words.clone(), input, related);
    eprintln!(
        "{}: {} words, {} related pairs, {:.1} s",
        path.display(),
        words.len(),
        pairs.related(),
        opened.started.elapsed().as_secs_f64()
    );
    let reading = match a.reading {
        ReadingArg::Relation => Reading::Relation,
        ReadingArg::Paper => Reading::Paper,
    };
    let mut layers = Vec::new();
    for &layer in &opened.layers {
        let started = Instant::now();
        let found = pairs.heads(&opened.checkpoint, layer, HeadOptions { reading, keep: a.keep }).map_err(fail)?;
        eprintln!("{}: layer {layer}, {:.2} s", path.display(), started.elapsed().as_secs_f64());
        let out = |h: &Head| HeadOut {
            pairs: named(&h.pairs, &words),
            dimensions: h
                .dimensions
                .iter()
                .map(|d| DimensionOut { index: d.index, weight: d.weight, pairs: named(&d.pairs, &words) })
                .collect(),
        };
        layers.push(HeadLayer { layer, heads: found.iter().map(out).collect(), found });
    }
    Ok(opened.finished(words, layers))
}

fn concept_model(path: &Path, a: &ConceptsOf) -> Result<Model<ConceptLayer>, String> {
    let fail = |e: ModelError| format!("{}: {e}", path.display());
    let opened = Opened::new(path, &a.input)?;
    let words = opened.words.words.clone();
    let output = opened.words.output(&opened.checkpoint).map_err(fail)?;
    let mut layers = Vec::new();
    for &layer in &opened.layers {
        let started = Instant::now();
        let found = concepts::Concepts::of(&opened.checkpoint, layer, a.components, &output).map_err(fail)?;
        eprintln!("{}: layer {layer}, {:.2} s", path.display(), started.elapsed().as_secs_f64());
        let components = found.components.iter().map(|c| ComponentOut {
            share: c.share,
            words: c.words.iter().map(|w| (words[w.word as usize].clone(), w.strength)).collect(),
        });
        layers.push(ConceptLayer { layer, components: components.collect() });
    }
    Ok(opened.finished(words, layers))
}
