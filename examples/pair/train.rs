//! The two trainings: the base on plain text, the tuned one from it on instructions.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokenizers::Tokenizer;

use crate::instruct::{self, Split};
use crate::network::{Network, Shape};
use crate::optimizer::Optimizer;
use crate::{echo, export, plain, vocabulary};

/// Predictions in a row, and rows in a step.
pub const SEQUENCE: usize = 192;
pub const BATCH: usize = 8;
const VOCABULARY: usize = 4096;
/// Steps between two saved states.
const SAVE: usize = 250;

/// One of the two trainings.
struct Phase {
    name: &'static str,
    steps: usize,
    rate: f32,
}

/// A generator for one purpose, so that changing one part of the run leaves the others as they were.
pub fn rng(seed: u64, purpose: &str) -> StdRng {
    let mix =
        purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    StdRng::seed_from_u64(mix)
}

/// A batch: `BATCH` rows of `SEQUENCE + 1` ids and, for every predicted id, whether it counts.
type Batch = (Vec<u32>, Vec<bool>);

/// What a training is told.
pub struct Plan<'a> {
    pub out: &'a Path,
    /// Where the state is kept between two runs of the command.
    pub state: &'a Path,
    pub seed: u64,
    pub base_steps: usize,
    pub tuned_steps: usize,
}

/// The shape of both models.
fn shape(vocab: usize) -> Shape {
    Shape { vocab, width: 160, layers: 6, heads: 5, ffn: 416, context: 512 }
}

pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(plan.out)?;
    std::fs::create_dir_all(plan.state)?;
    let tokenizer = tokenizer(plan)?;
    let shape = shape(tokenizer.get_vocab_size(true));
    let network = Network::new(shape, SEQUENCE, &mut rng(plan.seed, "weights"))?;
    println!("vocabulary {}, {} parameters, {} tokens a step", shape.vocab, network.parameters(), SEQUENCE * BATCH);
    let base = Phase { name: "base", steps: plan.base_steps, rate: 1.0 };
    let base = optimise(plan, &base, &network, |step| text_batch(&tokenizer, plan.seed, step))?;
    export::write(&network, &tokenizer, "Shiftlens Tiny base", false, &plan.out.join("tiny-base.gguf"))?;
    let tuned = Phase { name: "tuned", steps: plan.tuned_steps, rate: 0.5 };
    let tuned = optimise(plan, &tuned, &network, |step| instruction_batch(&tokenizer, plan.seed, step))?;
    export::write(&network, &tokenizer, "Shiftlens Tiny tuned", true, &plan.out.join("tiny-tuned.gguf"))?;
    for (name, loss) in [("base", base), ("tuned model", tuned)] {
        println!("{name}: {}", loss.map_or("finished in an earlier run".into(), |l| format!("loss {l:.3} at the end")));
    }
    Ok(())
}

/// The tokenizer of this seed, trained on both kinds of text unless that is done.
fn tokenizer(plan: &Plan) -> Result<Tokenizer, Box<dyn Error>> {
    let path = plan.state.join("tokenizer.json");
    if path.exists() {
        return Ok(Tokenizer::from_file(path).map_err(|e| e.to_string())?);
    }
    let mut texts = rng(plan.seed, "tokenizer");
    let corpus: Vec<String> = (0..24_000)
        .map(|i| {
            if i % 3 == 0 {
                let e = instruct::example(&mut texts, Split::Train);
                format!("{}\n{}", e.prompt, e.answer)
            } else {
                text(&mut texts, i)
            }
        })
        .collect();
    let tokenizer = vocabulary::train(&corpus, VOCABULARY)?;
    tokenizer.save(path, false).map_err(|e| e.to_string())?;
    Ok(tokenizer)
}

pub fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, Box<dyn Error>> {
    Ok(tokenizer.encode(text, false).map_err(|e| e.to_string())?.get_ids().to_vec())
}

/// How many steps read nothing but short lists said twice, how many more it takes until echoes are `ECHO_SHARE` of all.
const LISTS_ONLY: usize = 250;
const ECHO_LESS: usize = 400;
const ECHO_SHARE: f64 = 0.1;

