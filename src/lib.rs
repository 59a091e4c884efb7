//! Shiftlens: what instruction tuning did to a language model, computed and shown in the browser.
//!
//! The modules, from the ground up (each uses only those above it): [`checkpoint`], [`model`], [`explain`], [`protocol`],
//! [`worker`], [`share`], [`teach`], [`wording`], [`page`], `app`. ARCHITECTURE.md says where to look for what.

pub mod checkpoint;
pub mod explain;
pub mod model;
pub mod page;
pub mod protocol;
pub mod share;
pub mod teach;
pub mod wording;
pub mod worker;

#[cfg(target_arch = "wasm32")]
pub mod app;

#[cfg(test)]
mod testing {
    /// Notes that the present test leaves something out: `cargo xtask test` counts and prints it. (What a test that passes
    /// prints, nobody sees.)
    pub fn not_checked(why: &str) {
        use std::io::Write;
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        println!("NOT CHECKED: {test}: {why}");
        if let Some(path) = std::env::var_os("SHIFTLENS_NOT_CHECKED") {
            let mut notes = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            writeln!(notes, "{test}: {why}").unwrap();
        }
    }
}
