//! The report of a study: dropped on the page, looked through, a prompt's picture shown and left again, and closed.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use shiftlens::explain::{By, ModelReport};
use shiftlens::share::presets::PRESETS;
use shiftlens::share::study::{
    Checkpoint, Curve, Exact, KIND, Line, Picture, Point, PromptSet, Seen, Settings, Study, Table, VERSION,
};
use shiftlens::share::{Export, screen::Options};

use super::access::look;
use super::looks::each_theme_and_size;
use super::page::{Page, repository};

/// What is read off both cards.
const PICTURE: &str = "return ['base','tuned'].map(s=>[...document.querySelectorAll(`#card-${s} .response .tok`)].map(t=>t.textContent).join('')+document.querySelector(`#card-${s} .score b`).textContent)";

const CHAIN: [&str; 3] = ["stories-base", "step-400", "stories-tuned"];

fn example(index: usize) -> Export {
    let path = repository(&format!("public/{}", PRESETS[index].file()));
    Export::read("example", &std::fs::read_to_string(path).unwrap()).unwrap()
}

fn seen(report: &ModelReport) -> Seen {
    Seen {
        score: report.instruction_score,
        prompt_tokens: report.prompt.iter().map(|t| t.id).collect(),
        prompt_texts: report.prompt.iter().map(|t| t.text.clone()).collect(),
        prompt_start: report.prompt.iter().map(|t| t.span.start).collect(),
        prompt_end: report.prompt.iter().map(|t| t.span.end).collect(),
        response_tokens: report.response.iter().map(|t| t.id).collect(),
        response_texts: report.response.iter().map(|t| t.text.clone()).collect(),
        probability: report.response.iter().map(|t| t.probability).collect(),
        importance: Exact(report.importance.concat()),
        backend: report.backend.clone(),
    }
}

/// An example as a picture of the chain: the checkpoint in the middle says what the tuned one does.
fn picture(at: usize) -> Picture {
    let export = example(at);
    let [base, tuned] = [export.models.base.unwrap(), export.models.tuned.unwrap()];
    let results = [&base, &tuned, &tuned].map(|report| Some(seen(report))).to_vec();
    Picture { set: at % 2, index: at / 2, prompt: export.prompt, instruction: tuned.instruction, results }
}

fn curve(name: &str, title: &str, axis: &str, lines: &[(&str, [Option<f64>; 3])], spread: f64) -> Curve {
    let point = |mean: f64| Point {
        mean,
        n: (spread > 0.0).then_some(40),
        deviation: (spread > 0.0).then_some(3.0 * spread),
        interval: (spread > 0.0).then_some([mean - spread, mean + spread]),
    };
    let line = |(name, means): &(&str, [Option<f64>; 3])| Line::of(name, means.map(|mean| mean.map(point)).to_vec());
    Curve::of(name, title, axis, lines.iter().filter_map(line)).unwrap()
}

