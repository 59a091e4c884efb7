//! A Python for the tests that need one: `SHIFTLENS_PYTHON` says which, python3 if it says nothing. `cargo xtask test` makes one with
//! the packages of `python.txt`.

#[path = "../../../tests/support/not_checked.rs"]
mod not_checked;

use std::path::PathBuf;
use std::process::Command;

pub use not_checked::not_checked;

/// A Python that has these modules. The test that does without it is counted.
pub fn python(modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("SHIFTLENS_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let found = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if found.is_ok_and(|found| found.status.success()) {
        return Some(python);
    }
    not_checked(&format!("{} cannot import {modules}", python.display()));
    None
}
