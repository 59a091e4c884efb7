//! Opening a checkpoint from wherever it comes, and keeping it for the next visit.

use wasm_bindgen::JsCast;
use web_sys::{AbortController, Blob, File};

use super::blob::{self, BlobBytes};
use super::download::{Download, Identity};
use super::store::{self, Folder};
use super::{Engine, js, post};
use crate::checkpoint::{ByteSource, Checkpoint, CheckpointError};
use crate::model::ModelError;
use crate::protocol::{Event, Failure, JobId, Source, Stage, StorageFailure};
use crate::worker::Runner;

/// WebAssembly's address space, less what the code and a long run take.
const ADDRESSABLE: u64 = (4 << 30) - (256 << 20);
/// Memory a model needs beside its weights: tokenizer, caches, activations.
const BESIDE: u64 = 16 << 20;
/// A model of so many bytes with its predecessor leaves room for both while the new one is read.
const BOTH: u64 = 1 << 30;

/// What came of loading.
pub struct Loaded {
    pub runner: Runner,
    pub stored: Option<String>,
    pub not_kept: Option<Failure>,
}

/// Opens the checkpoint at `source` and reads its weights.
pub async fn load(engine: &Engine, job: JobId, source: &Source, files: Vec<File>) -> Result<Loaded, Failure> {
    engine.transfers.replace(AbortController::new().ok().map(|transfers| (job, transfers)));
    let loaded = from(engine, job, source, files).await;
    engine.transfers.take();
    match loaded {
        // a transfer that is ended looks like one that broke off
        Err(Failure::Network { .. }) if engine.is_cancelled(job) => Err(Failure::Cancelled),
        other => other,
    }
}

async fn from(engine: &Engine, job: JobId, source: &Source, files: Vec<File>) -> Result<Loaded, Failure> {
    match source {
        Source::Bundled { url } => {
            let blob = into_memory(engine, job, url).await?;
            let runner = open(engine, job, vec![(file_name(url), blob)]).await?;
            Ok(Loaded { runner, stored: None, not_kept: None })
        }
        Source::Stored { key } => {
            let (files, complete) = Folder::open(key).await?.files().await?;
            if !complete {
                return Err(StorageFailure::Missing.into());
            }
            let runner = open(engine, job, blobs(files)).await?;
            Ok(Loaded { runner, stored: Some(key.clone()), not_kept: None })
        }
        Source::Files { .. } => {
            let runner = open(engine, job, named(files.clone())).await?;
            let kept = keep(engine, job, &files).await;
            let (stored, not_kept) = kept.map_or_else(|e| (None, Some(e)), |key| (Some(key), None));
            Ok(Loaded { runner, stored, not_kept })
        }
        Source::Url { urls } => from_urls(engine, job, urls).await,
    }
}

fn named(files: Vec<File>) -> Vec<(String, Blob)> {
    files.into_iter().map(|f| (f.name(), f.unchecked_into())).collect()
}

fn blobs(files: Vec<(String, File)>) -> Vec<(String, Blob)> {
    files.into_iter().map(|(name, file)| (name, file.unchecked_into())).collect()
}

/// The last part of a URL's path.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

async fn open(engine: &Engine, job: JobId, blobs: Vec<(String, Blob)>) -> Result<Runner, Failure> {
    let name = match blobs.iter().find(|(n, _)| n.ends_with(".gguf") || n.ends_with(".safetensors")).or(blobs.first()) {
        Some((name, _)) => name.clone(),
        None => return Err(CheckpointError::MissingFile("a .gguf or .safetensors file".into()).into()),
    };
    let sources = blobs.into_iter().map(|(n, b)| Box::new(BlobBytes::new(n, b)) as Box<dyn ByteSource>).collect();
    let checkpoint = Checkpoint::open(sources)?;
    checkpoint.tokenizer()?; // a page can only be typed into
    let need = checkpoint.weight_bytes() + BESIDE;
    let held = engine.runner.borrow().as_ref().map_or(0, |r| r.info().bytes);
    if held > 0 && need + held <= BOTH {
        check_memory(need, need)?;
        engine.breathe(job).await?;
    } else {
        // A large model's predecessor goes first, but not before the new one is known to fit.
        check_memory(need, need.saturating_sub(held))?;
        engine.breathe(job).await?;
        if let Some(before) = engine.runner.borrow_mut().take() {
            drop(before);
            post(&Event::Unloaded { job });
        }
    }
    let progress = &mut async |done: usize, total: usize| {
        post(&Event::Progress { job, stage: Stage::Weights, done: done as u64, total: total as u64 });
        engine.breathe(job).await.map_err(|_| ModelError::Cancelled)
    };
    Ok(Runner::load(checkpoint, &name, progress).await?)
}

