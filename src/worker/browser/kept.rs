//! Results kept in the browser's private file system for the next visit: one folder for each checkpoint.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileReaderSync, FileSystemDirectoryHandle, FileSystemSyncAccessHandle};

use super::store::{self, Stored, Writer, failure};

/// What the names of all results' folders begin with, the older ones' too.
const FAMILY: &str = "weights-";
/// The folder in which all results lie; its number changes with what they hold and how.
const ROOT: &str = "weights-3";

/// One checkpoint's results. Their folder is opened anew each time: the user may have deleted it meanwhile.
pub struct Kept {
    fingerprint: String,
}

impl Kept {
    /// The results of the checkpoint with this fingerprint.
    pub fn of(fingerprint: String) -> Self {
        Self { fingerprint }
    }

    async fn folder(&self) -> Stored<FileSystemDirectoryHandle> {
        let root = store::folder(ROOT, true).await?;
        store::subfolder(&root, &self.fingerprint, true).await
    }

    /// What was kept under `name`, if anything was.
    pub async fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = file(&self.folder().await.ok()?, name).await.ok()?;
        let bytes = FileReaderSync::new().ok()?.read_as_array_buffer(&file).ok()?;
        Some(Uint8Array::new(&bytes.into()).to_vec())
    }

    /// Keeps `bytes` under `name`, in place of what older builds of the page kept and nothing reads any more.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> Stored<()> {
        delete_older().await;
        let file = store::file(&self.folder().await?, name, true).await?;
        let handle: FileSystemSyncAccessHandle =
            JsFuture::from(file.create_sync_access_handle()).await.map_err(|e| failure(&e))?.unchecked_into();
        let writer = Writer::new(handle);
        writer.cut(0)?;
        writer.write(&Uint8Array::from(bytes), 0.0)
    }
}

async fn file(folder: &FileSystemDirectoryHandle, name: &str) -> Stored<File> {
    let handle = store::file(folder, name, false).await?;
    Ok(JsFuture::from(handle.get_file()).await.map_err(|e| failure(&e))?.unchecked_into())
}

/// Deletes the folders of older builds. One that cannot be deleted, as when another engine is just doing it, is left to
/// the next result.
async fn delete_older() {
    for name in store::top_names().await.unwrap_or_default() {
        if name.starts_with(FAMILY) && name != ROOT {
            let _ = store::delete_folder(&name).await;
        }
    }
}

/// Bytes of all results.
pub async fn bytes() -> Stored<u64> {
    let root = store::folder(ROOT, true).await?;
    let mut sum = 0;
    for checkpoint in store::names(&root).await? {
        let folder = store::subfolder(&root, &checkpoint, false).await?;
        for name in store::names(&folder).await? {
            sum += file(&folder, &name).await?.size() as u64;
        }
    }
    Ok(sum)
}

/// Deletes all results.
pub async fn delete() -> Stored<()> {
    store::delete_folder(ROOT).await
}
