//! The native tests. A test binary of few or long tests leaves cores idle towards its end, so two run side by side.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value as Json;

use crate::shell::run_and_read_quietly;
use crate::test::run_cargo;

/// Binaries that run side by side; each has a thread for every core.
const TOGETHER: usize = 2;

/// A test binary.
pub struct Binary {
    /// What it tests: "native", "shiftlens".
    target: String,
    path: PathBuf,
    /// The folder of its package, in which cargo runs tests.
    package: PathBuf,
}

impl Binary {
    /// From cargo's message of what it has built, if that is a test binary.
    fn of(message: &Json) -> Option<Self> {
        let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
        let path = is_test.then(|| message["executable"].as_str())??;
        Some(Self {
            target: message["target"]["name"].as_str()?.to_owned(),
            path: path.into(),
            package: PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_owned(),
        })
    }

    /// Runs it; gives what it printed, and whether its tests passed. Its errors are shown only if they did not: the GPU's driver
    /// fills pages with them.
    fn run(&self, environment: &[(&str, String)]) -> Result<(String, bool), String> {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.package).env("CARGO_MANIFEST_DIR", &self.package);
        let output = command.envs(environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null()).output();
        let output = output.map_err(|e| format!("{}: {e}", self.path.display()))?;
        let passed = output.status.success();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !passed {
            text += &String::from_utf8_lossy(&output.stderr);
        }
        Ok((text, passed))
    }
}

/// Builds all of them.
pub fn build() -> Result<Vec<Binary>, String> {
    let mut build = run_cargo();
    build.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let messages = run_and_read_quietly(&mut build)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    let binaries: Vec<Binary> = messages.filter_map(|message: Json| Binary::of(&message)).collect();
    if binaries.is_empty() { Err("cargo built no test binary".into()) } else { Ok(binaries) }
}

/// Runs all of `binaries`, with `environment`. Gives what they printed; fails at the end if any test has.
pub fn run(mut binaries: Vec<Binary>, environment: &[(&str, String)]) -> Result<String, String> {
    // the largest has most tests, and would be left to run alone at the end
    binaries.sort_by_key(|binary| std::cmp::Reverse(std::fs::metadata(&binary.path).map_or(0, |of| of.len())));
    let done = side_by_side(binaries.into(), environment)?;
    let mut examples = run_cargo();
    examples.args(["test", "--workspace", "--doc", "--quiet"]).envs(environment.iter().map(|(n, v)| (n, v)));
    Ok(done + &crate::shell::run_and_read(&mut examples)?)
}

fn side_by_side(binaries: VecDeque<Binary>, environment: &[(&str, String)]) -> Result<String, String> {
    let (queue, printed, failed) = (Mutex::new(binaries), Mutex::new(String::new()), Mutex::new(Vec::new()));
    let next = || queue.lock().ok()?.pop_front();
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while let Some(binary) = next() {
                    println!("running {}…", binary.target);
                    let started = Instant::now();
                    let (text, passed) = binary.run(environment).unwrap_or_else(|message| (message, false));
                    let seconds = started.elapsed().as_secs_f64();
                    let (Ok(mut printed), Ok(mut failed)) = (printed.lock(), failed.lock()) else { return };
                    println!("\n-- {} ({seconds:.0} s)\n{}", binary.target, text.trim());
                    printed.push_str(&text);
                    if !passed {
                        failed.push(binary.target);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    if !failed.is_empty() {
        return Err(format!("tests failed in: {}", failed.join(", ")));
    }
    printed.into_inner().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_binaries_are_run() {
        let message = |test: bool, executable: Json| {
            serde_json::json!({
                "reason": "compiler-artifact", "profile": {"test": test}, "executable": executable,
                "target": {"name": "native"}, "manifest_path": "/project/Cargo.toml",
            })
        };
        let found = Binary::of(&message(true, "/target/native".into())).unwrap();
        assert_eq!((found.target.as_str(), found.package.as_os_str()), ("native", "/project".as_ref()));
        assert!(Binary::of(&message(false, "/target/explain".into())).is_none(), "a program");
        assert!(Binary::of(&message(true, Json::Null)).is_none(), "a library");
        assert!(Binary::of(&serde_json::json!({"reason": "build-finished", "success": true})).is_none());
    }
}
