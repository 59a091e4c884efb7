//! The project's commands: `cargo xtask serve | test | build | bench | real`.

mod bench;
mod finish;
mod install;
mod names;
mod native;
mod page;
mod real;
mod server;
mod shell;
mod test;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Shiftlens's commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the page and serves it on this machine.
    Serve {
        /// The port.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Opens a browser.
        #[arg(long)]
        open: bool,
        /// Builds without optimisation of our own code's size and speed: faster to build, slower to run.
        #[arg(long)]
        debug: bool,
    },
    /// Everything CI checks: formatting, lints, native tests, the wasm build, the page in a real browser.
    Test {
        /// Leaves out the wasm build and the browser.
        #[arg(long, conflicts_with = "only")]
        native: bool,
        /// Builds the page and runs the browser's tests whose names hold one of these, nothing else.
        #[arg(long, num_args = 1.., value_name = "NAME")]
        only: Vec<String>,
        /// Builds the page and opens it in Firefox, nothing else.
        #[arg(long, conflicts_with_all = ["native", "only"])]
        firefox: bool,
    },
    /// Builds the static folder `dist`, fully optimised, and prints its sizes.
    Build,
    /// Measures the engine in a browser beside its peers, and prints the tables of docs/performance.md.
    Bench {
        /// Leaves out the peers (wllama from npm, PyTorch from PyPI).
        #[arg(long)]
        alone: bool,
        /// Measures only how a visit begins.
        #[arg(long)]
        visits: bool,
        /// Measures only one thread beside all.
        #[arg(long, conflicts_with_all = ["alone", "visits", "real"])]
        threads: bool,
        /// Measures only the real checkpoints that `cargo xtask real` has fetched.
        #[arg(long, conflicts_with_all = ["alone", "visits"])]
        real: bool,
        /// Measures only what each method of explaining costs.
        #[arg(long, conflicts_with_all = ["alone", "visits", "threads", "real"])]
        methods: bool,
    },
    /// Fetches real checkpoints and chat templates (0.8 GB) into the per-user cache, for the tests that hold them against PyTorch.
    Real,
}

impl Command {
    /// What is about to happen, and roughly how long it takes.
    fn first_words(&self) -> &'static str {
        match self {
            Self::Serve { .. } => {
                "Building the page and serving it. The first time takes some minutes, more if tools have to be installed; later only what changed is built."
            }
            Self::Test { only, .. } if !only.is_empty() => "Building the page and running some of its browser tests.",
            Self::Test { firefox: true, .. } => "Building the page and opening it in Firefox.",
            Self::Test { native: true, .. } => "Formatting, lints and native tests.",
            Self::Test { .. } => {
                "Formatting, lints, native tests, the wasm build, and the page in headless Chromium: up to 50 minutes the first time, on two cores."
            }
            Self::Build => "Building the page that ships, fully optimised: some minutes.",
            Self::Bench { .. } => "Measuring: leave the machine alone meanwhile.",
            Self::Real => "Fetching published checkpoints and chat templates, 0.8 GB.",
        }
    }
}

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    println!("{}", command.first_words());
    let done = match command {
        Command::Serve { port, open, debug } => serve(port, open, debug),
        Command::Test { only, .. } if !only.is_empty() => test::run_some(&only),
        Command::Test { firefox: true, .. } => test::run_firefox(),
        Command::Test { native, .. } => test::run(native),
        Command::Build => build(),
        Command::Bench { visits: true, .. } => bench::visits(),
        Command::Bench { real: true, .. } => bench::run_real(),
        Command::Bench { threads: true, .. } => bench::threads(),
        Command::Bench { methods: true, .. } => bench::methods(),
        Command::Bench { alone, .. } => bench::run_bench(alone),
        Command::Real => real::fetch(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nxtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn serve(port: u16, open: bool, debug: bool) -> Result<(), String> {
    let profile = if debug { page::Profile::Debug } else { page::Profile::Fast };
    let dist = page::build(profile)?;
    let server = server::Server::start(dist, port)?;
    println!("\nShiftlens is at {}/ (Ctrl+C ends it)", server.url());
    if open {
        shell::open(&server.url());
    }
    server.wait()
}

fn build() -> Result<(), String> {
    let dist = page::build(page::Profile::Ship)?;
    page::print_sizes(&dist)?;
    println!("Any static host can serve {}.", dist.display());
    Ok(())
}

#[cfg(test)]
#[path = "../../tests/support/documents.rs"]
mod documents;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Parsed, not run: a command takes minutes.
    #[test]
    fn the_documents_show_the_commands_as_they_are() {
        documents::check_program(&Cli::command(), "cargo xtask ");
    }
}
