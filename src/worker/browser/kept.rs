//! Results kept in the browser's private file system for the next visit: one folder for each checkpoint.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileReaderSync, FileSystemDirectoryHandle, FileSystemSyncAccessHandle};

use super::store::{self, Stored, Writer, failure};

/// The folder in which all results lie; its number changes with what they look like.
const ROOT: &str = "weights-1";

/// One checkpoint's results.
pub struct Kept {
    folder: FileSystemDirectoryHandle,
}

impl Kept {
    /// The results of the checkpoint with this fingerprint.
    pub async fn of(fingerprint: &str) -> Stored<Self> {
        let root = store::folder(ROOT, true).await?;
        Ok(Self { folder: store::subfolder(&root, fingerprint, true).await? })
    }

    /// What was kept under `name`, if anything was.
    pub async fn read(&self, name: &str) -> Option<Vec<u8>> {
        let handle = store::file(&self.folder, name, false).await.ok()?;
        let file: File = JsFuture::from(handle.get_file()).await.ok()?.unchecked_into();
        let bytes = FileReaderSync::new().ok()?.read_as_array_buffer(&file).ok()?;
        Some(Uint8Array::new(&bytes.into()).to_vec())
    }

    /// Keeps `bytes` under `name`. A file that was not written to its end is shorter than it says, and read as nothing.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> Stored<()> {
        let file = store::file(&self.folder, name, true).await?;
        let handle: FileSystemSyncAccessHandle =
            JsFuture::from(file.create_sync_access_handle()).await.map_err(|e| failure(&e))?.unchecked_into();
        let writer = Writer::new(handle);
        writer.cut(0)?;
        writer.write(&Uint8Array::from(bytes), 0.0)
    }
}
