//! The tables of a study and the file that the page opens, from its results alone. Equal results give equal bytes, whatever shards wrote them.

mod curves;
mod divergence;
mod finding_1;
mod followed;
pub mod units;
mod weights;

use std::path::{Path, PathBuf};

use crate::bundle;
use crate::error::StudyError;
use crate::folder::gather;
use crate::parts::Part;
use crate::study::Study;
use crate::tables::{Cell, Table, remove};
use units::Units;
use weights::Weights;

/// Tables that not every study has: what an earlier plan left of them would be taken for this one's.
const SOMETIMES: [&str; 3] = ["finding-2", "finding-3", "followed"];

/// What was put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Where the tables are.
    pub folder: PathBuf,
    /// Units with a row.
    pub units: usize,
    /// Units whose row holds an error.
    pub failed: usize,
    /// Of how many prompts the page's file has a picture, and of how many.
    pub pictures: (usize, usize),
}

/// Writes the tables and the page's file into `folder/tables`. Refuses while units are missing, unless `partial`. `judge`: a file of another model's
/// word vectors, by which the coherence of heads and components is judged.
pub fn merge(folder: &Path, partial: bool, judge: Option<&Path>) -> Result<Merged, StudyError> {
    let study = Study::of(folder)?;
    let found = gather(folder, Part::outlines)?;
    found.damaged.iter().for_each(|part| eprintln!("{part}. Its units count as missing."));
    let units = Units::of(&study, &found);
    let weights = Weights::of(&study, folder, judge)?;
    let missing = units.missing() + weights.missing;
    let all = units.count() + weights.there + weights.missing;
    if missing > 0 && !partial {
        return Err(StudyError::Missing { missing, all });
    }
    let tables = folder.join("tables");
    std::fs::create_dir_all(&tables).map_err(|source| StudyError::File { path: tables.clone(), source })?;
    let errors = errors(&units, &weights);
    let failed = errors.rows.len();
    let mut written = vec![finding_1::table(&units), divergence::table(&units), units.scores(), errors];
    written.extend(study.weights.then(|| [weights.finding_2(), weights.finding_3()]).into_iter().flatten());
    written.extend(followed::table(&units));
    let stale = |name: &&&str| written.iter().all(|table| table.name != **name);
    SOMETIMES.iter().filter(stale).try_for_each(|name| remove(&tables, name))?;
    written.iter().try_for_each(|table| table.write(&tables))?;
    let pictures = bundle::write(folder, &units, &written, curves::all(&units, &weights))?;
    Ok(Merged { folder: tables, units: all - missing, failed, pictures })
}

/// Every unit without a result, with its reason.
fn errors(units: &Units, weights: &Weights) -> Table {
    let of_layer = |(checkpoint, layer, why): &(String, usize, String)| {
        let cells = [checkpoint.clone(), format!("layer {layer}")];
        [cells.map(Cell::Text).to_vec(), vec![Cell::None, Cell::Text(why.clone())]].concat()
    };
    Table {
        name: "errors",
        title: "Units without a result",
        columns: vec!["checkpoint", "prompts or layer", "index", "reason"],
        rows: units.errors().into_iter().chain(weights.failed.iter().map(of_layer)).collect(),
    }
}
