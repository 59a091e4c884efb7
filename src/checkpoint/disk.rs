//! Files on disk, natively: read piece by piece, or mapped into memory, where the system brings in what is looked at and can drop it
//! again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use memmap2::Mmap;

use super::bytes::{ByteSource, InPlace, check_range};
use super::error::CheckpointError;

/// A file on disk.
pub struct FileBytes {
    name: String,
    size: u64,
    file: Mutex<File>,
    /// Once it is asked for; nothing where the system does not map this file.
    map: OnceLock<Option<Arc<Mmap>>>,
}

fn failed(e: std::io::Error) -> CheckpointError {
    CheckpointError::Read(e.to_string())
}

impl FileBytes {
    /// Opens `path` for reading.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let fail = |e: std::io::Error| CheckpointError::Read(format!("{}: {e}", path.display()));
        let file = File::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        Ok(Self { name, size, file: Mutex::new(file), map: OnceLock::new() })
    }

    /// The file at `path`, or every file in the folder at `path`.
    pub fn open_set(path: &Path) -> Result<Vec<Box<dyn ByteSource>>, CheckpointError> {
        if !path.is_dir() {
            return Ok(vec![Box::new(Self::open(path)?)]);
        }
        let listing = std::fs::read_dir(path).map_err(failed)?;
        let mut paths: Vec<_> = listing.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
        paths.sort();
        paths.iter().map(|p| Ok(Box::new(Self::open(p)?) as Box<dyn ByteSource>)).collect()
    }

    fn lock(&self) -> Result<std::sync::MutexGuard<'_, File>, CheckpointError> {
        self.file.lock().map_err(|_| CheckpointError::Read("another reader failed".into()))
    }

    fn map(&self) -> Result<Option<Arc<Mmap>>, CheckpointError> {
        let file = self.lock()?;
        // SAFETY: the map is read-only, so nothing here can change the bytes under a slice of it. Another program could: a checkpoint
        // that is written to while it runs gives wrong numbers, as it would if it were read piece by piece, and no byte is bad, since
        // weights are taken for numbers only. One that is cut short while it runs ends the process at the next look at the missing
        // pages, with no memory of ours touched. Checkpoints are written once and then read.
        let map = || unsafe { Mmap::map(&*file) }.ok().map(Arc::new);
        Ok(self.map.get_or_init(map).clone())
    }
}

impl ByteSource for FileBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError> {
        check_range(&self.name, offset, into.len() as u64, self.size)?;
        let mut file = self.lock()?;
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(into)).map_err(failed)
    }

    fn in_place(&self, offset: u64, len: usize) -> Result<Option<InPlace>, CheckpointError> {
        match self.map()? {
            Some(map) => InPlace::new(&self.name, map, offset, len).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_is_what_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 37 % 251) as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let source = FileBytes::open(file.path()).unwrap();
        for (offset, len) in [(0, 0), (0, 100_000), (4097, 9000), (99_999, 1), (100_000, 0)] {
            let mut read = vec![0; len];
            source.read_at(offset, &mut read).unwrap();
            let mapped = source.in_place(offset, len).unwrap().unwrap();
            assert_eq!((&*mapped, &read[..]), (&bytes[offset as usize..][..len], &*mapped));
        }
        for (offset, len) in [(99_999, 2), (100_001, 0), (u64::MAX, 1), (0, usize::MAX)] {
            let refused = source.in_place(offset, len).err();
            assert!(matches!(refused, Some(CheckpointError::Truncated { .. })), "{refused:?}");
        }
        // a part outlives the file that it was opened by
        let part = source.in_place(7, 3).unwrap().unwrap();
        drop(source);
        assert_eq!(&*part, &bytes[7..10]);
    }

    #[test]
    fn an_empty_file_is_no_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = FileBytes::open(file.path()).unwrap();
        assert!(source.in_place(0, 0).unwrap().is_none_or(|part| part.is_empty()));
        assert!(matches!(source.read_at(0, &mut [0]), Err(CheckpointError::Truncated { .. })));
    }
}
