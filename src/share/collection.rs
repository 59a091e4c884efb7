//! Several runs as one file (documented in docs/formats.md).

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::export::{Export, FileError, VERSION};

/// Most runs of a file that are read.
const MOST: usize = 100;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// [`VERSION`].
    pub version: u32,
    /// What wrote it.
    #[serde(default)]
    pub generator: String,
    /// Each as in a file of its own, the newest first.
    pub runs: Vec<Export>,
}

/// As much of a file as tells what it is.
#[derive(Deserialize)]
struct Tag {
    version: Option<u64>,
    runs: Option<IgnoredAny>,
}

impl Collection {
    /// A file of these runs, of this version.
    pub fn new(runs: Vec<Export>) -> Self {
        Self { version: VERSION, generator: format!("shiftlens {}", env!("CARGO_PKG_VERSION")), runs }
    }

    /// The runs in the text of `file`, none if it is no file of several. Every one of them can be shown.
    pub fn read(file: &str, text: &str) -> Option<Result<Vec<Export>, FileError>> {
        let tag: Tag = serde_json::from_str(text).ok()?;
        tag.runs.map(|_| Self::of(file, text, tag.version))
    }

    fn of(file: &str, text: &str, version: Option<u64>) -> Result<Vec<Export>, FileError> {
        if version.is_some_and(|version| version > u64::from(VERSION)) {
            return Err(FileError::Newer(file.to_owned()));
        }
        let other = |e: serde_json::Error| FileError::Other { file: file.to_owned(), message: e.to_string() };
        let all: Self = serde_json::from_str(text).map_err(other)?;
        if all.runs.is_empty() {
            return Err(FileError::Empty(file.to_owned()));
        }
        all.runs.into_iter().take(MOST).map(|run| run.sound(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::presets::PRESETS;

    fn example(index: usize) -> String {
        let path = format!("{}/public/{}", env!("CARGO_MANIFEST_DIR"), PRESETS[index].file());
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn runs_come_back_from_their_file_and_a_damaged_one_is_refused() {
        let runs: Vec<Export> = (0..2).map(|i| serde_json::from_str(&example(i)).unwrap()).collect();
        let text = serde_json::to_string(&Collection::new(runs.clone())).unwrap();
        let found = Collection::read("a.json", &text).unwrap().unwrap();
        assert_eq!(found, runs);
        assert!(Collection::read("a.json", &example(0)).is_none(), "one run is a file of another kind");
        assert!(Collection::read("a.json", "no").is_none());
        let newer = text.replacen("{\"version\":1", "{\"version\":2", 1);
        assert_eq!(Collection::read("a.json", &newer), Some(Err(FileError::Newer("a.json".into()))));
        let empty = serde_json::to_string(&Collection::new(Vec::new())).unwrap();
        assert_eq!(Collection::read("a.json", &empty), Some(Err(FileError::Empty("a.json".into()))));
        let damaged = text.replacen("\"response\":[", "\"response\":[7,", 1);
        assert!(matches!(Collection::read("a.json", &damaged), Some(Err(FileError::Other { .. }))));
    }
}
