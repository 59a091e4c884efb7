//! Files of the hub, fetched piece by piece into the cache: what has come is kept, and each file is held to its checksum.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use shiftlens::checkpoint::hub::{HubError, HubFile};
use thiserror::Error;
use ureq::http::StatusCode;

use crate::hub::{Chosen, Hub, refusal, said};

/// Bytes that are asked for at once: a connection that breaks loses less.
const PIECE: u64 = 256 << 20;
/// Bytes that are held at once.
const BUFFER: usize = 1 << 20;

/// Why a file could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The hub did not give it.
    #[error("{}", said(.0))]
    Hub(#[from] HubError),
    /// The connection ended.
    #[error("{file}: the connection ended ({why}). Run the plan again: what has come is kept.")]
    Broken {
        /// Which file.
        file: String,
        /// The network's words.
        why: String,
    },
    /// It is not what the hub says it is.
    #[error(
        "{0} is not the file that the hub lists: its checksum or its length is another. It was thrown away; run the plan again."
    )]
    Wrong(String),
    /// It could not be written.
    #[error("{path}: {source}. What has come is kept; make room and run the plan again.")]
    Disk {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// One file on its way.
struct Transfer<'a> {
    hub: &'a Hub,
    url: String,
    repository: String,
    file: &'a HubFile,
    /// Where it goes in the end.
    to: PathBuf,
    /// Where it is until it is whole.
    half: PathBuf,
}

impl Hub {
    /// The files of `chosen`, in this order: each one's place in the cache. A file from a folder of the repository is not put into one
    /// here, and GGUF files have a place of their own, as all files in a folder make one checkpoint.
    fn transfers<'a>(&'a self, chosen: &'a Chosen) -> Vec<Transfer<'a>> {
        let listing = &chosen.listing;
        let folder = self.folder(&listing.repository, &listing.revision);
        let kind = if chosen.candidate.safetensors { "safetensors" } else { "gguf" };
        let one = |file: &'a HubFile| {
            let name = file.path.replace('/', "+");
            let url = listing.repository.file(&self.at, &listing.revision, &file.path);
            let (to, half) = (folder.join(kind).join(&name), folder.join("half").join(&name));
            Transfer { hub: self, url, repository: listing.repository.to_string(), file, to, half }
        };
        chosen.candidate.files.iter().map(one).collect()
    }

    /// Where `chosen` is in the cache: a GGUF file, or a folder with safetensors.
    pub fn place(&self, chosen: &Chosen) -> PathBuf {
        let first = self.transfers(chosen).into_iter().next().map(|t| t.to).unwrap_or_default();
        if chosen.candidate.safetensors { first.parent().map(Path::to_owned).unwrap_or_default() } else { first }
    }

    /// Bytes of `chosen` that are not in the cache yet.
    pub fn missing(&self, chosen: &Chosen) -> u64 {
        self.transfers(chosen).iter().filter(|t| !t.to.exists()).map(|t| t.file.bytes.unwrap_or(0)).sum()
    }

    /// Fetches what is not there yet; `progress` gets how many bytes of all have come, from time to time.
    pub fn fetch(&self, chosen: &Chosen, progress: &mut impl FnMut(u64, u64)) -> Result<PathBuf, FetchError> {
        let (mut before, all) = (0, chosen.candidate.bytes);
        for transfer in self.transfers(chosen) {
            transfer.run(&mut |bytes| progress(before + bytes, all))?;
            before += transfer.file.bytes.unwrap_or(0);
        }
        Ok(self.place(chosen))
    }
}

impl Transfer<'_> {
    fn run(&self, progress: &mut impl FnMut(u64)) -> Result<(), FetchError> {
        if self.to.exists() {
            return Ok(());
        }
        for path in [&self.to, &self.half] {
            std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(|e| self.disk(e))?;
        }
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.half);
        let mut half = open.map_err(|e| self.disk(e))?;
        // another shard on this machine may be fetching it
        half.lock().map_err(|e| self.disk(e))?;
        if self.to.exists() {
            return Ok(());
        }
        self.rest(&mut half, progress)?;
        half.sync_all().map_err(|e| self.disk(e))?;
        if !self.is_right(&mut half).map_err(|e| self.disk(e))? {
            // emptied, not removed: another process may wait for this very file
            half.set_len(0).map_err(|e| self.disk(e))?;
            return Err(FetchError::Wrong(self.file.path.clone()));
        }
        std::fs::rename(&self.half, &self.to).map_err(|e| self.disk(e))
    }

    /// Brings what `half` does not have yet.
    fn rest(&self, half: &mut File, progress: &mut impl FnMut(u64)) -> Result<(), FetchError> {
        let mut have = half.seek(SeekFrom::End(0)).map_err(|e| self.disk(e))?;
        while self.file.bytes.is_none_or(|all| have < all) {
            let to = self.file.bytes.map_or(u64::MAX, |all| all.min(have + PIECE));
            let answer = self.hub.ask(&self.url, self.file.bytes.map(|_| (have, to)))?;
            let (status, all) = (answer.status(), self.file.bytes);
            match status {
                StatusCode::PARTIAL_CONTENT => {}
                // all of it, from the beginning
                StatusCode::OK => {
                    have = 0;
                    half.set_len(0).and_then(|()| half.rewind()).map_err(|e| self.disk(e))?;
                }
                _ => return Err(refusal(&answer, &self.repository, None).into()),
            }
            let before = have;
            let mut body = answer.into_body().into_reader();
            have = self.copy(&mut body, half, have, progress)?;
            if status == StatusCode::OK && (all.is_none() || all == Some(have)) {
                return Ok(());
            }
            if have <= before || status == StatusCode::OK {
                return Err(self.broken("it gave nothing more"));
            }
        }
        Ok(())
    }

    /// Copies `body` to the end of `half`, which has `have` bytes; gives how many it has then.
    fn copy(
        &self,
        body: &mut impl Read,
        half: &mut File,
        mut have: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<u64, FetchError> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = body.read(&mut buffer).map_err(|e| self.broken(&e.to_string()))?;
            if read == 0 {
                return Ok(have);
            }
            // a server that gives more than was asked for would be written to the end of the disk
            if self.file.bytes.is_some_and(|all| have + read as u64 > all) {
                half.set_len(0).map_err(|e| self.disk(e))?;
                return Err(FetchError::Wrong(self.file.path.clone()));
            }
            half.write_all(&buffer[..read]).map_err(|e| self.disk(e))?;
            have += read as u64;
            progress(have);
        }
    }

    fn is_right(&self, half: &mut File) -> io::Result<bool> {
        if self.file.bytes.is_some_and(|all| half.metadata().is_ok_and(|m| m.len() != all)) {
            return Ok(false);
        }
        let Some(expected) = &self.file.sha256 else { return Ok(true) };
        half.rewind()?;
        let (mut sha, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
        loop {
            match half.read(&mut buffer)? {
                0 => break,
                read => sha.update(&buffer[..read]),
            }
        }
        Ok(sha.finalize().iter().map(|b| format!("{b:02x}")).collect::<String>() == *expected)
    }

    fn disk(&self, source: io::Error) -> FetchError {
        FetchError::Disk { path: self.half.clone(), source }
    }

    fn broken(&self, why: &str) -> FetchError {
        FetchError::Broken { file: self.file.path.clone(), why: why.to_owned() }
    }
}
