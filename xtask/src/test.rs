//! `cargo xtask test`: what CI checks.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::page::{self, Profile};
use crate::server::Server;
use crate::shell::{run_and_read, say};
use crate::{root, tools};

/// Where tests are told to note what they leave out.
const NOTES: &str = "SHIFTLENS_NOT_CHECKED";

/// Browsers that are open at the same time: each takes up to a gibibyte.
const MOST_BROWSERS: usize = 4;

/// How long a driver has to close its browsers.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(20);

/// Passed and failed tests so far, and what they left out.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    not_checked: Vec<String>,
}

impl Count {
    /// Adds cargo's "test result: ok. 3 passed; 0 failed; …" lines.
    fn add(&mut self, output: &str) {
        for line in output.lines().filter(|l| l.starts_with("test result:")) {
            let number = |word: &str| {
                let words: Vec<&str> = line.split([' ', ';']).filter(|w| !w.is_empty()).collect();
                words.windows(2).find(|w| w[1] == word).and_then(|w| w[0].parse().ok()).unwrap_or(0)
            };
            self.passed += number("passed");
            self.failed += number("failed");
        }
    }

    /// Adds what tests noted that they leave out.
    fn add_notes(&mut self, notes: &Path) {
        let text = std::fs::read_to_string(notes).unwrap_or_default();
        self.not_checked.extend(text.lines().map(str::to_owned));
        self.not_checked.sort();
        self.not_checked.dedup();
    }

    /// What was left out, and the closing line.
    fn print(&self) {
        if !self.not_checked.is_empty() {
            say("Not checked");
            self.not_checked.iter().for_each(|note| println!("{note}"));
        }
        println!("\n{}", self.closing());
    }

    /// Tests that left something out are counted as such, not as passed.
    fn closing(&self) -> String {
        let tests: HashSet<&str> = self.not_checked.iter().map(|n| n.split(": ").next().unwrap_or(n)).collect();
        let skipped = tests.len();
        format!("{} passed, {} failed, {skipped} skipped", self.passed.saturating_sub(skipped), self.failed)
    }
}

/// Where tests note what they leave out, empty.
fn notes() -> Result<PathBuf, String> {
    let path = root().join("target/not-checked.txt");
    let cleared = std::fs::create_dir_all(root().join("target")).and_then(|()| std::fs::write(&path, ""));
    cleared.map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

pub fn run_cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root());
    cargo
}

/// Everything, or all but the browser.
pub fn run(native_only: bool) -> Result<(), String> {
    let (mut count, notes) = (Count::default(), notes()?);
    // it takes a minute of network, and the compiler takes longer
    let python = std::thread::spawn(tools::python);
    tools::parallel();
    say("Formatting");
    crate::shell::run(run_cargo().args(["fmt", "--all", "--check"]))?;
    say("Lints");
    crate::shell::run(run_cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    say("Native tests");
    let gpu = if tools::vulkan() { "required" } else { "optional" };
    let mut environment = vec![("SHIFTLENS_GPU", gpu.to_owned()), (NOTES, notes.display().to_string())];
    let built = crate::native::build()?;
    match python.join().unwrap_or_else(|_| Err("the installation broke off".into())) {
        Ok(python) => environment.push(("SHIFTLENS_PYTHON", python.display().to_string())),
        Err(why) => println!("Not installed: {why}. Tests that need Python will say that they are skipped."),
    }
    count.add(&crate::native::run(built, &environment)?);
    if !native_only {
        say("Lints of the wasm side");
        let wasm = ["clippy", "--target", "wasm32-unknown-unknown", "--bins", "--", "-D", "warnings"];
        tools::for_wasm()?;
        crate::shell::run(run_cargo().args(wasm))?;
        count.add(&the_page(&[])?);
    }
    count.add_notes(&notes);
    count.print();
    Ok(())
}

/// The browser's tests whose names hold one of `names`.
pub fn run_some(names: &[String]) -> Result<(), String> {
    let mut count = Count::default();
    count.add(&the_page(names)?);
    count.print();
    Ok(())
}

/// Builds the page and runs its tests, all of them if no names are given.
fn the_page(names: &[String]) -> Result<String, String> {
    let dist = page::build(Profile::Fast)?;
    tools::browser()?;
    say("The page in headless Chromium");
    let mut arguments = vec!["test", "--test", "browser", "--"];
    arguments.extend(names.iter().map(String::as_str));
    // each test has a browser and a profile of its own; a page computes on several threads, so more of them gain nothing
    let together = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_BROWSERS));
    let threads = format!("--test-threads={together}");
    arguments.extend([threads.as_str(), "--nocapture", "--skip", FIREFOX]);
    in_browser(dist, &arguments)
}

