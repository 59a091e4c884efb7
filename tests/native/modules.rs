//! Who may use whom: the modules of `src` from the ground up, as ARCHITECTURE.md lists them, and no circle of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files by their module's path ("app::teach::coach"), each with the modules that it uses.
struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    fn read() -> Self {
        let mut files = Vec::new();
        collect(Path::new("src"), &mut files);
        let sources: BTreeMap<String, String> = files.iter().map(|f| (module(f), source(f))).collect();
        let uses = sources.iter().map(|(name, text)| {
            let targets = paths(text).into_iter().filter_map(|p| resolve(name, &p, &sources));
            (name.clone(), targets.filter(|t| t != name).collect())
        });
        Self(uses.collect())
    }

    /// What can be reached from `from`, and how.
    fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for next in self.0.get(at).into_iter().flatten() {
                if !before.contains_key(next.as_str()) {
                    before.insert(next, at);
                    open.push(next);
                }
            }
        }
        let mut way = vec![to.to_owned()];
        while way.len() == 1 || way[way.len() - 1] != from {
            way.push((*before.get(way[way.len() - 1].as_str())?).to_owned());
        }
        way.reverse();
        Some(way)
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|s| s == "tests");
        if path.is_dir() && !is_test {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !is_test {
            files.push(path);
        }
    }
}

/// "src/app/teach/mod.rs" is "app::teach".
fn module(file: &Path) -> String {
    let name = file.with_extension("");
    let parts: Vec<&str> = name.iter().skip(1).map(|p| p.to_str().unwrap()).filter(|p| *p != "mod").collect();
    parts.join("::")
}

/// A file without its comments and its tests.
fn source(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap().replace("\r\n", "\n");
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path in a text that begins with `crate` or `super`, with its braces taken apart.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                tree("", &text[at..], &mut found);
            }
        }
    }
    found
}

/// Reads one tree of a path; gives what follows it.
fn tree<'a>(prefix: &str, text: &'a str, found: &mut Vec<String>) -> &'a str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let whole = format!("{prefix}{path}");
    let Some(mut inside) = rest.strip_prefix('{').filter(|_| path.ends_with("::")) else {
        found.push(whole);
        return rest;
    };
    loop {
        inside = tree(&whole, inside.trim_start(), found);
        let end = inside.find([',', '}']).unwrap_or(inside.len()); // after "as other"
        inside = match inside[end..].strip_prefix(',') {
            Some(more) if !more.trim_start().starts_with('}') => more,
            Some(more) => return more.trim_start().strip_prefix('}').unwrap_or_default(),
            None => return inside[end..].strip_prefix('}').unwrap_or_default(),
        };
    }
}

/// The module that a path in the module `from` leads to: the longest part of it that is a file.
fn resolve(from: &str, path: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut at: Vec<&str> = if from.is_empty() { Vec::new() } else { from.split("::").collect() };
    for part in path.split("::").filter(|p| !p.is_empty() && *p != "self") {
        match part {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            part => at.push(part),
        }
    }
    (1..=at.len()).rev().map(|n| at[..n].join("::")).find(|name| files.contains_key(name))
}

fn top_module(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The modules in the table of ARCHITECTURE.md, from the ground up.
fn top_modules() -> Vec<String> {
    let text = std::fs::read_to_string("ARCHITECTURE.md").unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    rows.collect()
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let (top_modules, graph) = (top_modules(), Graph::read());
    let place = |top_module: &str| top_modules.iter().position(|r| r == top_module);
    let ours = graph.0.iter().filter(|(name, _)| place(top_module(name)).is_some());
    let wrong: Vec<String> = ours
        .flat_map(|(name, uses)| {
            let below = move |used: &&String| place(top_module(used)) > place(top_module(name));
            uses.iter().filter(below).map(move |used| format!("{name} uses {used}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for folder in std::fs::read_dir("src").unwrap().map(|e| e.unwrap()).filter(|e| e.path().is_dir()) {
        let name = folder.file_name().into_string().unwrap();
        assert!(name == "bin" || top_modules.contains(&name), "ARCHITECTURE.md does not list {name}");
    }
}

/// A translator needs no other module: values come as text and numbers.
#[test]
fn the_strings_on_the_page_know_no_other_room() {
    let graph = Graph::read();
    let files: Vec<_> = graph.0.iter().filter(|(name, _)| top_module(name) == "wording").collect();
    assert!(files.len() > 10, "the module of strings is not where it was");
    for (name, uses) in files {
        let foreign: Vec<_> = uses.iter().filter(|used| top_module(used) != "wording").collect();
        assert!(foreign.is_empty(), "{name} uses {foreign:?}");
    }
}

/// Files that need each other can only be understood together. A folder's own file may name its parts, and they it: the
/// folder is what is understood.
#[test]
fn no_files_use_each_other_in_a_circle() {
    let graph = Graph::read();
    for name in graph.0.keys().filter(|name| top_module(name) == "app") {
        if let Some(way) = graph.way(name, name) {
            panic!("a circle: {}", way.join(" -> "));
        }
    }
}

#[test]
fn paths_are_found_in_trees() {
    let text = "use crate::a::{self, b::{C, d}, e as f};\nuse super::g;\nlet x = crate::h::i();";
    assert_eq!(
        paths(text),
        ["crate::a::self", "crate::a::b::C", "crate::a::b::d", "crate::a::e", "crate::h::i", "super::g"]
    );
}
