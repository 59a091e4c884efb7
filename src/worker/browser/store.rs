//! Checkpoints kept in the browser's private file system: one folder each, with a marker once it is whole.

use js_sys::{Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    File, FileReaderSync, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions, FileSystemSyncAccessHandle,
};

use super::{js, scope};
use crate::protocol::{Failure, StorageFailure, StoredEntry};

const ROOT: &str = "checkpoints";
/// Files lie as `000 name`, in the order they came in: no two of a set collide, nor does any with this marker.
const COMPLETE: &str = "complete";
/// What is noted of file `000` lies in `note 000`.
const NOTE: &str = "note ";
/// Bytes copied from a chosen file at once.
const PIECE: f64 = (4 << 20) as f64;

/// What an exception of the file system means.
pub fn failure(e: &JsValue) -> StorageFailure {
    match js::kind(e).as_str() {
        "QuotaExceededError" => StorageFailure::Full,
        "NotFoundError" => StorageFailure::Missing,
        "SecurityError" => StorageFailure::Unavailable,
        _ => StorageFailure::Other(js::message(e)),
    }
}

/// What the file system gives, or why it did not.
pub type Stored<T> = Result<T, StorageFailure>;

/// A key for a set of files: the same names and contents, or the same addresses, are the same checkpoint.
pub fn key(parts: &[String]) -> String {
    Sha256::digest(parts.join("\n")).iter().take(12).map(|b| format!("{b:02x}")).collect()
}

/// One checkpoint's folder.
pub struct Folder {
    handle: FileSystemDirectoryHandle,
}

async fn root(create: bool) -> Stored<FileSystemDirectoryHandle> {
    folder(ROOT, create).await
}

/// The folder `name` at the top of this site's file system.
pub async fn folder(name: &str, create: bool) -> Stored<FileSystemDirectoryHandle> {
    subfolder(&top().await?, name, create).await
}

/// Names of the folders at the top.
pub async fn top_names() -> Stored<Vec<String>> {
    names(&top().await?).await
}

/// Deletes the folder `name` at the top, with all that is in it.
pub async fn delete_folder(name: &str) -> Stored<()> {
    remove(&top().await?, name).await
}

async fn remove(from: &FileSystemDirectoryHandle, name: &str) -> Stored<()> {
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    let gone = JsFuture::from(from.remove_entry_with_options(name, &options)).await;
    gone.map(drop).map_err(|e| failure(&e))
}

async fn top() -> Stored<FileSystemDirectoryHandle> {
    let storage = scope().navigator().storage();
    if storage.is_undefined() || Reflect::get(&storage, &"getDirectory".into()).is_ok_and(|f| f.is_undefined()) {
        return Err(StorageFailure::Unavailable);
    }
    Ok(JsFuture::from(storage.get_directory()).await.map_err(|e| failure(&e))?.unchecked_into())
}

/// The folder `name` in another.
pub async fn subfolder(of: &FileSystemDirectoryHandle, name: &str, create: bool) -> Stored<FileSystemDirectoryHandle> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let handle = JsFuture::from(of.get_directory_handle_with_options(name, &options)).await;
    Ok(handle.map_err(|e| failure(&e))?.unchecked_into())
}

/// The file `name` in a folder.
pub async fn file(of: &FileSystemDirectoryHandle, name: &str, create: bool) -> Stored<FileSystemFileHandle> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let handle = JsFuture::from(of.get_file_handle_with_options(name, &options)).await;
    Ok(handle.map_err(|e| failure(&e))?.unchecked_into())
}

impl Folder {
    /// The folder for `key`, made if it is not there.
    pub async fn create(key: &str) -> Stored<Self> {
        Ok(Self { handle: subfolder(&root(true).await?, key, true).await? })
    }

    /// The folder for `key`.
    pub async fn open(key: &str) -> Stored<Self> {
        Ok(Self { handle: subfolder(&root(false).await?, key, false).await? })
    }

    async fn file(&self, name: &str, create: bool) -> Stored<FileSystemFileHandle> {
        file(&self.handle, name, create).await
    }

    /// Opens the set's file number `index` for writing.
    pub async fn writer(&self, index: usize, name: &str) -> Stored<Writer> {
        let file = self.file(&format!("{index:03} {name}"), true).await?;
        let handle = JsFuture::from(file.create_sync_access_handle()).await.map_err(|e| failure(&e))?;
        Ok(Writer::new(handle.unchecked_into()))
    }

    /// What is noted of the set's file number `index`.
    pub async fn note(&self, index: usize) -> Option<String> {
        let handle = self.file(&format!("{NOTE}{index:03}"), false).await.ok()?;
        let file: File = JsFuture::from(handle.get_file()).await.ok()?.unchecked_into();
        FileReaderSync::new().ok()?.read_as_text(&file).ok()
    }

