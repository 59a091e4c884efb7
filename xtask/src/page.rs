//! Building the page with Trunk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{run, say};
use crate::{root, tools};

/// How much to optimise.
#[derive(Clone, Copy, PartialEq)]
pub enum Profile {
    Debug,
    Fast,
    Ship,
}

/// Builds into `target/page-NAME`, or `dist` for the one to ship, and gives the folder.
pub fn build(profile: Profile) -> Result<PathBuf, String> {
    let (trunk, folders) = tools::for_wasm()?;
    let (name, flags, dist): (_, &[&str], _) = match profile {
        Profile::Debug => ("debug", &[], root().join("target/page-debug")),
        Profile::Fast => ("fast", &["--cargo-profile", "fast"], root().join("target/page-fast")),
        // index.html names the profiles: one for the page, one for the engine
        Profile::Ship => ("ship", &["--release"], root().join("dist")),
    };
    say(&format!("Building the page ({name}; the first time takes some minutes)"));
    // Trunk works offline, so that it fetches no tools of its own: the crates have to be here before.
    run(Command::new("cargo").current_dir(root()).args(["fetch", "--locked"]))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).map_err(|e| e.to_string())?;
    fs::create_dir_all(&dist).map_err(|e| e.to_string())?;
    run(Command::new(trunk)
        .current_dir(root())
        .args(["build", "--offline", "--dist"])
        .arg(&dist)
        .args(flags)
        .env("PATH", path)
        .env_remove("NO_COLOR"))?; // Trunk takes it for a flag
    kernels(&dist)?;
    if matches!(profile, Profile::Ship) {
        crate::names::drop_names(&dist)?;
    }
    crate::finish::finish(&dist)?;
    dist.canonicalize().map_err(|e| e.to_string())
}

/// Builds the module that the engine's threads run on one memory, into `dist`. It has no std, so stable Rust can build it with
/// atomics; core and alloc come without, which the linker takes only after fat LTO: always the profile that ships.
fn kernels(dist: &Path) -> Result<(), String> {
    const FLAGS: [&str; 6] = [
        "target-feature=+simd128,+atomics,+bulk-memory,+mutable-globals",
        "link-arg=--shared-memory",
        "link-arg=--import-memory",
        "link-arg=--initial-memory=2097152",
        "link-arg=--max-memory=4294967296",
        "link-arg=--export=__stack_pointer",
    ];
    say("Building the threads' module");
    let flags: Vec<String> = FLAGS.iter().map(|flag| format!("\"-C\",{flag:?}")).collect();
    let target = root().join("target/kernels");
    run(Command::new("cargo")
        .current_dir(root())
        .args(["rustc", "--quiet", "--locked", "--package", "shiftlens-kernels", "--features", "module"])
        .args(["--crate-type", "cdylib", "--target", "wasm32-unknown-unknown", "--profile", "ship", "--config"])
        .arg(format!("target.wasm32-unknown-unknown.rustflags=[{}]", flags.join(",")))
        .arg("--target-dir")
        .arg(&target))?;
    let built = target.join("wasm32-unknown-unknown/ship/shiftlens_kernels.wasm");
    fs::copy(&built, dist.join("kernels.wasm")).map_err(|e| format!("{}: {e}", built.display()))?;
    Ok(())
}

/// All files of a folder, as relative addresses, in order.
pub fn files(dist: &Path) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    walk(dist, &mut all).map_err(|e| e.to_string())?;
    let address = |file: &PathBuf| {
        let parts = file.strip_prefix(dist).unwrap_or(file).components();
        parts.map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let mut files: Vec<String> = all.iter().map(address).collect();
    files.sort();
    Ok(files)
}

/// Sizes of what a visitor's browser fetches, raw and compressed.
pub fn print_sizes(dist: &Path) -> Result<(), String> {
    println!("\n{:<34}{:>12}{:>12}", "file", "bytes", "gzip");
    for name in files(dist)? {
        let file = dist.join(&name);
        let size = fs::metadata(&file).map_err(|e| e.to_string())?.len();
        let packed = gzip_size(&file).map_or_else(|| "-".to_owned(), |n| n.to_string());
        println!("{name:<34}{size:>12}{packed:>12}");
    }
    Ok(())
}

/// What a host's gzip makes of a file; absent where there is no gzip to ask.
pub fn gzip_size(file: &Path) -> Option<usize> {
    let output = Command::new("gzip").args(["-9", "-c"]).arg(file).output().ok()?;
    output.status.success().then_some(output.stdout.len())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
