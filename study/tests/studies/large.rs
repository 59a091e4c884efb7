//! A study of 100,000 units: `merge` is to take no longer than ten seconds, where it is optimised as a user's is. Elsewhere that
//! is not asked, and two prompt sets of the ten are enough.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shiftlens_study::parts::{GROUP, write};
use shiftlens_study::row::Row;
use shiftlens_study::study::{Checkpoint, PromptSet, Settings, Study, VERSION};

use shiftlens::explain::findings::PromptCase;

const CHECKPOINTS: usize = 5;
const SETS: usize = if cfg!(debug_assertions) { 2 } else { 10 };
const PROMPTS: usize = 2_000;

/// A prompt of 15 to 40 words, the first third of which are the instruction.
fn case(rng: &mut StdRng) -> PromptCase {
    let words: Vec<String> =
        (0..rng.random_range(15..40)).map(|_| format!("word{}", rng.random_range(0..999))).collect();
    let instruction = Some(words[..words.len() / 3].join(" "));
    PromptCase { prompt: words.join(" "), instruction, response: None }
}

/// A row for each word; those of the instruction are a little denser in later checkpoints.
fn row(study: &Study, checkpoint: usize, set: usize, index: usize, rng: &mut StdRng) -> Row {
    let (of, set) = (&study.checkpoints[checkpoint], &study.sets[set]);
    let case = &set.cases[index];
    let starts = || case.prompt.split(' ').scan(0, |at, word| Some(std::mem::replace(at, *at + word.len() + 1)));
    let spans: Vec<_> = starts().zip(case.prompt.split(' ')).map(|(at, word)| at..at + word.len()).collect();
    let instruction: Vec<bool> = spans.iter().map(|s| case.span().contains(&s.start)).collect();
    let lift = |marked: bool| if marked { 0.02 * checkpoint as f64 } else { 0.0 };
    let density: Vec<f64> = instruction.iter().map(|m| (rng.random_range(0.0..0.9) + lift(*m)).min(1.0)).collect();
    Row {
        unit: study.unit(of, set, case),
        checkpoint: of.name.clone(),
        prompt_set: set.name.clone(),
        prompt_index: index,
        prompt: case.prompt.clone(),
        score: Some(shiftlens::explain::instruction_score(&density, &instruction)),
        response_tokens: (0..20).collect(),
        row_user: vec![true; spans.len()],
        row_text: case.prompt.split(' ').map(str::to_owned).collect(),
        importance: (0..4 * spans.len()).map(|_| rng.random()).collect(),
        row_instruction: instruction,
        spans,
        density,
        ..Row::default()
    }
}

/// Writes the study in parts of `together` rows; gives how many rows there are.
fn synthetic(folder: &Path, together: usize) -> usize {
    let mut rng = StdRng::seed_from_u64(1);
    let set = |s: usize, rng: &mut StdRng| PromptSet {
        name: format!("set {s}"),
        cases: (0..PROMPTS).map(|_| case(rng)).collect(),
        followed: Vec::new(),
    };
    let sets = (0..SETS).map(|s| set(s, &mut rng)).collect();
    let named = |c: usize| Checkpoint { name: format!("step {c}"), hash: format!("{c}"), ..Checkpoint::default() };
    let checkpoints = (0..CHECKPOINTS).map(named).collect();
    let study = Study {
        version: VERSION,
        name: String::new(),
        settings: Settings::default(),
        checkpoints,
        sets,
        weights: false,
        imported: false,
    };
    study.describe(folder, false).unwrap();
    let mut rows = Vec::new();
    for at in 0..CHECKPOINTS * SETS * PROMPTS {
        rows.push(row(&study, at / (SETS * PROMPTS), at / PROMPTS % SETS, at % PROMPTS, &mut rng));
        if rows.len() == together || at + 1 == CHECKPOINTS * SETS * PROMPTS {
            write(&folder.join(format!("parts/{at}.parquet")), &rows).unwrap();
            rows.clear();
        }
    }
    CHECKPOINTS * SETS * PROMPTS
}

fn merged(together: usize) -> (f64, String) {
    let folder = tempfile::tempdir().unwrap();
    let rows = synthetic(folder.path(), together);
    let started = Instant::now();
    let merge = Command::new(env!("CARGO_BIN_EXE_shiftlens-study")).arg("merge").arg(folder.path()).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&merge.stdout);
    assert!(said.ends_with(&format!("{rows} units, 0 failed\n")), "{said}{}", String::from_utf8_lossy(&merge.stderr));
    println!("{rows} units in parts of {together}: merged in {seconds:.1} s");
    let scores = std::fs::read_to_string(folder.path().join("tables/scores.csv")).unwrap();
    assert_eq!(scores.lines().count(), rows + 1);
    (seconds, std::fs::read_to_string(folder.path().join("tables/finding-1.csv")).unwrap())
}

/// Parts as a shard leaves them.
#[test]
fn many_units_are_merged_within_ten_seconds() {
    let (seconds, finding) = merged(GROUP);
    assert_eq!(finding.lines().count(), 1 + SETS * (CHECKPOINTS - 1));
    assert!(finding.lines().skip(1).all(|line| line.contains(",2000,") && line.contains("Holds: ")), "{finding}");
    assert!(cfg!(debug_assertions) || seconds < 10.0, "{seconds:.1} s");
}

/// A file for each unit, as a study of many killed shards might be at the worst.
#[test]
#[ignore = "writes up to 100,000 files"]
fn many_parts_are_merged() {
    let (seconds, _) = merged(1);
    assert!(cfg!(debug_assertions) || seconds < 60.0, "{seconds:.1} s");
}
