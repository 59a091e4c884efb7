//! A study's report as one file that the page opens: tables, curves over the chain, and pictures of as many prompts as there is
//! room for (docs/formats.md).

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use shiftlens::explain::findings::PromptCase;
use shiftlens::share;
use shiftlens::share::study::{Curve, KIND, MOST_BYTES, MOST_PICTURES, Picture, PromptSet, Seen, VERSION};

use crate::error::StudyError;
use crate::folder::gather;
use crate::merge::units::Units;
use crate::parts::write_whole;
use crate::row::Row;
use crate::study::Study;
use crate::tables::Table;

/// What the file is called.
pub const FILE: &str = "study.shiftlens.json";

/// Writes the report of the study in `folder` beside its tables. Gives of how many prompts it has a picture, and of how many.
pub fn write(folder: &Path, units: &Units, tables: &[Table], curves: Vec<Curve>) -> Result<(usize, usize), StudyError> {
    let path = folder.join("tables").join(FILE);
    let encode = |why: String| StudyError::Encode { path: path.clone(), why };
    let mut report = without_pictures(units.study, tables, curves);
    let text = serde_json::to_string(&report).map_err(|e| encode(e.to_string()))?;
    let room = MOST_BYTES.saturating_sub(text.len());
    report.pictures = pictures(folder, units, &report, room)?;
    let text = serde_json::to_string(&report).map_err(|e| encode(e.to_string()))?;
    // parts may hold anything: what the page would refuse is not written
    match share::Study::read(FILE, &text) {
        Some(Ok(_)) => write_whole(&path, text.as_bytes())?,
        Some(Err(refused)) => return Err(encode(refused.to_string())),
        None => return Err(encode("it cannot be read back".into())),
    }
    Ok((report.pictures.len(), report.prompts()))
}

fn without_pictures(study: &Study, tables: &[Table], curves: Vec<Curve>) -> share::Study {
    share::Study {
        kind: KIND.to_owned(),
        version: VERSION,
        generator: format!("shiftlens-study {}", env!("CARGO_PKG_VERSION")),
        name: study.name.clone(),
        settings: study.settings.shared(study.weights),
        checkpoints: study.checkpoints.iter().map(|checkpoint| checkpoint.shared()).collect(),
        sets: study.sets.iter().map(|set| PromptSet { name: set.name.clone(), prompts: set.cases.len() }).collect(),
        tables: tables.iter().map(Table::shared).collect(),
        curves,
        pictures: Vec::new(),
    }
}

/// A prompt by its set's place and its own.
type Place = (usize, usize);

/// Pictures of the first prompts of every set, as many as fit into `room` bytes.
fn pictures(folder: &Path, units: &Units, report: &share::Study, mut room: usize) -> Result<Vec<Picture>, StudyError> {
    let study = units.study;
    let wanted = candidates(units, room);
    let name = |(set, index): &Place| {
        let (set, case) = (&study.sets[*set], &study.sets[*set].cases[*index]);
        study.checkpoints.iter().map(move |checkpoint| study.unit(checkpoint, set, case)).collect::<Vec<String>>()
    };
    let named: Vec<(Place, Vec<String>)> = wanted.into_par_iter().map(|place| (place, name(&place))).collect();
    let all: HashSet<String> = named.iter().flat_map(|(_, units)| units).cloned().collect();
    let rows = gather(folder, |part| part.of_units(&all))?.rows;
    let made: Vec<Option<Picture>> =
        named.par_iter().map(|(place, units)| picture(report, study, *place, units, &rows)).collect();
    let mut held = Vec::new();
    for picture in made.into_iter().flatten() {
        let size = serde_json::to_string(&picture).map_or(usize::MAX, |text| text.len().saturating_add(1));
        // a shorter one after it may still fit
        if let Some(left) = room.checked_sub(size) {
            room = left;
            held.push(picture);
        }
    }
    Ok(held)
}

/// The prompts whose results are worth reading: set by set in turn, until their matrices alone would fill `room`.
fn candidates(units: &Units, room: usize) -> Vec<Place> {
    let sets = &units.study.sets;
    let longest = sets.iter().map(|set| set.cases.len()).max().unwrap_or(0);
    let places = (0..longest).flat_map(|index| (0..sets.len()).map(move |set| (set, index)));
    let mut taken = 0;
    let sized = places.filter(|(set, index)| *index < sets[*set].cases.len()).filter_map(|(set, index)| {
        let results = (0..units.study.checkpoints.len()).filter_map(|checkpoint| units.one(set, checkpoint, index));
        // four bytes are written as 16/3 characters
        let size: usize = results.map(|row| row.spans.len() * row.response_tokens.len() * 16 / 3).sum();
        (size > 0).then_some(((set, index), size))
    });
    let fit = sized.take_while(|(_, size)| {
        let before = taken;
        taken += size;
        before < room
    });
    fit.map(|(place, _)| place).take(MOST_PICTURES).collect()
}

/// What every checkpoint made of the prompt at `place`; none if no result can be shown.
fn picture(
    report: &share::Study,
    study: &Study,
    place: Place,
    units: &[String],
    rows: &HashMap<String, Row>,
) -> Option<Picture> {
    let (set, index) = place;
    let case: &PromptCase = &study.sets[set].cases[index];
    let mut picture =
        Picture { set, index, prompt: case.prompt.clone(), instruction: case.span(), results: Vec::new() };
    let seen = |(checkpoint, unit): (&share::study::Checkpoint, &String)| -> Option<Seen> {
        let row = rows.get(unit).filter(|row| row.error.is_none() && !row.importance.is_empty())?;
        Some(row.seen()).filter(|seen| seen.can_be_shown(checkpoint, &picture, &report.settings))
    };
    let results: Vec<Option<Seen>> = report.checkpoints.iter().zip(units).map(seen).collect();
    picture.results = results;
    picture.results.iter().any(Option::is_some).then_some(picture)
}
