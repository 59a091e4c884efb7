//! The command of a study (docs/studies.md).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use shiftlens::protocol::BackendChoice;
use shiftlens_study::error::StudyError;
use shiftlens_study::picture::Which;
use shiftlens_study::run::Shard;
use shiftlens_study::{bundle, import, merge, picture, plan, run, sources, study};

/// The exit code where some units failed, and the rest is done.
const SOME_FAILED: u8 = 2;

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a plan, or what is still missing of it.
    Run {
        /// The plan, TOML.
        plan: PathBuf,
        /// Which of how many parts of the prompts: 1/4 to 4/4.
        #[arg(long, default_value = "1/1")]
        shard: Shard,
        /// The folder for the results.
        #[arg(long, default_value = "study")]
        out: PathBuf,
        /// Check the plan and say what it takes, and run nothing.
        #[arg(long)]
        check: bool,
        /// Run units again whose row holds an error.
        #[arg(long)]
        retry: bool,
        /// What computes.
        #[arg(long, value_enum, default_value_t)]
        backend: Backend,
        /// Take the place of another plan in the folder; finished units that both name are kept.
        #[arg(long)]
        replace: bool,
    },
    /// Takes published level matrices as a study's results, for merge.
    Import {
        /// JSON lines, packed by gzip or not.
        file: PathBuf,
        /// What their prompt set is called.
        #[arg(long, default_value = "published")]
        name: String,
        /// The folder for the results.
        #[arg(long, default_value = "study")]
        out: PathBuf,
    },
    /// Writes one prompt's results as a file that the page opens: those of a checkpoint and of the one before it.
    Picture {
        /// The folder with the results.
        folder: PathBuf,
        /// The prompt's place in its set, from 0.
        #[arg(long)]
        index: usize,
        /// The prompt set; the first if left out.
        #[arg(long)]
        prompts: Option<String>,
        /// The checkpoint; the last if left out.
        #[arg(long)]
        checkpoint: Option<String>,
        /// The file, NAME.shiftlens.json.
        #[arg(long)]
        to: PathBuf,
    },
    /// Writes the tables of a study, and its report as a file that the page opens.
    Merge {
        /// The folder with the results.
        folder: PathBuf,
        /// Make do with the units that are there.
        #[arg(long)]
        partial: bool,
        /// Another model's word vectors ("word v1 v2 ..." a line), to judge the coherence of heads and components.
        #[arg(long)]
        judge: Option<PathBuf>,
    },
}

/// What computes.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Backend {
    /// The faster of the two on this machine.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The graphics processor, if there is one that computes rightly.
    Gpu,
}

impl From<Backend> for BackendChoice {
    fn from(chosen: Backend) -> Self {
        match chosen {
            Backend::Auto => Self::Auto,
            Backend::Cpu => Self::Cpu,
            Backend::Gpu => Self::Gpu,
        }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { plan, shard, out, check, retry, backend, replace } => {
            let how = run::How { shard, retry, backend: backend.into() };
            run(&plan, (!check).then_some(out.as_path()), how, replace)
        }
        Command::Import { file, name, out } => import(&file, &out, &name),
        Command::Picture { folder, index, prompts, checkpoint, to } => {
            let which = Which { set: prompts.as_deref(), index, checkpoint: checkpoint.as_deref() };
            picture::picture(&folder, which, &to).map(|()| 0)
        }
        Command::Merge { folder, partial, judge } => merge(&folder, partial, judge.as_deref()),
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(SOME_FAILED),
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// Gives how many units failed.
fn run(path: &Path, out: Option<&Path>, how: run::How, replace: bool) -> Result<usize, StudyError> {
    let text = std::fs::read_to_string(path).map_err(|source| StudyError::File { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let problems = |problems| StudyError::Plan { path: path.to_owned(), problems };
    let mut study = plan::parse(&text, folder).map_err(problems)?;
    let begun = out.filter(|_| !replace).and_then(|out| study::Study::of(out).ok());
    let missing = sources::bring(&mut study, begun.as_ref(), out.is_none())?;
    if missing > 0 && out.is_none() {
        println!("Run the plan to fetch them. What it takes is told once all checkpoints are here.");
        return Ok(0);
    }
    study.checkpoints.iter_mut().for_each(study::Checkpoint::identify);
    println!("{}", run::estimate(&study));
    let Some(out) = out else { return Ok(0) };
    study.describe(out, replace)?;
    let tally = run::run(&study, out, how)?;
    println!("{} units run, {} skipped, {} failed", tally.ran, tally.skipped, tally.failed);
    Ok(tally.failed)
}

fn import(file: &Path, out: &Path, name: &str) -> Result<usize, StudyError> {
    let rows = import::import(file, out, name)?;
    println!("{}: {rows} results", out.display());
    Ok(0)
}

fn merge(folder: &Path, partial: bool, judge: Option<&Path>) -> Result<usize, StudyError> {
    let merged = merge::merge(folder, partial, judge)?;
    let (with, all) = merged.pictures;
    println!("{}: pictures of {with} of {all} prompts", merged.folder.join(bundle::FILE).display());
    println!("{}: {} units, {} failed", merged.folder.display(), merged.units, merged.failed);
    Ok(merged.failed)
}
