//! The real page in headless Chromium. `cargo xtask test` builds and serves it and starts the driver.

mod access;
mod browsers;
mod conversation;
mod downloads;
mod edited;
mod families;
mod faults;
mod firefox;
mod gpu;
mod graph;
mod history;
mod hub;
mod loading;
mod looks;
mod memory;
mod methods;
mod offline;
mod overview;
mod page;
mod real;
mod share;
mod site;
mod study;
#[path = "../support/mod.rs"]
mod support;
mod switching;
mod teach;
mod text;
mod threads;
mod trouble;
mod weights;

use std::time::Duration;

use page::Page;
use serde_json::json;
use shiftlens::share::presets::PRESETS;

#[tokio::test]
async fn opens_to_a_finished_example() {
    let page = Page::open("example").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    assert!(page.text("#card-base .score b").await.parse::<f64>().is_ok());
    page.models_ready().await;
    page.shot("first-screen-light").await;
    page.click("#theme").await;
    page.shot("first-screen-dark").await;
    page.close().await;
}

#[tokio::test]
async fn a_preset_shows_its_finished_result() {
    let page = Page::open("preset").await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    page.js(
        "const s=document.querySelector('#preset'); s.value='2'; s.dispatchEvent(new Event('change',{bubbles:true}))",
    )
    .await;
    let shipped = page::example(PRESETS[2].id);
    let end: String = shipped.split_whitespace().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect();
    let script = "return document.querySelector('#card-tuned .response').textContent.replace(/\\s/g,'').includes";
    page.wait_js(&format!("{script}({})", json!(end))).await;
    page.wait_text("#card-tuned .foot", "An example that ships").await;
    let prompt = page.js("return document.querySelector('#prompt').value").await;
    assert_eq!(prompt, json!(PRESETS[2].text));
    page.shot("preset").await;
    page.close().await;
}

#[tokio::test]
async fn a_pasted_prompt_runs_on_both_models() {
    let page = Page::open("run").await;
    page.models_ready().await;
    page.fill("#prompt", "List four fruits.").await;
    page.run().await;
    assert!(page.text("#card-tuned .response").await.contains(" and "));
    assert!(page.text("#card-tuned .foot").await.contains("Q8_0"));
    assert!(page.text(".instruction .instr").await.contains("List four fruits."));
    // what the tuned model reads follows the editor
    page.js("document.querySelector('#template').open=true").await;
    page.wait_text("#template pre", "### Response:").await;
    let marked = "return [...document.querySelectorAll('#template .tpl')].map(t=>t.textContent).join('')";
    let template = page.js(marked).await.as_str().unwrap().to_owned();
    assert!(["### Instruction:", "### Response:"].iter().all(|part| template.contains(part)), "{template}");
    assert!(!template.contains("fruits"), "the prompt is not the template's: {template}");
    page.fill("#prompt", "List five fruits.").await;
    page.wait_text("#template pre", "five").await;
    // choosing a word of the response colours the prompt
    page.click("#card-tuned .response [data-i=\"1\"]").await;
    let coloured = page
        .js("return document.querySelectorAll('#card-tuned .read:not(.response) .tok[style*=background]').length")
        .await;
    assert!(coloured.as_u64().unwrap() > 0);
    // sliders re-process at once
    let before = page.text("#card-tuned .score b").await;
    page.js("const b=document.querySelectorAll('.bar input[type=range]')[1]; b.value=0; b.dispatchEvent(new Event('input',{bubbles:true}))").await;
    page.wait_js("return document.querySelectorAll('.bar output')[1].textContent=='0'").await;
    assert_ne!(page.text("#card-tuned .score b").await, before);
    // the canvas holds ink
    let ink = page.js("const c=document.querySelector('#card-tuned canvas'),d=c.getContext('2d').getImageData(0,0,c.width,c.height).data;const s=new Set();for(let i=0;i<d.length;i+=4)s.add(d[i]<<16|d[i+1]<<8|d[i+2]);return s.size").await;
    assert!(ink.as_u64().unwrap() > 10);
    page.shot("run").await;
    page.close().await;
}

/// What a run drew goes when another takes its place, and nothing holds it any more. A run begins without a picture: what was
/// on screen is taken out, and made anew for what comes. What is held once (some forty nodes, in the first ten runs or in the
/// second ten) is no leak: that grows in every round, by six nodes a run when this was seen.
#[tokio::test]
async fn pictures_that_are_gone_are_let_go() {
    const RUNS: u64 = 10;
    let page = Page::open("leak").await;
    page.models_ready().await;
    page.fill("#prompt", "List four fruits.").await;
    page.js("document.querySelector('#options').open=true").await;
    page.fill("#limit", "3").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        for _ in 0..RUNS {
            page.run().await;
        }
        nodes.push(page.nodes().await);
    }
    let least = nodes.windows(2).map(|two| two[1].saturating_sub(two[0])).min();
    assert!(least.is_some_and(|more| more < RUNS), "{nodes:?} nodes after every {RUNS} runs");
    page.close().await;
}

