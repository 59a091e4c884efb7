//! Without a network: the page, the bundled pair and a kept checkpoint; a newer version that is announced.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::page::{Page, shared};

/// A host of its own, so that it can go away, and change.
struct Site {
    port: u16,
    down: Arc<AtomicBool>,
    changed: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Site {
    fn start() -> Self {
        let dist = PathBuf::from(std::env::var("SHIFTLENS_DIST").expect("SHIFTLENS_DIST: run `cargo xtask test`"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let site = Self { port, down: Arc::default(), changed: Arc::default() };
        let (down, changed) = (site.down.clone(), site.changed.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if down.load(Ordering::SeqCst) {
                    continue; // the connection is dropped
                }
                let (dist, changed) = (dist.clone(), changed.clone());
                // a browser that goes away in the middle is no failure
                std::thread::spawn(move || answer(stream, &dist, &changed).unwrap_or_default());
            }
        });
        site
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

/// No header that a plain static host would not send either.
fn answer(mut stream: TcpStream, dist: &Path, changed: &Mutex<HashMap<String, Vec<u8>>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
    let path = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
    let plain = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
    let body = changed.lock().unwrap().get(path).cloned().or_else(|| std::fs::read(dist.join(path)).ok());
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let (status, body) = match body.filter(|_| plain) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", b"not here".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// The service worker has all its files and answers for this page.
const KEPT: &str = "return navigator.serviceWorker.controller?.state=='activated'";
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn after_a_visit_everything_works_without_a_network() {
    let site = Site::start();
    let page = Page::open_at("offline", &site.url("")).await;
    page.models_ready().await;
    page.wait_js(KEPT).await;
    if let Some(file) = shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") {
        page.drop_file(&file).await;
        page.wait_text_for("#chip-tuned", "Q4_1", LONG).await;
    }
    site.down.store(true, Ordering::SeqCst);
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
    page.shot("offline").await;
    page.close().await;
}

#[tokio::test]
async fn a_newer_version_is_announced_and_not_forced() {
    let site = Site::start();
    let page = Page::open_at("update", &site.url("")).await;
    page.models_ready().await;
    page.wait_js(KEPT).await;
    let fetch =
        |file: &str| std::fs::read_to_string(Path::new(&std::env::var("SHIFTLENS_DIST").unwrap()).join(file)).unwrap();
    let newer = |file: &str, from: &str, to: &str| {
        let text = fetch(file);
        assert!(text.contains(from));
        site.changed.lock().unwrap().insert(file.into(), text.replacen(from, to, 1).into_bytes());
    };
    newer("index.html", "<title>Shiftlens</title>", "<title>Shiftlens, newer</title>");
    newer("offline.js", "const VERSION = \"shiftlens-", "const VERSION = \"shiftlens-newer-");
    page.reload().await;
    page.wait_text_for("#update", "A newer version", LONG).await;
    assert_eq!(page.js("return document.title").await, json!("Shiftlens"));
    page.shot("update").await;
    page.click("#update .btn").await;
    page.wait_js("return document.title=='Shiftlens, newer' && !!document.querySelector('#run')").await;
    page.close().await;
}

#[tokio::test]
async fn a_view_can_stand_in_another_page() {
    let site = Site::start();
    let host =
        "<!doctype html><title>A blog</title><iframe id=lens width=800 height=600 src=/index.html?embed=1></iframe>";
    site.changed.lock().unwrap().insert("blog.html".into(), host.into());
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
