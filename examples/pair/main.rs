//! Makes the bundled pair: `cargo run --release --example pair -- train`.
//!
//! A seeded grammar writes the text, a byte-level BPE tokenizer is trained on it, a small llama is trained as the base,
//! and the tuned model is fine-tuned from it on instructions. Both are written as Q8_0 GGUF files.

mod export;
mod instruct;
mod lexicon;
mod network;
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
    /// Trains both models and writes tiny-base.gguf and tiny-tuned.gguf.
    Train {
        /// Where the files go.
        #[arg(long, default_value = "public/models")]
        out: PathBuf,
        /// Seed of the text and of the weights.
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// Optimizer steps for the base model; the tuned one takes two thirds of them.
        #[arg(long, default_value_t = 3000)]
        steps: usize,
    },
    /// Prints samples of the training text.
    Sample {
        /// Seed of the text.
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Cli::parse().command {
        Command::Train { out, seed, steps } => train::run(&out, seed, steps),
        Command::Sample { seed } => {
            let mut rng = train::rng(seed, "sample");
            for _ in 0..12 {
                println!("{}\n", story::document(&mut rng));
                let (prompt, answer) = instruct::example(&mut rng);
                println!("> {prompt}\n{answer}\n");
            }
            Ok(())
        }
    }
}
