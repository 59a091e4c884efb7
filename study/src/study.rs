//! A study as its folder describes it: checkpoints, prompts and settings, and the names of the units that follow.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shiftlens::checkpoint::{Checkpoint as Opened, FileBytes};
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::findings::PromptCase;
use shiftlens::explain::{By, CheckpointInfo, Levels};
use shiftlens::model::head::Target;
use shiftlens::share::study as shared;

use crate::error::StudyError;
use crate::hub::Wanted;
use crate::parts::write_whole;

/// The version of descriptions and of what a unit computes: a new one gives every unit a new name.
pub const VERSION: u32 = 3;

/// More layers than any checkpoint has that can be opened.
const MOST_LAYERS: usize = 4096;

/// A study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// The version of this description.
    pub version: u32,
    /// What it is called; empty where the plan does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How every unit runs.
    pub settings: Settings,
    /// The chain of checkpoints, the base first.
    pub checkpoints: Vec<Checkpoint>,
    /// The prompt sets.
    pub sets: Vec<PromptSet>,
    /// Whether the checkpoints' weights are read, for findings 2 and 3.
    pub weights: bool,
    /// Whether its results were published by others: the instruction's words are then those that they marked.
    #[serde(default)]
    pub imported: bool,
}

/// How every unit runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Each checkpoint explains its own response; otherwise all explain the last checkpoint's.
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
}

impl Default for Settings {
    fn default() -> Self {
        let (by, target, mode) = (By::Token, Target::Prob, Mode::Auto);
        Self { own: false, limit: 60, by, target, mode, levels: Levels::default(), kl: true }
    }
}

impl Settings {
    /// As the page's file has them.
    pub fn shared(&self, weights: bool) -> shared::Settings {
        let Self { own, limit, by, target, mode, levels, kl } = self.clone();
        shared::Settings { own, limit, by, target, mode, levels, kl, weights }
    }
}

/// Whether a checkpoint reads prompts in its own chat template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// In its own; in none if it has none.
    #[default]
    Own,
    /// In none.
    Off,
}

/// One checkpoint of the chain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its name in the plan.
    pub name: String,
    /// Where it is; another machine may have it elsewhere, so it is no part of the description.
    #[serde(skip)]
    pub path: PathBuf,
    /// What is to be fetched from the hub, if the plan says so; `path` is then where it goes.
    #[serde(skip)]
    pub wanted: Option<Wanted>,
    /// The file of the hub, at its commit, that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its template.
    pub template: Template,
    /// Names its weights.
    pub hash: String,
    /// How many layers it has; none where it cannot be read.
    pub layers: usize,
    /// What it is; nothing where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<CheckpointInfo>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Checkpoint {
    /// Opens it: a GGUF file, or a folder with safetensors.
    pub fn open(&self) -> Result<Opened, String> {
        let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", self.name);
        let files = FileBytes::open_set(&self.path).map_err(|e| fail(&e))?;
        Opened::open(files).map_err(|e| fail(&e))
    }

    /// As the page's file has it.
    pub fn shared(&self) -> shared::Checkpoint {
        shared::Checkpoint {
            name: self.name.clone(),
            weights: self.hash.clone(),
            layers: self.layers,
            template: self.template == Template::Own,
            info: self.info.clone(),
            problem: self.problem.clone(),
        }
    }

    /// Finds out what it is, or why it cannot be read. What its file is called is left out: it may have another name elsewhere.
    pub fn identify(&mut self) {
        let named = |info| CheckpointInfo { name: self.name.clone(), ..info };
        let of = |c: Opened| CheckpointInfo::of(&c, &self.name).map(named).map_err(|e| format!("{}: {e}", self.name));
        match self.open().and_then(of) {
            Ok(info) => {
                (self.hash, self.layers) = (info.weights.clone(), info.layers);
                self.info = Some(info);
            }
            Err(why) => (self.hash, self.problem) = ("unreadable".into(), Some(why)),
        }
    }
}

/// One prompt set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptSet {
    /// Its name in the plan.
    pub name: String,
    /// The prompts.
    pub cases: Vec<PromptCase>,
    /// Whether each one's response follows its instruction, where the set says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub followed: Vec<Option<bool>>,
}

