//! A static file server for this machine alone.

use std::net::TcpListener;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What every answer says besides: nothing is kept unasked, and the page may use threads.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-embedder-policy"), HeaderValue::from_static("require-corp")),
];

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
        let files =
            HEADERS.into_iter().fold(Router::new().fallback_service(ServeDir::new(folder)), |files, (name, value)| {
                files.layer(SetResponseHeaderLayer::overriding(name, value))
            });
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
