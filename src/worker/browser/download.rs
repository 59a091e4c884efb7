//! Fetching a file in chunks, from where an earlier attempt broke off.

use js_sys::{Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, RequestInit, Response};

use super::{js, scope};
use crate::protocol::Failure;

/// What a server says of a file: by this a resumed download knows that it goes on with the same one. What is not said, or
/// not shown to pages of other sites, is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    etag: Option<String>,
    modified: Option<String>,
    /// The file's length, 0 if the server does not say.
    pub total: u64,
}

impl Identity {
    /// Whether nothing tells the two apart.
    pub fn agrees(&self, other: &Self) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        let lengths = self.total > 0 && other.total > 0 && self.total != other.total;
        !differ(&self.etag, &other.etag) && !differ(&self.modified, &other.modified) && !lengths
    }
}

/// An answered request whose body is being read.
pub struct Download {
    url: String,
    reader: ReadableStreamDefaultReader,
    /// Where the body starts in the file: what was asked for, or 0 if the server does not resume.
    pub start: u64,
    /// The file.
    pub identity: Identity,
}

impl Download {
    /// Asks for `url` from byte `from` on; `signal` ends the transfer at any time.
    pub async fn open(url: &str, from: u64, signal: Option<AbortSignal>) -> Result<Self, Failure> {
        let network = |e: JsValue| Failure::Network { url: url.to_owned(), message: js::message(&e) };
        let init = RequestInit::new();
        init.set_signal(signal.as_ref());
        if from > 0 {
            let headers = web_sys::Headers::new().map_err(network)?;
            headers.set("Range", &format!("bytes={from}-")).map_err(network)?;
            init.set_headers(&headers);
        }
        let answer = JsFuture::from(scope().fetch_with_str_and_init(url, &init)).await.map_err(network)?;
        let response: Response = answer.dyn_into().map_err(network)?;
        if !response.ok() {
            return Err(Failure::Http { url: url.to_owned(), status: response.status() });
        }
        let start = if response.status() == 206 { from } else { 0 };
        // A compressed transfer's length is not the file's.
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let packed = header("Content-Encoding").is_some();
        let length = header("Content-Length").filter(|_| !packed);
        let length: u64 = length.and_then(|l| l.parse().ok()).unwrap_or(0);
        let body = response.body().ok_or_else(|| network("the answer is empty".into()))?;
        let reader = body.get_reader().dyn_into().map_err(|e| network(e.into()))?;
        let total = if length > 0 { start + length } else { 0 };
        let identity = Identity { etag: header("ETag"), modified: header("Last-Modified"), total };
        Ok(Self { url: url.to_owned(), reader, start, identity })
    }

    /// The file's length, 0 if the server does not say.
    pub fn total(&self) -> u64 {
        self.identity.total
    }

    /// The next bytes, or nothing at the end.
    pub async fn next(&self) -> Result<Option<Uint8Array>, Failure> {
        let network = |e: JsValue| Failure::Network { url: self.url.clone(), message: js::message(&e) };
        let part = JsFuture::from(self.reader.read()).await.map_err(network)?;
        if Reflect::get(&part, &"done".into()).map_err(network)?.is_truthy() {
            return Ok(None);
        }
        Ok(Some(Reflect::get(&part, &"value".into()).map_err(network)?.unchecked_into()))
    }

    /// Stops the transfer.
    pub async fn abort(&self) {
        let _ = JsFuture::from(self.reader.cancel()).await;
    }

    /// The connection ended before the whole file had come.
    pub fn broken(&self) -> Failure {
        Failure::Network { url: self.url.clone(), message: "the connection ended early".into() }
    }
}
