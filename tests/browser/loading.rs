//! When models are loaded: after the first picture, as soon as something needs them, or when the page is idle.

use serde_json::json;

use super::looks::each_theme_and_size;
use super::page::{Page, first_screen, repository};
use super::site::Site;
use super::support::Tiny;

/// The page is never idle: only what needs the models loads them.
const NEVER_IDLE: &str = "window.requestIdleCallback = () => 0";
/// The shipped example is drawn.
const DRAWN: &str =
    "!!document.querySelector('#card-tuned .response .tok') && document.querySelector('#card-tuned canvas')?.width > 0";
const READY: &str =
    "return ['base','tuned'].every(s => document.querySelector(`#chip-${s}`).textContent.includes('Q'))";

/// The page of `site`, with `script` run before anything of its own.
async fn open(name: &str, site: &Site, script: &str) -> Page {
    let page = Page::open_raw(name, "about:blank").await;
    page.chromium("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    page.go(&site.url("")).await;
    page.wait_text("#card-tuned .response", &first_screen()).await;
    page.wait_js(&format!("return {DRAWN}")).await;
    page
}

#[tokio::test]
async fn models_come_after_the_picture_without_a_press() {
    let site = Site::start();
    // every engine notes what was on screen when it was started: it fetches its own code and its model
    let script = format!(
        "window.seen = []; window.Worker = class extends Worker {{ constructor(...all) {{ super(...all); window.seen.push({DRAWN}) }} }}"
    );
    let page = open("idle", &site, &script).await;
    page.models_ready().await;
    assert_eq!(page.js("return window.seen").await, json!([true, true]));
    assert_eq!((site.asked_for(".gguf"), page.text("#waiting").await.as_str()), (2, ""));
    // what is there runs at once
    page.run().await;
    page.close().await;
}

/// Safari does not say when it is idle.
#[tokio::test]
async fn a_browser_that_cannot_say_when_it_is_idle_loads_too() {
    let site = Site::start();
    let page = open("no-idle-callback", &site, "window.requestIdleCallback = undefined").await;
    page.models_ready().await;
    page.close().await;
}

#[tokio::test]
async fn a_visitor_who_saves_data_loads_by_pressing() {
    let site = Site::start();
    let script = "Object.defineProperty(Navigator.prototype, 'connection', { value: { saveData: true } }); \
        const real = window.requestIdleCallback; \
        window.requestIdleCallback = (f) => real((d) => { f(d); setTimeout(() => (window.wasIdle = true)); });";
    let page = open("save-data", &site, script).await;
    page.wait_js("return window.wasIdle === true").await;
    assert_eq!((site.asked_for(".gguf"), site.asked_for("engine_bg.wasm")), (0, 0));
    assert_eq!(page.text("#chip-base").await, "not loaded yet");
    page.run().await;
    assert_eq!(site.asked_for(".gguf"), 2);
    page.close().await;
}

#[tokio::test]
async fn run_pressed_at_once_waits_for_the_models() {
    let site = Site::start();
    site.hold_models();
    let page = open("run-at-once", &site, NEVER_IDLE).await;
    assert_eq!(site.asked_for(".gguf"), 0);
    page.fill("#prompt", "List four fruits.").await;
    page.click("#run").await;
    page.wait_text("#waiting", "Next: run the prompt.").await;
    for side in ["Base", "Tuned"] {
        page.wait_text("#waiting .progress", &format!("{side}: Downloading: ")).await;
    }
    let half = "const p=[...document.querySelectorAll('#waiting progress')]; return p.length==2 && p.every(p => p.value > 0.3 && p.value < 0.7)";
    page.wait_js(half).await;
    each_theme_and_size(&page, "waiting", "#run").await;
    // it can be stopped, with nothing lost
    page.click("#waiting-cancel").await;
    page.wait_js("return !document.querySelector('#waiting') && document.querySelector('#run').textContent=='Run'")
        .await;
    assert!(page.text("#card-tuned .foot").await.contains("An example that ships"));
    page.wait_js("return document.querySelector('#chip-base').textContent=='not loaded yet'").await;
    // and asked for again
    page.click("#run").await;
    page.wait_text("#waiting .progress", "Downloading: ").await;
    site.release();
    page.wait_js("return !document.querySelector('#card-tuned .foot').textContent.includes('An example that ships') && document.querySelector('#run').textContent=='Run'").await;
    page.wait_text("#card-tuned .response", " and ").await;
    page.close().await;
}

#[tokio::test]
async fn stop_takes_back_a_run_that_waits() {
    let site = Site::start();
    site.hold_models();
    let page = open("stop-waiting", &site, NEVER_IDLE).await;
    page.click("#run").await;
    page.wait_text("#run", "Stop").await;
    page.click("#run").await;
    page.wait_js("return document.querySelector('#run').textContent=='Run' && !document.querySelector('#waiting')")
        .await;
    site.release();
    page.wait_js(READY).await; // the models come all the same
    assert!(page.text("#card-tuned .foot").await.contains("An example that ships"));
    page.close().await;
}

#[tokio::test]
async fn opening_the_heads_loads_the_models() {
    let site = Site::start();
    site.hold_models();
    let page = open("heads-at-once", &site, NEVER_IDLE).await;
    page.click("#tab-heads").await;
    page.wait_text("#waiting-weights .progress", "Downloading: ").await;
    each_theme_and_size(&page, "waiting-heads", "#view").await;
    page.click("#waiting-weights-cancel").await;
    page.click("#waiting-weights-load").await;
    site.release();
    page.wait_js(
        "return document.querySelectorAll('.map .cell').length > 0 && !document.querySelector('#waiting-weights')",
    )
    .await;
    page.close().await;
}

#[tokio::test]
async fn a_measurement_pressed_at_once_waits_for_the_models() {
    let site = Site::start();
    site.hold_models();
    let page = open("measure-at-once", &site, NEVER_IDLE).await;
    page.click("#tab-findings").await;
    page.wait_js("return document.querySelector('#scores-start')?.disabled === false").await;
    page.click("#scores-start").await;
    page.wait_text("#waiting-weights", "Next: measure the prompts.").await;
    site.release();
    page.wait_js("return !!document.querySelector('#scores-stop')").await;
    page.wait_js("return parseInt(document.querySelector('#scores-progress').textContent) > 0").await;
    page.close().await;
}

/// Models that read 256 tokens, each of them a byte: what does not fit is said before the run, and an answer that fills the
/// context says so.
#[tokio::test]
async fn a_context_that_is_full_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bytes.gguf");
    std::fs::write(&file, Tiny::default().gguf()).unwrap();
    let page = Page::open("context").await;
    page.models_ready().await;
    page.click("#open-models").await;
    for side in ["base", "tuned"] {
        page.choose_file(&format!("#file-{side}"), &file).await;
        page.wait_text(&format!("#chip-{side}"), "F32").await;
    }
    page.click("#close-models").await;
    // by how much a prompt is too long, and what to shorten; the same when it is run all the same
    page.fill("#prompt", &"x".repeat(300)).await;
    let long = "The prompt is too long by 45 tokens: it takes 300, and this model reads at most 256, its answer included. Shorten the prompt.";
    page.wait_text("#room-base", &format!("Base model: {long}")).await;
    page.wait_text("#room-tuned", &format!("Tuned model: {long}")).await;
    each_theme_and_size(&page, "room", "#room-base").await;
    page.click("#run").await;
    page.wait_text("#card-tuned .error", long).await;
    // a given response that does not fit
    page.fill("#prompt", &"x".repeat(200)).await;
    page.press_segment("Response to explain", "Custom").await;
    page.fill("#typed", &"y".repeat(60)).await;
    page.wait_text("#room-base", "The prompt and its response are too long by 4 tokens: they take 200 and 60,").await;
    page.fill("#typed", &"y".repeat(56)).await;
    page.wait_js("return !document.querySelector('#room-base')").await;
    // little room: said before, and in the foot of an answer that was cut off there
    page.press_segment("Response to explain", "Each its own").await;
    page.js("document.querySelector('#options').open=true").await;
    page.fill("#limit", "60").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.js("document.querySelector('#options').open=false").await;
    page.wait_text("#room-base", "leaves room for an answer of 56, where 60 are asked for. Shorten the prompt by 4")
        .await;
    page.run().await;
    page.wait_text("#card-base .foot", "Stopped: the context of 256 tokens is full.").await;
    page.js("document.querySelector('#card-base .foot').scrollIntoView()").await;
    page.shot("context-full").await;
    // a shorter one was not cut off
    page.fill("#limit", "5").await;
    page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    page.wait_js("return !document.querySelector('#room-base')").await;
    page.run().await;
    assert!(!page.text("#card-base .foot").await.contains("Stopped"));
    page.close().await;
}

/// A base and its fine-tune may have the same name and size: each is kept, and the next visit finds both.
#[tokio::test]
async fn files_of_the_same_name_and_size_are_kept_apart() {
    let page = Page::open("same-name").await;
    page.models_ready().await;
    let folder = tempfile::tempdir().unwrap();
    let one = std::fs::read(repository("public/models/stories-tuned.gguf")).unwrap();
    let mut other = one.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1; // a weight
    page.click("#open-models").await;
    for (side, bytes) in [("base", one), ("tuned", other)] {
        let path = folder.path().join(side).join("model.gguf");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        page.choose_file(&format!("#file-{side}"), &path).await;
        let count = if side == "base" { 1 } else { 2 };
        page.wait_js(&format!("return document.querySelectorAll('#stored li').length == {count}")).await;
    }
    page.close().await;
}
