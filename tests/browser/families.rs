//! Checkpoints of other families than llama in the page: tiny ones, and published ones where they are.

use std::path::PathBuf;
use std::time::Duration;

use candle_core::Tensor;
use serde_json::{Value as Json, json};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::{Mode, Respond, Sampling};
use shiftlens::model::head::Target;

use super::page::Page;
use super::support::families::file;
use super::support::{Noise, cosine, engine, gold, real, relative_error, run, singles};

/// Tokens of an answer.
const LIMIT: usize = 8;
/// Where a run waits for the user: the page loads nothing of its own.
const QUIET: &str = "window.requestIdleCallback = () => 0;";
/// Notes what every engine says of its memory.
const NOTES: &str = "window.memories = []; window.Worker = class extends Worker { constructor(...all) { super(...all); \
    this.addEventListener('message', (e) => { const [type, said] = Object.entries(JSON.parse(e.data.event ?? e.data))[0]; \
        if ('memory' in said) window.memories.push([type, said.info?.file ?? said.report.checkpoint.file, said.memory]); }) } };";
/// The last file that was saved.
const SAVES: &str = "window.saved=null; if(!window.make){window.make=URL.createObjectURL; \
    URL.createObjectURL=b=>{b.text().then(t=>window.saved=JSON.parse(t)); return window.make(b)}}";