#[tokio::test]
async fn the_tuned_answer_under_both_shows_the_difference() {
    let page = Page::open("difference").await;
    page.models_ready().await;
    page.fill("#prompt", "What is the opposite of loud?").await;
    page.press_segment("Response to explain", "Tuned model's").await;
    page.run().await;
    page.wait_js("return !!document.querySelector('#difference canvas')").await;
    let response = |side: &str| {
        format!("return [...document.querySelectorAll('#card-{side} .response .tok')].map(t=>t.textContent).join('|')")
    };
    assert_eq!(page.js(&response("base")).await, page.js(&response("tuned")).await);
    page.press_segment("Scale", "Signed").await;
    page.press_segment("Granularity", "Sentence").await;
    page.press_segment("Granularity", "Token").await;
    page.shot("difference").await;
    page.press_segment("Response to explain", "Custom").await;
    page.fill("#typed", " The answer is quiet.").await;
    page.run().await;
    assert!(page.text("#card-base .response").await.contains("quiet"));
    page.close().await;
}

#[tokio::test]
async fn the_export_is_the_documented_json() {
    let page = Page::open("export").await;
    page.models_ready().await;
    page.js("window.saved=null; const make=URL.createObjectURL; URL.createObjectURL=b=>{b.text().then(t=>window.saved=JSON.parse(t)); return make(b)}").await;
    page.run().await;
    page.click("#share").await;
    page.click("#export").await;
    page.wait_js("return window.saved!==null").await;
    let saved = page.js("return window.saved").await;
    assert_eq!(saved["version"], 1);
    let tuned = &saved["models"]["tuned"];
    assert_eq!(tuned["importance"].as_array().unwrap().len(), tuned["units"].as_array().unwrap().len());
    assert_eq!(tuned["importance"][0].as_array().unwrap().len(), tuned["response"].as_array().unwrap().len());
    assert_eq!(tuned["target"], "prob");
    page.close().await;
}

#[tokio::test]
async fn a_run_can_be_stopped() {
    let page = Page::open("cancel").await;
    page.models_ready().await;
    page.js("document.querySelector('#options').open=true").await;
    page.fill("#limit", "400").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.press_segment("Response to explain", "Custom").await;
    page.fill("#typed", &"the fox and the boat ".repeat(36)).await;
    page.click("#run").await;
    page.wait_js("return document.querySelector('#run').textContent=='Stop'").await;
    // stopped before anything came, the earlier picture would come back
    page.wait_text("#card-tuned .response", "fox").await;
    page.click("#run").await;
    page.wait_js("return document.querySelector('#run').textContent=='Run'").await;
    page.wait_text("#card-tuned", "Stopped.").await;
    // and the page goes on
    page.press_segment("Response to explain", "Each its own").await;
    page.run().await;
    page.close().await;
}

#[tokio::test]
async fn bad_files_are_refused_in_words_and_nothing_is_lost() {
    let page = Page::open("bad-files").await;
    page.models_ready().await;
    page.fill("#prompt", "List three tools.").await;
    page.click("#open-models").await;
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(page::repository("public/models/stories-tuned.gguf")).unwrap();
    for (name, bytes, words) in [
        ("notes.gguf", b"these are just notes".to_vec(), "is not a checkpoint"),
        ("spare.gguf", page::patched(&good, b"blk.3.ffn_up.weight\0", b"blk.3.ffn_xx.weight\0"), "blk.3.ffn_up.weight"),
        ("mute.gguf", page::patched(&good, b"tokenizer.ggml.tokens\0", b"tokenizer.ggml.txkens\0"), "no tokenizer"),
        ("half.gguf", good[..good.len() / 2].to_vec(), "cut short"),
        ("huge.gguf", [b"GGUF\x03\0\0\0".as_slice(), &[0xFF; 64]].concat(), "damaged"),
        ("other.gguf", page::patched(&good, b"llama\x12", b"mamba\x12"), "mamba"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        page.choose_file("#file-tuned", &path).await;
        page.wait_text(".slot-form:last-child .error", words).await;
        if name == "notes.gguf" {
            page.shot("bad-file").await;
        }
    }
    page.click("#close-models").await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List three tools."));
    page.run().await; // both models are still there
    page.close().await;
}

#[tokio::test]
async fn an_empty_and_an_endless_prompt_are_answered_in_words() {
    let page = Page::open("prompts").await;
    page.models_ready().await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    page.fill("#prompt", "   ").await;
    page.click("#run").await;
    page.wait_text("#card-tuned .error", "prompt is empty").await;
    // what was on screen stays there
    page.wait_text_for("#card-tuned .response", &page::first_screen(), Duration::from_secs(10)).await;
    page.fill("#prompt", &"a fox and a boat ".repeat(200)).await;
    page.click("#run").await;
    page.wait_text("#card-tuned .error", "this model reads at most").await;
    page.shot("long-prompt").await;
    page.close().await;
}

#[tokio::test]
async fn a_set_of_prompts_and_plain_text_can_be_dropped_in() {
    let page = Page::open("dropped").await;
    page.wait_text("#card-tuned .response", &page::first_screen()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    page.drop_file(&file("wrong.jsonl", "{\"text\": 1}")).await;
    page.wait_text("#notice", "wrong.jsonl: Line 1 is not a prompt").await;
    page.drop_file(&file("two.jsonl", "{\"prompt\": \"List two birds.\"}\n{\"prompt\": \"List two tools.\"}")).await;
    page.wait_text("#scores-progress", "0 of 2 · two.jsonl").await;
    // a word that is dragged into the prompt is the browser's business
    let drop = "const t = new DataTransfer(); t.setData('text/plain', 'a word'); \
        return ['dragover', 'drop'].map((name) => { \
            const e = new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: t }); \
            document.querySelector('#prompt').dispatchEvent(e); return e.defaultPrevented; })";
    assert_eq!(page.js(drop).await, json!([false, false]));
    page.close().await;
}