    /// Notes something of the set's file number `index`.
    pub async fn set_note(&self, index: usize, text: &str) -> Stored<()> {
        let file = self.file(&format!("{NOTE}{index:03}"), true).await?;
        let handle = JsFuture::from(file.create_sync_access_handle()).await.map_err(|e| failure(&e))?;
        let writer = Writer::new(handle.unchecked_into());
        writer.cut(0)?;
        writer.write(&Uint8Array::from(text.as_bytes()), 0.0)
    }

    /// Marks the folder as whole.
    pub async fn complete(&self) -> Stored<()> {
        self.file(COMPLETE, true).await.map(drop)
    }

    /// The files with their names, and whether the folder is whole.
    pub async fn files(&self) -> Stored<(Vec<(String, File)>, bool)> {
        let (mut files, mut complete) = (Vec::new(), false);
        for name in names(&self.handle).await? {
            if name == COMPLETE {
                complete = true;
            } else if !name.starts_with(NOTE) {
                let handle = self.file(&name, false).await?;
                let file = JsFuture::from(handle.get_file()).await.map_err(|e| failure(&e))?;
                let name = name.split_once(' ').map_or(name.as_str(), |(_, name)| name);
                files.push((name.to_owned(), file.unchecked_into()));
            }
        }
        Ok((files, complete))
    }

    /// Copies a chosen file; `progress` hears the bytes written so far and may stop the copy.
    pub async fn copy(
        &self,
        index: usize,
        file: &File,
        mut progress: impl AsyncFnMut(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let writer = self.writer(index, &file.name()).await?;
        writer.cut(0)?;
        let reader = FileReaderSync::new().map_err(|e| failure(&e))?;
        let mut at = 0.0;
        while at < file.size() {
            let part = file.slice_with_f64_and_f64(at, (at + PIECE).min(file.size())).map_err(|e| failure(&e))?;
            let bytes = reader.read_as_array_buffer(&part).map_err(|e| failure(&e))?;
            writer.write(&Uint8Array::new(&bytes.into()), at)?;
            at += part.size();
            progress(at as u64).await?;
        }
        Ok(())
    }
}

/// An open file; closed when dropped.
pub struct Writer {
    handle: FileSystemSyncAccessHandle,
}

impl Writer {
    /// Takes an open file.
    pub fn new(handle: FileSystemSyncAccessHandle) -> Self {
        Self { handle }
    }

    /// Bytes in the file.
    pub fn size(&self) -> Stored<u64> {
        self.handle.get_size().map(|s| s as u64).map_err(|e| failure(&e))
    }

    /// Shortens the file to `size` bytes.
    pub fn cut(&self, size: u64) -> Stored<()> {
        self.handle.truncate_with_f64(size as f64).map_err(|e| failure(&e))
    }

    /// Writes all of `bytes` at `at`. A short write means that the storage is full.
    pub fn write(&self, bytes: &Uint8Array, at: f64) -> Stored<()> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(at);
        let written = self.handle.write_with_js_u8_array_and_options(bytes, &options).map_err(|e| failure(&e))?;
        if written < f64::from(bytes.length()) { Err(StorageFailure::Full) } else { Ok(()) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.handle.flush();
        self.handle.close();
    }
}

/// Names in a folder, by its asynchronous iterator.
pub async fn names(folder: &FileSystemDirectoryHandle) -> Stored<Vec<String>> {
    let keys = js::call(folder, "keys", &[]).await.map_err(|e| failure(&e))?;
    let mut names = Vec::new();
    loop {
        let step = js::call(&keys, "next", &[]).await.map_err(|e| failure(&e))?;
        if Reflect::get(&step, &"done".into()).is_ok_and(|d| d.is_truthy()) {
            break;
        }
        names.extend(Reflect::get(&step, &"value".into()).ok().and_then(|v| v.as_string()));
    }
    names.sort();
    Ok(names)
}

/// Everything that is kept.
pub async fn list() -> Stored<Vec<StoredEntry>> {
    let mut entries = Vec::new();
    let root = root(true).await?;
    for key in names(&root).await? {
        let folder = Folder { handle: subfolder(&root, &key, false).await? };
        let (files, complete) = folder.files().await?;
        let bytes = files.iter().map(|(_, f)| f.size() as u64).sum();
        entries.push(StoredEntry { key, files: files.into_iter().map(|(name, _)| name).collect(), bytes, complete });
    }
    Ok(entries)
}

/// Deletes a kept checkpoint; one that is in use stays usable until the page is left.
pub async fn delete(key: &str) -> Stored<()> {
    remove(&root(true).await?, key).await
}

/// Bytes this site may still store, if the browser says.
pub async fn free() -> Option<u64> {
    let estimate = JsFuture::from(scope().navigator().storage().estimate().ok()?).await.ok()?;
    let number = |key: &str| Reflect::get(&estimate, &key.into()).ok()?.as_f64();
    Some((number("quota")? - number("usage")?).max(0.0) as u64)
}
