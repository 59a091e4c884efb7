//! What tests of the command share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// On the CPU unless the test says otherwise: opening a software GPU for every checkpoint takes half of the tests' time.
pub fn command(arguments: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shiftlens-study"));
    let is_run = arguments.first() == Some(&"run") && !arguments.contains(&"--backend");
    command.args(arguments).arg(out).args(if is_run { &["--backend", "cpu"][..] } else { &[] });
    command
}

pub fn output(arguments: &[&str], out: &Path) -> Output {
    command(arguments, out).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `limit` short prompts on the bundled pair with more settings and more checkpoints.
pub fn plan(folder: &Path, limit: usize, settings: &str, more: &str) -> String {
    let prompts = root().join("public/findings/held-out.jsonl");
    let models = root().join("public/models");
    let plan = format!(
        "[settings]\nlimit = 3\n{settings}\n[[checkpoint]]\nname = \"base\"\npath = '{0}/stories-base.gguf'\ntemplate = \"off\"\n{more}\
         [[checkpoint]]\nname = \"tuned\"\npath = '{0}/stories-tuned.gguf'\n\
         [[prompts]]\nname = \"held-out\"\npath = '{1}'\nlimit = {limit}\n",
        models.display(),
        prompts.display()
    );
    let path = folder.join("plan.toml");
    std::fs::write(&path, plan).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Every table's file, by name, after a merge that must work.
pub fn tables(out: &Path) -> BTreeMap<String, String> {
    let merged = output(&["merge"], out);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let files = std::fs::read_dir(out.join("tables")).unwrap().map(|e| e.unwrap().path());
    let named = |file: PathBuf| (file.file_name().unwrap().to_str().unwrap().to_owned(), file);
    files.map(named).map(|(name, file)| (name, std::fs::read_to_string(file).unwrap())).collect()
}
