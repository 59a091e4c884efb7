//! A static file server for this machine alone.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use serde_json::{Value as Json, json};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What every answer says besides: nothing is kept unasked, and the page may use threads.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-embedder-policy"), HeaderValue::from_static("require-corp")),
];

/// The engine's own policy: a worker is not bound by its page's. It fetches checkpoints from wherever the user says.
const ENGINE: (&str, &str) =
    ("engine-start.js", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *");

/// Here the server says what it has sent so far: a list of `{file, at}`, milliseconds since 1970, of answers with a body.
const SENT: &str = "/.sent";

/// A running server; it ends with the process.
pub struct Server {
    port: u16,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves `folder` on 127.0.0.1; port 0 takes a free one.
    pub fn start(folder: PathBuf, port: u16) -> Result<Self, String> {
        let refused = |e: std::io::Error| format!("port {port} cannot be used: {e}. Try --port.");
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        let sent: Arc<Mutex<Vec<Json>>> = Arc::default();
        let log = sent.clone();
        let note = from_fn(move |request: Request, next: Next| {
            let (file, log) = (request.uri().path().trim_start_matches('/').to_owned(), log.clone());
            async move {
                let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64() * 1e3);
                let mut answer = next.run(request).await;
                if file == ENGINE.0 {
                    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ENGINE.1));
                }
                if matches!(answer.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT)
                    && let Ok(mut log) = log.lock()
                {
                    log.push(json!({"file": file, "at": at}));
                }
                answer
            }
        });
        let tell =
            move || async move { Json::from(sent.lock().map_or_else(|_| Vec::new(), |s| s.clone())).to_string() };
        let site = Router::new().fallback_service(ServeDir::new(folder)).layer(note).route(SENT, get(tell));
        let files = HEADERS
            .into_iter()
            .fold(site, |files, (name, value)| files.layer(SetResponseHeaderLayer::overriding(name, value)));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_io().build().map_err(refused)?;
        let thread = thread::spawn(move || {
            runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, files).await })
        });
        Ok(Self { port, thread })
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves until the process is ended.
    pub fn wait(self) -> Result<(), String> {
        match self.thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("the server has panicked".into()),
        }
    }
}
