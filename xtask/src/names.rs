//! Leaves the names of functions out of what ships: a fifth of the page's bytes, of use to profilers only. The linker's own
//! `strip` also takes a section that wasm-bindgen reads.

use std::fs;
use std::path::Path;

/// Custom sections have this id.
const CUSTOM: u8 = 0;
/// Magic number and version.
const HEADER: usize = 8;

/// In every wasm file of `dist`.
pub fn drop_names(dist: &Path) -> Result<(), String> {
    for name in super::page::files(dist)?.iter().filter(|f| f.ends_with(".wasm")) {
        let file = dist.join(name);
        let bytes = fs::read(&file).map_err(|e| format!("{name}: {e}"))?;
        let kept = without_names(&bytes).ok_or(format!("{name} is no whole wasm file"))?;
        fs::write(&file, kept).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// The module without its `name` section; none if it is cut short.
fn without_names(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = bytes.split_at_checked(HEADER)?;
    let mut kept = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (size, body) = leb128(after)?;
        let (body, next) = body.split_at_checked(size)?;
        let named = || leb128(body).is_some_and(|(length, text)| text.get(..length) == Some(b"name"));
        if !(id == CUSTOM && named()) {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
}

/// An unsigned number of at most 32 bits, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().take(5).position(|b| b & 128 == 0)?;
    let value = bytes[..=end].iter().rev().fold(0, |value, b| value << 7 | usize::from(b & 127));
    Some((value, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_left_out() {
        let header = b"\0asm\x01\0\0\0".to_vec();
        let other = [&[CUSTOM, 7, 5][..], b"other", b"!"].concat();
        let long = [&[10, 0x80 | 2, 1][..], &[7; 130]].concat();
        let names = [&[CUSTOM, 6, 4][..], b"name", b"x"].concat();
        let whole = [&header[..], &other, &names, &long].concat();
        assert_eq!(without_names(&whole), Some([&header[..], &other, &long].concat()));
        assert_eq!(without_names(&whole[..whole.len() - 1]), None);
    }
}
