//! A host that serves the built page, can go away, change and hold back what it sends, and knows what it was asked for.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// What the host does and remembers.
#[derive(Default)]
struct Host {
    down: AtomicBool,
    changed: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    holding: Mutex<bool>,
    isolating: AtomicBool,
    released: Condvar,
}

/// A host of its own on this machine.
pub struct Site {
    port: u16,
    host: Arc<Host>,
}

impl Site {
    pub fn start() -> Self {
        let dist = PathBuf::from(std::env::var("SHIFTLENS_DIST").expect("SHIFTLENS_DIST: run `cargo xtask test`"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = Arc::<Host>::default();
        let shared = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.down.load(Ordering::SeqCst) {
                    continue; // the connection is dropped
                }
                let (dist, host) = (dist.clone(), shared.clone());
                // a browser that goes away in the middle is no failure
                std::thread::spawn(move || answer(stream, &dist, &host).unwrap_or_default());
            }
        });
        Self { port, host }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Answers nobody any more.
    pub fn go_down(&self) {
        self.host.down.store(true, Ordering::SeqCst);
    }

    /// Serves `content` as `path` from now on.
    pub fn change(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.host.changed.lock().unwrap().insert(path.to_owned(), content.into());
    }

    /// Sends from now on what lets a page share memory.
    pub fn isolate(&self) {
        self.host.isolating.store(true, Ordering::SeqCst);
    }

    /// How often a file whose name ends so was asked for.
    pub fn asked_for(&self, end: &str) -> usize {
        self.host.asked.lock().unwrap().iter().filter(|path| path.ends_with(end)).count()
    }

    /// Sends the first half of a model from now on, and the rest once it is told to.
    pub fn hold_models(&self) {
        *self.host.holding.lock().unwrap() = true;
    }

    /// Sends the rest.
    pub fn release(&self) {
        *self.host.holding.lock().unwrap() = false;
        self.host.released.notify_all();
    }
}

/// No header that a plain static host would not send either, unless the host isolates its pages.
fn answer(mut stream: TcpStream, dist: &Path, host: &Host) -> std::io::Result<()> {
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
    host.asked.lock().unwrap().push(path.to_owned());
    let body = host.changed.lock().unwrap().get(path).cloned().or_else(|| std::fs::read(dist.join(path)).ok());
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
    let isolation = match host.isolating.load(Ordering::SeqCst) {
        true => "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n",
        false => "",
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{isolation}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first)?;
    if path.ends_with(".gguf") {
        drop(host.released.wait_while(host.holding.lock().unwrap(), |holding| *holding).unwrap());
    }
    stream.write_all(rest)
}