fn table(name: &str, title: &str, columns: &[&str], rows: Vec<Vec<String>>, of: usize) -> Table {
    let columns = columns.iter().map(|c| (*c).to_owned()).collect();
    Table { name: name.into(), title: title.into(), columns, rows, of }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn tables() -> Vec<Table> {
    let verdict = "Holds: the score rises by 0.121 on the same prompts, more than with as many random words.";
    let finding = |set: &str, base: &str, tuned: &str| {
        row(&[set, base, tuned, "40", "0.412", "0.101", "0.533", "0.114", "2.1e-05", "0.002", "0.004", "0 %", verdict])
    };
    let columns = [
        "prompts",
        "base",
        "tuned",
        "n",
        "base mean",
        "base deviation",
        "tuned mean",
        "tuned deviation",
        "Welch p",
        "Wilcoxon p (Holm)",
        "random words p (Holm)",
        "share of random words that do as well",
        "verdict",
    ];
    let title = "Finding 1: does the later checkpoint rely more on the instruction's words?";
    let rows = ["held-out", "<b>paraphrased</b>"]
        .map(|set| [finding(set, CHAIN[0], CHAIN[1]), finding(set, CHAIN[1], CHAIN[2])]);
    let scores =
        (0..60).map(|i| row(&[CHAIN[i % 3], "held-out", &i.to_string(), "List four fruits.", "0.512"])).collect();
    let of_scores = ["checkpoint", "prompts", "index", "prompt", "score"];
    vec![
        table("finding-1", title, &columns, rows.concat(), 4),
        table("scores", "Instruction scores", &of_scores, scores, 240),
        table(
            "errors",
            "Units without a result",
            &["checkpoint", "prompts or layer", "index", "reason"],
            Vec::new(),
            0,
        ),
    ]
}

/// A report with markup in a name, which has to stay text.
fn study() -> Study {
    let report = example(0).models.tuned.unwrap();
    let checkpoint = |(at, name): (usize, &&str)| Checkpoint {
        name: (*name).to_owned(),
        weights: format!("{at}c0ffee5{at}d1e2"),
        layers: 6,
        template: at > 0,
        info: Some(shiftlens::explain::CheckpointInfo { name: (*name).to_owned(), ..report.checkpoint.clone() }),
        problem: None,
    };
    let [held, other] = ["held-out", "<b>paraphrased</b>"];
    let scores = [(held, [Some(0.41), Some(0.48), Some(0.53)]), (other, [Some(0.38), None, Some(0.5)])];
    let kl = [(held, [None, Some(1.31), Some(0.42)]), (other, [None, Some(1.18), Some(0.36)])];
    let turn = [
        ("between the two checkpoints", [None, Some(31.2), Some(12.4)]),
        ("by chance", [None, Some(84.0), Some(84.1)]),
    ];
    let mut pictures: Vec<Picture> = (0..4).map(picture).collect();
    pictures[3].results[0] = None;
    Study {
        kind: KIND.into(),
        version: VERSION,
        generator: "shiftlens-study 0.1.0".into(),
        name: "Stories, three stages".into(),
        settings: Settings {
            own: false,
            limit: 60,
            by: By::Token,
            target: report.target,
            mode: Options::default().mode,
            levels: Default::default(),
            kl: true,
            weights: true,
        },
        checkpoints: CHAIN.iter().enumerate().map(checkpoint).collect(),
        sets: [held, other].map(|name| PromptSet { name: name.into(), prompts: 40 }).to_vec(),
        tables: tables(),
        curves: vec![
            curve("score", "Instruction score", "mean instruction score", &scores, 0.03),
            curve("kl", "KL divergence from the checkpoint before", "mean KL, nats a token", &kl, 0.2),
            curve(
                "turn",
                "How far components have turned from the checkpoint before",
                "mean angle, degrees",
                &turn,
                0.0,
            ),
        ],
        pictures,
    }
}

fn selected(tab: &str) -> String {
    format!("return document.querySelector('#tab-{tab}')?.ariaSelected=='true'")
}

async fn focused(page: &Page, id: &str) {
    page.wait_js(&format!("return document.activeElement.id=='{id}'")).await;
}

#[tokio::test]
async fn a_studys_report_is_looked_through_and_left_as_it_was_found() {
    let page = Page::open("study").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let study = study();
    // two checkpoints on a prompt, as a file of their own
    page.drop_file(&file("one.shiftlens.json", &serde_json::to_string(&study.export(2, 1).unwrap()).unwrap())).await;
    page.wait_text("#linked", "From one.shiftlens.json").await;
    let alone = page.js(PICTURE).await;
    page.fill("#prompt", "A prompt of mine.").await;
    page.drop_file(&file("study.shiftlens.json", &serde_json::to_string(&study).unwrap())).await;
    page.wait_js(&selected("study")).await;
    page.wait_text("#study h2", "Stories, three stages").await;
    page.wait_text("#study .chain", "step-400").await;
    assert!(page.text("#study").await.contains("<b>paraphrased</b> (40 prompts)"), "{}", page.text("#study").await);
    let counts = "return ['#study-curves .study-chart>svg','#study-curves .study-chart:first-child .mark','#study-tables table','#study-prompts tbody tr','#tab-study'].map(s=>document.querySelectorAll(s).length)";
    // five points and two keys; the long table is not made until it is opened
    assert_eq!(page.js(counts).await, json!([3, 7, 1, 4, 1]));
    page.js("document.querySelectorAll('#study-curves details, #study-tables details').forEach(d=>d.open=true)").await;
    page.wait_js("return document.querySelectorAll('#study-curves table tbody tr').length==13").await;
    page.wait_text("#study-tables", "The first 60 of 240 rows. All of them are in scores.csv.").await;
    let mut problems = Vec::new();
    look(&page, "study", &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    page.js("document.querySelectorAll('#study-curves details').forEach(d=>d.open=false)").await;
    for (name, section) in [("study", "#study"), ("study-prompts", "#study-prompts"), ("study-tables", "#study-tables")]
    {
        each_theme_and_size(&page, name, section).await;
    }

    // by keyboard: two checkpoints are chosen, and a prompt is shown
    page.js("const s=document.querySelector('#study-pair'); s.value='1'; s.dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_js("return document.querySelector('#study-show-3').textContent=='Show'").await;
    page.js("document.querySelector('#study-show-2').focus()").await;
    page.keys("\u{E007}").await;
    page.wait_text("#linked", "From study.shiftlens.json (held-out, prompt 1)").await;
    assert_eq!(page.js(PICTURE).await, alone, "it is the same as from a file of its own");
    let card = page.text("#card-tuned").await;
    assert!(card.contains("mode by token") && !card.contains("0.0 s"), "no time is known: {card}");
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!(study.pictures[2].prompt));
    focused(&page, "results").await;
    each_theme_and_size(&page, "study-picture", "#results").await;
    page.click("#back-to-study").await;
    page.wait_js(&selected("study")).await;
    focused(&page, "study-show-2").await;
    page.wait_text("#study-prompts tr.sought", "on screen").await;
    page.js("document.querySelector('#tab-study').focus()").await;
    page.keys("\u{E014}").await; // arrow right, from the last to the first
    focused(&page, "tab-prompt").await;
    page.keys("\u{E010}").await; // end
    focused(&page, "tab-study").await;

    // closed, the page is as it was: the picture that was sent before, and the prompt that was typed
    page.click("#close-study").await;
    page.wait_js("return !document.querySelector('#tab-study')").await;
    page.wait_text("#linked", "From one.shiftlens.json").await;
    focused(&page, "tab-prompt").await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("A prompt of mine."));
    assert_eq!(page.js("return !!document.querySelector('#back-to-study')").await, json!(false));
    let mut damaged = study;
    damaged.checkpoints.pop();
    page.drop_file(&file("bad.shiftlens.json", &serde_json::to_string(&damaged).unwrap())).await;
    page.wait_text("#notice", "bad.shiftlens.json is damaged: its parts do not fit together.").await;
    page.close().await;
}

/// The study's command, which is a package of its own. Its tests need it built, with the features of all tests: where the native
/// tests were built, nothing is compiled again.
fn command(arguments: &[&str], folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(repository("")).args(["test", "--quiet", "--workspace", "--test", "studies", "--no-run"]);
    assert!(build.status().unwrap().success());
    let name = format!("debug/shiftlens-study{}", std::env::consts::EXE_SUFFIX);
    let mut study = Command::new(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(name));
    let ran = study.args(arguments).arg(folder.join("results")).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// What `merge` writes of a study of the bundled pair, in the page.
#[tokio::test]
async fn the_report_that_a_merge_writes_opens() {
    let folder = tempfile::tempdir().unwrap();
    let model = |name: &str| {
        let path = repository(&format!("public/models/stories-{name}.gguf"));
        format!("[[checkpoint]]\nname = \"{name}\"\npath = '{}'\n", path.display())
    };
    let prompts = repository("public/findings/held-out.jsonl");
    let set = format!("[[prompts]]\nname = \"held-out\"\npath = '{}'\nlimit = 3\n", prompts.display());
    let plan = format!("name = \"Bundled\"\n[settings]\nlimit = 8\n{}{}{set}", model("base"), model("tuned"));
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, plan).unwrap();
    command(&["run", path.to_str().unwrap(), "--backend", "cpu", "--out"], folder.path());
    command(&["merge"], folder.path());

    let page = Page::open("study-merged").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.drop_file(&folder.path().join("results/tables/study.shiftlens.json")).await;
    page.wait_text("#study h2", "Bundled").await;
    // score, KL, components and heads, each with its curve; three prompts, and a table of each finding with a verdict
    let counts = "return ['#study-curves .study-chart>svg','#study-prompts tbody tr'].map(s=>document.querySelectorAll(s).length)";
    assert_eq!(page.js(counts).await, json!([4, 3]));
    let tables = page.text("#study-tables").await;
    for finding in ["Finding 1", "Finding 2", "Finding 3"] {
        assert!(tables.contains(finding), "{finding}: {tables}");
    }
    each_theme_and_size(&page, "study-merged", "#study").await;
    page.click("#study-show-1").await;
    page.wait_text("#linked", "From study.shiftlens.json (held-out, prompt 1)").await;
    page.wait_text("#card-base .foot", "CPU").await;
    each_theme_and_size(&page, "study-merged-picture", "#results").await;
    page.close().await;
}
