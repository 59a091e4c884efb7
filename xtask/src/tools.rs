//! What the builds and the tests need besides cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{self, Tool};
use crate::shell::{first_line, run, run_quietly, say};

const FOR_WASM: [Tool; 2] = [
    Tool {
        package: "trunk",
        program: "trunk",
        version: "0.21.14",
        later_patch: true,
        minutes: 5,
        // it copies files and starts other programs
        opt_level: "0",
        // it is called without a network, and so needs no TLS
        flags: &["--locked", "--no-default-features"],
        smaller: None,
    },
    Tool {
        package: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        // that of the `wasm-bindgen` crate in Cargo.lock: the two must be equal
        version: "0.2.130",
        later_patch: false,
        minutes: 1,
        opt_level: "1",
        flags: &[],
        smaller: Some("xtask/wasm-bindgen"),
    },
];

/// Firefox's driver.
const GECKODRIVER: Tool = Tool {
    package: "geckodriver",
    program: "geckodriver",
    version: "0.36.0",
    later_patch: true,
    minutes: 3,
    opt_level: "0",
    flags: &["--locked"],
    smaller: None,
};

/// Folders to put before PATH for Trunk and wasm-bindgen.
pub fn for_wasm() -> Result<(PathBuf, Vec<PathBuf>), String> {
    wasm_target()?;
    let found = install::all(&FOR_WASM)?;
    let trunk = found[0].0.clone();
    Ok((trunk, found.into_iter().filter_map(|(_, folder)| folder).collect()))
}

fn wasm_target() -> Result<(), String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let sysroot = first_line("rustc", &["--print", "sysroot"]).ok_or("rustc is not here: install rustup first")?;
    if Path::new(&sysroot).join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    say(&format!("Adding the target {TARGET}"));
    run(Command::new("rustup").args(["target", "add", TARGET]))
}

/// The per-user cache.
pub fn cache() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || {
        std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(|h| PathBuf::from(h).join(".cache"))
    };
    base.or_else(home).map(|c| c.join("shiftlens")).ok_or_else(|| "neither HOME nor XDG_CACHE_HOME is set".into())
}

/// Whether a GPU is certain to be found: Mesa's software one, installed where that is allowed. Without it there may be a real one.
pub fn vulkan() -> bool {
    let is_software = |file: std::io::Result<std::fs::DirEntry>| {
        file.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("lvp_icd"))
    };
    let there = || std::fs::read_dir("/usr/share/vulkan/icd.d").is_ok_and(|mut files| files.any(is_software));
    if there() {
        return true;
    }
    say("Installing Debian's mesa-vulkan-drivers, a GPU in software");
    let installed = apt(&["update", "-q"]).and_then(|()| apt(&["install", "-y", "-q", "mesa-vulkan-drivers"]));
    if installed.is_err() || !there() {
        println!("Not installed: without another Vulkan driver the GPU's tests will say that they are skipped.");
    }
    there()
}

/// A Python with the packages that the studies' tests read and run studies with, in the per-user cache. Where it cannot be had, these
/// tests say that they are skipped.
pub fn python() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("SHIFTLENS_PYTHON") {
        return Ok(named.into());
    }
    let packages = crate::root().join("study/tests/python.txt");
    let wanted = std::fs::read_to_string(&packages).map_err(|e| format!("{}: {e}", packages.display()))?;
    let folder = cache()?.join("python");
    let (python, done) = (folder.join("bin/python"), folder.join("installed.txt"));
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say("Installing Python packages for the studies' tests, a gigabyte, beside what follows");
    run_quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run_quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&packages))?;
    std::fs::write(&done, wanted).map_err(|e| format!("{}: {e}", done.display()))?;
    Ok(python)
}

/// GNU parallel, which runs a study's shards in one of the documented ways; installed where that is allowed.
pub fn parallel() {
    if first_line("parallel", &["--version"]).is_none() {
        say("Installing Debian's parallel");
        if apt(&["update", "-q"]).and_then(|()| apt(&["install", "-y", "-q", "parallel"])).is_err() {
            println!("Not installed: its test will say that it is skipped.");
        }
    }
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Firefox, installed where that is allowed, and its driver, built once. Gives the driver.
pub fn firefox() -> Result<PathBuf, String> {
    let names = ["firefox-esr", "firefox"];
    let there = || names.into_iter().any(|name| first_line(name, &["--version"]).is_some());
    if !there() {
        say("Installing Debian's firefox-esr");
        let installed = apt(&["update", "-q"]).and_then(|()| apt(&["install", "-y", "-q", "firefox-esr"]));
        if installed.is_err() || !there() {
            return Err(
                "The Firefox tests need `firefox` on PATH. On Debian: `sudo apt-get install firefox-esr`.".into()
            );
        }
    }
    Ok(install::all(&[GECKODRIVER])?.remove(0).0)
}

/// Chromium and its driver, installed where that is allowed.
pub fn browser() -> Result<(), String> {
    let there =
        || first_line("chromium", &["--version"]).is_some() && first_line("chromedriver", &["--version"]).is_some();
    if there() {
        return Ok(());
    }
    say("Installing Debian's chromium and chromium-driver");
    let installed = apt(&["update", "-q"]).and_then(|()| apt(&["install", "-y", "-q", "chromium", "chromium-driver"]));
    if installed.is_ok() && there() {
        return Ok(());
    }
    Err("The browser tests need `chromium` and `chromedriver` on PATH. On Debian or Ubuntu: `sudo apt-get install chromium chromium-driver`. \
         Or leave them out with `cargo xtask test --native`."
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The glue is made for one version of the crate alone.
    #[test]
    fn the_wasm_bindgen_that_is_called_is_the_crates() {
        let version = FOR_WASM[1].version;
        for (file, line) in [
            ("Cargo.lock", format!("name = \"wasm-bindgen\"\nversion = \"{version}\"")),
            ("Trunk.toml", format!("wasm_bindgen = \"{version}\"")),
            ("xtask/wasm-bindgen/Cargo.toml", format!("version = \"{version}\"")),
            ("xtask/wasm-bindgen/Cargo.toml", format!("wasm-bindgen-cli-support = \"={version}\"")),
        ] {
            let text = std::fs::read_to_string(crate::root().join(file)).unwrap();
            assert!(text.contains(&line), "{file} has no {line}");
        }
    }
}
