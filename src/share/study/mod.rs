//! A study's report as one file (documented in docs/formats.md): its chain of checkpoints, its tables, curves over the chain, and
//! pictures of its prompts.

pub mod chart;
mod curve;
mod exact;
mod picture;
mod table;

use serde::{Deserialize, Serialize};

pub use curve::{Curve, Line, Point};
pub use exact::Exact;
pub use picture::{Picture, Seen};
pub use table::{MOST_ROWS, Table};

use super::export::{Export, FileError, Models};
use crate::explain::attribution::Mode;
use crate::explain::{By, CheckpointInfo, Levels};
use crate::model::head::Target;

/// What tells the file from one of results.
pub const KIND: &str = "study";
/// The format's version. It begins above that of results, so that a page which knows only these says that the file is newer.
pub const VERSION: u32 = 2;
/// Most bytes of the file.
pub const MOST_BYTES: usize = 20_000_000;
/// Most prompts whose pictures it holds.
pub const MOST_PICTURES: usize = 1_000;
/// Most checkpoints of a chain.
const MOST_CHECKPOINTS: usize = 1_000;
/// More layers than any checkpoint has that can be opened.
const MOST_LAYERS: usize = 4_096;
/// Most tables and most curves.
const MOST_PARTS: usize = 100;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// [`KIND`].
    pub kind: String,
    /// [`VERSION`].
    pub version: u32,
    /// What wrote it.
    pub generator: String,
    /// What the study is called; empty where its plan does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How every unit was run.
    pub settings: Settings,
    /// The chain, the base first.
    pub checkpoints: Vec<Checkpoint>,
    /// The prompt sets.
    pub sets: Vec<PromptSet>,
    /// The tables, as people read them.
    pub tables: Vec<Table>,
    /// Numbers over the chain.
    pub curves: Vec<Curve>,
    /// Prompts with what each checkpoint made of them.
    pub pictures: Vec<Picture>,
}

/// How every unit was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Each checkpoint explains its own response; otherwise all explain the last one's.
    pub own: bool,
    /// Longest response, tokens.
    pub limit: usize,
    /// The granularity of rows.
    pub by: By,
    /// What is differentiated.
    pub target: Target,
    /// The method.
    pub mode: Mode,
    /// How importance becomes levels.
    pub levels: Levels,
    /// Whether each checkpoint's distributions are held against those of the one before it.
    pub kl: bool,
    /// Whether weights were read.
    pub weights: bool,
}

/// One checkpoint of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its name in the plan.
    pub name: String,
    /// Names its weights.
    pub weights: String,
    /// How many layers it has.
    pub layers: usize,
    /// Whether it reads prompts in its own chat template, where it has one.
    pub template: bool,
    /// What it is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<CheckpointInfo>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A prompt set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptSet {
    /// Its name in the plan.
    pub name: String,
    /// How many prompts it has.
    pub prompts: usize,
}

/// As much of a file as tells what it is.
#[derive(Deserialize)]
struct Tag {
    kind: Option<String>,
    version: Option<u64>,
}

impl Checkpoint {
    /// What a report says of it.
    pub fn info(&self) -> CheckpointInfo {
        let unknown = || CheckpointInfo {
            name: self.name.clone(),
            file: self.name.clone(),
            weights: self.weights.clone(),
            layers: self.layers,
            ..CheckpointInfo::default()
        };
        self.info.clone().unwrap_or_else(unknown)
    }
}

impl Study {
    /// The study in the text of `file`; none if it is a file of another kind. All of its pictures can be shown.
    pub fn read(file: &str, text: &str) -> Option<Result<Self, FileError>> {
        let tag: Tag = serde_json::from_str(text).ok()?;
        (tag.kind.as_deref() == Some(KIND)).then(|| Self::of(file, text, tag.version))
    }

    fn of(file: &str, text: &str, version: Option<u64>) -> Result<Self, FileError> {
        if version.is_some_and(|version| version > u64::from(VERSION)) {
            return Err(FileError::Newer(file.to_owned()));
        }
        if text.len() > MOST_BYTES {
            return Err(FileError::TooLarge { file: file.to_owned(), most: MOST_BYTES / 1_000_000 });
        }
        let other = |e: serde_json::Error| FileError::Other { file: file.to_owned(), message: e.to_string() };
        let study: Self = serde_json::from_str(text).map_err(other)?;
        if study.is_sound() { Ok(study) } else { Err(FileError::Damaged(file.to_owned())) }
    }

    /// How many prompts there are; the file may have pictures of fewer.
    pub fn prompts(&self) -> usize {
        self.sets.iter().map(|set| set.prompts).fold(0, usize::saturating_add)
    }

    /// The later one of each two checkpoints that can be looked at side by side, by its place in the chain. One alone stands by
    /// itself.
    pub fn pairs(&self) -> std::ops::Range<usize> {
        let count = self.checkpoints.len();
        if count > 1 { 1..count } else { 0..count }
    }

    /// What the checkpoint at the place `later` and the one before it made of the prompt of the picture `at`, as a file of results.
    /// None where the later one has no result.
    pub fn export(&self, at: usize, later: usize) -> Option<Export> {
        let picture = self.pictures.get(at)?;
        let report = |place: usize| {
            let seen = picture.results.get(place)?.as_ref()?;
            seen.report(self.checkpoints.get(place)?, picture, &self.settings)
        };
        let tuned = Some(report(later)?);
        let base = later.checked_sub(1).and_then(report);
        Some(Export::new(picture.prompt.clone(), Models { base, tuned }))
    }

    /// Whether its parts fit together, and none is out of proportion.
    fn is_sound(&self) -> bool {
        let chain = self.checkpoints.len();
        (1..=MOST_CHECKPOINTS).contains(&chain)
            && self.checkpoints.iter().all(|c| c.layers <= MOST_LAYERS)
            && self.tables.len() <= MOST_PARTS
            && self.curves.len() <= MOST_PARTS
            && self.pictures.len() <= MOST_PICTURES
            && self.tables.iter().all(Table::is_sound)
            && self.curves.iter().all(|curve| curve.is_sound(chain))
            && self.pictures.iter().all(|picture| self.is_of_this(picture))
    }

    /// Whether `picture` is of a prompt of this study, and everything that its checkpoints made of it can be shown.
    fn is_of_this(&self, picture: &Picture) -> bool {
        let shown = |(checkpoint, seen): (&Checkpoint, &Option<Seen>)| {
            seen.as_ref().is_none_or(|seen| seen.can_be_shown(checkpoint, picture, &self.settings))
        };
        self.sets.get(picture.set).is_some_and(|set| picture.index < set.prompts)
            && picture.results.len() == self.checkpoints.len()
            && self.checkpoints.iter().zip(&picture.results).all(shown)
    }
}

#[cfg(test)]
pub(crate) mod tests;
