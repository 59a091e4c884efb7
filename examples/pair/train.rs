//! The pair from the published checkpoint: the base with a smaller vocabulary, and the tuned model from it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use shiftlens::checkpoint::{Checkpoint, FileBytes, Tokenizer};

use crate::draw::word;
use crate::instruct::{self, Example, Split, Stories};
use crate::judge::Check;
use crate::llama2c::{self, Piece, Published};
use crate::network::{BOS, Network, Row, Weights};
use crate::optimizer::{Optimizer, Rates};
use crate::{export, sample, vocabulary};

/// Predictions in a row, and rows in a step: the context is 256.
const SEQUENCE: usize = 255;
const BATCH: usize = 8;
/// How many pieces the vocabulary keeps, at least and at most.
const PIECES: [usize; 2] = [6_144, 8_192];
/// Steps between two saved states; each is kept as a checkpoint, for the curve.
pub const SAVE: usize = 100;
/// Rates of AdamW. The embeddings hardly move: they are what words mean to both models.
const RATES: Rates = Rates { layers: 3e-4, embeddings: 3e-5, back: 3.0 };
/// Rows of a step that hold stories of the base as they are: there the tuned model is held to the base's own
/// distribution, so that it still tells them.
const PLAIN: usize = 1;
/// How much one of their predictions counts beside one of an answer.
const PLAIN_WEIGHT: f32 = 2.0;
/// How much the first mention of what a story was asked for counts: it is the only part that the request decides.
const NAMED_WEIGHT: f32 = 20.0;

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
    let network = Network::new(&base, SEQUENCE)?;
    println!("{} pieces, {} parameters, {} stories", base.shape.vocab, network.parameters(), stories.len());
    let teacher = Network::new(&base, SEQUENCE)?;
    let loss = optimise(plan, &base, [&network, &teacher], &data, &pieces)?;
    export::write(&network.weights()?, &pieces, "stories15M tuned", true, &plan.out.join(TUNED))?;
    println!("loss {}", loss.map_or("of an earlier run".into(), |l| format!("{l:.3} at the end")));
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

/// Where batches come from: each is a function of the seed and the step.
struct Data<'a> {
    tokenizer: &'a Tokenizer,
    stories: &'a Stories,
    /// The stories of the base that training may read.
    plain: Vec<&'a str>,
    seed: u64,
}

impl Data<'_> {
    /// A conversation's ids and how much each counts when it is predicted: what was asked does not. The answer begins with
    /// a word's leading space, as any text does, and ends with BOS.
    fn conversation(&self, e: &Example) -> Result<(Vec<u32>, Vec<f32>), Box<dyn Error>> {
        let prompt = self.tokenizer.encode_prompt(&export::asked(&e.prompt))?;
        let answer = self.tokenizer.encode(&e.answer)?;
        let named = first_mentions(e);
        let weight = |span: &Range<usize>| match named.iter().any(|n| n.start < span.end && span.start < n.end) {
            true => NAMED_WEIGHT,
            false => 1.0,
        };
        let ids = prompt.iter().chain(&answer).map(|p| p.id).chain([BOS]).collect();
        let weights = answer.iter().map(|p| weight(&p.span)).chain([1.0]);
        Ok((ids, std::iter::repeat_n(0.0, prompt.len()).chain(weights).collect()))
    }

    /// `BATCH` rows of `SEQUENCE + 1` ids: the last `PLAIN` of the base's stories, the others of whole conversations, one
    /// after another.
    fn batch(&self, step: usize) -> Result<Vec<Row>, Box<dyn Error>> {
        let mut rng = rng(self.seed, &format!("tuned {step}"));
        let mut rows = Vec::with_capacity(BATCH);
        let mut waiting: Vec<(Vec<u32>, Vec<f32>)> = Vec::new();
        for _ in PLAIN..BATCH {
            let (mut row, mut weights): (Vec<u32>, Vec<f32>) = Default::default();
            loop {
                // Some are kept waiting, so that one that fits is found for the rest of the row.
                while waiting.len() < 24 {
                    let next = self.conversation(&instruct::example(&mut rng, self.stories, Split::Train))?;
                    if next.0.len() <= SEQUENCE + 1 {
                        waiting.push(next);
                    }
                }
                let room = SEQUENCE + 1 - row.len();
                // Whichever of those that fit has waited longest: the order says nothing of their lengths.
                let Some(next) = waiting.iter().position(|w| w.0.len() <= room) else { break };
                let (ids, counts) = waiting.remove(next);
                row.extend(ids);
                weights.extend(counts);
            }
            row.resize(SEQUENCE + 1, BOS);
            weights.resize(SEQUENCE + 1, 0.0);
            rows.push(Row { ids: row, weights: weights[1..].to_vec(), plain: false });
        }
        for _ in 0..PLAIN {
            let mut row = Vec::new();
            while row.len() <= SEQUENCE {
                row.extend(self.tokenizer.encode_prompt(word(&mut rng, &self.plain))?.iter().map(|p| p.id));
            }
            row.truncate(SEQUENCE + 1);
            rows.push(Row { ids: row, weights: vec![PLAIN_WEIGHT; SEQUENCE], plain: true });
        }
        Ok(rows)
    }
}

