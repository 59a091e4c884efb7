//! What ends a study, in words.

use std::path::PathBuf;

use thiserror::Error;

use crate::fetch::FetchError;
use crate::parts::PartError;
use crate::plan::Problem;

/// Why the command stopped.
#[derive(Debug, Error)]
pub enum StudyError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A part could not be written.
    #[error("{path} could not be written ({why}).")]
    Encode {
        /// Which.
        path: PathBuf,
        /// The writer's words.
        why: String,
    },
    /// The plan has problems; nothing has run.
    #[error("{}", listed(path, problems))]
    Plan {
        /// The plan.
        path: PathBuf,
        /// All of them, by line.
        problems: Vec<Problem>,
    },
    /// A checkpoint could not be had from the hub; nothing has run.
    #[error("{checkpoint}: {why}")]
    Fetch {
        /// Its name in the plan.
        checkpoint: String,
        /// Why.
        why: FetchError,
    },
    /// There is no folder for files of the hub.
    #[error("There is no place to keep files of the hub: set HOME or XDG_CACHE_HOME to a folder.")]
    NoCache,
    /// The folder holds the results of another plan.
    #[error(
        "{0} holds a study by another plan. Choose another folder with --out, or take the new plan with --replace; finished units that it still names are kept."
    )]
    OtherPlan(PathBuf),
    /// A folder without a study.
    #[error("{0} holds no study: study.json is missing. Run the plan with --out {0} first.")]
    NoStudy(PathBuf),
    /// A study whose description cannot be read.
    #[error("{path} cannot be read ({why}). Run the plan again with --replace: finished units are kept.")]
    Description {
        /// The file.
        path: PathBuf,
        /// The reader's words.
        why: String,
    },
    /// A study that another version of this command began.
    #[error(
        "{path} is of version {found}, and this command knows version {known}. Go on with the version that began it, or choose another folder with --out."
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What would be read.
        known: u32,
    },
    /// A part that is not a study's.
    #[error(transparent)]
    Part(#[from] PartError),
    /// A file that is no list of published matrices.
    #[error("{path}, line {line}: {why}. Each line should be one model on one prompt, as docs/studies.md describes.")]
    Import {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is no such picture.
    #[error("{0}")]
    Picture(String),
    /// Tables of half a study would mislead.
    #[error(
        "{missing} of {all} units have no result yet. Run the plan again: finished units are skipped. Or merge what is there with --partial."
    )]
    Missing {
        /// How many.
        missing: usize,
        /// Of how many.
        all: usize,
    },
}

fn listed(path: &std::path::Path, problems: &[Problem]) -> String {
    let lines = problems.iter().map(|p| format!("\n  {p}"));
    let count = if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    format!("{}: {count}, so nothing was run.{}", path.display(), lines.collect::<String>())
}
