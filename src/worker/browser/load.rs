//! Opening a checkpoint from wherever it comes, and keeping it for the next visit.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{AbortController, Blob, File};

use super::blob::{self, BlobBytes};
use super::download::{Download, Identity};
use super::store::{self, Folder};
use super::sum::{self, Sum};
use super::threads::Threads;
use super::{EngineState, js, post};
use crate::checkpoint::catalogue::ENGINE_MEMORY;
use crate::checkpoint::hub::Pinned;
use crate::checkpoint::{ByteSource, Checkpoint, CheckpointError};
use crate::model::ModelError;
use crate::model::cpu::{self, Cores};
use crate::protocol::{Event, Failure, JobId, Source, Stage, StorageFailure};
use crate::worker::Runner;
use crate::worker::budget::{self, Budget};

/// A model of so many bytes with its predecessor leaves room for both while the new one is read.
const BOTH: u64 = 1 << 30;

/// Bytes that are asked for at a time: tensors and caches come in such pieces and smaller ones.
const PIECE: u64 = 64 << 20;

/// What came of loading.
pub struct Loaded {
    pub runner: Runner,
    /// Those that share its weights.
    pub threads: Option<Rc<Threads>>,
    pub stored: Option<String>,
    pub not_kept: Option<Failure>,
}

/// Opens the checkpoint at `source` and reads its weights.
pub async fn load(engine: &EngineState, job: JobId, source: &Source, files: Vec<File>) -> Result<Loaded, Failure> {
    engine.transfers.replace(AbortController::new().ok().map(|transfers| (job, transfers)));
    let loaded = from(engine, job, source, files).await;
    engine.transfers.take();
    match loaded {
        // a transfer that is ended looks like one that broke off
        Err(Failure::Network { .. }) if engine.is_cancelled(job) => Err(Failure::Cancelled),
        other => other,
    }
}

