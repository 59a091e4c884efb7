//! `tokenize`: the ids of texts, as a checkpoint's tokenizer reads them.

use std::path::PathBuf;

use clap::Args;
use shiftlens::checkpoint::{FileBytes, Tokenizer};

#[derive(Args)]
pub struct Tokenize {
    /// A GGUF file (one that holds a vocabulary alone is enough), a tokenizer.json, or a folder with one.
    file: PathBuf,
    #[command(flatten)]
    texts: Texts,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Texts {
    /// The text.
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// A JSON file that holds an array of texts.
    #[arg(long)]
    texts: Option<PathBuf>,
}

/// Prints the ids of each text on a line of its own; no BOS is added.
pub fn run(args: &Tokenize) -> Result<(), String> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", args.file.display());
    let files = FileBytes::open_set(&args.file).map_err(|e| fail(&e))?;
    let tokenizer = Tokenizer::open(&files).map_err(|e| fail(&e))?;
    for text in args.texts.read()? {
        let pieces = tokenizer.encode(&text).map_err(|e| fail(&e))?;
        let ids: Vec<String> = pieces.iter().map(|p| p.id.to_string()).collect();
        println!("{}", ids.join(" "));
    }
    Ok(())
}

impl Texts {
    fn read(&self) -> Result<Vec<String>, String> {
        match &self.texts {
            None => Ok(self.text.iter().cloned().collect()),
            Some(path) => {
                let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
                let text = std::fs::read_to_string(path).map_err(|e| fail(&e))?;
                serde_json::from_str(&text)
                    .map_err(|e| fail(&format!("{e}; it has to be an array of strings, [\"…\", \"…\"]")))
            }
        }
    }
}
