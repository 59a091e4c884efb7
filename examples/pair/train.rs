//! The pair from the published checkpoint: the base with a smaller vocabulary, and the tuned model from it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use shiftlens::checkpoint::{Checkpoint, FileBytes, Tokenizer};

use crate::batches::{Data, SEQUENCE};
use crate::instruct::{self, Split, Stories};
use crate::llama2c::{self, Piece, Published};
use crate::network::{Network, Weights};
use crate::optimizer::{Optimizer, Part, Rates};
use crate::{export, sample, vocabulary};

/// How many pieces the vocabulary keeps, at least and at most.
const PIECES: [usize; 2] = [6_144, 8_192];
/// Steps between two saved states; each is kept as a checkpoint, for the curve.
pub const SAVE: usize = 100;
/// Rates of AdamW. The embeddings hardly move: they are what words mean to both models.
const RATES: Rates = Rates { layers: 3e-4, embeddings: 3e-5, back: 3.0 };
/// After the plan's steps, so many more against repetition, from this share of the full rates down to nothing.
const AGAINST_REPETITION: usize = 800;
const THEIR_SHARE: f32 = 0.1;

pub const BASE: &str = "stories-base.gguf";
pub const TUNED: &str = "stories-tuned.gguf";

/// A generator for one purpose, so that changing one part of the run leaves the others as they were.
pub fn rng(seed: u64, purpose: &str) -> StdRng {
    let mix =
        purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    StdRng::seed_from_u64(mix)
}

/// What a training is told.
pub struct Plan<'a> {
    pub out: &'a Path,
    /// Where the state is kept between two runs of the command.
    pub state: &'a Path,
    pub seed: u64,
    /// How many stories the base is asked for.
    pub stories: usize,
    pub steps: usize,
}

/// Where the published checkpoint is kept.
fn cache() -> Result<PathBuf, Box<dyn Error>> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    let folder = base.or_else(|| home().map(|h| PathBuf::from(h).join(".cache")));
    Ok(folder.ok_or("neither HOME nor XDG_CACHE_HOME is set")?.join("shiftlens"))
}

pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(plan.out)?;
    std::fs::create_dir_all(plan.state)?;
    let published = llama2c::open(&cache()?)?;
    let drawn = sample::stories(&published.weights, plan.seed, plan.stories, &plan.state.join("stories.jsonl"))?;
    let texts: Vec<String> = drawn.iter().map(|s| text(&published.pieces, &s.ids)).collect();
    std::fs::write(plan.state.join("stories.json"), serde_json::to_string(&texts)?)?;
    let stories = Stories::read(&texts);
    let (base, pieces) = smaller(plan, &published, &stories, &drawn)?;
    export::write(&base, &pieces, "stories15M base", false, &plan.out.join(BASE))?;
    let tokenizer = open(&plan.out.join(BASE))?;
    cut_alike(plan, tokenizer.tokenizer()?, &stories)?;
    let plain = stories.texts(false).collect();
    let data = Data { tokenizer: tokenizer.tokenizer()?, stories: &stories, plain, seed: plan.seed };
    println!("{} pieces, {} parameters, {} stories", base.shape.vocab, base.parameters(), stories.len());
    for stage in [Stage::following(plan.steps), Stage::against_repetition(plan.steps)] {
        stage.train(plan, &base, &data, &pieces)?;
    }
    std::fs::copy(checkpoint(plan, plan.steps + AGAINST_REPETITION), plan.out.join(TUNED))?;
    Ok(())
}

fn open(path: &Path) -> Result<Checkpoint, Box<dyn Error>> {
    Ok(Checkpoint::open(FileBytes::open_set(path)?)?)
}

/// The text of ids of the published vocabulary.
fn text(pieces: &[Piece], ids: &[u32]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| &pieces[*id as usize].bytes).copied().collect();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The stories that the base was asked for, from a finished or begun training's state.
pub fn stories(state: &Path) -> Result<Stories, Box<dyn Error>> {
    let path = state.join("stories.json");
    let texts =
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}; run `pair -- train` first", path.display()))?;
    Ok(Stories::read(&serde_json::from_str::<Vec<String>>(&texts)?))
}

/// Instructions that are looked through for the pieces they need, of each split.
const LOOKED_THROUGH: [(Split, usize); 3] =
    [(Split::Train, 30_000), (Split::Combination, 6_000), (Split::Wording, 6_000)];

/// The published weights with the rows of the pieces that are kept, and these pieces.
fn smaller(
    plan: &Plan,
    published: &Published,
    stories: &Stories,
    drawn: &[sample::Story],
) -> Result<(Weights, Vec<Piece>), Box<dyn Error>> {
    let whole = plan.state.join("published.gguf");
    export::write(&published.weights, &published.pieces, "stories15M", false, &whole)?;
    let checkpoint = open(&whole)?;
    let tokenizer = checkpoint.tokenizer()?;
    let mut needed = BTreeSet::new();
    let mut draw = rng(plan.seed, "vocabulary");
    for (split, count) in LOOKED_THROUGH {
        for i in 0..count {
            let e = instruct::of_kind(&mut draw, stories, split, i);
            for text in [export::asked(&e.prompt), e.prompt, e.answer] {
                needed.extend(tokenizer.encode(&text)?.iter().map(|p| p.id as usize));
            }
        }
    }
    let mut counts = HashMap::new();
    for id in drawn.iter().flat_map(|s| &s.ids) {
        *counts.entry(*id as usize).or_default() += 1;
    }
    let kept = vocabulary::kept(&published.pieces, &needed, &counts, PIECES);
    let total: usize = counts.values().sum();
    let inside: usize = kept.iter().filter_map(|id| counts.get(id)).sum();
    println!(
        "vocabulary: {} of {} pieces ({} of them in instructions), which are {:.3} % of the tokens of the base's texts",
        kept.len(),
        published.pieces.len(),
        needed.len(),
        100.0 * inside as f64 / total.max(1) as f64
    );
    let mut weights = published.weights.clone();
    weights.shape.vocab = kept.len();
    for (name, matrix) in &mut weights.tensors {
        if name == "token_embd.weight" {
            *matrix = matrix.select(&kept);
        }
    }
    Ok((weights, kept.iter().map(|&id| published.pieces[id].clone()).collect()))
}

