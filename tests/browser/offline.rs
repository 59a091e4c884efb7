//! Without a network: the page, the bundled pair and a kept checkpoint; a newer version that is announced.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::page::{Page, shared};
use super::site::Site;

/// The service worker has all its files and answers for this page.
const KEPT: &str = "return navigator.serviceWorker.controller?.state=='activated'";
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn after_a_visit_everything_works_without_a_network() {
    let site = Site::start();
    let page = Page::open_at("offline", &site.url("")).await;
    page.models_ready().await;
    page.wait_js(KEPT).await;
    assert_eq!(site.asked_for(".gguf"), 2, "each model is sent once, for the page and for keeping");
    if let Some(file) = shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") {
        page.drop_file(&file).await;
        page.wait_text_for("#chip-tuned", "Q4_1", LONG).await;
    }
    site.go_down();
    page.reload().await;
    page.wait_text("#card-tuned", "instruction score").await;
    page.wait_text_for("#chip-base", "Q8_0", LONG).await;
    if shared("models/SmolLM2-135M-Instruct.Q4_1.gguf").is_some() {
        page.wait_text_for("#chip-tuned", "Q4_1", LONG).await; // kept in the browser's storage
        page.js("document.querySelector('#options').open=true").await;
        page.fill("#limit", "4").await;
        page.js("document.querySelector('#limit').dispatchEvent(new Event('change',{bubbles:true}))").await;
    }
    page.fill("#prompt", "List two birds.").await;
    page.run().await;
    // the worker supplies what the host does not
    assert_eq!(page.js("return crossOriginIsolated").await, json!(true));
    let policy = "const done = arguments[0]; fetch('./engine-start.js').then(r => done(r.headers.get('content-security-policy')))";
    assert!(page.await_js(policy).await.as_str().unwrap().contains("default-src 'none'; script-src 'self'"));
    page.shot("offline").await;
    page.close().await;
}

#[tokio::test]
async fn a_newer_version_is_announced_and_not_forced() {
    let site = Site::start();
    let page = Page::open_at("update", &site.url("")).await;
    page.models_ready().await;
    page.wait_js(KEPT).await;
    let built =
        |file: &str| std::fs::read_to_string(Path::new(&std::env::var("SHIFTLENS_DIST").unwrap()).join(file)).unwrap();
    let replaced = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let sum = |text: &str| Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (old, worker) = (built("index.html"), built("offline.js"));
    let new = replaced(&old, "<title>Shiftlens</title>", "<title>Shiftlens, newer</title>");
    let worker = replaced(&worker, "const VERSION = \"shiftlens-", "const VERSION = \"shiftlens-newer-");
    site.change("offline.js", replaced(&worker, &sum(&old), &sum(&new)));
    site.change("index.html", new);
    page.reload().await;
    page.wait_text_for("#update", "A newer version", LONG).await;
    assert_eq!(page.js("return document.title").await, json!("Shiftlens"));
    page.shot("update").await;
    page.click("#update .btn").await;
    page.wait_js("return document.title=='Shiftlens, newer' && !!document.querySelector('#run')").await;
    page.models_ready().await;
    assert_eq!(site.asked_for(".gguf"), 2, "what has not changed is not fetched for a newer version");
    page.close().await;
}

/// A tab that did not take the newer version keeps the code that it came with, also for an engine that it starts later.
#[tokio::test]
async fn another_tab_keeps_its_own_version() {
    let site = Site::start();
    let page = Page::open_at("two-tabs", &site.url("")).await;
    page.models_ready().await;
    page.wait_js(KEPT).await;
    // loaded by the service worker, which notes whom it gave what
    page.reload().await;
    page.models_ready().await;
    let built =
        |file: &str| std::fs::read_to_string(Path::new(&std::env::var("SHIFTLENS_DIST").unwrap()).join(file)).unwrap();
    let sum = |text: &str| Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (start, worker) = (built("engine-start.js"), built("offline.js"));
    let newer = format!("throw new Error('of the newer version');\n{start}");
    let worker = worker.replacen("const VERSION = \"shiftlens-", "const VERSION = \"shiftlens-newer-", 1);
    site.change("offline.js", worker.replacen(&sum(&start), &sum(&newer), 1));
    site.change("engine-start.js", newer);
    let first = page.window().await;
    page.open_tab(&site.url("")).await;
    page.wait_text_for("#update", "A newer version", LONG).await;
    page.click("#update .btn").await;
    // the tab that took it has its engine
    page.wait_text_for("aside .error", "of the newer version", LONG).await;
    page.switch_to(first).await;
    page.wait_text_for("#update", "A newer version", LONG).await;
    let start = "window.said = null; const worker = new Worker('./engine-start.js', { type: 'module' }); \
        worker.onmessage = (e) => (window.said = e.data); worker.onerror = (e) => (window.said = e.message)";
    page.js(start).await;
    page.wait_js("return window.said !== null").await;
    assert_eq!(page.js("return window.said").await, json!(r#"{"ready":{}}"#));
    page.close().await;
}

#[tokio::test]
async fn a_view_can_stand_in_another_page() {
    let site = Site::start();
    let host =
        "<!doctype html><title>A blog</title><iframe id=lens width=800 height=600 src=/index.html?embed=1></iframe>";
    site.change("blog.html", host);
    let page = Page::open_raw("embed", &site.url("blog.html")).await;
    let inner = "const d=document.querySelector('#lens').contentDocument;";
    page.wait_js(&format!("{inner} return !!d.querySelector('#card-tuned canvas')?.width")).await;
    let shown = page
        .js(&format!("{inner} return ['header','.tabs','#prompt'].map(s=>d.querySelector(s).checkVisibility())"))
        .await;
    assert_eq!(shown, json!([false, false, false]));
    page.wait_js(&format!("{inner} return d.querySelector('#whole-page').getAttribute('href')=='/index.html'")).await;
    page.shot("embedded").await;
    page.close().await;
}
