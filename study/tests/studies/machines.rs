//! The three documented ways to share a study among machines or processes: each gives the tables that one process gives.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::python::{not_checked, python};
use super::support::{output, plan, root, tables, text};

/// The documented command that begins with `start`, for so many shards, in this folder's words.
fn documented(start: &str, shards: (&str, &str)) -> String {
    let document = std::fs::read_to_string(root().join("docs/studies.md")).unwrap();
    let section = document.split("## Many machines").nth(1).unwrap().split("\n## ").next().unwrap();
    let line = section.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line.contains(shards.0), "{line}");
    line.replace(shards.0, shards.1).replace("PLAN.toml", "plan.toml")
}

/// Runs a shell's command in `folder`, with the study's command on its path.
fn shell(command: &str, folder: &Path, environment: &[(&str, &str)]) {
    let own = Path::new(env!("CARGO_BIN_EXE_shiftlens-study")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("PATH", path).envs(environment.iter().copied());
    let ran = shell.output().unwrap();
    assert!(ran.status.success(), "{command}: {}{}", text(&ran.stdout), text(&ran.stderr));
}

/// A plan of four prompts in `folder`, and its tables by one process.
fn expected(folder: &Path) -> BTreeMap<String, String> {
    let whole = folder.join("whole");
    let ran = output(&["run", &plan(folder, 4, "weights = false", ""), "--out"], &whole);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    tables(&whole)
}

#[test]
fn gnu_parallel_runs_all_shards() {
    let is_gnus = Command::new("parallel").arg("--version").output().is_ok_and(|o| text(&o.stdout).contains("GNU"));
    if !is_gnus {
        return not_checked("GNU parallel is not here");
    }
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    shell(&documented("seq 4 | parallel", ("seq 4", "seq 4")), folder.path(), &[]);
    assert_eq!(tables(&folder.path().join("results")), expected);
}

/// What each task of the array runs: Slurm sets the variable, and runs the text in a shell.
#[test]
fn slurms_array_tasks_are_the_shards() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    let line = documented("sbatch --array=1-40 ", ("40", "3"));
    let (array, task) = line.split_once(" --wrap ").unwrap();
    assert_eq!(array, "sbatch --array=1-3");
    for id in ["1", "2", "3"] {
        shell(task.trim_matches('\''), folder.path(), &[("SLURM_ARRAY_TASK_ID", id)]);
    }
    assert_eq!(tables(&folder.path().join("results")), expected);
}

#[test]
fn ray_runs_all_shards() {
    let Some(python) = python("ray") else { return };
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    let line = documented("python examples/ray_study.py ", (" 40", " 2"));
    let driver = root().join("examples/ray_study.py");
    let arguments = line.strip_prefix("python examples/ray_study.py ").unwrap();
    // a cluster that does not come up would hold all tests
    let command = format!("timeout 300 '{}' '{}' {arguments}", python.display(), driver.display());
    shell(&command, folder.path(), &[("RAY_USAGE_STATS_ENABLED", "0")]);
    assert_eq!(tables(&folder.path().join("results")), expected);
}