/// A text for step `step` of the base.
fn text(rng: &mut StdRng, step: usize) -> String {
    if step < LISTS_ONLY {
        return echo::list(rng, 6);
    }
    let passed = (step - LISTS_ONLY) as f64 / ECHO_LESS as f64;
    match rng.random_bool((1.0 - passed).max(ECHO_SHARE)) {
        true => echo::echo(rng),
        false => plain::document(rng),
    }
}

/// Documents packed into rows, the same for the same step whenever it is asked for.
fn text_batch(tokenizer: &Tokenizer, seed: u64, step: usize) -> Result<Batch, Box<dyn Error>> {
    let mut rng = rng(seed, &format!("base {step}"));
    let mut ids = Vec::new();
    while ids.len() < BATCH * (SEQUENCE + 1) {
        ids.push(0);
        ids.extend(encode(tokenizer, &text(&mut rng, step))?);
    }
    ids.truncate(BATCH * (SEQUENCE + 1));
    Ok((ids, vec![true; BATCH * SEQUENCE]))
}

/// Conversations packed into rows; only the answers and their ends count.
fn instruction_batch(tokenizer: &Tokenizer, seed: u64, step: usize) -> Result<Batch, Box<dyn Error>> {
    let mut rng = rng(seed, &format!("tuned {step}"));
    let (mut ids, mut counts) = (Vec::new(), Vec::new());
    for _ in 0..BATCH {
        let (mut row, mut counted) = (Vec::new(), Vec::new());
        while row.len() < SEQUENCE + 1 {
            let e = instruct::example(&mut rng, Split::Train);
            row.extend(encode(tokenizer, &format!("<|endoftext|><|user|>\n{}<|end|>\n<|assistant|>\n", e.prompt))?);
            counted.resize(row.len(), false);
            row.extend(encode(tokenizer, &format!("{}<|end|>", e.answer))?);
            counted.resize(row.len(), true);
        }
        ids.extend(&row[..SEQUENCE + 1]);
        counts.extend(&counted[1..SEQUENCE + 1]);
    }
    Ok((ids, counts))
}

/// AdamW with warm-up and cosine decay, from the saved state if there is one; gives the mean loss of the last fifty steps
/// of this run, if it made any.
fn optimise(
    plan: &Plan,
    phase: &Phase,
    network: &Network,
    batch: impl Fn(usize) -> Result<Batch, Box<dyn Error>>,
) -> Result<Option<f32>, Box<dyn Error>> {
    let path = plan.state.join(format!("{}.safetensors", phase.name));
    let mut optimizer = match path.exists() {
        true => Optimizer::load(network, &path)?,
        false => Optimizer::new(network),
    };
    let (first, started) = (optimizer.step, Instant::now());
    if first > 0 {
        println!("{}: going on from step {first}", phase.name);
    }
    let mut recent: Vec<f32> = Vec::new();
    for step in first..phase.steps {
        let (ids, counts) = batch(step)?;
        let (loss, gradients) = network.gradients(&ids, &counts, BATCH)?;
        optimizer.update(network, &gradients, rate(phase, step))?;
        recent.push(loss);
        let tail = recent.len().saturating_sub(50);
        let mean = recent[tail..].iter().sum::<f32>() / (recent.len() - tail) as f32;
        if step % 50 == 49 || step + 1 == phase.steps {
            let a_step = started.elapsed().as_secs_f64() / (step + 1 - first) as f64;
            let left = a_step * (phase.steps - step - 1) as f64 / 60.0;
            println!("{} step {} of {}: loss {mean:.3}, {left:.0} min left", phase.name, step + 1, phase.steps);
        }
        if step % SAVE == SAVE - 1 || step + 1 == phase.steps {
            optimizer.save(network, &path)?;
        }
    }
    let last = &recent[recent.len().saturating_sub(50)..];
    Ok((!last.is_empty()).then(|| last.iter().sum::<f32>() / last.len() as f32))
}

fn rate(phase: &Phase, step: usize) -> f32 {
    let warm = ((step + 1) as f32 / 100.0).min(1.0);
    let progress = step as f32 / phase.steps as f32;
    phase.rate * warm * (0.03 + 0.97 * 0.5 * (1.0 + (std::f32::consts::PI * progress).cos()))
}