async fn from(engine: &EngineState, job: JobId, source: &Source, files: Vec<File>) -> Result<Loaded, Failure> {
    match source {
        Source::Bundled { url } => {
            let (blob, _) = into_memory(engine, job, url).await?;
            let (runner, threads) = open(engine, job, vec![(file_name(url), blob)], None).await?;
            Ok(Loaded { runner, threads, stored: None, not_kept: None })
        }
        Source::Stored { key } => {
            let folder = Folder::open(key).await?;
            let (files, complete) = folder.files().await?;
            if !complete {
                return Err(StorageFailure::Missing.into());
            }
            let files = blobs(files);
            let pinned = match noted(&folder, main_file(&files)).await {
                Some(identity) => identity.pinned,
                None => None,
            };
            let (runner, threads) = open(engine, job, files, pinned).await?;
            Ok(Loaded { runner, threads, stored: Some(key.clone()), not_kept: None })
        }
        Source::Files { .. } => {
            let (runner, threads) = open(engine, job, named(files.clone()), None).await?;
            let kept = keep(engine, job, &files).await;
            let (stored, not_kept) = kept.map_or_else(|e| (None, Some(e)), |key| (Some(key), None));
            Ok(Loaded { runner, threads, stored, not_kept })
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

/// The place of the file after which a set is named: the first with weights.
fn main_file(files: &[(String, Blob)]) -> usize {
    files.iter().position(|(name, _)| name.ends_with(".gguf") || name.ends_with(".safetensors")).unwrap_or(0)
}

/// What was noted of a kept file when it was fetched.
async fn noted(folder: &Folder, index: usize) -> Option<Identity> {
    folder.note(index).await.and_then(|text| serde_json::from_str(&text).ok())
}

/// Opens a set of files. Results name it after its weights, or as `pinned` says: by repository, commit and file.
async fn open(
    engine: &EngineState,
    job: JobId,
    blobs: Vec<(String, Blob)>,
    pinned: Option<String>,
) -> Result<(Runner, Option<Rc<Threads>>), Failure> {
    let name = match (pinned, blobs.get(main_file(&blobs))) {
        (Some(pinned), _) => pinned,
        (None, Some((name, _))) => name.clone(),
        (None, None) => return Err(CheckpointError::MissingFile("a .gguf or .safetensors file".into()).into()),
    };
    let sources = blobs.into_iter().map(|(n, b)| Box::new(BlobBytes::new(n, b)) as Box<dyn ByteSource>).collect();
    let checkpoint = Checkpoint::open(sources)?;
    checkpoint.tokenizer()?; // a page can only be typed into
    let machine = engine.machine.borrow().clone();
    let weights = cpu::weight_bytes(&checkpoint);
    let threads = match &machine {
        Some(machine) => Threads::open(machine, weights).await,
        None => None,
    };
    let run = budget::short_run(&checkpoint.config);
    let need = budget::held(&checkpoint) + run;
    // the rest is here, or was asked for with the threads
    let more = run + if threads.is_some() { 0 } else { weights };
    let held = engine.runner.borrow().as_ref().map_or(0, |r| r.info().bytes);
    if held > 0 && need + held <= BOTH {
        check_memory(need, more)?;
        engine.yield_now(job).await?;
    } else {
        // A large model's predecessor goes first, but not before the new one is known to fit.
        check_memory(need, more.saturating_sub(held))?;
        engine.yield_now(job).await?;
        if let Some(before) = engine.runner.borrow_mut().take() {
            drop(before);
            post(Event::Unloaded { job });
        }
    }
    let progress = &mut async |done: usize, total: usize| {
        post(Event::Progress { job, stage: Stage::Weights, done: done as u64, total: total as u64 });
        engine.yield_now(job).await.map_err(|_| ModelError::Cancelled)
    };
    let budget = Budget::beside(&checkpoint, obtainable);
    let cores = threads.clone().map(|threads| threads as Rc<dyn Cores>);
    let mut runner = Runner::load(checkpoint, &name, cores.as_ref(), progress).await?;
    runner.set_budget(budget);
    Ok((runner, threads))
}

/// Whether a model that needs `need` bytes with a short run, `more` of them new, will fit. The memory is asked for before
/// anything is read: what the browser refuses is refused now.
fn check_memory(need: u64, more: u64) -> Result<(), Failure> {
    if need <= ENGINE_MEMORY && obtainable(more) >= more {
        return Ok(());
    }
    Err(Failure::Memory { need_mib: need >> 20, have_mib: ENGINE_MEMORY >> 20 })
}

/// How many of `bytes` there are: they are asked for in pieces, and given back.
fn obtainable(bytes: u64) -> u64 {
    let (mut pieces, mut had) = (Vec::new(), 0);
    while had < bytes {
        let mut piece = Vec::<u8>::new();
        let wanted = PIECE.min(bytes - had);
        if piece.try_reserve_exact(wanted as usize).is_err() {
            break;
        }
        pieces.push(piece);
        had += wanted;
    }
    had
}

/// The file at `url`, with its checksum if the address asks for one.
async fn into_memory(engine: &EngineState, job: JobId, url: &str) -> Result<(Blob, Option<String>), Failure> {
    let mut sum = Sum::of(url);
    let download = Download::open(url, 0, engine.signal()).await?;
    let parts = js_sys::Array::new();
    let mut done = 0;
    while let Some(bytes) = download.next().await? {
        done += u64::from(bytes.length());
        parts.push(&bytes);
        sum.take(&bytes);
        post(Event::Progress { job, stage: Stage::Download, done, total: download.total() });
        if engine.is_cancelled(job) {
            download.abort().await;
            return Err(Failure::Cancelled);
        }
    }
    if done < download.total() {
        return Err(download.broken());
    }
    let blob = Blob::new_with_u8_array_sequence(&parts)
        .map_err(|e| Failure::Network { url: url.to_owned(), message: js::message(&e) })?;
    Ok((blob, sum.end()))
}

async fn from_urls(engine: &EngineState, job: JobId, urls: &[String]) -> Result<Loaded, Failure> {
    let key = store::key(urls);
    let (blobs, not_kept) = match fetch_and_keep(engine, job, &key, urls).await {
        Ok(files) => (blobs(files), None),
        // What cannot be kept is used all the same.
        Err(Failure::Storage(refused)) => {
            // A part that does not fit is not worth its room; one that somebody else is writing is not ours to delete.
            if refused == StorageFailure::Full {
                store::delete(&key).await?;
            }
            let (mut blobs, mut sums) = (Vec::new(), Vec::new());
            for url in urls {
                let (blob, sum) = into_memory(engine, job, url).await?;
                blobs.push((file_name(url), blob));
                sums.push(sum);
            }
            check_sums(engine, job, urls, &blobs, sums).await?;
            (blobs, Some(refused.into()))
        }
        Err(other) => return Err(other),
    };
    let pinned = urls.get(main_file(&blobs)).and_then(|url| Pinned::of_url(url)).map(|p| p.to_string());
    match open(engine, job, blobs, pinned).await {
        Ok((runner, threads)) => Ok(Loaded { runner, threads, stored: not_kept.is_none().then_some(key), not_kept }),
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
    engine: &EngineState,
    job: JobId,
    key: &str,
    urls: &[String],
) -> Result<Vec<(String, File)>, Failure> {
    let folder = Folder::create(key).await?;
    let (files, complete) = folder.files().await?;
    if complete {
        return Ok(files);
    }
    let mut sums = Vec::with_capacity(urls.len());
    for (index, url) in urls.iter().enumerate() {
        sums.push(into_folder(engine, job, &folder, index, url).await?);
    }
    let (files, _) = folder.files().await?;
    if let Err(e) = check_sums(engine, job, urls, &blobs(files.clone()), sums).await {
        if matches!(e, Failure::Checksum { .. }) {
            store::delete(key).await?;
        }
        return Err(e);
    }
    folder.complete().await?;
    Ok(files)
}

/// Holds each file against the checksum that its address asks for: `…/model.gguf#sha256=HEX`. What was not summed up while it
/// came is read again.
async fn check_sums(
    engine: &EngineState,
    job: JobId,
    urls: &[String],
    files: &[(String, Blob)],
    sums: Vec<Option<String>>,
) -> Result<(), Failure> {
    for ((url, (_, file)), sum) in urls.iter().zip(files).zip(sums) {
        let Some(wanted) = sum::wanted(url) else { continue };
        let found = match sum {
            Some(found) => found,
            None => blob::sha256(file, async || engine.yield_now(job).await).await?,
        };
        if !found.eq_ignore_ascii_case(wanted) {
            return Err(Failure::Checksum { file: file_name(url), wanted: wanted.to_owned(), found });
        }
    }
    Ok(())
}

/// Downloads one file, from where an earlier attempt broke off. Gives its checksum if the address asks for one and all of it
/// has come now.
async fn into_folder(
    engine: &EngineState,
    job: JobId,
    folder: &Folder,
    index: usize,
    url: &str,
) -> Result<Option<String>, Failure> {
    let writer = folder.writer(index, &file_name(url)).await?;
    let have = writer.size()?;
    let noted = noted(folder, index).await;
    if noted.as_ref().is_some_and(|of| of.total > 0 && of.total == have) {
        return Ok(None); // whole since an earlier attempt
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
    let mut sum = if download.start == 0 { Sum::of(url) } else { Sum::none() };
    if download.start == 0 {
        download.identity.pinned = Pinned::of_url(url).map(|p| p.to_string());
        folder.set_note(index, &serde_json::to_string(&download.identity).unwrap_or_default()).await?;
    }
    writer.cut(download.start)?;
    let (mut done, mut reported) = (download.start, 0);
    while let Some(bytes) = download.next().await? {
        writer.write(&bytes, done as f64)?;
        sum.take(&bytes);
        done += u64::from(bytes.length());
        if done - reported >= report_step(download.total()) || done == download.total() {
            reported = done;
            post(Event::Progress { job, stage: Stage::Download, done, total: download.total() });
        }
        if engine.is_cancelled(job) {
            download.abort().await;
            return Err(Failure::Cancelled);
        }
    }
    if done < download.total() { Err(download.broken()) } else { Ok(sum.end()) }
}

/// Bytes between two reports of a download: a hundredth of it, if that is known, but no more than a mebibyte.
fn report_step(total: u64) -> u64 {
    if total > 0 { (total / 100).min(1 << 20) } else { 1 << 16 }
}

/// Copies chosen files into the store, unless they are there. They are known by what is in them: a base and its fine-tune
/// may well have the same names and sizes.
async fn keep(engine: &EngineState, job: JobId, files: &[File]) -> Result<String, Failure> {
    let mut contents = Vec::with_capacity(files.len());
    for file in files {
        contents.push(format!("{} {}", file.name(), blob::sha256(file, async || engine.yield_now(job).await).await?));
    }
    let key = store::key(&contents);
    let folder = Folder::create(&key).await?;
    let (_, complete) = folder.files().await?;
    if !complete {
        let total = files.iter().map(|f| f.size() as u64).sum();
        let mut before = 0;
        for (index, file) in files.iter().enumerate() {
            let copied = folder.copy(index, file, async |done| {
                post(Event::Progress { job, stage: Stage::Keep, done: before + done, total });
                engine.yield_now(job).await
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
