//! A hostile GGUF file: its header is read within bounds, and refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shiftlens::checkpoint::{Checkpoint, MemoryBytes};

fuzz_target!(|bytes: &[u8]| {
    let _ = Checkpoint::open(vec![Box::new(MemoryBytes::new("fuzzed.gguf", bytes.to_vec()))]);
});
