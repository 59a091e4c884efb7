//! What the builds need beside cargo: found on PATH where it fits, else built once into a cache that clones share.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{first_line, run, say};

const TRUNK: &str = "0.21.14";
/// The version of the `wasm-bindgen` crate in Cargo.lock: the two must be equal.
const WASM_BINDGEN: &str = "0.2.130";

/// Firefox's driver.
const GECKODRIVER: &str = "0.36.0";

/// Folders to put before PATH for Trunk and wasm-bindgen.
pub fn for_wasm() -> Result<(PathBuf, Vec<PathBuf>), String> {
    wasm_target()?;
    let (trunk, trunk_dir) = tool("trunk", "trunk", TRUNK, &["--locked"])?;
    let (_, bindgen_dir) = tool("wasm-bindgen-cli", "wasm-bindgen", WASM_BINDGEN, &[])?;
    Ok((trunk, [trunk_dir, bindgen_dir].into_iter().flatten().collect()))
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

/// A program of exactly this version, and the folder to find it in if that is not on PATH.
fn tool(package: &str, program: &str, version: &str, flags: &[&str]) -> Result<(PathBuf, Option<PathBuf>), String> {
    let fits = |path: &Path| {
        first_line(path, &["--version"]).is_some_and(|line| line.split_whitespace().any(|w| w == version))
    };
    if fits(Path::new(program)) {
        return Ok((program.into(), None));
    }
    let home = cache()?.join("tools").join(format!("{program}-{version}"));
    let path = home.join("bin").join(program);
    if !fits(&path) {
        say(&format!("Building {package} {version}, once for all clones (some minutes)"));
        // A tool's own speed matters less here than the time it takes to build.
        run(Command::new("cargo")
            .args(["install", package, "--version", version, "--force", "--root"])
            .arg(&home)
            .args(flags)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok((path, Some(home.join("bin"))))
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
    Ok(tool("geckodriver", "geckodriver", GECKODRIVER, &["--locked"])?.0)
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