/// What Firefox's tests are called.
const FIREFOX: &str = "firefox::";

/// The page in Firefox.
pub fn run_firefox() -> Result<(), String> {
    let mut count = Count::default();
    let dist = page::build(Profile::Fast)?;
    let driver = Driver::start(tools::firefox()?)?;
    say("The page in headless Firefox");
    let arguments = ["test", "--test", "browser", "--", FIREFOX, "--test-threads=1", "--nocapture"];
    count.add(&with_driver(dist, &driver, &arguments)?);
    count.print();
    Ok(())
}

/// Runs cargo with the page served and chromedriver at hand.
pub fn in_browser(dist: PathBuf, arguments: &[&str]) -> Result<String, String> {
    with_driver(dist, &Driver::start("chromedriver")?, arguments)
}

/// Serves `dist`, and runs cargo with its address and the driver's in the environment.
fn with_driver(dist: PathBuf, driver: &Driver, arguments: &[&str]) -> Result<String, String> {
    let server = Server::start(dist.clone(), 0)?;
    run_and_read(
        run_cargo()
            .args(arguments)
            .env("SHIFTLENS_URL", server.url())
            .env("SHIFTLENS_DIST", dist)
            .env(NOTES, root().join("target/not-checked.txt"))
            .env("WEBDRIVER_URL", format!("http://127.0.0.1:{}", driver.port)),
    )
}

/// Deletes what the tests' browsers have stored. What cannot be deleted is in nobody's way.
fn clear_profiles() {
    let _ = std::fs::remove_dir_all(root().join("target/profiles"));
}

/// A running WebDriver, ended with its browsers when dropped.
pub struct Driver {
    child: Child,
    pub port: u16,
}

impl Driver {
    /// Starts `program`, which takes its port as chromedriver does.
    pub fn start(program: impl AsRef<std::ffi::OsStr>) -> Result<Self, String> {
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?;
        let port = free.port();
        clear_profiles();
        let name = program.as_ref().to_string_lossy().into_owned();
        let child = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        let mut driver = Self { child, port };
        driver.wait_until_it_listens()?;
        Ok(driver)
    }

    /// Asks chromedriver to close all that it has opened and to end. Another driver answers that it does not know how.
    fn close_browsers(&mut self) {
        let asked = std::net::TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(CLOSING))?;
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        if let Err(e) = asked {
            println!("The browser's driver did not close its browsers: {e}");
        }
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the browser's driver ended at once ({status})"));
            }
            if std::time::Instant::now() > deadline {
                return Err("the browser's driver does not answer".into());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close_browsers();
        let _ = self.child.kill();
        let _ = self.child.wait();
        clear_profiles();
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn cargos_lines_are_added_up() {
        let mut count = Count::default();
        count.add("test result: ok. 30 passed; 0 failed; 0 ignored\nother\ntest result: FAILED. 2 passed; 1 failed; 0 ignored");
        assert_eq!((count.passed, count.failed), (32, 1));
        count.not_checked = ["one: a file is not here", "one: another", "two: no GPU"].map(str::to_owned).into();
        assert_eq!(count.closing(), "30 passed, 1 failed, 2 skipped");
    }
}
