//! The documents as Markdown: their links, their headings' anchors, and the commands they show. `tests/native/documents.rs` uses it,
//! and so do the tests of the programs whose commands the documents show: they know their own arguments.
#![allow(dead_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Examples whose commands the documents also show in short: `explain -- heads`.
const EXAMPLES: [&str; 2] = ["explain", "pair"];

/// A document, with its path from the repository's root.
pub struct Document {
    pub path: PathBuf,
    text: String,
}

/// The repository's root, also for a package within it.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("README.md").exists()).unwrap_or(package).to_owned()
}

/// Every document that people read.
pub fn all() -> Vec<Document> {
    let named =
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "public/lessons/README.md", "public/models/MODEL_CARD.md"];
    let mut paths: Vec<PathBuf> = named.map(PathBuf::from).into();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = Path::new("docs").join(entry.unwrap().file_name());
        if path.extension().is_some_and(|e| e == "md") {
            paths.push(path);
        }
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Document { path, text }
    };
    paths.into_iter().map(read).collect()
}

/// The words of every shown command that begins with `start`, without `start`, each with the document that shows it.
pub fn commands(start: &str) -> Vec<(PathBuf, Vec<String>)> {
    let of = |d: Document| {
        let commands = d.commands();
        commands.into_iter().map(move |c| (d.path.clone(), c))
    };
    let begins = |(path, command): (PathBuf, String)| {
        let rest = command.strip_prefix(start)?;
        Some((path, words(rest)))
    };
    all().into_iter().flat_map(of).filter_map(begins).collect()
}

/// Words of a command or of its synopsis, without the brackets around what may be left out.
fn words(command: &str) -> Vec<String> {
    let trimmed = command.split_whitespace().map(|w| w.trim_matches(['[', ']', '(', ')']));
    trimmed.filter(|w| !w.is_empty() && *w != "|").map(str::to_owned).collect()
}

/// Holds a program's arguments against the documents: what they show after `start` parses, and every subcommand is shown.
pub fn check_program(program: &clap::Command, start: &str) {
    let shown = commands(start);
    for (path, words) in &shown {
        check_arguments(program.clone(), path, words);
    }
    for command in program.get_subcommands() {
        let name = command.get_name();
        assert!(shown.iter().any(|(_, words)| words[0] == name), "no document shows `{start}{name}`");
    }
}

/// Panics unless `program` has the subcommand and the flags in `words`, and the values that a flag `a|b|c` offers.
fn check_arguments(mut program: clap::Command, path: &Path, words: &[String]) {
    program.build();
    let shown = format!("{}: `{}`", path.display(), words.join(" "));
    let (name, rest) = words.split_first().unwrap_or_else(|| panic!("{shown} names no subcommand"));
    let command = program.find_subcommand(name).unwrap_or_else(|| panic!("{shown}: no subcommand {name}"));
    for (at, word) in rest.iter().enumerate() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let argument = command.get_arguments().find(|a| a.get_long() == Some(flag));
        let argument = argument.unwrap_or_else(|| panic!("{shown}: no flag --{flag}"));
        let possible = argument.get_possible_values();
        let offered = rest.get(at + 1).filter(|v| v.contains('|') && !possible.is_empty());
        if let Some(offered) = offered {
            let names: Vec<&str> = possible.iter().map(|p| p.get_name()).collect();
            assert_eq!(offered.split('|').collect::<Vec<_>>(), names, "{shown}: the values of --{flag}");
        }
    }
}

impl Document {
    fn events(&self) -> Parser<'_> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES)
    }

    /// Where its links and images lead.
    pub fn links(&self) -> Vec<String> {
        let target = |event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        };
        self.events().filter_map(target).collect()
    }

    /// What follows the `#` in a link to one of its headings, as GitHub makes it.
    pub fn anchors(&self) -> Vec<String> {
        let (mut anchors, mut seen, mut heading) = (Vec::new(), HashMap::<String, usize>::new(), None);
        for event in self.events() {
            match (event, &mut heading) {
                (Event::Start(Tag::Heading { .. }), heading) => *heading = Some(String::new()),
                (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
                (Event::End(TagEnd::Heading(_)), heading) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let before = seen.entry(slug.clone()).or_default();
                    anchors.push(if *before == 0 { slug } else { format!("{slug}-{before}") });
                    *before += 1;
                }
                _ => {}
            }
        }
        anchors
    }

    /// What stands in code within a sentence.
    pub fn inline_code(&self) -> Vec<String> {
        let code = |event| if let Event::Code(code) = event { Some(code.to_string()) } else { None };
        self.events().filter_map(code).collect()
    }

    /// The commands in its shell blocks and sentences, from `cargo` on.
    pub fn commands(&self) -> Vec<String> {
        let (mut lines, mut in_shell) = (self.inline_code(), false);
        for event in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => in_shell = &*language == "sh",
                Event::End(TagEnd::CodeBlock) => in_shell = false,
                Event::Text(text) if in_shell => lines.extend(text.replace("\\\n", " ").lines().map(str::to_owned)),
                _ => {}
            }
        }
        lines.iter().filter_map(|line| command(line)).collect()
    }
}

fn command(line: &str) -> Option<String> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    if let Some(at) = line.find("cargo ") {
        return Some(line[at..].to_owned());
    }
    let short = EXAMPLES.iter().any(|name| line.starts_with(&format!("{name} -- ")));
    short.then(|| format!("cargo run --release --example {line}"))
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}
