//! Reports are read back as they were written, and whatever does not fit together is refused.

use super::*;
use crate::share::Collection;

/// What a checkpoint that is called `name` made of `prompt`, of one token.
fn seen(name: &str, prompt: &str) -> Seen {
    Seen {
        score: Some(0.5),
        prompt_tokens: vec![1],
        prompt_texts: vec![prompt.to_owned()],
        prompt_start: vec![0],
        prompt_end: vec![prompt.len()],
        response_tokens: vec![7],
        response_texts: vec![format!("{name} on {prompt}")],
        probability: vec![0.5],
        importance: Exact(vec![1.0]),
        backend: "CPU".to_owned(),
    }
}

/// A study of these checkpoints on these prompts, with a table, a curve, and a picture of every prompt.
pub(crate) fn study(checkpoints: &[&str], prompts: &[&str]) -> Study {
    let checkpoint = |name: &&str| Checkpoint {
        name: (*name).to_owned(),
        weights: format!("weights of {name}"),
        layers: 3,
        template: true,
        info: None,
        problem: None,
    };
    let picture = |(index, prompt): (usize, &&str)| Picture {
        set: 0,
        index,
        prompt: (*prompt).to_owned(),
        instruction: crate::explain::find_instruction(prompt),
        results: checkpoints.iter().map(|name| Some(seen(name, prompt))).collect(),
    };
    let row = |name: &&str| vec![(*name).to_owned(), "0.500".to_owned()];
    // numbers of which no digit is lost in a file
    let interval = Some([0.25, 2.0]);
    let point = |at: usize| Point { mean: 0.5 + at as f64 / 8.0, n: Some(9), deviation: Some(0.125), interval };
    let points = (0..checkpoints.len()).map(|at| Some(point(at))).collect();
    Study {
        kind: KIND.to_owned(),
        version: VERSION,
        generator: "a test".into(),
        name: "Stories".into(),
        settings: Settings {
            own: false,
            limit: 60,
            by: By::Token,
            target: Target::Prob,
            mode: Mode::Auto,
            levels: Levels::default(),
            kl: true,
            weights: false,
        },
        checkpoints: checkpoints.iter().map(checkpoint).collect(),
        sets: vec![PromptSet { name: "LIMA".into(), prompts: prompts.len() }],
        tables: vec![Table {
            name: "scores".into(),
            title: "Instruction scores".into(),
            columns: ["checkpoint", "score"].map(str::to_owned).to_vec(),
            rows: checkpoints.iter().map(row).collect(),
            of: checkpoints.len(),
        }],
        curves: Curve::of("score", "Score", "mean score", Line::of("LIMA", points)).into_iter().collect(),
        pictures: prompts.iter().enumerate().map(picture).collect(),
    }
}

fn three() -> Study {
    study(&["base", "sft", "dpo"], &["Name two birds.", "Sing."])
}

fn read(study: &Study) -> Result<Study, FileError> {
    Study::read("s.json", &serde_json::to_string(study).unwrap()).unwrap()
}

#[test]
fn a_report_comes_back_and_is_told_from_other_files() {
    let study = three();
    assert_eq!(read(&study).as_ref(), Ok(&study));
    let text = serde_json::to_string(&study).unwrap();
    // a page from before there were reports says that it is too old
    assert_eq!(Export::read("s.json", &text), Err(FileError::Newer("s.json".into())));
    assert!(Collection::read("s.json", &text).is_none());
    let run = serde_json::to_string(&study.export(0, 1).unwrap()).unwrap();
    assert!(Study::read("s.json", &run).is_none() && Export::read("s.json", &run).is_ok());
    assert!(Study::read("s.json", "no").is_none());
    assert!(Study::read("s.json", "{\"kind\":\"recipe\",\"version\":2}").is_none());
}

