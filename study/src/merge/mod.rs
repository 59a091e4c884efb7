//! The tables of a study, from its results alone. Equal results give equal bytes, whatever shards wrote them.

mod finding_1;
mod units;

use std::path::{Path, PathBuf};

use crate::error::StudyError;
use crate::folder::gather;
use crate::parts::Part;
use crate::study::Study;
use units::Units;

/// What was put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Where the tables are.
    pub folder: PathBuf,
    /// Units with a row.
    pub units: usize,
    /// Units whose row holds an error.
    pub failed: usize,
}

/// Writes the tables into `folder/tables`. Refuses while units are missing, unless `partial`.
pub fn merge(folder: &Path, partial: bool) -> Result<Merged, StudyError> {
    let study = Study::of(folder)?;
    let found = gather(folder, Part::outlines)?;
    found.damaged.iter().for_each(|part| eprintln!("{part}. Its units count as missing."));
    let units = Units::of(&study, &found);
    let (all, missing) = (units.count(), units.missing());
    if missing > 0 && !partial {
        return Err(StudyError::Missing { missing, all });
    }
    let tables = folder.join("tables");
    std::fs::create_dir_all(&tables).map_err(|source| StudyError::File { path: tables.clone(), source })?;
    finding_1::table(&units).write(&tables)?;
    units.scores().write(&tables)?;
    let errors = units.errors();
    errors.write(&tables)?;
    Ok(Merged { folder: tables, units: all - missing, failed: errors.rows.len() })
}
