//! The report that the page opens: everything that `merge` writes, in one file of bounded size.

use std::path::Path;

use super::support::{output, plan, root, tables, text};
use shiftlens::explain::Seconds;
use shiftlens::explain::findings::PromptCase;
use shiftlens::share::study::MOST_BYTES;
use shiftlens::share::{Export, Study as Report};
use shiftlens_study::parts::write;
use shiftlens_study::row::Row;
use shiftlens_study::study::{Checkpoint, PromptSet, Settings, Study, VERSION};

const FILE: &str = "study.shiftlens.json";

fn read(text: &str) -> Report {
    Report::read(FILE, text).unwrap().unwrap()
}

/// What `picture` writes of a prompt.
fn pictured(out: &Path, index: &str) -> Export {
    let file = out.join("picture.shiftlens.json");
    let written = output(&["picture", "--index", index, "--to", file.to_str().unwrap()], out);
    assert!(written.status.success(), "{}", text(&written.stderr));
    Export::read("picture", &std::fs::read_to_string(&file).unwrap()).unwrap()
}

/// The same without what a study's report leaves out: how long a run took.
fn timeless(mut export: Export) -> Export {
    for report in [&mut export.models.base, &mut export.models.tuned].into_iter().flatten() {
        report.seconds = Seconds::default();
    }
    export
}

#[test]
fn one_shard_or_four_give_the_same_report_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = plan(folder.path(), 4, "", "");
    let named = format!("name = \"Stories\"\n{}", std::fs::read_to_string(&path).unwrap());
    std::fs::write(&path, named).unwrap();
    let [whole, shared] = ["whole", "shared"].map(|n| folder.path().join(n));
    assert!(output(&["run", &path, "--out"], &whole).status.success());
    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        let ran = output(&["run", &path, "--shard", shard, "--out"], &shared);
        assert!(ran.status.success(), "{}", text(&ran.stderr));
    }
    let merged = output(&["merge"], &whole);
    let said = text(&merged.stdout);
    assert!(said.contains("study.shiftlens.json: pictures of 4 of 4 prompts\n"), "{said}");
    let (files, others) = (tables(&whole), tables(&shared));
    assert!(files[FILE] == others[FILE], "the reports differ");

    let report = read(&files[FILE]);
    assert_eq!((report.name.as_str(), report.pictures.len(), report.prompts()), ("Stories", 4, 4));
    let chain: Vec<(&str, bool)> = report.checkpoints.iter().map(|c| (c.name.as_str(), c.template)).collect();
    assert_eq!(chain, [("base", false), ("tuned", true)]);
    assert!(report.checkpoints.iter().all(|c| c.layers > 0 && !c.weights.is_empty()));
    // every table, as its Markdown has it
    let mut names: Vec<String> = files.keys().filter_map(|name| name.strip_suffix(".md")).map(str::to_owned).collect();
    names.sort();
    let mut there: Vec<String> = report.tables.iter().map(|table| table.name.clone()).collect();
    there.sort();
    assert_eq!(there, names);
    for table in &report.tables {
        let markdown = &files[&format!("{}.md", table.name)];
        assert_eq!((table.rows.len(), markdown.lines().count()), (table.of, table.of + 4), "{}", table.name);
        let plain = markdown.replace("\\|", "|");
        assert!(table.rows.iter().flatten().all(|cell| plain.contains(cell.trim_end_matches('…'))), "{}", table.name);
    }
    // the curves' numbers are the tables'
    let curve = |name: &str| report.curves.iter().find(|curve| curve.name == name).unwrap();
    let names: Vec<&str> = report.curves.iter().map(|curve| curve.name.as_str()).collect();
    assert_eq!(names, ["score", "kl", "turn", "kept"]);
    let kl = curve("kl").lines[0].points.clone();
    let is_in = |table: &str, value: f64| {
        let cells = files[table].lines().skip(1).flat_map(|line| line.split(','));
        cells.filter_map(|cell| cell.parse::<f64>().ok()).any(|cell| (cell - value).abs() < 1e-9)
    };
    assert!(kl[0].is_none() && is_in("divergence.csv", kl[1].unwrap().mean), "{kl:?}");
    for point in curve("score").lines[0].points.iter().flatten() {
        assert!(is_in("finding-1.csv", point.mean) && is_in("finding-1.csv", point.deviation.unwrap()), "{point:?}");
        assert!(point.n == Some(4) && point.interval.is_some());
    }
    for (name, line) in [("turn", 0), ("turn", 1), ("kept", 0), ("kept", 1)] {
        let value = curve(name).lines[line].points[1].unwrap().mean;
        assert!(is_in("finding-3.csv", value), "{name} {line}: {value}");
    }
    // and each picture is the one that has a file of its own
    for index in [0, 3] {
        let at = report.pictures.iter().position(|picture| picture.index == index).unwrap();
        let own = pictured(&whole, &index.to_string());
        let score = report.pictures[at].results[1].as_ref().unwrap().score;
        assert_eq!(score, own.models.tuned.as_ref().unwrap().instruction_score);
        let shown = serde_json::to_string(&report.export(at, 1).unwrap()).unwrap();
        assert_eq!(Export::read("shown", &shown).unwrap(), timeless(own));
    }
}

#[test]
fn published_matrices_have_a_report_without_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let file = root().join("tests/gold/density_cases.jsonl.gz");
    assert!(output(&["import", file.to_str().unwrap(), "--name", "LIMA", "--out"], &out).status.success());
    let report = read(&tables(&out)[FILE]);
    assert_eq!((report.pictures.len(), report.prompts(), report.curves.len()), (0, 60, 1));
    assert_eq!(report.curves[0].lines[0].points.iter().flatten().map(|p| p.n).collect::<Vec<_>>(), [Some(60); 2]);
}

