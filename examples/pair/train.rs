//! The two trainings: the base on plain text, the tuned one from it on instructions.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokenizers::Tokenizer;

use crate::network::{Network, Shape};
use crate::{export, instruct, story, vocabulary};

const SEQUENCE: usize = 128;
const BATCH: usize = 16;
const RATE: f64 = 2.5e-3;

/// A generator for one purpose, so that changing one part of the run leaves the others as they were.
pub fn rng(seed: u64, purpose: &str) -> StdRng {
    let mix =
        purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    StdRng::seed_from_u64(mix)
}

/// A batch: ids `[BATCH, SEQUENCE + 1]` and, for every predicted id, whether it counts.
type Batch = (Vec<u32>, Vec<f32>);

pub fn run(out: &Path, seed: u64, steps: usize) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let mut texts = rng(seed, "tokenizer");
    let corpus: Vec<String> = (0..6000)
        .map(|i| {
            if i % 3 == 0 {
                let (p, a) = instruct::example(&mut texts);
                format!("{p}\n{a}")
            } else {
                story::document(&mut texts)
            }
        })
        .collect();
    let tokenizer = vocabulary::train(&corpus, 1536)?;
    let shape = Shape {
        vocab: tokenizer.get_vocab_size(true),
        width: 128,
        layers: 5,
        heads: 4,
        kv_heads: 2,
        ffn: 384,
        context: 512,
    };
    let network = Network::new(shape, SEQUENCE, &mut rng(seed, "weights"))?;
    let parameters: usize = network.vars.iter().map(|(_, v)| v.elem_count()).sum();
    println!("vocabulary {}, {parameters} parameters, {} tokens a step", shape.vocab, SEQUENCE * BATCH);

    let mut text = rng(seed, "base");
    let mut stream: Vec<u32> = Vec::new();
    let mut plain = || -> Result<Batch, Box<dyn Error>> {
        while stream.len() < BATCH * (SEQUENCE + 1) {
            stream.push(0);
            stream.extend(encode(&tokenizer, &story::document(&mut text))?);
        }
        let ids = stream.drain(..BATCH * (SEQUENCE + 1)).collect();
        Ok((ids, vec![1.0; BATCH * SEQUENCE]))
    };
    let base = optimise("base", &network, steps, RATE, &mut plain)?;
    export::write(&network, &tokenizer, "Shiftlens Tiny base", false, &out.join("tiny-base.gguf"))?;

    let mut text = rng(seed, "tuned");
    let mut answers = || instruction_batch(&tokenizer, &mut text);
    let tuned = optimise("tuned", &network, steps * 2 / 3, RATE * 0.4, &mut answers)?;
    export::write(&network, &tokenizer, "Shiftlens Tiny tuned", true, &out.join("tiny-tuned.gguf"))?;
    println!("done: base loss {base:.3}, tuned loss {tuned:.3}");
    Ok(())
}

fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, Box<dyn Error>> {
    Ok(tokenizer.encode(text, false).map_err(|e| e.to_string())?.get_ids().to_vec())
}

/// Conversations packed into rows; only the answers and their end count.
fn instruction_batch(tokenizer: &Tokenizer, rng: &mut impl Rng) -> Result<Batch, Box<dyn Error>> {
    let (mut ids, mut weight) = (Vec::new(), Vec::new());
    for _ in 0..BATCH {
        let (mut row, mut counts) = (Vec::new(), Vec::new());
        while row.len() < SEQUENCE + 1 {
            let (prompt, answer) = instruct::example(rng);
            let asked = encode(tokenizer, &format!("<|endoftext|><|user|>\n{prompt}<|end|>\n<|assistant|>\n"))?;
            let answered = encode(tokenizer, &format!("{answer}<|end|>"))?;
            counts.resize(row.len() + asked.len(), 0.0);
            row.extend(asked);
            row.extend(&answered);
            counts.resize(row.len(), 1.0);
        }
        ids.extend(&row[..SEQUENCE + 1]);
        weight.extend(&counts[1..SEQUENCE + 1]);
    }
    Ok((ids, weight))
}

/// AdamW with warm-up and cosine decay; gives the mean loss of the last fifty steps.
fn optimise(
    name: &str,
    network: &Network,
    steps: usize,
    rate: f64,
    batch: &mut dyn FnMut() -> Result<Batch, Box<dyn Error>>,
) -> Result<f32, Box<dyn Error>> {
    let vars = network.vars.iter().map(|(_, v)| v.clone()).collect();
    let mut optimizer =
        AdamW::new(vars, ParamsAdamW { lr: rate, beta2: 0.98, weight_decay: 0.02, ..Default::default() })?;
    let started = Instant::now();
    let mut recent: Vec<f32> = Vec::new();
    for step in 0..steps {
        let progress = step as f64 / steps as f64;
        let warm = ((step + 1) as f64 / 100.0).min(1.0);
        optimizer
            .set_learning_rate(rate * warm * (0.05 + 0.95 * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())));
        let (ids, weight) = batch()?;
        let ids = Tensor::from_vec(ids, (BATCH, SEQUENCE + 1), &Device::Cpu)?;
        let weight = Tensor::from_vec(weight, BATCH * SEQUENCE, &Device::Cpu)?;
        let loss = network.loss(&ids, &weight)?;
        optimizer.backward_step(&loss)?;
        recent.push(loss.to_scalar::<f32>()?);
        if recent.len() > 50 {
            recent.remove(0);
        }
        if step % 50 == 0 || step + 1 == steps {
            let mean = recent.iter().sum::<f32>() / recent.len() as f32;
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{name} step {step}/{steps} loss {mean:.3} {:.0} s left",
                seconds / (step + 1) as f64 * (steps - step - 1) as f64
            );
        }
    }
    Ok(recent.iter().sum::<f32>() / recent.len() as f32)
}
