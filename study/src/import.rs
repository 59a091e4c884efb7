//! Published level matrices as a study: the paper's own results, in the tables that a study makes (docs/studies.md).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use shiftlens::explain::findings::PromptCase;
use shiftlens::explain::{Levels, density, floored, instruction_score, normalised};

use crate::error::StudyError;
use crate::parts::write;
use crate::row::Row;
use crate::study::{Checkpoint, PromptSet, Settings, Study, Template, VERSION, hash};

/// The most bytes that are unpacked.
const MOST: u64 = 1 << 30;
/// By how much a published density or score may differ from what its levels give: they are published with six digits.
const ROUNDING: f64 = 1e-5;

/// One line of the file: a model on a prompt.
#[derive(Debug, Deserialize)]
struct Published {
    /// Names the prompt.
    id: String,
    /// Names the model.
    model: String,
    /// The prompt's tokens as SentencePiece writes them.
    input: Vec<String>,
    /// Tokens of the response.
    n_output: usize,
    /// One for each token of the instruction, zero for others.
    instruction: Vec<u8>,
    /// Base64 of a byte for each token of the prompt and of the response, row by row, before levels up to b become zero.
    levels: String,
    /// The normalised density of each token.
    density: Vec<f64>,
    /// The instruction score.
    score: f64,
}

/// Why a line is none.
type Wrong = String;

/// Reads the file at `path` and writes it to `out` as a study with one prompt set, `name`. Gives how many rows it has.
pub fn import(path: &Path, out: &Path, name: &str) -> Result<usize, StudyError> {
    let text = unpacked(path)?;
    let wrong = |line: usize, why: Wrong| StudyError::Import { path: path.to_owned(), line, why };
    let mut study = Study {
        version: VERSION,
        name: String::new(),
        settings: Settings { kl: false, ..Settings::default() },
        checkpoints: Vec::new(),
        sets: vec![PromptSet { name: name.to_owned(), cases: Vec::new(), followed: Vec::new() }],
        weights: false,
        imported: true,
    };
    let (mut prompts, mut lines) = (HashMap::new(), Vec::new());
    let (mut texts, mut there) = (HashSet::new(), HashSet::new());
    for (number, line) in text.lines().enumerate().map(|(i, l)| (i + 1, l)).filter(|(_, l)| !l.trim().is_empty()) {
        let found: Published = serde_json::from_str(line).map_err(|e| wrong(number, e.to_string()))?;
        let (case, spans) = case(&found).map_err(|why| wrong(number, why))?;
        if study.checkpoints.iter().all(|c| c.name != found.model) {
            study.checkpoints.push(checkpoint(&found.model));
        }
        let cases = &mut study.sets[0].cases;
        let index = *prompts.entry(found.id.clone()).or_insert(cases.len());
        if index == cases.len() {
            if !texts.insert(case.prompt.clone()) {
                return Err(wrong(number, format!("the prompt of {} has another name above", found.id)));
            }
            cases.push(case);
        } else if cases[index] != case {
            return Err(wrong(number, format!("{} is another prompt than above", found.id)));
        }
        if !there.insert((found.model.clone(), index)) {
            return Err(wrong(number, format!("{} has a line for this prompt above", found.model)));
        }
        lines.push((number, found, index, spans));
    }
    if lines.is_empty() {
        return Err(wrong(1, "there is nothing in it".into()));
    }
    let rows = lines
        .into_iter()
        .map(|(number, found, index, spans)| row(&study, found, index, spans).map_err(|why| wrong(number, why)));
    let rows = rows.collect::<Result<Vec<Row>, _>>()?;
    study.describe(out, false)?;
    write(&out.join("parts/imported.parquet"), &rows)?;
    Ok(rows.len())
}

/// The file's text, which may be packed by gzip.
fn unpacked(path: &Path) -> Result<String, StudyError> {
    let fail = |source| StudyError::File { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let packed = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
    let mut text = String::new();
    let read = match packed {
        true => GzDecoder::new(file).take(MOST).read_to_string(&mut text),
        false => file.take(MOST).read_to_string(&mut text),
    };
    match read.map_err(fail)? as u64 {
        MOST => Err(fail(std::io::Error::other("more than a gibibyte of text"))),
        _ => Ok(text),
    }
}

fn checkpoint(model: &str) -> Checkpoint {
    let hash = hash(&["published", model]);
    Checkpoint { name: model.to_owned(), template: Template::Off, hash, ..Checkpoint::default() }
}

/// The prompt's text, with the bytes of each token.
fn case(found: &Published) -> Result<(PromptCase, Vec<std::ops::Range<usize>>), Wrong> {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    for token in &found.input {
        let from = bytes.len();
        match byte(token) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(token.replace('▁', " ").bytes()),
        }
        spans.push(from..bytes.len());
    }
    // the space that SentencePiece sets before a text
    if bytes.first() == Some(&b' ') {
        bytes.remove(0);
        spans.iter_mut().for_each(|s| *s = s.start.saturating_sub(1)..s.end.saturating_sub(1));
    }
    let prompt = String::from_utf8(bytes).map_err(|_| "its tokens make no text".to_owned())?;
    Ok((PromptCase { prompt, instruction: None, response: None }, spans))
}

/// A byte that SentencePiece has no token for: "<0x0A>".
fn byte(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// A row whose density and score come from the levels; they must be those that were published.
fn row(study: &Study, found: Published, index: usize, spans: Vec<std::ops::Range<usize>>) -> Result<Row, Wrong> {
    let how = study.settings.levels;
    let (rows, columns) = (found.input.len(), found.n_output);
    if found.instruction.len() != rows || found.density.len() != rows {
        return Err(format!("it has {rows} tokens, but not as many marks and densities"));
    }
    let bytes = STANDARD.decode(&found.levels).map_err(|e| format!("its levels are no base64 ({e})"))?;
    if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(bytes.len()) {
        return Err(format!("{} levels are not {rows} tokens by {columns}", bytes.len()));
    }
    if let Some(level) = bytes.iter().find(|level| **level > how.count) {
        return Err(format!("there is a level {level}, but levels go to {}", how.count));
    }
    let levels: Vec<Vec<u8>> =
        bytes.chunks(columns).map(|row| row.iter().map(|level| floored(*level, how.floor)).collect()).collect();
    let row_instruction: Vec<bool> = found.instruction.iter().map(|mark| *mark != 0).collect();
    let (density, score) = scored(&levels, &row_instruction, how);
    let far = |published: f64, ours: f64| (published - ours).abs() > ROUNDING;
    if far(found.score, score) || found.density.iter().zip(&density).any(|(p, o)| far(*p, *o)) {
        return Err(format!("its levels give the score {score:.6} and other densities than are published"));
    }
    let (set, checkpoint) = (&study.sets[0], checkpoint(&found.model));
    let case = &set.cases[index];
    Ok(Row {
        unit: study.unit(&checkpoint, set, case),
        settings: study.settings_hash(),
        checkpoint: checkpoint.name,
        checkpoint_hash: checkpoint.hash,
        prompt_set: set.name.clone(),
        prompt_index: index,
        prompt: case.prompt.clone(),
        score: Some(score),
        row_text: found.input,
        row_user: vec![true; rows],
        row_instruction,
        spans,
        levels: levels.concat(),
        density,
        ..Row::default()
    })
}

fn scored(levels: &[Vec<u8>], instruction: &[bool], how: Levels) -> (Vec<f64>, f64) {
    let density = normalised(&density(levels, how.norm));
    let score = instruction_score(&density, instruction);
    (density, score)
}