/// As much of a description as tells whether the rest can be read.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The first 16 bytes of a SHA-256 in hexadecimal digits.
pub fn hash(parts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Study {
    /// Names the settings.
    pub fn settings_hash(&self) -> String {
        hash(&[&VERSION.to_string(), &json(&self.settings)])
    }

    /// Names the unit of a checkpoint on a prompt. Equal units have equal names in every plan, shard and machine.
    pub fn unit(&self, checkpoint: &Checkpoint, set: &PromptSet, case: &PromptCase) -> String {
        let whose = match self.takes_last(case) {
            true => self.checkpoints.last().map_or("", |c| c.hash.as_str()),
            false => "",
        };
        let template = json(&checkpoint.template);
        let before = self.before(checkpoint).map_or("", |c| c.hash.as_str());
        let settings = self.settings_hash();
        hash(&[&settings, &checkpoint.hash, &template, &checkpoint.name, whose, before, &set.name, &json(case)])
    }

    /// The checkpoint whose distributions `checkpoint`'s are held against: the one before it, if the settings want it.
    pub fn before(&self, checkpoint: &Checkpoint) -> Option<&Checkpoint> {
        let pair = self.checkpoints.windows(2).find(|pair| pair[1].name == checkpoint.name);
        pair.map(|pair| &pair[0]).filter(|_| self.settings.kl)
    }

    /// Whether the last checkpoint's response is explained.
    pub fn takes_last(&self, case: &PromptCase) -> bool {
        !self.settings.own && case.response.is_none()
    }

    /// Every prompt with its set and its place there, in the plan's order.
    pub fn cases(&self) -> impl Iterator<Item = (&PromptSet, usize, &PromptCase)> {
        self.sets.iter().flat_map(|set| set.cases.iter().enumerate().map(move |(i, case)| (set, i, case)))
    }

    /// The layers of `checkpoint` whose weights are read.
    pub fn layers(&self, checkpoint: &Checkpoint) -> std::ops::Range<usize> {
        0..if self.weights { checkpoint.layers } else { 0 }
    }

    /// Reads the description in `folder`.
    pub fn of(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join("study.json");
        let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => StudyError::NoStudy(folder.to_owned()),
            _ => StudyError::File { path: path.clone(), source },
        })?;
        let refused = |why: String| StudyError::Description { path: path.clone(), why };
        if let Ok(Versioned { version }) = serde_json::from_str(&text)
            && version != VERSION
        {
            return Err(StudyError::Version { path, found: version, known: VERSION });
        }
        let study: Self = serde_json::from_str(&text).map_err(|e| refused(e.to_string()))?;
        match study.checkpoints.iter().find(|c| c.layers > MOST_LAYERS) {
            Some(c) => Err(refused(format!("{} is said to have {} layers", c.name, c.layers))),
            None => Ok(study),
        }
    }

    /// What is to be done, wherever the checkpoints come from: another machine may have the same weights from elsewhere.
    fn work(&self) -> String {
        let mut work = self.clone();
        work.checkpoints.iter_mut().for_each(|c| c.source = None);
        json(&work)
    }

    /// Writes the description into `folder`, which is made if need be. Refuses to write over another unless `replace`.
    pub fn describe(&self, folder: &Path, replace: bool) -> Result<(), StudyError> {
        let parts = folder.join("parts");
        std::fs::create_dir_all(&parts).map_err(|source| StudyError::File { path: parts, source })?;
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        if !replace {
            match Self::of(folder) {
                Err(StudyError::NoStudy(_)) => {}
                Err(e) => return Err(e),
                Ok(there) if there.work() == self.work() => return Ok(()),
                Ok(_) => return Err(StudyError::OtherPlan(folder.to_owned())),
            }
        }
        write_whole(&folder.join("study.json"), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Study)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut study = Study {
            version: VERSION,
            name: String::new(),
            settings: Settings::default(),
            checkpoints: vec![Checkpoint { name: "a".into(), layers: 3, ..Checkpoint::default() }],
            sets: Vec::new(),
            weights: true,
            imported: false,
        };
        study.describe(folder.path(), false).unwrap();
        assert_eq!(Study::of(folder.path()).unwrap(), study);
        change(&mut study);
        study.describe(folder.path(), true).unwrap();
        Study::of(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn descriptions_of_another_version_or_out_of_proportion_are_refused() {
        let said = refused(|study| study.version = VERSION + 1);
        assert!(said.contains("is of version 4, and this command knows version 3"), "{said}");
        let said = refused(|study| study.checkpoints[0].layers = usize::MAX);
        assert!(said.contains("a is said to have 18446744073709551615 layers"), "{said}");
    }
}
