//! The engine without a page: writes the JSON that the page exports (docs/formats.md, "Command line").

mod attribution;
mod cells;
mod compare;
mod findings;
mod inside;
mod text;
mod tokenize;
mod weights;

use std::path::Path;

use clap::{Parser, Subcommand};
use serde::Serialize;
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::weights::Relatedness;
use shiftlens::explain::weights::coherence::Judge;
use shiftlens::model::ModelError;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Traces every response token to the prompt.
    Attribution(attribution::Attribution),
    /// Word-word relations in attention heads, and what tuning changed in them.
    Heads(weights::Heads),
    /// Concepts in feed-forward layers.
    Concepts(weights::ConceptsOf),
    /// The paper's three findings, put to the test on a pair.
    Findings(findings::Findings),
    /// Both models on one text: the divergence of their distributions, and where their answers differ.
    Compare(compare::Compare),
    /// What every layer would predict in place of a token.
    Lens(inside::LensOf),
    /// What every head and feed-forward block adds to a token's logit.
    Contributions(inside::ContributionsOf),
    /// What the chat template changed and what the weights changed.
    Cells(cells::CellsOf),
    /// The token ids of texts.
    Tokenize(tokenize::Tokenize),
}

fn main() {
    if let Err(message) = run(Cli::parse().command) {
        eprintln!("{message}");
        std::process::exit(1);
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Attribution(a) => attribution::run(&a),
        Command::Heads(a) => weights::heads(&a),
        Command::Concepts(a) => weights::concepts(&a),
        Command::Findings(a) => findings::run(&a),
        Command::Compare(a) => compare::run(&a),
        Command::Lens(a) => inside::lens(&a),
        Command::Contributions(a) => inside::contributions(&a),
        Command::Cells(a) => cells::run(&a),
        Command::Tokenize(a) => tokenize::run(&a),
    }
}

/// A GGUF file, or a folder with safetensors.
fn open(path: &Path) -> Result<Checkpoint, String> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let files = FileBytes::open_set(path).map_err(|e| fail(&e))?;
    Checkpoint::open(files).map_err(|e| fail(&e))
}

/// A judge of what is read by `words`, from a file of word vectors.
fn judge(path: &Path, words: &[String]) -> Result<Judge, String> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| fail(&e))?;
    Judge::by(&Relatedness::parse(&text, words), words).ok_or_else(|| fail(&ModelError::NoJudge))
}

/// Writes JSON to a file, or to standard output.
fn write(value: &impl Serialize, path: Option<&Path>) -> Result<(), String> {
    let json = serde_json::to_string(value).map_err(|e| e.to_string())?;
    match path {
        Some(path) => std::fs::write(path, json).map_err(|e| format!("{}: {e}", path.display())),
        None => {
            println!("{json}");
            Ok(())
        }
    }
}

#[cfg(test)]
#[path = "../../tests/support/documents.rs"]
mod documents;

#[cfg(test)]
mod text_tests;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_documents_show_its_commands_as_they_are() {
        documents::check_program(&Cli::command(), "cargo run --release --example explain -- ");
    }

    /// The documents' commands, with the bundled pair and the least to compute; `findings` would read all layers.
    #[test]
    fn the_documents_commands_run() {
        let folder = tempfile::tempdir().unwrap();
        let models = documents::root().join("public/models");
        let [base, tuned] = ["stories-base.gguf", "stories-tuned.gguf"].map(|n| models.join(n).display().to_string());
        let out = folder.path().join("out.json");
        for (command, key) in [
            ("attribution --prompt Hello. --chat --new-tokens 2 --by word --target logit --mode forward", "importance"),
            ("attribution --prompt-ids 1,5 --response-ids 4,5", "importance"),
            ("attribution --prompt Hello. --new-tokens 3 --against auto", "against"),
            ("attribution --prompt Hello. --new-tokens 2 --method gradient-norm --target logit", "importance"),
            (
                "attribution --prompt-ids 1,5,9 --response-ids 4,5 --method integrated-gradients --steps 4",
                "completeness",
            ),
            ("attribution --prompt-ids 1,5,9 --response-ids 4 --method occlusion --baseline zero --check", "cells"),
            ("attribution --prompt Hi! --response Hello. --method occlusion --baseline the --check", "most_first"),
            ("attribution --prompt Hello. --new-tokens 2 --switch-off 1.2,0.0 --scale-concept 2.5=-1", "without"),
            ("heads --layers 0 --keep 3 --reading relation", "changes"),
            ("concepts --layers 0 --components 3", "changes"),
        ] {
            let words = command.split(' ').chain(["--base", &base, "--tuned", &tuned, "--json", out.to_str().unwrap()]);
            run(Cli::parse_from(["explain"].into_iter().chain(words)).command).unwrap();
            let json = std::fs::read_to_string(&out).unwrap();
            assert!(json.starts_with("{\"version\":") && json.contains(&format!("\"{key}\":[")), "{command}: {json}");
        }
        run(Cli::parse_from(["explain", "tokenize", &base, "--text", "Hello."]).command).unwrap();
    }
}
