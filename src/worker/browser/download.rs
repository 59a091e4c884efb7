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
    /// The file at a commit of the hub, if that is where it came from.
    #[serde(default)]
    pub pinned: Option<String>,
}

impl Identity {
    /// Whether nothing tells the two apart.
    pub fn agrees(&self, other: &Self) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        let lengths = self.total > 0 && other.total > 0 && self.total != other.total;
        !differ(&self.etag, &other.etag) && !differ(&self.modified, &other.modified) && !lengths
    }
}

fn network(url: &str, e: &JsValue) -> Failure {
    Failure::Network { url: url.to_owned(), message: js::message(e) }
}

/// What a server has answered, well or not.
pub struct Answer {
    url: String,
    response: Response,
}

impl Answer {
    /// Asks for `url` from byte `from` on; `signal` ends the transfer at any time.
    pub async fn of(url: &str, from: u64, signal: Option<AbortSignal>) -> Result<Self, Failure> {
        let failed = |e: JsValue| network(url, &e);
        let init = RequestInit::new();
        init.set_signal(signal.as_ref());
        if from > 0 {
            let headers = web_sys::Headers::new().map_err(failed)?;
            headers.set("Range", &format!("bytes={from}-")).map_err(failed)?;
            init.set_headers(&headers);
        }
        let answer = JsFuture::from(scope().fetch_with_str_and_init(url, &init)).await.map_err(failed)?;
        Ok(Self { url: url.to_owned(), response: answer.dyn_into().map_err(failed)? })
    }

    /// HTTP's.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// A header, if there is one that pages of other sites may see.
    pub fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// What it says, piece by piece.
    pub fn body(&self) -> Result<Body, Failure> {
        let body = self.response.body().ok_or_else(|| network(&self.url, &"the answer is empty".into()))?;
        let reader = body.get_reader().dyn_into().map_err(|e| network(&self.url, &e.into()))?;
        Ok(Body { url: self.url.clone(), reader })
    }
}

/// A body that is being read.
pub struct Body {
    url: String,
    reader: ReadableStreamDefaultReader,
}

impl Body {
    /// The next bytes, or nothing at the end.
    pub async fn next(&self) -> Result<Option<Uint8Array>, Failure> {
        let failed = |e: JsValue| network(&self.url, &e);
        let part = JsFuture::from(self.reader.read()).await.map_err(failed)?;
        if Reflect::get(&part, &"done".into()).map_err(failed)?.is_truthy() {
            return Ok(None);
        }
        Ok(Some(Reflect::get(&part, &"value".into()).map_err(failed)?.unchecked_into()))
    }

    /// Stops the transfer.
    pub async fn abort(&self) {
        let _ = JsFuture::from(self.reader.cancel()).await;
    }
}

/// A file that is being fetched.
pub struct Download {
    body: Body,
    /// Where the body starts in the file: what was asked for, or 0 if the server does not resume.
    pub start: u64,
    /// The file.
    pub identity: Identity,
}

impl Download {
    /// Asks for `url` from byte `from` on; `signal` ends the transfer at any time.
    pub async fn open(url: &str, from: u64, signal: Option<AbortSignal>) -> Result<Self, Failure> {
        let answer = Answer::of(url, from, signal).await?;
        if !answer.response.ok() {
            return Err(Failure::Http { url: url.to_owned(), status: answer.status() });
        }
        let start = if answer.status() == 206 { from } else { 0 };
        // A compressed transfer's length is not the file's.
        let packed = answer.header("Content-Encoding").is_some();
        let length = answer.header("Content-Length").filter(|_| !packed);
        let length: u64 = length.and_then(|l| l.parse().ok()).unwrap_or(0);
        let total = if length > 0 { start + length } else { 0 };
        let (etag, modified) = (answer.header("ETag"), answer.header("Last-Modified"));
        Ok(Self { body: answer.body()?, start, identity: Identity { etag, modified, total, pinned: None } })
    }

    /// The file's length, 0 if the server does not say.
    pub fn total(&self) -> u64 {
        self.identity.total
    }

    /// The next bytes, or nothing at the end.
    pub async fn next(&self) -> Result<Option<Uint8Array>, Failure> {
        self.body.next().await
    }

    /// Stops the transfer.
    pub async fn abort(&self) {
        self.body.abort().await;
    }

    /// The connection ended before the whole file had come.
    pub fn broken(&self) -> Failure {
        network(&self.body.url, &"the connection ended early".into())
    }
}
