//! Makes the bundled pair: `cargo run --release --example pair -- train`.
//!
//! The base is stories15M, a published checkpoint, with the part of its vocabulary that it needs. The tuned model is
//! fine-tuned from it on instructions: about stories that the base wrote, and about words and sentences that it knows. Both
//! are written as Q8_0 GGUF files.

mod batches;
mod draw;
mod evaluate;
mod export;
mod instruct;
mod judge;
mod lexicon;
mod llama2c;
mod network;
mod ops;
mod optimizer;
mod presets;
mod repetition;
mod sample;
mod train;
mod vocabulary;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where things are, for every command.
#[derive(Args)]
struct Places {
    /// Where the pair is, or goes.
    #[arg(long, default_value = "public/models")]
    models: PathBuf,
    /// Where the state is kept from one run to the next; delete it to start again.
    #[arg(long, default_value = "target/pair")]
    state: PathBuf,
    /// Seed of the stories, of the instructions and of what is held out.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Makes stories-base.gguf from the published checkpoint and tunes stories-tuned.gguf from it; goes on where an
    /// earlier run was stopped.
    Train {
        #[command(flatten)]
        places: Places,
        /// How many stories the base is asked for.
        #[arg(long, default_value_t = 12288)]
        stories: usize,
        /// Optimizer steps, before those against repetition.
        #[arg(long, default_value_t = 4500)]
        steps: usize,
    },
    /// Puts both models to held-out instructions, judged by a program, and measures how they write and how far tuning
    /// moved the weights.
    Evaluate {
        #[command(flatten)]
        places: Places,
        /// Another model's word vectors ("word v1 v2 ..." a line), which judge the coherence of heads and components.
        #[arg(long)]
        judge: Option<PathBuf>,
        /// Where the full report goes.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// The same for the checkpoints that training kept on its way, in short: how following, closeness and the first
    /// finding's score change with the steps.
    Curve {
        #[command(flatten)]
        places: Places,
        /// Where the points go.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Where their picture goes.
        #[arg(long)]
        svg: Option<PathBuf>,
    },
    /// Computes the finished results of the page's presets, and writes the prompts of its findings.
    Presets {
        #[command(flatten)]
        places: Places,
        /// Where the results go.
        #[arg(long, default_value = "public/examples")]
        out: PathBuf,
    },
    /// Prints instructions of every kind, after the stories were drawn.
    Sample {
        #[command(flatten)]
        places: Places,
        /// How many of each kind.
        #[arg(long, default_value_t = 2)]
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
        Command::Train { places: p, stories, steps } => {
            train::run(&train::Plan { out: &p.models, state: &p.state, seed: p.seed, stories, steps })
        }
        Command::Evaluate { places, judge, json } => {
            evaluate::run(&evaluation(&places, judge.as_deref(), json.as_deref()))
        }
        Command::Curve { places, json, svg } => {
            evaluate::curve::run(&evaluation(&places, None, json.as_deref()), svg.as_deref())
        }
        Command::Presets { places: p, out } => presets::run(&p.models, &p.state, &out, p.seed),
        Command::Sample { places, count } => sample_instructions(&places, count),
    }
}

fn evaluation<'a>(p: &'a Places, judge: Option<&'a Path>, json: Option<&'a Path>) -> evaluate::Plan<'a> {
    evaluate::Plan { models: &p.models, state: &p.state, seed: p.seed, judge, json }
}

fn sample_instructions(places: &Places, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let stories = train::stories(&places.state)?;
    let mut rng = train::rng(places.seed, "sample");
    for (at, (kind, _)) in instruct::KINDS.iter().enumerate() {
        for _ in 0..count {
            let e = instruct::of_kind(&mut rng, &stories, instruct::Split::Train, at);
            println!("[{kind}] {}\n> {}\n", e.prompt, e.answer);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../tests/support/documents.rs"]
mod documents;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_documents_show_its_commands_as_they_are() {
        documents::check_program(&Cli::command(), "cargo run --release --example pair -- ");
    }
}
