//! A table as people read it.

use serde::{Deserialize, Serialize};

/// Most rows of a table that are kept: a page shows no more.
pub const MOST_ROWS: usize = 1_000;
/// Most columns.
const MOST_COLUMNS: usize = 100;

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What its own files are called.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The columns' names.
    pub columns: Vec<String>,
    /// Its first rows, each with a text for each column.
    pub rows: Vec<Vec<String>>,
    /// How many rows it has in all.
    pub of: usize,
}

impl Table {
    pub(super) fn is_sound(&self) -> bool {
        self.columns.len() <= MOST_COLUMNS
            && self.rows.len() <= MOST_ROWS.min(self.of)
            && self.rows.iter().all(|row| row.len() == self.columns.len())
    }

    /// Whether a column holds numbers alone.
    pub fn is_numeric(&self, column: usize) -> bool {
        let is = |row: &Vec<String>| row.get(column).is_some_and(|cell| is_number(cell));
        !self.rows.is_empty() && self.rows.iter().all(is)
    }
}

/// "0.312", "2.0e-14", "12 %", and the dash of what was not measured.
fn is_number(text: &str) -> bool {
    text == "–" || text.trim_end_matches(" %").parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_numbers_is_told_from_one_of_words() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = vec![row(["LIMA", "0.312", "–"]), row(["MT", "2.0e-14", "12 %"])];
        let columns = row(["prompts", "mean", "share"]);
        let table = Table { name: "t".into(), title: "T".into(), columns, rows, of: 2 };
        assert_eq!([0, 1, 2, 3].map(|column| table.is_numeric(column)), [false, true, true, false]);
        assert!(!Table { rows: Vec::new(), ..table }.is_numeric(1));
    }
}
