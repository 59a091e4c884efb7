//! Parts of one row each, which a shard puts together as it goes: a file for each unit, so that a killed shard loses no more
//! than the unit it was at, and few files to read in the end.

use std::path::{Path, PathBuf};

use crate::error::StudyError;
use crate::parts::{GROUP, write};
use crate::row::Row;
use crate::study::hash;

/// Bytes of rows that are kept in memory until they are put together.
const BYTES: usize = 64 << 20;

/// Rows that this shard has written, each to a part of its own.
pub struct Loose {
    folder: PathBuf,
    rows: Vec<Row>,
    bytes: usize,
}

impl Loose {
    /// None yet, of the study in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.join("parts"), rows: Vec::new(), bytes: 0 }
    }

    fn part(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.parquet"))
    }

    /// Writes `row` to a part of its own; when there are enough of them, puts them together.
    pub fn write(&mut self, row: Row) -> Result<(), StudyError> {
        write(&self.part(&row.unit), std::slice::from_ref(&row))?;
        self.bytes += row.bytes();
        self.rows.push(row);
        match self.rows.len() >= GROUP || self.bytes >= BYTES {
            true => self.put_together(),
            false => Ok(()),
        }
    }

    /// Makes one part of all rows. Killed before the last is removed, rows are there twice, which is once to a reader.
    pub fn put_together(&mut self) -> Result<(), StudyError> {
        let (rows, _) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.bytes));
        if rows.len() < 2 {
            return Ok(());
        }
        // named after all that is in it: a part with other rows has another name
        let names: Vec<&str> = rows.iter().map(|r| r.unit.as_str()).collect();
        write(&self.part(&hash(&names)), &rows)?;
        for name in names {
            match std::fs::remove_file(self.part(name)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StudyError::File { path: self.part(name), source: e });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::{gather, parts};
    use crate::parts::Part;

    #[test]
    fn a_group_of_rows_becomes_one_part() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("parts")).unwrap();
        let mut loose = Loose::new(folder.path());
        for unit in 0..GROUP + 3 {
            loose.write(Row { unit: unit.to_string(), ..Row::default() }).unwrap();
        }
        assert_eq!(parts(folder.path()).unwrap().len(), 4);
        let rows = || gather(folder.path(), Part::outlines).unwrap().rows.len();
        assert_eq!(rows(), GROUP + 3);
        loose.put_together().unwrap();
        loose.put_together().unwrap();
        assert_eq!((parts(folder.path()).unwrap().len(), rows()), (2, GROUP + 3));
        // matrices that take much memory are put together sooner
        for unit in ["a", "b", "c"] {
            let importance = vec![0.0; BYTES / 10];
            loose.write(Row { unit: unit.into(), importance, ..Row::default() }).unwrap();
        }
        assert_eq!((parts(folder.path()).unwrap().len(), rows()), (3, GROUP + 6));
    }
}
