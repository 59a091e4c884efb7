//! Random access to a file's bytes, wherever they are: memory, disk, or a browser's Blob.

use std::ops::Range;
use std::sync::Arc;

use super::CheckpointError;

/// A named file that can be read at any offset, piece by piece.
pub trait ByteSource {
    /// The file's name, for messages and to tell the files of a set apart.
    fn name(&self) -> &str;
    /// Length in bytes.
    fn size(&self) -> u64;
    /// Fills `into` from `offset`. Fails if the file does not reach that far.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), CheckpointError>;
    /// `len` bytes from `offset` where they are, without a copy; nothing where they have to be read. Fails if the file does not reach
    /// that far.
    fn in_place(&self, _offset: u64, _len: usize) -> Result<Option<InPlace>, CheckpointError> {
        Ok(None)
    }
}

/// Part of a file that stays where the system keeps it.
#[derive(Clone)]
pub struct InPlace {
    whole: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl InPlace {
    /// `len` bytes from `offset` of the file `name`, all of whose bytes are `whole`. Fails if it does not reach that far.
    pub fn new(
        name: &str,
        whole: Arc<dyn AsRef<[u8]> + Send + Sync>,
        offset: u64,
        len: usize,
    ) -> Result<Self, CheckpointError> {
        check_range(name, offset, len as u64, (*whole).as_ref().len() as u64)?;
        let start = offset as usize; // within a slice
        Ok(Self { whole, range: start..start + len })
    }
}

impl std::ops::Deref for InPlace {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &(*self.whole).as_ref()[self.range.clone()]
    }
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
