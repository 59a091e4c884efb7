//! A browser's Blob or File as a source of bytes, read piece by piece and without locks.

use sha2::{Digest, Sha256};
use web_sys::{Blob, FileReaderSync};

use super::js;
use crate::checkpoint::{ByteSource, CheckpointError};
use crate::protocol::Failure;

/// A Blob under a name.
pub struct BlobBytes {
    name: String,
    blob: Blob,
    size: u64,
}

impl BlobBytes {
    /// Wraps `blob`.
    pub fn new(name: String, blob: Blob) -> Self {
        let size = blob.size() as u64;
        Self { name, blob, size }
    }
}

/// Bytes fetched from the browser at once.
const PIECE: usize = 4 << 20;

impl ByteSource for BlobBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError> {
        let fail = |e: wasm_bindgen::JsValue| CheckpointError::Read(js::message(&e));
        let reader = FileReaderSync::new().map_err(fail)?;
        let mut at = offset as f64;
        for piece in into.chunks_mut(PIECE) {
            let end = at + piece.len() as f64;
            let part = self.blob.slice_with_f64_and_f64(at, end).map_err(fail)?;
            let bytes = js_sys::Uint8Array::new(&reader.read_as_array_buffer(&part).map_err(fail)?.into());
            if bytes.length() as usize != piece.len() {
                return Err(CheckpointError::Truncated { what: self.name.clone(), need: end as u64, have: self.size });
            }
            bytes.copy_to(piece);
            at = end;
        }
        Ok(())
    }
}

/// The SHA-256 of `blob` in lower-case hexadecimal; `yield_now` is awaited between pieces and may stop it.
pub async fn sha256(blob: &Blob, mut yield_now: impl AsyncFnMut() -> Result<(), Failure>) -> Result<String, Failure> {
    let source = BlobBytes::new("the download".into(), blob.clone());
    let (mut hash, mut piece, mut at) = (Sha256::new(), vec![0; PIECE], 0);
    while at < source.size {
        let length = (source.size - at).min(PIECE as u64) as usize;
        source.read_at(at, &mut piece[..length])?;
        hash.update(&piece[..length]);
        at += length as u64;
        yield_now().await?;
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