const PROMPTS: usize = 900;
const WORDS: usize = 60;
const RESPONSE: usize = 40;

/// A result with a matrix of `WORDS` by `RESPONSE`.
fn row(study: &Study, checkpoint: usize, index: usize) -> Row {
    let (of, set) = (&study.checkpoints[checkpoint], &study.sets[0]);
    let case = &set.cases[index];
    let words: Vec<&str> = case.prompt.split_inclusive(' ').collect();
    let spans: Vec<_> = words
        .iter()
        .scan(0, |at, word| {
            Some(
                *at..{
                    *at += word.len();
                    *at
                },
            )
        })
        .collect();
    let value = |i: usize| ((i * 31 + index * 7 + checkpoint) % 97) as f32 / 97.0;
    Row {
        unit: study.unit(of, set, case),
        checkpoint: of.name.clone(),
        prompt_set: set.name.clone(),
        prompt_index: index,
        prompt: case.prompt.clone(),
        score: Some(0.5),
        prompt_tokens: (0..WORDS as u32).collect(),
        prompt_texts: words.iter().map(|word| (*word).to_owned()).collect(),
        row_text: words.iter().map(|word| (*word).to_owned()).collect(),
        response_tokens: (0..RESPONSE as u32).collect(),
        response_texts: (0..RESPONSE).map(|i| format!(" r{i}")).collect(),
        probability: vec![0.5; RESPONSE],
        row_user: vec![true; WORDS],
        row_instruction: vec![false; WORDS],
        importance: (0..WORDS * RESPONSE).map(value).collect(),
        density: vec![0.5; WORDS],
        prompt_spans: spans.clone(),
        spans,
        ..Row::default()
    }
}

#[test]
fn a_report_holds_as_many_prompts_as_fit_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let case = |i: usize| PromptCase {
        prompt: (0..WORDS).map(|w| format!("word{i}x{w} ")).collect(),
        instruction: None,
        response: None,
    };
    let named = |name: &str| Checkpoint { name: name.into(), hash: name.into(), ..Checkpoint::default() };
    let study = Study {
        version: VERSION,
        name: String::new(),
        settings: Settings::default(),
        checkpoints: ["base", "tuned"].map(named).to_vec(),
        sets: vec![PromptSet { name: "many".into(), cases: (0..PROMPTS).map(case).collect(), followed: Vec::new() }],
        weights: false,
        imported: false,
    };
    study.describe(folder.path(), false).unwrap();
    for checkpoint in 0..2 {
        let mut rows: Vec<Row> = (0..PROMPTS).map(|index| row(&study, checkpoint, index)).collect();
        // one whose parts do not fit together has no result, and takes no other's place
        rows[3].prompt_texts.pop();
        write(&folder.path().join(format!("parts/{checkpoint}.parquet")), &rows).unwrap();
    }
    let merged = output(&["merge"], folder.path());
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let written = std::fs::read_to_string(folder.path().join("tables").join(FILE)).unwrap();
    assert!(written.len() <= MOST_BYTES && written.len() > MOST_BYTES * 9 / 10, "{} bytes", written.len());
    let report = read(&written);
    let held = report.pictures.len();
    assert!(held > 100 && held < PROMPTS, "{held}");
    assert!(text(&merged.stdout).contains(&format!("pictures of {held} of {PROMPTS} prompts")));
    assert!(report.pictures.iter().all(|picture| picture.index != 3), "it is damaged");
    // the first ones, and their values exactly
    assert!(report.pictures.iter().zip((0..PROMPTS).filter(|i| *i != 3)).all(|(picture, i)| picture.index == i));
    let tuned = report.export(5, 1).unwrap().models.tuned.unwrap();
    assert_eq!(tuned.importance.concat(), row(&study, 1, report.pictures[5].index).importance);
    // every score, as many as a page lists
    let scores = report.tables.iter().find(|table| table.name == "scores").unwrap();
    assert_eq!((scores.rows.len(), scores.of), (1_000, 2 * PROMPTS));
}

/// A page refuses what a stranger has changed.
#[test]
fn a_damaged_report_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let plan = plan(folder.path(), 2, "weights = false\nkl = false", "");
    assert!(output(&["run", &plan, "--out"], &out).status.success());
    let written = tables(&out)[FILE].clone();
    let refused = |text: &str| Report::read("x.json", text).unwrap().unwrap_err().to_string();
    let damaged = "x.json is damaged: its parts do not fit together.";
    assert_eq!(refused(&written.replacen("\"index\":1", "\"index\":7", 1)), damaged);
    assert_eq!(refused(&written.replacen("\"response_tokens\":[", "\"response_tokens\":[1,", 1)), damaged);
    let said = refused(&written.replacen("\"importance\":\"", "\"importance\":\"*", 1));
    assert!(said.starts_with("x.json is not a file of Shiftlens's results ("), "{said}");
    let said = refused(&written.replacen("\"version\":2", "\"version\":3", 1));
    assert!(said.starts_with("x.json was made by a newer version"), "{said}");
    // a page from before there were reports
    let said = Export::read("x.json", &written).unwrap_err().to_string();
    assert!(said.starts_with("x.json was made by a newer version"), "{said}");
    // cut short, it is no JSON any more
    let half = &written[..written.len() / 2];
    assert!(Report::read("x.json", half).is_none() && Export::read("x.json", half).is_err());
}
