//! Tables as CSV, Markdown and LaTeX.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use shiftlens::explain::findings::{percent, written_p};
use shiftlens::explain::statistics::Summary;
use shiftlens::share::study as shared;

use crate::error::StudyError;
use crate::parts::write_whole;

/// Most bytes of a table in the page's file.
const TABLE_BYTES: usize = 1_000_000;
/// The most characters of a cell there.
const LONGEST_CELL: usize = 400;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// How many.
    Count(usize),
    /// A measured number, three decimals for people.
    Number(f64),
    /// A p value.
    P(f64),
    /// A share of one, whole percent for people.
    Share(f64),
    /// Nothing was measured.
    None,
}

impl Cell {
    /// A share, where there is one.
    pub fn share(share: Option<f64>) -> Self {
        share.map_or(Self::None, Self::Share)
    }

    /// A p value, where there is one.
    pub fn p(p: Option<f64>) -> Self {
        p.map_or(Self::None, Self::P)
    }

    /// A number, where there is one.
    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Self::None, Self::Number)
    }

    /// How many values, their mean, and their deviation; no value has no mean, and one no deviation.
    pub fn sample(of: Summary) -> Vec<Self> {
        let from = |least: usize, value: f64| Self::number((of.n >= least).then_some(value));
        vec![Self::Count(of.n), from(1, of.mean), from(2, of.deviation)]
    }

    /// For people.
    fn words(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(n) => n.to_string(),
            Self::Number(x) => format!("{x:.3}"),
            Self::P(p) => written_p(*p),
            Self::Share(s) => percent(*s),
            Self::None => "–".into(),
        }
    }

    /// For programs: all digits.
    fn exact(&self) -> String {
        match self {
            Self::Number(x) | Self::P(x) | Self::Share(x) => x.to_string(),
            Self::None => String::new(),
            other => other.words(),
        }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The files' name.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// The columns' names.
    pub columns: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Writes `NAME.csv`, `NAME.md` and `NAME.tex` into `folder`.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        let file = |extension: &str| file(folder, self.name, extension);
        let csv = self.csv().map_err(|e| StudyError::Encode { path: file("csv"), why: e.to_string() })?;
        write_whole(&file("csv"), &csv)?;
        write_whole(&file("md"), self.markdown().as_bytes())?;
        write_whole(&file("tex"), self.latex().as_bytes())
    }

    /// As the page's file has it: its first rows, as people read them.
    pub fn shared(&self) -> shared::Table {
        let mut room = TABLE_BYTES;
        let row = |row: &Vec<Cell>| row.iter().map(|cell| shorter(cell.words())).collect::<Vec<String>>();
        let fits = |row: &Vec<String>| {
            let taken = room.checked_sub(row.iter().map(|cell| cell.len() + 3).sum());
            taken.inspect(|left| room = *left).is_some()
        };
        shared::Table {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            columns: self.columns.iter().map(|c| (*c).to_owned()).collect(),
            rows: self.rows.iter().take(shared::MOST_ROWS).map(row).take_while(fits).collect(),
            of: self.rows.len(),
        }
    }

    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::exact))?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let safe = |text: String| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let mut out = format!("## {}\n\n", self.title);
        out += &line(self.columns.iter().map(|c| (*c).to_owned()).collect());
        out += &line(vec!["---".to_owned(); self.columns.len()]);
        self.rows.iter().for_each(|row| out += &line(row.iter().map(|c| safe(c.words())).collect()));
        out
    }

    fn latex(&self) -> String {
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut out = format!("% {}\n\\begin{{tabular}}{{{}}}\n\\hline\n", self.title, "l".repeat(self.columns.len()));
        out += &line(self.columns.iter().map(|c| escaped(c)).collect());
        out += "\\hline\n";
        self.rows.iter().for_each(|row| out += &line(row.iter().map(|c| escaped(&c.words())).collect()));
        out + "\\hline\n\\end{tabular}\n"
    }
}

fn shorter(text: String) -> String {
    match text.char_indices().nth(LONGEST_CELL) {
        None => text,
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

fn file(folder: &Path, name: &str, extension: &str) -> PathBuf {
    folder.join(format!("{name}.{extension}"))
}

/// Removes the table `name` from `folder`, if an earlier merge has left one that this study does not have.
pub fn remove(folder: &Path, name: &str) -> Result<(), StudyError> {
    for extension in ["csv", "md", "tex"] {
        let path = file(folder, name, extension);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(StudyError::File { path, source }),
            _ => {}
        }
    }
    Ok(())
}

/// LaTeX's own characters as text.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\\' => "\\textbackslash{}".to_owned(),
            '~' => "\\textasciitilde{}".to_owned(),
            '^' => "\\textasciicircum{}".to_owned(),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
            '–' => "--".to_owned(),
            '\n' | '\r' => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_values_have_no_mean_or_deviation() {
        let one = Cell::sample(Summary::of(&[2.5]));
        assert_eq!(one, [Cell::Count(1), Cell::Number(2.5), Cell::None]);
        assert_eq!(Cell::sample(Summary::of(&[])), [Cell::Count(0), Cell::None, Cell::None]);
    }

    #[test]
    fn the_pages_file_has_as_much_of_a_table_as_it_shows() {
        let rows = |count: usize, text: &str| vec![vec![Cell::Text(text.into()), Cell::P(0.5)]; count];
        let of = |rows| Table { name: "t", title: "A table", columns: vec!["set", "p"], rows }.shared();
        let table = of(rows(shared::MOST_ROWS + 5, "a"));
        assert_eq!((table.rows.len(), table.of), (shared::MOST_ROWS, shared::MOST_ROWS + 5));
        assert_eq!(table.rows[0], ["a", "0.500"]);
        // long cells are cut between characters, and fewer rows are kept
        let long = of(rows(shared::MOST_ROWS, &"€".repeat(2_000)));
        assert_eq!(long.rows[0][0].chars().count(), LONGEST_CELL + 1);
        assert!(long.rows.len() > 100 && long.rows.len() < long.of, "{} rows", long.rows.len());
    }

    #[test]
    fn one_table_in_three_ways() {
        let row =
            vec![Cell::Text("a_b|c & 5 %".into()), Cell::Count(3), Cell::Number(1.25), Cell::P(2e-14), Cell::None];
        let table =
            Table { name: "t", title: "A table", columns: vec!["set", "n", "mean", "p", "kl"], rows: vec![row] };
        let csv = String::from_utf8(table.csv().unwrap()).unwrap();
        assert_eq!(csv, "set,n,mean,p,kl\na_b|c & 5 %,3,1.25,0.00000000000002,\n");
        assert!(table.markdown().ends_with("| a_b\\|c & 5 % | 3 | 1.250 | 2.0e-14 | – |\n"), "{}", table.markdown());
        assert!(table.latex().contains("a\\_b|c \\& 5 \\% & 3 & 1.250 & 2.0e-14 & -- \\\\\n"), "{}", table.latex());
    }
}