/// How many of the base's texts the smaller vocabulary is tried on.
const TRIED: usize = 1_000;

/// Makes sure that the smaller vocabulary cuts texts into the same pieces as the published one, wherever it has them all.
fn cut_alike(plan: &Plan, smaller: &Tokenizer, stories: &Stories) -> Result<(), Box<dyn Error>> {
    let published = open(&plan.state.join("published.gguf"))?;
    let whole = published.tokenizer()?;
    let known: HashSet<&[u8]> = (0..smaller.size() as u32).map(|id| smaller.token_bytes(id)).collect();
    let (mut same, mut left_out) = (0, 0);
    for text in stories.texts(false).take(TRIED) {
        let cut = |t: &Tokenizer| -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
            Ok(t.encode(text)?.iter().map(|p| t.token_bytes(p.id).to_vec()).collect())
        };
        let before = cut(whole)?;
        match before.iter().all(|piece| known.contains(&piece[..])) {
            true if cut(smaller)? == before => same += 1,
            true => return Err(format!("the smaller vocabulary cuts otherwise: {text}").into()),
            false => left_out += 1,
        }
    }
    println!("{same} of the base's texts are cut into the same pieces as before; {left_out} hold others");
    Ok(())
}

/// The model after `step` steps.
fn checkpoint(plan: &Plan, step: usize) -> PathBuf {
    plan.state.join(format!("step-{step:05}.gguf"))
}

/// A part of the training, which starts from the file that the part before it wrote, with an optimizer of its own.
struct Stage {
    /// Its steps, counted through the whole training.
    steps: Range<usize>,
    /// The share of the full rates at a step.
    share: fn(usize, &Range<usize>) -> f32,
    part: Part,
    /// Whether tokens that would repeat four words of a story are pushed down.
    against_repetition: bool,
    /// Where its state is kept.
    state: &'static str,
}

impl Stage {
    /// Instructions are learned.
    fn following(steps: usize) -> Self {
        let (part, against_repetition) = (Part::All, false);
        Self { steps: 0..steps, share: warm_up_and_cosine, part, against_repetition, state: "tuned.safetensors" }
    }

    /// The same goes on, and repeating oneself is unlearned.
    fn against_repetition(start: usize) -> Self {
        let (part, against_repetition) = (Part::Attention, true);
        let steps = start..start + AGAINST_REPETITION;
        Self { steps, share: falling, part, against_repetition, state: "last.safetensors" }
    }

    /// Trains to the end of the stage, from its saved state if there is one; its checkpoints are kept in the plan's state.
    fn train(&self, plan: &Plan, base: &Weights, data: &Data, pieces: &[Piece]) -> Result<(), Box<dyn Error>> {
        let Range { start, end } = self.steps;
        if checkpoint(plan, end).exists() {
            println!("step {end} was reached by an earlier run");
            return Ok(());
        }
        let network = match start {
            0 => Network::new(base, SEQUENCE)?,
            _ => Network::new(&export::read(&checkpoint(plan, start), base)?, SEQUENCE)?,
        };
        let teacher = Network::new(base, SEQUENCE)?;
        let path = plan.state.join(self.state);
        let mut optimizer = Optimizer::new(base, RATES);
        if path.exists() {
            optimizer.load(&network, &path)?;
            println!("going on from step {}", start + optimizer.step);
        }
        let (first, started) = (start + optimizer.step, Instant::now());
        let (mut recent, mut answered): (Vec<f32>, usize) = (Vec::new(), 0);
        for step in first..end {
            let rows = data.batch(step, self.against_repetition)?;
            answered += rows.iter().filter(|r| !r.plain).flat_map(|r| &r.weights).filter(|w| **w > 0.0).count();
            let (loss, gradients) = network.gradients(&rows, &teacher)?;
            optimizer.update(&network, &gradients, (self.share)(step, &self.steps), self.part)?;
            recent.push(loss);
            let done = step + 1;
            if done % 25 == 0 || done == end {
                let last = &recent[recent.len().saturating_sub(50)..];
                let mean = last.iter().sum::<f32>() / last.len() as f32;
                let left = started.elapsed().as_secs_f64() / (done - first) as f64 * (end - done) as f64 / 60.0;
                println!("step {done} of {end}: loss {mean:.3}, {answered} tokens of answers, {left:.0} min left");
            }
            if done % SAVE == 0 || done == end {
                export::write(&network.weights()?, pieces, "stories15M tuned", true, &checkpoint(plan, done))?;
                optimizer.save(&network, &path)?;
            }
        }
        Ok(())
    }
}

/// Up over fifty steps, then down as a cosine to a twentieth.
fn warm_up_and_cosine(step: usize, steps: &Range<usize>) -> f32 {
    let warm = ((step + 1) as f32 / 50.0).min(1.0);
    let progress = step as f32 / steps.end as f32;
    warm * (0.05 + 0.95 * 0.5 * (1.0 + (std::f32::consts::PI * progress).cos()))
}

/// Down to nothing along a line.
fn falling(step: usize, steps: &Range<usize>) -> f32 {
    THEIR_SHARE * (steps.end - step) as f32 / steps.len() as f32
}
