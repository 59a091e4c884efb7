//! Makes the bundled pair: `cargo run --release --example pair -- train`.
//!
//! A seeded grammar writes the text, a byte-level BPE tokenizer is trained on it, a small llama is trained as the base,
//! and the tuned model is fine-tuned from it on instructions. Both are written as Q8_0 GGUF files.

mod draw;
mod echo;
mod evaluate;
mod export;
mod instruct;
mod judge;
mod knowledge;
mod lexicon;
mod muon;
mod network;
mod ops;
mod optimizer;
mod plain;
mod presets;
mod story;
mod train;
mod vocabulary;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Trains both models and writes tiny-base.gguf and tiny-tuned.gguf; goes on where an earlier run was stopped.
    Train {
        /// Where the files go.
        #[arg(long, default_value = "public/models")]
        out: PathBuf,
        /// Where the state is kept from one run to the next; delete it to start again.
        #[arg(long, default_value = "target/pair")]
        state: PathBuf,
        /// Seed of the text and of the weights.
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// Optimizer steps of the base model.
        #[arg(long, default_value_t = 6600)]
        base_steps: usize,
        /// Optimizer steps of the tuned one.
        #[arg(long, default_value_t = 4_800)]
        tuned_steps: usize,
    },
    /// Puts both models to held-out instructions, judged by a program, and measures how they write.
    Evaluate {
        /// Where the pair is.
        #[arg(long, default_value = "public/models")]
        models: PathBuf,
        /// Seed of the training whose held-out part is asked.
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// Where the full report goes.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Computes the finished results of the page's presets, and writes the prompts of its findings.
    Presets {
        /// Where the pair is.
        #[arg(long, default_value = "public/models")]
        models: PathBuf,
        /// Where the results go.
        #[arg(long, default_value = "public/examples")]
        out: PathBuf,
        /// Seed of the training whose held-out instructions are the prompts of the findings.
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
    /// Prints samples of the training text, and how many kinds of word it has.
    Sample {
        /// Seed of the text.
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// How many of each.
        #[arg(long, default_value_t = 12)]
        count: usize,
    },
}

/// What the allocator and candle read from the environment: buffers up to 32 MiB (the most that glibc takes) are kept
/// instead of given back to the system after every step, and candle uses one thread, as training gives each core rows of
/// its own. Together twice as fast.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "17179869184"),
    ("RAYON_NUM_THREADS", "1"),
];

/// Starts this program again in its environment, unless that is where it runs.
fn in_environment() -> Result<bool, Box<dyn std::error::Error>> {
    if ENVIRONMENT.iter().all(|(name, _)| std::env::var_os(name).is_some()) {
        return Ok(true);
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    let status = again.args(std::env::args_os().skip(1)).envs(ENVIRONMENT).status()?;
    if status.success() { Ok(false) } else { Err(status.to_string().into()) }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Cli::parse().command {
        Command::Train { .. } if !in_environment()? => Ok(()),
        Command::Train { out, state, seed, base_steps, tuned_steps } => {
            train::run(&train::Plan { out: &out, state: &state, seed, base_steps, tuned_steps })
        }
        Command::Evaluate { models, seed, json } => evaluate::run(&models, seed, json.as_deref()),
        Command::Presets { models, out, seed } => presets::run(&models, &out, seed),
        Command::Sample { seed, count } => {
            sample(seed, count);
            Ok(())
        }
    }
}

fn sample(seed: u64, count: usize) {
    let mut rng = train::rng(seed, "sample");
    for i in 0..count {
        println!("{}\n", plain::document(&mut rng));
        let e = instruct::of_kind(&mut rng, instruct::Split::Train, i);
        println!("> {}\n{}\n", e.prompt, e.answer);
    }
    let mut types = std::collections::HashSet::new();
    for _ in 0..20_000 {
        types.extend(judge::words(&plain::document(&mut rng)));
    }
    println!("{} kinds of word in 20,000 documents", types.len());
}
