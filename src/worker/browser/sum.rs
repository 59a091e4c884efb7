//! Summing a file up while it comes in.

use js_sys::Uint8Array;
use sha2::{Digest, Sha256};

/// The checksum that an address asks for: `…/model.gguf#sha256=HEX`.
pub fn wanted(url: &str) -> Option<&str> {
    url.split_once("#sha256=").map(|(_, wanted)| wanted)
}

/// The SHA-256 of what has come so far, if anybody wants it.
pub struct Sum(Option<Sha256>);

impl Sum {
    /// Of the file at `url`, if its address asks for one.
    pub fn of(url: &str) -> Self {
        Self(wanted(url).map(|_| Sha256::new()))
    }

    /// Of a file whose beginning does not come.
    pub fn none() -> Self {
        Self(None)
    }

    /// The next bytes.
    pub fn take(&mut self, bytes: &Uint8Array) {
        if let Some(hash) = &mut self.0 {
            hash.update(bytes.to_vec());
        }
    }

    /// In lower-case hexadecimal.
    pub fn end(self) -> Option<String> {
        self.0.map(|hash| hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }
}