/// Whether a model that needs `need` bytes, `more` of them new, will fit. The memory is asked for in one piece, before
/// anything is read: what the browser refuses is refused now.
fn check_memory(need: u64, more: u64) -> Result<(), Failure> {
    if need <= ADDRESSABLE && Vec::<u8>::new().try_reserve_exact(more as usize).is_ok() {
        return Ok(());
    }
    Err(Failure::Memory { need_mib: need >> 20, have_mib: ADDRESSABLE >> 20 })
}

async fn into_memory(engine: &Engine, job: JobId, url: &str) -> Result<Blob, Failure> {
    let download = Download::open(url, 0, engine.signal()).await?;
    let parts = js_sys::Array::new();
    let mut done = 0;
    while let Some(bytes) = download.next().await? {
        done += u64::from(bytes.length());
        parts.push(&bytes);
        post(&Event::Progress { job, stage: Stage::Download, done, total: download.total() });
        if engine.is_cancelled(job) {
            download.abort().await;
            return Err(Failure::Cancelled);
        }
    }
    if done < download.total() {
        return Err(download.broken());
    }
    Blob::new_with_u8_array_sequence(&parts)
        .map_err(|e| Failure::Network { url: url.to_owned(), message: js::message(&e) })
}

async fn from_urls(engine: &Engine, job: JobId, urls: &[String]) -> Result<Loaded, Failure> {
    let key = store::key(urls);
    let (blobs, not_kept) = match fetch_and_keep(engine, job, &key, urls).await {
        Ok(files) => (blobs(files), None),
        // What cannot be kept is used all the same.
        Err(Failure::Storage(refused)) => {
            // A part that does not fit is not worth its room; one that somebody else is writing is not ours to delete.
            if refused == StorageFailure::Full {
                store::delete(&key).await?;
            }
            let mut blobs = Vec::new();
            for url in urls {
                blobs.push((file_name(url), into_memory(engine, job, url).await?));
            }
            check_sums(engine, job, urls, &blobs).await?;
            (blobs, Some(refused.into()))
        }
        Err(other) => return Err(other),
    };
    match open(engine, job, blobs).await {
        Ok(runner) => Ok(Loaded { runner, stored: not_kept.is_none().then_some(key), not_kept }),
        Err(refused) => {
            if matches!(refused, Failure::Checkpoint(_)) && not_kept.is_none() {
                store::delete(&key).await?; // what cannot be read is not worth its room
            }
            Err(refused)
        }
    }
}

/// The files of the folder `key`, downloaded into it unless they are there.
async fn fetch_and_keep(
    engine: &Engine,
    job: JobId,
    key: &str,
    urls: &[String],
) -> Result<Vec<(String, File)>, Failure> {
    let folder = Folder::create(key).await?;
    let (files, complete) = folder.files().await?;
    if complete {
        return Ok(files);
    }
    for (index, url) in urls.iter().enumerate() {
        into_folder(engine, job, &folder, index, url).await?;
    }
    let (files, _) = folder.files().await?;
    if let Err(e) = check_sums(engine, job, urls, &blobs(files.clone())).await {
        if matches!(e, Failure::Checksum { .. }) {
            store::delete(key).await?;
        }
        return Err(e);
    }
    folder.complete().await?;
    Ok(files)
}

