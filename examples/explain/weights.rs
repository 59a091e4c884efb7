//! `heads` and `concepts`: what the weights say without any prompt.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use shiftlens::checkpoint::Checkpoint;
use shiftlens::explain::CheckpointInfo;
use shiftlens::explain::weights::coherence::{Coherence, Judge, Judged, together};
use shiftlens::explain::weights::compare::HeadChange;
use shiftlens::explain::weights::heads::{HeadOptions, Reading};
use shiftlens::explain::weights::matching::LayerMatches;
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon};
use shiftlens::model::{ModelError, Tick, block_on};

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
    /// Another model's word vectors ("word v1 v2 ..." a line), to judge the coherence of what is read. They must not be
    /// those of `--vectors`, which choose the pairs.
    #[arg(long)]
    judge: Option<PathBuf>,
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
struct Report<L, C> {
    version: u32,
    models: Pair<Model<L>>,
    /// What tuning changed, where both models are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<C>,
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
    layers: Vec<L>,
    /// Of all that was judged, where a judge was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    coherence: Option<Coherence>,
    /// Layer by layer: of every head, or of both signs of the leading components; nothing where too few words are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    judged: Vec<Judged>,
    seconds: f64,
}

#[derive(Serialize)]
struct Change {
    layer: usize,
    head: usize,
    #[serde(flatten)]
    change: HeadChange,
}

pub fn heads(a: &Heads) -> Result<(), String> {
    if a.vectors.is_some() && a.vectors == a.input.judge {
        return Err("The vectors that choose the pairs cannot judge them: give --judge another file.".into());
    }
    let of = |path: &Option<PathBuf>| path.as_deref().map(|p| head_model(p, a)).transpose();
    let models = Pair { base: of(&a.input.base)?, tuned: of(&a.input.tuned)? };
    let mut changes = Vec::new();
    if let Pair { base: Some(base), tuned: Some(tuned) } = &models {
        for (b, t) in base.layers.iter().zip(&tuned.layers) {
            let heads = HeadChange::of_layer(b, t).into_iter().enumerate();
            changes.extend(heads.map(|(head, change)| Change { layer: b.layer, head, change }));
        }
    }
    crate::write(&Report { version: 1, models, changes }, a.input.json.as_deref())
}

pub fn concepts(a: &ConceptsOf) -> Result<(), String> {
    let of = |path: &Option<PathBuf>| path.as_deref().map(|p| concept_model(p, a)).transpose();
    let models = Pair { base: of(&a.input.base)?, tuned: of(&a.input.tuned)? };
    let mut changes = Vec::new();
    if let Pair { base: Some(base), tuned: Some(tuned) } = &models {
        for (b, t) in base.layers.iter().zip(&tuned.layers) {
            changes.push(LayerMatches::between(b, t).map_err(|e| e.to_string())?);
        }
    }
    crate::write(&Report { version: 1, models, changes }, a.input.json.as_deref())
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A model with its words.
struct Opened {
    checkpoint: Checkpoint,
    info: CheckpointInfo,
    atlas: Atlas,
    judge: Option<Judge>,
    layers: Vec<usize>,
    started: Instant,
}

impl Opened {
    fn new(path: &Path, input: &Input, vectors: Option<&Path>) -> Result<Self, String> {
        let checkpoint = crate::open(path)?;
        let started = Instant::now();
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let list = match &input.words {
            Some(path) => lexicon::parse(&text(path)?),
            None => lexicon::english(),
        };
        let by = match vectors {
            Some(path) => Relatedness::parse(&text(path)?, &list),
            None => Relatedness::Own,
        };
        let atlas = Atlas::new(&checkpoint, &list, by).map_err(|e| format!("{}: {e}", path.display()))?;
        let judge = input.judge.as_deref().map(|path| crate::judge(path, atlas.words())).transpose()?;
        let layers = input.layers.clone().unwrap_or_else(|| (0..checkpoint.config.layers).collect());
        let info = CheckpointInfo::of(&checkpoint, &name).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self { checkpoint, info, atlas, judge, layers, started })
    }

    /// Reads every layer asked for.
    fn read<L>(
        mut self,
        path: &Path,
        mut one: impl FnMut(&mut Atlas, &Checkpoint, usize) -> Result<L, ModelError>,
        judged: fn(&Judge, &L) -> Judged,
    ) -> Result<Model<L>, String> {
        let mut layers = Vec::new();
        for &layer in &self.layers {
            let started = Instant::now();
            let read = one(&mut self.atlas, &self.checkpoint, layer);
            layers.push(read.map_err(|e| format!("{}: {e}", path.display()))?);
            eprintln!("{}: layer {layer}, {:.2} s", path.display(), started.elapsed().as_secs_f64());
        }
        let words = self.atlas.words().len();
        let related = self.atlas.related().map_or(0, |r| r.pairs.len());
        eprintln!("{}: {words} words, {related} related pairs", path.display());
        let judged: Vec<Judged> = self.judge.iter().flat_map(|j| layers.iter().map(move |l| judged(j, l))).collect();
        let coherence = together(&judged);
        if let Some(c) = coherence {
            eprintln!("{}: {}", path.display(), c.words());
        }
        let seconds = self.started.elapsed().as_secs_f64();
        Ok(Model { checkpoint: self.info, words, layers, coherence, judged, seconds })
    }
}

fn head_model(path: &Path, a: &Heads) -> Result<Model<LayerHeads>, String> {
    let reading = match a.reading {
        ReadingArg::Relation => Reading::Relation,
        ReadingArg::Paper => Reading::Paper,
    };
    let how = HeadOptions { reading, keep: a.keep };
    let mut quiet = async |_: Tick| ControlFlow::Continue(());
    let read =
        |atlas: &mut Atlas, checkpoint: &Checkpoint, layer| block_on(atlas.heads(checkpoint, layer, how, &mut quiet));
    Opened::new(path, &a.input, a.vectors.as_deref())?.read(path, read, Judge::heads)
}

fn concept_model(path: &Path, a: &ConceptsOf) -> Result<Model<LayerConcepts>, String> {
    let read = |atlas: &mut Atlas, checkpoint: &Checkpoint, layer| atlas.concepts(checkpoint, layer, a.components);
    Opened::new(path, &a.input, None)?.read(path, read, Judge::components)
}