/// A page that loads no models of its own, with these in it. `labels`: what the chips then say of them.
async fn open(name: &str, files: [&PathBuf; 2], labels: [&str; 2]) -> Page {
    let page = Page::open_raw(name, "about:blank").await;
    let script = format!("{QUIET}{NOTES}");
    page.chromium("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    page.go(&format!("{}/index.html", super::page::address())).await;
    page.click("#open-models").await;
    for (side, (file, label)) in ["base", "tuned"].into_iter().zip(files.into_iter().zip(labels)) {
        page.choose_file(&format!("#file-{side}"), file).await;
        page.wait_text_for(&format!("#chip-{side}"), label, Duration::from_secs(240)).await;
    }
    page.click("#close-models").await;
    page.press_segment("Granularity", "Token").await;
    page.js("document.querySelector('#options').open=true").await;
    page
}

async fn limit(page: &Page, tokens: usize) {
    page.fill("#limit", &tokens.to_string()).await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
}

/// What the page saves of its last run.
async fn saved(page: &Page) -> Json {
    page.js(SAVES).await;
    page.click("#share").await;
    page.click("#export").await;
    page.wait_js("return window.saved!==null").await;
    page.click("#close-share").await;
    page.js("return window.saved").await
}

async fn no_error(page: &Page, place: &str) {
    let errors = page.js("return [...document.querySelectorAll('.error')].map(e=>e.textContent)").await;
    assert_eq!(errors, json!([]), "{place}");
}

fn ids(tokens: &Json) -> Vec<u32> {
    tokens.as_array().unwrap().iter().map(|t| t["id"].as_u64().unwrap() as u32).collect()
}

/// Column `m` of a matrix by rows.
fn column(rows: &Json, m: usize) -> Vec<f32> {
    rows.as_array().unwrap().iter().map(|row| row[m].as_f64().unwrap() as f32).collect()
}

/// The report of one model against the same run in this process.
fn agrees_with_the_native_engine(report: &Json, path: &PathBuf, prompt: &str, mode: Mode) {
    let checkpoint = Checkpoint::open(FileBytes::open_set(path).unwrap()).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let read: Vec<u32> = tokenizer.encode_prompt(prompt).unwrap().iter().map(|p| p.id).collect();
    assert_eq!(ids(&report["prompt"]), read);
    assert_eq!(report["mode"], mode.name());
    let greedy = Respond::Generate { limit: LIMIT, sampling: Sampling::default(), stops: tokenizer.stops.clone() };
    let outcome = run(&mut engine(&checkpoint), &read, singles(read.len()), greedy, Target::Prob, mode).unwrap();
    assert!(!outcome.response.is_empty());
    assert_eq!(ids(&report["response"]), outcome.response, "{path:?}, {mode:?}");
    for m in 0..outcome.response.len() {
        let native: Vec<f32> = outcome.importance.iter().map(|row| row[m]).collect();
        let difference = relative_error(&native, &column(&report["importance"], m));
        assert!(difference < 1e-3, "{path:?}, {mode:?}, column {m}: {difference}");
    }
}

/// A pair of the family's reference model: as it is, and with noise on its matrices.
fn pair(family: &str, folder: &std::path::Path) -> [PathBuf; 2] {
    ["base", "tuned"].map(|side| {
        let tune = |name: &str, t: Tensor| {
            if side == "base" || t.rank() == 1 {
                return t;
            }
            let mut noise = Noise(name.len() as u64);
            let values = (0..t.elem_count()).map(|_| noise.next() * 0.01).collect();
            (&t + Tensor::from_vec(values, t.shape(), t.device()).unwrap()).unwrap()
        };
        let path = folder.join(format!("{family}-{side}.gguf"));
        std::fs::write(&path, file(family, family, &format!("Tiny {family} {side}"), &tune)).unwrap();
        path
    })
}

/// Attribution both ways, heads with attention on the prompt, concepts with what fires, and the findings.
async fn every_tab_works(family: &str) {
    const PROMPT: &str = "say ten men ran in a red car to get to the sea";
    let folder = tempfile::tempdir().unwrap();
    let files = pair(family, folder.path());
    let labels = ["base", "tuned"].map(|side| format!("Tiny {family} {side}"));
    let page = open(family, [&files[0], &files[1]], [&labels[0], &labels[1]]).await;
    limit(&page, LIMIT).await;
    page.fill("#prompt", PROMPT).await;
    for (label, mode) in [("Reverse", Mode::Reverse), ("Forward", Mode::Forward)] {
        page.press_segment("Mode", label).await;
        page.run().await;
        let saved = saved(&page).await;
        for (side, path) in ["base", "tuned"].into_iter().zip(&files) {
            let report = &saved["models"][side];
            assert_eq!(report["checkpoint"]["architecture"], family);
            agrees_with_the_native_engine(report, path, PROMPT, mode);
        }
        no_error(&page, label).await;
    }
    page.shot(&format!("{family}-attribution")).await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.run().await;
    heads(&page, family).await;
    concepts(&page, family).await;
    findings(&page, family, folder.path()).await;
    page.close().await;
}

async fn heads(page: &Page, family: &str) {
    page.click("#tab-heads").await;
    let map = "return document.querySelectorAll('.map .cell').length==12"; // three layers of four heads
    page.wait_js(map).await;
    page.wait_js("return document.querySelectorAll('.pair-list li').length>0").await;
    // both models read the same tokens, and every head's weights of a query sum to one
    for side in ["base", "tuned"] {
        page.wait_js(&format!("return document.querySelectorAll('#attention-{side} .thumb').length==4")).await;
    }
    page.wait_text("#on-prompt", "more in the base").await;
    page.press_segment("Pattern", "Rollout").await;
    page.press_segment("Drawn as", "Lines").await;
    page.wait_js("return document.querySelectorAll('#attention-tuned .attention-lines line').length>0").await;
    no_error(page, "heads").await;
    page.shot(&format!("{family}-heads")).await;
    page.press_segment("Reading", "Paper").await;
    page.wait_js(map).await;
    page.wait_js("return document.querySelectorAll('#dimension option').length>1").await;
    no_error(page, "the paper's reading of heads").await;
    page.press_segment("Reading", "Relation").await;
}

async fn concepts(page: &Page, family: &str) {
    page.click("#tab-concepts").await;
    let compared = "const all=[...document.querySelectorAll('.layer-cell b')]; return all.length==3 && all.every(b=>b.textContent!='–')";
    page.wait_js(compared).await;
    page.wait_js("return document.querySelectorAll('.components tbody tr').length>10").await;
    page.wait_js("return document.querySelectorAll('#firing-tuned .fires li').length==8").await;
    no_error(page, "concepts").await;
    page.shot(&format!("{family}-concepts")).await;
}

async fn findings(page: &Page, family: &str, folder: &std::path::Path) {
    page.click("#tab-findings").await;
    let set = folder.join("mine.tsv");
    std::fs::write(&set, "prompt\tinstruction\nsay ten\ngo in\tgo\nget a cat").unwrap();
    page.choose_file("#prompt-set", &set).await;
    page.wait_text("#scores-progress", "0 of 3 · mine.tsv").await;
    page.click("#scores-start").await;
    page.wait_text("#scores-progress", "3 of 3").await;
    for finding in ["#finding-1", "#finding-2", "#finding-3"] {
        let said = "return /^(Holds|Does not hold|Cannot be told): .+\\.$/.test(document.querySelector";
        page.wait_js(&format!("{said}('{finding} .said').textContent)")).await;
    }
    no_error(page, "findings").await;
    page.shot(&format!("{family}-findings")).await;
}

#[tokio::test]
async fn gemma3_works_in_every_tab() {
    every_tab_works("gemma3").await;
}

#[tokio::test]
async fn qwen2_works_in_every_tab() {
    every_tab_works("qwen2").await;
}

/// A report against PyTorch's values of the same run (tests/gold/make_real.py).
fn agrees_with_pytorch(report: &Json, case: &Json) {
    let all: Vec<u32> = case["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
    let n = case["n_prompt"].as_u64().unwrap() as usize;
    assert_eq!(ids(&report["prompt"]), all[..n]);
    assert_eq!(ids(&report["response"]), all[n..]);
    for m in 0..all.len() - n {
        let theirs = column(&case["importance"], m);
        let agreement = cosine(&column(&report["importance"], m), &theirs[..n]);
        assert!(agreement >= 0.999, "column {m}: cosine {agreement}");
    }
}

/// Gemma without a template beside Qwen with its own: PyTorch has the first prompt of both so.
#[tokio::test]
async fn published_gemma3_and_qwen2_match_pytorch_and_fit_memory() {
    let names = ["gemma-3-270m-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m"];
    let [Some(base), Some(tuned)] = names.map(|name| real(&format!("{name}.gguf"))) else { return };
    let cases = names.map(|name| {
        let text = std::fs::read_to_string(gold(&format!("real/{name}.json"))).unwrap();
        serde_json::from_str::<Json>(&text).unwrap()[0].clone()
    });
    let page = open("published", [&base, &tuned], ["Q8_0", "Q5_0"]).await;
    let tokens = cases[0]["prob"].as_array().unwrap().len();
    limit(&page, tokens).await;
    page.fill("#prompt", cases[0]["prompt"].as_str().unwrap()).await;
    page.press_segment("Mode", "Forward").await;
    page.run_for(Duration::from_secs(900)).await;
    page.shot("published-attribution").await;
    let saved = saved(&page).await;
    for (side, case) in ["base", "tuned"].into_iter().zip(&cases) {
        agrees_with_pytorch(&saved["models"][side], case);
        println!("{side}: {}", saved["models"][side]["seconds"]);
    }
    // an engine's memory never shrinks: what it has is the most that it had
    let memories = page.js("return window.memories").await;
    println!("{memories}");
    for (name, file) in names.iter().zip([&base, &tuned]) {
        let size = std::fs::metadata(file).unwrap().len() as f64;
        let of_file = |m: &&Json| m[0] == "loaded" && m[1] == format!("{name}.gguf");
        let loaded = memories.as_array().unwrap().iter().find(of_file).unwrap();
        let memory = loaded[2].as_f64().unwrap();
        assert!(memory <= 1.5 * size, "{name}: {memory} bytes for a file of {size}");
    }
    page.click("#tab-heads").await;
    for (side, layers) in [("base", 18), ("tuned", 24)] {
        let read = format!("of {layers} layers");
        page.wait_text_for(&format!("#weights-{side}"), &format!("1 {read}"), Duration::from_secs(300)).await;
    }
    page.click("#pause").await;
    no_error(&page, "heads").await;
    page.shot("published-heads").await;
    page.close().await;
}
