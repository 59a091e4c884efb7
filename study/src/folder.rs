//! A study's folder: its parts, which of them can be read, and what they hold together.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::StudyError;
use crate::parts::{Part, PartError};
use crate::row::Row;

/// What the parts of a folder hold.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows by their unit.
    pub rows: HashMap<String, Row>,
    /// Parts that cannot be read, with the reason.
    pub damaged: Vec<PartError>,
}

/// The parts of `folder`, sorted by name.
pub fn parts(folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let path = folder.join("parts");
    let fail = |source| StudyError::File { path: path.clone(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        if file.extension().is_some_and(|e| e == "parquet") {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads all parts by `read`. Of two rows of one unit a result goes before an error, then the first by the part's name.
pub fn gather(folder: &Path, read: impl Fn(&Part) -> Result<Vec<Row>, PartError> + Sync) -> Result<Found, StudyError> {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    loop {
        let new: Vec<PathBuf> = parts(folder)?.into_iter().filter(|path| seen.insert(path.clone())).collect();
        let rows: Vec<_> = new.par_iter().map(|path| Part::read_from(path, &read)).collect();
        let mut gone = false;
        for rows in rows {
            match rows {
                Ok(rows) => rows.into_iter().for_each(|row| found.add(row)),
                Err(PartError::Gone(_)) => gone = true,
                Err(e @ PartError::Damaged { .. }) => found.damaged.push(e),
                Err(e) => return Err(e.into()),
            }
        }
        // a shard that runs has put parts together meanwhile: their rows are in a part that was not there before
        if !gone {
            return Ok(found);
        }
    }
}

impl Found {
    fn add(&mut self, row: Row) {
        let better = self.rows.get(&row.unit).is_none_or(|there| there.error.is_some() && row.error.is_none());
        if better {
            self.rows.insert(row.unit.clone(), row);
        }
    }
}