/// Where a story first mentions what it was asked for, in bytes.
fn first_mentions(e: &Example) -> Vec<Range<usize>> {
    let Check::Story { names } = &e.check else { return Vec::new() };
    let is_part = |c: char| c.is_alphanumeric();
    let whole =
        |at: usize, name: &str| !e.answer[..at].ends_with(is_part) && !e.answer[at + name.len()..].starts_with(is_part);
    let first = |name: &String| e.answer.match_indices(name.as_str()).find(|(at, _)| whole(*at, name));
    names.iter().filter_map(first).map(|(at, name)| at..at + name.len()).collect()
}

/// AdamW with warm-up and cosine decay, from the saved state if there is one; gives the mean loss of the last fifty steps
/// of this run, if it made any.
fn optimise(
    plan: &Plan,
    base: &Weights,
    [network, teacher]: [&Network; 2],
    data: &Data,
    pieces: &[Piece],
) -> Result<Option<f32>, Box<dyn Error>> {
    let path = plan.state.join("tuned.safetensors");
    let mut optimizer = Optimizer::new(base, RATES);
    if path.exists() {
        optimizer.load(network, &path)?;
        println!("going on from step {}", optimizer.step);
    }
    let (first, started) = (optimizer.step, Instant::now());
    let (mut recent, mut answered): (Vec<f32>, usize) = (Vec::new(), 0);
    for step in first..plan.steps {
        let rows = data.batch(step)?;
        answered += rows.iter().filter(|r| !r.plain).flat_map(|r| &r.weights).filter(|w| **w > 0.0).count();
        let (loss, gradients) = network.gradients(&rows, teacher)?;
        optimizer.update(network, &gradients, share(step, plan.steps))?;
        recent.push(loss);
        let tail = recent.len().saturating_sub(50);
        let mean = recent[tail..].iter().sum::<f32>() / (recent.len() - tail) as f32;
        if step % 25 == 24 || step + 1 == plan.steps {
            let a_step = started.elapsed().as_secs_f64() / (step + 1 - first) as f64;
            let left = a_step * (plan.steps - step - 1) as f64 / 60.0;
            println!(
                "step {} of {}: loss {mean:.3}, {answered} tokens of answers, {left:.0} min left",
                step + 1,
                plan.steps
            );
        }
        if step % SAVE == SAVE - 1 || step + 1 == plan.steps {
            let file = plan.state.join(format!("step-{:05}.gguf", step + 1));
            export::write(&network.weights()?, pieces, "stories15M tuned", true, &file)?;
            optimizer.save(network, &path)?;
        }
    }
    let last = &recent[recent.len().saturating_sub(50)..];
    Ok((!last.is_empty()).then(|| last.iter().sum::<f32>() / last.len() as f32))
}

/// The share of the full rates at a step.
fn share(step: usize, steps: usize) -> f32 {
    let warm = ((step + 1) as f32 / 50.0).min(1.0);
    let progress = step as f32 / steps as f32;
    warm * (0.05 + 0.95 * 0.5 * (1.0 + (std::f32::consts::PI * progress).cos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_story_was_asked_for_is_found_where_it_comes_first() {
        let answer = "The caterpillar saw a cat. The cat ran from Tom.".to_owned();
        let check = Check::Story { names: vec!["cat".into(), "Tom".into(), "dog".into()] };
        let e = Example { kind: "", prompt: String::new(), answer, check };
        let found: Vec<&str> = first_mentions(&e).into_iter().map(|span| &e.answer[span]).collect();
        assert_eq!(found, ["cat", "Tom"]);
        assert_eq!(first_mentions(&e)[0].start, 22);
    }
}