/// Holds each file against the checksum that its address asks for: `…/model.gguf#sha256=HEX`.
async fn check_sums(engine: &Engine, job: JobId, urls: &[String], files: &[(String, Blob)]) -> Result<(), Failure> {
    for (url, (_, file)) in urls.iter().zip(files) {
        let Some((_, wanted)) = url.split_once("#sha256=") else { continue };
        let found = blob::sha256(file, async || engine.breathe(job).await).await?;
        if !found.eq_ignore_ascii_case(wanted) {
            return Err(Failure::Checksum { file: file_name(url), wanted: wanted.to_owned(), found });
        }
    }
    Ok(())
}

/// Downloads one file, from where an earlier attempt broke off.
async fn into_folder(engine: &Engine, job: JobId, folder: &Folder, index: usize, url: &str) -> Result<(), Failure> {
    let writer = folder.writer(index, &file_name(url)).await?;
    let have = writer.size()?;
    let noted: Option<Identity> = folder.note(index).await.and_then(|text| serde_json::from_str(&text).ok());
    if noted.as_ref().is_some_and(|of| of.total > 0 && of.total == have) {
        return Ok(()); // whole since an earlier attempt
    }
    // the beginning of nobody knows what is not gone on with
    let from = if noted.is_some() { have } else { 0 };
    let mut download = match Download::open(url, from, engine.signal()).await {
        // Range not satisfiable: the file is already whole, or has changed. Start again.
        Err(Failure::Http { status: 416, .. }) => Download::open(url, 0, engine.signal()).await?,
        other => other?,
    };
    if download.start > 0 && !noted.is_some_and(|of| of.agrees(&download.identity)) {
        download.abort().await; // the file has changed: its old beginning is worth nothing
        download = Download::open(url, 0, engine.signal()).await?;
    }
    if download.start == 0 {
        folder.set_note(index, &serde_json::to_string(&download.identity).unwrap_or_default()).await?;
    }
    writer.cut(download.start)?;
    let (mut done, mut reported) = (download.start, 0);
    while let Some(bytes) = download.next().await? {
        writer.write(&bytes, done as f64)?;
        done += u64::from(bytes.length());
        if done - reported >= report_step(download.total()) || done == download.total() {
            reported = done;
            post(&Event::Progress { job, stage: Stage::Download, done, total: download.total() });
        }
        if engine.is_cancelled(job) {
            download.abort().await;
            return Err(Failure::Cancelled);
        }
    }
    if done < download.total() { Err(download.broken()) } else { Ok(()) }
}

/// Bytes between two reports of a download: a hundredth of it, if that is known, but no more than a mebibyte.
fn report_step(total: u64) -> u64 {
    if total > 0 { (total / 100).min(1 << 20) } else { 1 << 16 }
}

/// Copies chosen files into the store, unless they are there. They are known by what is in them: a base and its fine-tune
/// may well have the same names and sizes.
async fn keep(engine: &Engine, job: JobId, files: &[File]) -> Result<String, Failure> {
    let mut contents = Vec::with_capacity(files.len());
    for file in files {
        contents.push(format!("{} {}", file.name(), blob::sha256(file, async || engine.breathe(job).await).await?));
    }
    let key = store::key(&contents);
    let folder = Folder::create(&key).await?;
    let (_, complete) = folder.files().await?;
    if !complete {
        let total = files.iter().map(|f| f.size() as u64).sum();
        let mut before = 0;
        for (index, file) in files.iter().enumerate() {
            let copied = folder.copy(index, file, async |done| {
                post(&Event::Progress { job, stage: Stage::Keep, done: before + done, total });
                engine.breathe(job).await
            });
            if let Err(e) = copied.await {
                store::delete(&key).await?;
                return Err(e);
            }
            before += file.size() as u64;
        }
        folder.complete().await?;
    }
    Ok(key)
}
