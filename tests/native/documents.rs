//! The documents: every link and image leads somewhere, every path they name exists, and every command they show is one.
//!
//! Commands are only parsed here. The arguments of `cargo xtask` are held against its parser in `xtask/src/main.rs`, those of
//! the examples in `examples/explain/main.rs` and `examples/pair/main.rs`; `examples/explain` also runs some on the bundled pair.

use std::path::{Component, Path, PathBuf};

use markdown::{all, root};

#[path = "../support/documents.rs"]
mod markdown;

/// `docs/../public` is `public`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

#[test]
fn every_link_and_image_leads_somewhere() {
    let documents = all();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in &documents {
        for link in document.links().iter().filter(|l| !l.starts_with("https://")) {
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = document.path.parent().unwrap();
            let path = if file.is_empty() { document.path.clone() } else { plain(&folder.join(file)) };
            let leads = root().join(&path).exists()
                && (anchor.is_empty()
                    || documents.iter().any(|d| d.path == path && d.anchors().iter().any(|a| a == anchor)));
            if !leads {
                wrong.push(format!("{}: {link}", document.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 20, "only {checked} links were found");
}

#[test]
fn every_path_that_is_named_exists() {
    const FOLDERS: [&str; 10] =
        ["src/", "tests/", "examples/", "public/", "docs/", "kernels/", "xtask/", "benches/", "fuzz/", "model/"];
    // made by a command, or a placeholder of a walk through the files
    let is_example = |path: &str| path.contains("foo") || path.contains("NAME") || path.starts_with("fuzz/corpus");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in all() {
        let paths = document
            .inline_code()
            .into_iter()
            .filter(|c| FOLDERS.iter().any(|f| c.starts_with(f)) && !c.contains(char::is_whitespace) && !is_example(c));
        for path in paths {
            checked += 1;
            let exists = ["", "src", "kernels/src"].iter().any(|folder| root().join(folder).join(&path).exists());
            if !exists {
                wrong.push(format!("{}: {path}", document.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 40, "only {checked} paths were found");
}

/// Whether `cargo test`, `bench`, `fuzz` or `install` finds what a command names; none if it is another command.
fn target_exists(command: &str) -> Option<bool> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_file = |path: String| root().join(path).exists();
    Some(match words[1..] {
        ["install", "--path", folder] => is_file(format!("{folder}/Cargo.toml")),
        ["xtask", ..] | ["run", "--release", "--example", ..] => true,
        ["test", "--test", name, ..] => is_file(format!("tests/{name}.rs")) || is_file(format!("tests/{name}/main.rs")),
        ["test", "--lib", filter, ..] => !filter.is_empty() && holds(&root().join("src"), filter),
        ["bench", "--bench", name, ..] => is_file(format!("benches/{name}.rs")),
        ["+nightly", "fuzz", "run", name, ..] => is_file(format!("fuzz/targets/{name}.rs")),
        _ => return None,
    })
}

/// Whether a module below `folder` is called `name`.
fn holds(folder: &Path, name: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.into_iter().any(|path| path.file_stem().is_some_and(|s| s == name) || path.is_dir() && holds(&path, name))
}

#[test]
fn every_command_is_known() {
    let commands: Vec<String> = all().iter().flat_map(|d| d.commands()).collect();
    assert!(commands.len() > 30, "only {} commands were found", commands.len());
    let unknown: Vec<&String> = commands.iter().filter(|c| target_exists(c) != Some(true)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// README shows the two commands that a newcomer types, as they have been from the first day.
#[test]
fn the_two_commands_stay() {
    let readme = all().remove(0);
    assert_eq!(readme.path, Path::new("README.md"));
    for command in ["cargo xtask serve", "cargo xtask test"] {
        assert!(readme.commands().iter().any(|c| c == command), "{command}");
    }
}

/// What the tests above rely on: a heading's anchor is GitHub's, and a command is found without its comment and its variables.
#[test]
fn anchors_and_commands_are_read_as_they_are_shown() {
    let formats = all().into_iter().find(|d| d.path == Path::new("docs/formats.md")).unwrap();
    assert!(formats.anchors().iter().any(|a| a == "results-shiftlensjson"));
    let performance = all().into_iter().find(|d| d.path == Path::new("docs/performance.md")).unwrap();
    assert!(performance.commands().iter().any(|c| c == "cargo xtask bench --alone"), "{:?}", performance.commands());
}
