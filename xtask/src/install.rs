//! Tools that come from crates: found where they already are, else downloaded where that is possible, else built once into a
//! cache that clones share. What is missing is announced first, with how long it takes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::root;
use crate::shell::{first_line, run, say};
use crate::tools::cache;

/// A program that a crate brings.
pub struct Tool {
    /// The crate.
    pub package: &'static str,
    pub program: &'static str,
    /// What is installed where nothing fits.
    pub version: &'static str,
    /// Whether a later patch of the same release will do.
    pub later_patch: bool,
    /// How long a build takes on two cores, minutes.
    pub minutes: u64,
    /// How far it is optimised: a tool's own speed matters less here than the time it takes to build.
    pub opt_level: &'static str,
    pub flags: &'static [&'static str],
    /// The folder of a smaller crate with the same program, in the repository: what is built in place of the published one.
    pub smaller: Option<&'static str>,
}

/// Where a tool is: its path, and the folder to put before PATH if it is not on PATH.
pub type Found = (PathBuf, Option<PathBuf>);

/// All of `tools`, in their order; installs what is missing.
pub fn all(tools: &[Tool]) -> Result<Vec<Found>, String> {
    let places: Vec<Option<Found>> = tools.iter().map(Tool::find).collect();
    let missing: Vec<&Tool> = tools.iter().zip(&places).filter(|(_, place)| place.is_none()).map(|(t, _)| t).collect();
    if !missing.is_empty() {
        say(&announcement(&missing, &cache()?.join("tools")));
    }
    let (mut found, mut at) = (Vec::new(), 0);
    for (tool, place) in tools.iter().zip(places) {
        found.push(match place {
            Some(place) => place,
            None => {
                at += 1;
                tool.install(at, missing.len())?
            }
        });
    }
    Ok(found)
}

/// What is about to be installed, where to, and how long that takes at most.
fn announcement(missing: &[&Tool], folder: &Path) -> String {
    let names: Vec<String> = missing.iter().map(|t| format!("{} {}", t.package, t.version)).collect();
    let minutes: u64 = missing.iter().map(|t| t.minutes).sum();
    format!(
        "To install first: {} (up to {minutes} min on two cores, once for all clones, in {})",
        names.join(" and "),
        folder.display()
    )
}

impl Tool {
    /// On PATH, in our cache, in cargo's folder of programs, or among what Trunk downloaded for itself.
    fn find(&self) -> Option<Found> {
        if self.fits(Path::new(self.program)) {
            return Some((self.program.into(), None));
        }
        let ours = self.home().ok().map(|home| home.join("bin"));
        let folders = [ours, cargo_programs(), self.trunks_cache()].into_iter().flatten();
        folders.map(|folder| (folder.join(self.program), Some(folder))).find(|(path, _)| self.fits(path))
    }

    fn fits(&self, program: &Path) -> bool {
        first_line(program, &["--version"]).is_some_and(|line| line.split_whitespace().any(|word| self.accepts(word)))
    }

    fn accepts(&self, version: &str) -> bool {
        let parts = |v: &str| -> Option<(String, u32)> {
            let (release, patch) = v.rsplit_once('.')?;
            Some((release.to_owned(), patch.parse().ok()?))
        };
        let later = || match (parts(version), parts(self.version)) {
            (Some(found), Some(wanted)) => found.0 == wanted.0 && found.1 >= wanted.1,
            _ => false,
        };
        version == self.version || self.later_patch && later()
    }

    /// Where it is installed.
    fn home(&self) -> Result<PathBuf, String> {
        Ok(cache()?.join("tools").join(format!("{}-{}", self.program, self.version)))
    }

    /// Where Trunk keeps what it downloads, on Linux.
    fn trunks_cache(&self) -> Option<PathBuf> {
        Some(cache().ok()?.parent()?.join("trunk").join(format!("{}-{}", self.program, self.version)))
    }

    /// Installs it, the `at`th of `of`.
    fn install(&self, at: usize, of: usize) -> Result<Found, String> {
        let folder = self.home()?.join("bin");
        let (path, started) = (folder.join(self.program), Instant::now());
        if !self.download(at, of)? || !self.fits(&path) {
            self.build(at, of)?;
        }
        println!("{} {} is ready after {}.", self.package, self.version, in_words(started.elapsed()));
        Ok((path, Some(folder)))
    }

    /// With cargo-binstall, if that is installed: the program as its authors released it. Gives whether it did.
    fn download(&self, at: usize, of: usize) -> Result<bool, String> {
        if first_line("cargo-binstall", &["-V"]).is_none() {
            return Ok(false);
        }
        say(&format!("Tool {at} of {of}: downloading {} {} with cargo-binstall", self.package, self.version));
        let mut command = Command::new("cargo");
        command.args(["binstall", "--no-confirm", "--force", "--disable-strategies", "compile"]);
        command.args(["--version", self.version, "--root"]).arg(self.home()?).arg(self.package);
        if let Err(message) = run(&mut command) {
            println!("{message}: it is built instead.");
            return Ok(false);
        }
        Ok(true)
    }

    fn build(&self, at: usize, of: usize) -> Result<(), String> {
        let (package, version, minutes) = (self.package, self.version, self.minutes);
        say(&format!("Tool {at} of {of}: building {package} {version} (about {minutes} min on two cores)"));
        let mut command = Command::new("cargo");
        match self.smaller {
            Some(folder) => {
                command.args(["install", "--locked", "--path"]).arg(root().join(folder));
                command.arg("--target-dir").arg(root().join("target").join(self.program));
            }
            None => {
                command.args(["install", package, "--version", version]);
            }
        }
        run(command
            .args(["--force", "--root"])
            .arg(self.home()?)
            .args(self.flags)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level)
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env_remove("CARGO_TARGET_DIR"))
    }
}

/// Where `cargo install` puts programs.
fn cargo_programs() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual =
        || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(|h| Path::new(&h).join(".cargo"));
    home.or_else(usual).map(|home| home.join("bin"))
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Tool = Tool {
        package: "a-cli",
        program: "a",
        version: "0.2.13",
        later_patch: false,
        minutes: 3,
        opt_level: "1",
        flags: &[],
        smaller: None,
    };

    #[test]
    fn a_later_patch_will_do_only_where_that_is_said() {
        let patched = Tool { later_patch: true, ..EXACT };
        for (version, exactly, later) in [
            ("0.2.13", true, true),
            ("0.2.14", false, true),
            ("0.2.2", false, false),
            ("0.3.13", false, false),
            ("1.2.13", false, false),
            ("a", false, false),
        ] {
            assert_eq!((EXACT.accepts(version), patched.accepts(version)), (exactly, later), "{version}");
        }
    }

    #[test]
    fn what_is_missing_is_announced_with_its_time() {
        let said = announcement(&[&EXACT, &Tool { package: "b", ..EXACT }], Path::new("/cache/tools"));
        assert_eq!(
            said,
            "To install first: a-cli 0.2.13 and b 0.2.13 (up to 6 min on two cores, once for all clones, in /cache/tools)"
        );
    }
}
