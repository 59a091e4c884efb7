//! Running other programs, and saying so.

use std::path::Path;
use std::process::{Command, Stdio};

/// Prints a heading for what comes next.
pub fn say(what: &str) {
    println!("\n== {what}");
}

/// Runs `command`; fails with its words if it does.
pub fn run(command: &mut Command) -> Result<(), String> {
    let words = describe(command);
    let status = command.status().map_err(|e| format!("{words}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{words} failed ({status})")) }
}

/// Runs `command` and shows nothing; fails with the last line that it said if it does.
pub fn run_quietly(command: &mut Command) -> Result<(), String> {
    let words = describe(command);
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{words}: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().last().unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("{words} failed ({}): {last}", output.status)) }
}

/// Runs `command`, passing its output on and keeping it.
pub fn run_and_read(command: &mut Command) -> Result<String, String> {
    read(command, |line| println!("{line}"))
}

/// Runs `command` and keeps its output. Its errors are passed on.
pub fn run_and_read_quietly(command: &mut Command) -> Result<String, String> {
    read(command, |_| ())
}

fn read(command: &mut Command, each: impl Fn(&str)) -> Result<String, String> {
    use std::io::{BufRead, BufReader};
    let words = describe(command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("{words}: {e}"))?;
    let mut text = String::new();
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            each(&line);
            text.push_str(&line);
            text.push('\n');
        }
    }
    let status = child.wait().map_err(|e| format!("{words}: {e}"))?;
    if status.success() { Ok(text) } else { Err(format!("{words} failed ({status})")) }
}

/// The first line a program prints, if it runs.
pub fn first_line(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    format!("`{program} {}`", arguments.join(" "))
}

/// Opens `url` in the user's browser, if the system knows how.
pub fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if Command::new(opener).arg(url).stderr(Stdio::null()).spawn().is_err() {
        println!("Could not open a browser; the address is above.");
    }
}
