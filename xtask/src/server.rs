//! A static file server for this machine alone.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tiny_http::{Header, Request, Response};

/// A running server; it ends with the process.
pub struct Server {
    port: u16,
    thread: JoinHandle<()>,
}

impl Server {
    /// Serves `folder` on 127.0.0.1; port 0 takes a free one.
    pub fn start(folder: PathBuf, port: u16) -> Result<Self, String> {
        let http = tiny_http::Server::http(("127.0.0.1", port))
            .map_err(|e| format!("port {port} cannot be used: {e}. Try --port."))?;
        let port = http.server_addr().to_ip().map_or(port, |a| a.port());
        let folder: Arc<Path> = folder.into();
        let thread = thread::spawn(move || {
            for request in http.incoming_requests() {
                let folder = folder.clone();
                // A thread for each: a browser that lets one body wait must still be given the file that it waits for.
                thread::spawn(move || {
                    // A visitor who leaves in the middle is no error of ours.
                    let _ = answer(request, &folder);
                });
            }
        });
        Ok(Self { port, thread })
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves until the process is ended.
    pub fn wait(self) {
        let _ = self.thread.join();
    }
}

fn answer(request: Request, folder: &Path) -> std::io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    let path = if path.is_empty() { "index.html".to_owned() } else { path };
    let plain = Path::new(&path).components().all(|c| matches!(c, Component::Normal(_)));
    let file = folder.join(&path);
    if !plain || !file.is_file() {
        return request.respond(Response::from_string("There is no such file.").with_status_code(404));
    }
    let header = |name: &str, value: &str| Header::from_bytes(name, value).ok();
    let mut response = Response::from_file(File::open(&file)?);
    let headers = [
        ("Content-Type", mime(&path)),
        ("Cache-Control", "no-cache"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
    ];
    for header in headers.iter().filter_map(|(n, v)| header(n, v)) {
        response.add_header(header);
    }
    request.respond(response)
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
