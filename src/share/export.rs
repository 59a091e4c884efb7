//! The JSON export (documented in docs/formats.md): one or two explained runs with what produced them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::screen::{Chat, Options, Whose};
use super::spec::RunSpec;
use crate::explain::methods::{Of, intervention};
use crate::explain::{ModelReport, find_instruction};

/// The format's version.
pub const VERSION: u32 = 1;

/// Why a file cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// It is something else.
    #[error("{file} is not a file of Shiftlens's results ({message}).")]
    Other {
        /// Its name.
        file: String,
        /// What the reader says.
        message: String,
    },
    /// Its parts do not fit together.
    #[error("{0} is damaged: its parts do not fit together.")]
    Damaged(String),
    /// A file of several runs, without any.
    #[error("{0} holds no runs.")]
    Empty(String),
    /// Larger than such a file may be.
    #[error(
        "{file} is larger than {most} MB, the limit for a study's report. Make it again with shiftlens-study merge."
    )]
    TooLarge {
        /// Its name.
        file: String,
        /// So many megabytes.
        most: usize,
    },
    /// From a later version of the page.
    #[error("{0} was made by a newer version of Shiftlens. Reload the page to get it.")]
    Newer(String),
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`VERSION`].
    pub version: u32,
    /// What wrote it.
    #[serde(default)]
    pub generator: String,
    /// The text that is explained.
    #[serde(default)]
    pub prompt: String,
    /// What was asked; files from before this was kept go without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<RunSpec>,
    /// The runs.
    pub models: Models,
}

/// As much of a file as tells who can read it.
#[derive(Deserialize)]
struct Tag {
    version: Option<u64>,
}

/// The two slots.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Models {
    /// The base model's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ModelReport>,
    /// The tuned model's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<ModelReport>,
}

impl Export {
    /// Reads the text of `file`, which may hold anything. The reports that come of it can be shown.
    pub fn read(file: &str, text: &str) -> Result<Self, FileError> {
        let other = |e: serde_json::Error| FileError::Other { file: file.to_owned(), message: e.to_string() };
        let tag: Tag = serde_json::from_str(text).map_err(other)?;
        if tag.version.is_some_and(|version| version > u64::from(VERSION)) {
            return Err(FileError::Newer(file.to_owned()));
        }
        serde_json::from_str::<Self>(text).map_err(other)?.sound(file)
    }

    /// Refuses it where its parts do not fit together; `file` is its name.
    pub(super) fn sound(self, file: &str) -> Result<Self, FileError> {
        let mut export = self;
        let damaged = || FileError::Damaged(file.to_owned());
        if let Some(spec) = export.spec.take() {
            export.spec = Some(spec.sound(&export.prompt).ok_or_else(damaged)?);
        }
        let whole = [&export.models.base, &export.models.tuned].into_iter().flatten().all(|r| fits(r, &export.prompt));
        if !whole {
            return Err(damaged());
        }
        for report in [&mut export.models.base, &mut export.models.tuned].into_iter().flatten() {
            let method = report.method;
            report.faithfulness = report.faithfulness.take().map(|check| check.told_anew(method));
        }
        Ok(export)
    }

    /// An export of this version.
    pub fn new(prompt: String, models: Models) -> Self {
        Self {
            version: VERSION,
            generator: format!("shiftlens {}", env!("CARGO_PKG_VERSION")),
            prompt,
            spec: None,
            models,
        }
    }

    /// What was asked. Of a file from before this was kept, as much as its reports tell.
    pub fn asked(&self) -> RunSpec {
        self.spec.clone().unwrap_or_else(|| self.told())
    }

    fn told(&self) -> RunSpec {
        let Models { base, tuned } = &self.models;
        let Some(report) = tuned.as_ref().or(base.as_ref()) else {
            return RunSpec { prompt: self.prompt.clone(), ..RunSpec::default() };
        };
        let mut how = report.how();
        how.interventions.clear();
        for (report, of) in [(base, Of::Base), (tuned, Of::Tuned)] {
            for one in report.iter().flat_map(|report| &report.interventions) {
                intervention::set(&mut how.interventions, one.layer, one.site, of, one.factor);
            }
        }
        let chat = match [base, tuned].map(|half| half.as_ref().is_some_and(ModelReport::is_framed)).into() {
            (true, _) => Chat::Both,
            (false, true) => Chat::TunedOnly,
            (false, false) => Chat::Off,
        };
        // the same response by both was given, by whichever model it was
        let text = |r: &ModelReport| r.response.iter().map(|t| t.text.as_str()).collect::<String>();
        let given = base.as_ref().zip(tuned.as_ref()).map(|(b, t)| (text(b), text(t))).filter(|(b, t)| b == t);
        let (whose, typed) = given.map_or_else(Default::default, |(text, _)| (Whose::Typed, text));
        let marked = (report.instruction != find_instruction(&self.prompt)).then(|| report.instruction.clone());
        let options = Options { whose, typed, chat, target: report.target, ..Options::default() };
        RunSpec { prompt: self.prompt.clone(), marked, options, how, by: report.by, ..RunSpec::default() }
    }
}

/// Whether the parts of a report of `prompt` fit together.
pub(super) fn fits(r: &ModelReport, prompt: &str) -> bool {
    let within = |span: &std::ops::Range<usize>| prompt.as_bytes().get(span.clone()).is_some();
    let columns = r.importance.iter().all(|row| row.len() == r.response.len() && row.iter().all(|v| v.is_finite()));
    let rows = r.importance.is_empty() || r.importance.len() == r.units.len();
    let tokens = r.units.iter().flat_map(|u| &u.tokens).all(|t| *t < r.prompt.len());
    let tokens_of = |count: usize| count == 0 || count == r.response.len();
    let others = tokens_of(r.against.len()) && tokens_of(r.against_text.len());
    let checked = r.faithfulness.as_ref().is_none_or(|check| check.fits(r.units.len(), r.response.len()));
    let found = others && checked && tokens_of(r.completeness.len());
    let spans = r.units.iter().all(|u| within(&u.span)) && r.prompt.iter().all(|t| within(&t.span));
    columns && rows && tokens && found && spans && prompt.get(r.instruction.clone()).is_some()
}
