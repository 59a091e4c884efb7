//! Random access to a file's bytes, wherever they are: memory, disk, or a browser's Blob.

use super::CheckpointError;

/// A named file that can be read at any offset, piece by piece.
pub trait ByteSource {
    /// The file's name, for messages and to tell the files of a set apart.
    fn name(&self) -> &str;
    /// Length in bytes.
    fn size(&self) -> u64;
    /// Fills `into` from `offset`. Fails if the file does not reach that far.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError>;
}

/// Fails with [`CheckpointError::Truncated`] unless `offset..offset + len` lies within `size`.
pub(super) fn check_range(what: &str, offset: u64, len: u64, size: u64) -> Result<(), CheckpointError> {
    match offset.checked_add(len) {
        Some(end) if end <= size => Ok(()),
        end => Err(CheckpointError::Truncated { what: what.to_owned(), need: end.unwrap_or(u64::MAX), have: size }),
    }
}

/// A file's `value` as a size in memory. Fails with [`CheckpointError::Absurd`] where memory cannot hold as much: in a browser
/// that is 2 GiB in one piece, and a larger number must not wrap around.
pub(super) fn addressable(what: &str, value: u64) -> Result<usize, CheckpointError> {
    addressable_within(what, value, isize::MAX as u64)
}

fn addressable_within(what: &str, value: u64, limit: u64) -> Result<usize, CheckpointError> {
    let fits = usize::try_from(value).ok().filter(|_| value <= limit);
    fits.ok_or_else(|| CheckpointError::Absurd { what: what.to_owned(), value, limit })
}

/// The whole of a small companion file (configuration, tokenizer) as text.
pub(super) fn read_text(source: &dyn ByteSource) -> Result<String, CheckpointError> {
    const LIMIT: u64 = 256 << 20;
    let size = source.size();
    if size > LIMIT {
        return Err(CheckpointError::Absurd {
            what: format!("the length of “{}”", source.name()),
            value: size,
            limit: LIMIT,
        });
    }
    let mut bytes = vec![0; addressable(source.name(), size)?];
    source.read_at(0, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| CheckpointError::Damaged(format!("“{}” is not text", source.name())))
}

/// Bytes held in memory: tests and small files.
pub struct MemoryBytes {
    name: String,
    bytes: Vec<u8>,
}

impl MemoryBytes {
    /// Wraps `bytes` under `name`.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes }
    }
}

impl ByteSource for MemoryBytes {
    fn name(&self) -> &str {
        &self.name
    }
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError> {
        check_range(&self.name, offset, into.len() as u64, self.size())?;
        let start = offset as usize;
        into.copy_from_slice(&self.bytes[start..start + into.len()]);
        Ok(())
    }
}

/// A file on disk.
#[cfg(not(target_arch = "wasm32"))]
pub struct FileBytes {
    name: String,
    size: u64,
    file: std::sync::Mutex<std::fs::File>,
}

#[cfg(not(target_arch = "wasm32"))]
impl FileBytes {
    /// Opens `path` for reading.
    pub fn open(path: &std::path::Path) -> Result<Self, CheckpointError> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let fail = |e: std::io::Error| CheckpointError::Read(format!("{}: {e}", path.display()));
        let file = std::fs::File::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        Ok(Self { name, size, file: std::sync::Mutex::new(file) })
    }

    /// The file at `path`, or every file in the folder at `path`.
    pub fn open_set(path: &std::path::Path) -> Result<Vec<Box<dyn ByteSource>>, CheckpointError> {
        if !path.is_dir() {
            return Ok(vec![Box::new(Self::open(path)?)]);
        }
        let listing = std::fs::read_dir(path).map_err(|e| CheckpointError::Read(e.to_string()))?;
        let mut paths: Vec<_> = listing.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
        paths.sort();
        paths.iter().map(|p| Ok(Box::new(Self::open(p)?) as Box<dyn ByteSource>)).collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl ByteSource for FileBytes {
    fn name(&self) -> &str {
        &self.name
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError> {
        use std::io::{Read, Seek, SeekFrom};
        check_range(&self.name, offset, into.len() as u64, self.size)?;
        let mut file = self.file.lock().map_err(|_| CheckpointError::Read("another reader failed".into()))?;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(into))
            .map_err(|e| CheckpointError::Read(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_memory_cannot_hold_is_refused_and_does_not_wrap() {
        let in_a_browser = i32::MAX as u64;
        assert_eq!(addressable_within("x", in_a_browser, in_a_browser), Ok(in_a_browser as usize));
        for value in [in_a_browser + 1, 1 << 32, (1 << 32) + 5, u64::MAX] {
            let refused = addressable_within("x", value, in_a_browser);
            assert!(matches!(refused, Err(CheckpointError::Absurd { value: v, .. }) if v == value), "{refused:?}");
        }
    }
}