#[test]
fn two_checkpoints_that_follow_one_another_are_a_file_of_results() {
    let study = three();
    assert_eq!((study.pairs(), study.prompts()), (1..3, 2));
    let export = study.export(1, 2).unwrap();
    let said = |report: &Option<crate::explain::ModelReport>| {
        report.as_ref().map(|report| (report.checkpoint.name.clone(), report.response[0].text.clone()))
    };
    let wanted = |name: &str| Some((name.to_owned(), format!("{name} on Sing.")));
    assert_eq!((said(&export.models.base), said(&export.models.tuned)), (wanted("sft"), wanted("dpo")));
    assert_eq!(export.prompt, "Sing.");
    assert!(study.export(1, 0).unwrap().models.base.is_none());
    assert!(study.export(2, 1).is_none() && study.export(0, 3).is_none());
    let mut odd = study.clone();
    odd.pictures[0].results[1] = None;
    assert_eq!(read(&odd).as_ref(), Ok(&odd), "a checkpoint may have no result");
    assert!(odd.export(0, 1).is_none() && odd.export(0, 2).unwrap().models.base.is_none());
    assert_eq!(super::tests::study(&["base"], &[]).pairs(), 0..1);
}

/// Changes of a report that is sound, each of which a page must not draw.
#[test]
fn what_does_not_fit_together_is_damaged() {
    fn made(study: &mut Study, change: fn(&mut Seen)) {
        study.pictures[1].results[2].iter_mut().for_each(change);
    }
    type Change = fn(&mut Study);
    let changes: [(&str, Change); 18] = [
        ("no chain", |s| s.checkpoints.clear()),
        ("more layers than there are", |s| s.checkpoints[0].layers = usize::MAX),
        ("a row that is too short", |s| drop(s.tables[0].rows[1].pop())),
        ("more rows than there are", |s| s.tables[0].of = 1),
        ("a table without end", |s| {
            (s.tables[0].of, s.tables[0].rows) = (usize::MAX, vec![vec![String::new(); 2]; MOST_ROWS + 1]);
        }),
        ("a point too many", |s| s.curves[0].lines[0].points.push(None)),
        ("an interval beside its mean", |s| {
            s.curves[0].lines[0].points[0] =
                Some(Point { mean: 1.0, n: None, deviation: None, interval: Some([2.0, 3.0]) });
        }),
        ("a negative deviation", |s| {
            s.curves[0].lines[0].points[0] = Some(Point { mean: 1.0, n: None, deviation: Some(-1.0), interval: None });
        }),
        ("a prompt that its set does not have", |s| s.pictures[1].index = 2),
        ("a set that is not there", |s| s.pictures[1].set = 1),
        ("a result too many", |s| s.pictures[1].results.push(None)),
        ("an instruction outside the prompt", |s| s.pictures[1].instruction = 3..99),
        ("a matrix too small", |s| made(s, |seen| seen.importance.0.clear())),
        ("a matrix without numbers", |s| made(s, |seen| seen.importance.0[0] = f32::NAN)),
        ("one text too few", |s| made(s, |seen| seen.prompt_texts.clear())),
        ("a token outside the prompt", |s| made(s, |seen| seen.prompt_end[0] = 99)),
        ("a token that ends before it begins", |s| made(s, |seen| seen.prompt_start[0] = 9)),
        ("no response", |s| {
            made(s, |seen| {
                seen.response_tokens.clear();
                seen.response_texts.clear();
                seen.probability.clear();
            })
        }),
    ];
    for (what, change) in changes {
        let mut study = three();
        change(&mut study);
        assert_eq!(read(&study), Err(FileError::Damaged("s.json".into())), "{what}");
    }
}

#[test]
fn a_file_that_is_too_large_newer_or_cut_short_is_refused_in_words() {
    let mut study = three();
    study.version = VERSION + 1;
    assert_eq!(read(&study), Err(FileError::Newer("s.json".into())));
    study.version = VERSION;
    study.name = "n".repeat(MOST_BYTES);
    let said = read(&study).unwrap_err().to_string();
    assert_eq!(
        said,
        "s.json is larger than 20 MB, the limit for a study's report. Make it again with shiftlens-study merge."
    );
    let without = "{\"kind\":\"study\",\"version\":2}";
    let said = Study::read("s.json", without).unwrap().unwrap_err().to_string();
    assert!(said.starts_with("s.json is not a file of Shiftlens's results (missing field"), "{said}");
}
