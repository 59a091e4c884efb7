//! A plan: which checkpoints, in order, on which prompts, and how. Read whole, with every problem by its line.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use shiftlens::explain::By;
use shiftlens::explain::attribution::Mode;
use shiftlens::explain::findings::parse_prompts;
use shiftlens::model::head::Target;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::hub::Wanted;
use crate::study::{Checkpoint, PromptSet, Settings, Study, Template, VERSION};

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The plan's line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads a plan whose paths are relative to `folder`; the files that it names are looked at, not run.
pub fn parse(text: &str, folder: &Path) -> Result<Study, Vec<Problem>> {
    let line = |at: usize| 1 + text.get(..at).unwrap_or(text).matches('\n').count();
    let table = DeTable::parse(text)
        .map_err(|e| vec![Problem { line: line(e.span().map_or(0, |s| s.start)), what: e.message().to_owned() }])?;
    let mut reader = Reader { text, folder, problems: Vec::new() };
    let study = reader.study(&table);
    reader.problems.sort_by_key(|p| p.line);
    if reader.problems.is_empty() { Ok(study) } else { Err(reader.problems) }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// Collects problems while it reads.
struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    problems: Vec<Problem>,
}

/// The fields of `[settings]`.
const FIELDS: [&str; 10] = ["response", "limit", "by", "target", "mode", "levels", "floor", "norm", "kl", "weights"];

impl Reader<'_> {
    fn problem(&mut self, at: usize, what: impl Into<String>) {
        let line = 1 + self.text.get(..at).unwrap_or(self.text).matches('\n').count();
        self.problems.push(Problem { line, what: what.into() });
    }

    fn study(&mut self, table: &Spanned<DeTable>) -> Study {
        self.known(table.get_ref(), "the plan", &["name", "settings", "checkpoint", "prompts"]);
        let named = table.get_ref().contains_key("name");
        let name = named.then(|| self.string(table.get_ref(), "name", 0)).flatten().unwrap_or_default();
        let settings = table.get_ref().get("settings").map(|v| self.settings(v)).unwrap_or_default();
        let checkpoints = self.each(table.get_ref(), "checkpoint", Self::checkpoint);
        let sets = self.each(table.get_ref(), "prompts", Self::prompts);
        let of_settings = table.get_ref().get("settings").and_then(|v| v.get_ref().as_table());
        let weights = of_settings.and_then(|table| self.flag(table, "weights")).unwrap_or(true);
        Study { version: VERSION, name, settings, checkpoints, sets, weights, imported: false }
    }

    fn known(&mut self, table: &DeTable, what: &str, names: &[&str]) {
        for key in table.keys().filter(|k| !names.contains(&k.get_ref().as_ref())) {
            let said = format!("{what} has no field “{}”; it has {}.", key.get_ref(), names.join(", "));
            self.problem(key.span().start, said);
        }
    }

    /// Every `[[name]]` of the plan; each has a name of its own.
    fn each<T: Named>(
        &mut self,
        table: &DeTable,
        name: &str,
        mut read: impl FnMut(&mut Self, &DeTable, usize) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = table.get(name) else {
            self.problem(0, format!("there is no [[{name}]]; a plan needs at least one."));
            return Vec::new();
        };
        let Some(all) = value.get_ref().as_array() else {
            self.problem(value.span().start, format!("“{name}” is written [[{name}]], once for each."));
            return Vec::new();
        };
        let mut found: Vec<T> = Vec::new();
        for value in all.iter() {
            let at = value.span().start;
            let Some(table) = value.get_ref().as_table() else {
                self.problem(at, format!("“{name}” is written [[{name}]], once for each."));
                continue;
            };
            let Some(one) = read(self, table, at) else { continue };
            if found.iter().any(|f| f.name() == one.name()) {
                self.problem(at, format!("two [[{name}]] are called “{}”.", one.name()));
            }
            found.push(one);
        }
        found
    }

    fn settings(&mut self, value: &Value) -> Settings {
        let mut found = Settings::default();
        let Some(table) = value.get_ref().as_table() else {
            self.problem(value.span().start, "“settings” is written [settings].");
            return found;
        };
        self.known(table, "[settings]", &FIELDS);
        let responses = [("last", false), ("own", true)];
        found.own = self.choice(table, "response", &responses).unwrap_or(found.own);
        let by = [("token", By::Token), ("word", By::Word), ("sentence", By::Sentence)];
        found.by = self.choice(table, "by", &by).unwrap_or(found.by);
        let targets = [("prob", Target::Prob), ("logprob", Target::Logprob), ("logit", Target::Logit)];
        found.target = self.choice(table, "target", &targets).unwrap_or(found.target);
        let modes = [("auto", Mode::Auto), ("forward", Mode::Forward), ("reverse", Mode::Reverse)];
        found.mode = self.choice(table, "mode", &modes).unwrap_or(found.mode);
        found.limit = self.number(table, "limit", 1, 4096).unwrap_or(found.limit);
        found.levels.count = self.number(table, "levels", 1, 255).map_or(found.levels.count, |n| n as u8);
        found.levels.floor = self.number(table, "floor", 0, 254).map_or(found.levels.floor, |n| n as u8);
        found.levels.norm = self.number(table, "norm", 2, 64).map_or(found.levels.norm, |n| n as f32);
        found.kl = self.flag(table, "kl").unwrap_or(found.kl);
        if found.levels.floor >= found.levels.count {
            self.problem(value.span().start, "“floor” must be below “levels”: otherwise every level would be zero.");
        }
        found
    }

    fn checkpoint(&mut self, table: &DeTable, at: usize) -> Option<Checkpoint> {
        self.known(table, "[[checkpoint]]", &["name", "path", "hub", "storage", "template"]);
        let name = self.string(table, "name", at);
        let (path, wanted) = match table.contains_key("hub") {
            true => (Some(PathBuf::new()), Some(self.wanted(table, at)?)),
            false => (self.path(table, at), None),
        };
        let templates = [("own", Template::Own), ("off", Template::Off)];
        let template = self.choice(table, "template", &templates).unwrap_or_default();
        Some(Checkpoint { name: name?, path: path?, wanted, template, ..Checkpoint::default() })
    }

    /// A repository of the hub.
    fn wanted(&mut self, table: &DeTable, at: usize) -> Option<Wanted> {
        if table.contains_key("path") {
            self.problem(at, "a checkpoint has a “path” or a “hub”, not both.");
        }
        let storage = table.contains_key("storage").then(|| self.string(table, "storage", at)).flatten();
        let text = self.string(table, "hub", at)?;
        let read = Wanted::read(&text, storage);
        read.inspect_err(|why| self.problem(at, why.clone())).ok()
    }

    fn prompts(&mut self, table: &DeTable, at: usize) -> Option<PromptSet> {
        self.known(table, "[[prompts]]", &["name", "path", "limit"]);
        let name = self.string(table, "name", at);
        let limit = self.number(table, "limit", 1, 1_000_000).unwrap_or(usize::MAX);
        let path = self.path(table, at)?;
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        let set = text.and_then(|text| {
            let cases = parse_prompts(&text).map_err(|e| e.to_string())?;
            let followed = followed(&text, cases.len())?;
            Ok((cases, followed))
        });
        match set {
            Ok((mut cases, mut followed)) => {
                cases.truncate(limit);
                followed.truncate(limit);
                Some(PromptSet { name: name?, cases, followed })
            }
            Err(why) => {
                self.problem(at, format!("{}: {why}", path.display()));
                None
            }
        }
    }

    fn string(&mut self, table: &DeTable, name: &str, at: usize) -> Option<String> {
        let Some(value) = table.get(name) else {
            self.problem(at, format!("“{name}” is missing."));
            return None;
        };
        match value.get_ref().as_str().filter(|s| !s.trim().is_empty()) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.problem(value.span().start, format!("“{name}” must be a string in quotes."));
                None
            }
        }
    }

    /// A file or folder that is there.
    fn path(&mut self, table: &DeTable, at: usize) -> Option<PathBuf> {
        let path = self.folder.join(self.string(table, "path", at)?);
        if path.exists() {
            return Some(path);
        }
        self.problem(at, format!("{} does not exist. Paths are relative to the plan's folder.", path.display()));
        None
    }

    fn number(&mut self, table: &DeTable, name: &str, least: usize, most: usize) -> Option<usize> {
        let value = table.get(name)?;
        let integer = value.get_ref().as_integer();
        let number = integer.and_then(|i| usize::from_str_radix(i.as_str(), i.radix()).ok());
        let found = number.filter(|n| (least..=most).contains(n));
        if found.is_none() {
            self.problem(value.span().start, format!("“{name}” must be a whole number from {least} to {most}."));
        }
        found
    }

    fn flag(&mut self, table: &DeTable, name: &str) -> Option<bool> {
        let value = table.get(name)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.problem(value.span().start, format!("“{name}” must be true or false."));
        }
        found
    }

    fn choice<T: Copy>(&mut self, table: &DeTable, name: &str, all: &[(&str, T)]) -> Option<T> {
        let value = table.get(name)?;
        let found = value.get_ref().as_str().and_then(|s| all.iter().find(|(n, _)| *n == s));
        if found.is_none() {
            let names: Vec<String> = all.iter().map(|(n, _)| format!("“{n}”")).collect();
            self.problem(value.span().start, format!("“{name}” must be one of {}.", names.join(", ")));
        }
        found.map(|(_, v)| *v)
    }
}

/// What a line of a prompt set says beside its prompt.
#[derive(Deserialize)]
struct Annotated {
    response: Option<String>,
    followed: Option<bool>,
}

/// Whether the responses of a set of `count` prompts follow their instructions; empty where no line says so.
fn followed(text: &str, count: usize) -> Result<Vec<Option<bool>>, String> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())).filter(|(_, line)| !line.is_empty());
    let one = |(number, line): (usize, &str)| match line.starts_with('{') {
        true => match serde_json::from_str(line) {
            Ok(Annotated { response: None, followed: Some(_) }) => Err(format!(
                "Line {number}: “followed” is about a response, and there is none. Give the response that you judged, too."
            )),
            Ok(found) => Ok(found.followed),
            Err(e) => Err(format!("Line {number}: “followed” must be true or false ({e}).")),
        },
        false => Ok(None),
    };
    let mut found = lines.map(one).collect::<Result<Vec<_>, _>>()?;
    // a header is the one line that is no prompt
    found.drain(..found.len().saturating_sub(count));
    Ok(if found.iter().any(Option::is_some) { found } else { Vec::new() })
}

/// What is told apart by its name.
trait Named {
    fn name(&self) -> &str;
}

impl Named for Checkpoint {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for PromptSet {
    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        parse(text, folder).err().unwrap_or_default().iter().map(Problem::to_string).collect()
    }

    const GOOD: &str = "name = \"Stories\"\n[settings]\nresponse = \"own\"\nlimit = 0x10\n[[checkpoint]]\nname = \"base\"\npath = \"Cargo.toml\"\n\
                        template = \"off\"\n[[prompts]]\nname = \"a\"\npath = \"../public/findings/held-out.jsonl\"\nlimit = 3\n";

    #[test]
    fn a_plan_is_read() {
        let study = parse(GOOD, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!((study.settings.own, study.settings.limit, study.sets[0].cases.len()), (true, 16, 3));
        assert_eq!(study.name, "Stories");
        assert_eq!((study.checkpoints[0].name.as_str(), study.checkpoints[0].template), ("base", Template::Off));
    }

    #[test]
    fn every_problem_is_said_with_its_line() {
        let found = problems(
            "[settings]\nresponse = 3\nlimit = -1\nby = \"letter\"\nfloor = 20\nspeed = 1\nkl = 1\n[[checkpoint]]\npath = \"none.gguf\"\n\
             [[checkpoint]]\nname = \" \"\npath = \"Cargo.toml\"\n[[prompts]]\nname = \"a\"\n\
             [[checkpoint]]\nname = \"c\"\nhub = \"a/b/c\"\n[[checkpoint]]\nname = \"d\"\nhub = \"a/b\"\npath = \"Cargo.toml\"\n",
        );
        let said = found.join("\n");
        for wanted in [
            "line 2: “response” must be one of “last”, “own”.",
            "line 3: “limit” must be a whole number from 1 to 4096.",
            "line 4: “by” must be one of",
            "“floor” must be below “levels”",
            "line 6: [settings] has no field “speed”",
            "line 7: “kl” must be true or false.",
            "line 8: “name” is missing.",
            "none.gguf does not exist.",
            "line 11: “name” must be a string",
            "line 13: “path” is missing.",
            "line 15: “a/b/c” is neither an address nor a repository's name.",
            "line 18: a checkpoint has a “path” or a “hub”, not both.",
        ] {
            assert!(said.contains(wanted), "{wanted}\n{said}");
        }
    }

    #[test]
    fn a_set_says_which_responses_follow() {
        let text = "prompt\tinstruction\n{\"prompt\": \"a\", \"response\": \"b\", \"followed\": true}\n\nb\n\
                    {\"prompt\": \"c\", \"response\": \"d\", \"followed\": false}\n";
        assert_eq!(followed(text, 3), Ok(vec![Some(true), None, Some(false)]));
        assert_eq!(followed("a\nb\n", 2), Ok(Vec::new()));
        let said = followed("{\"prompt\": \"a\", \"followed\": \"yes\"}", 1).unwrap_err();
        assert!(said.starts_with("Line 1: “followed” must be true or false"), "{said}");
        // a judgement is about one text, not about whatever a checkpoint says
        let said = followed("{\"prompt\": \"a\", \"followed\": true}", 1).unwrap_err();
        assert!(said.starts_with("Line 1: “followed” is about a response"), "{said}");
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        assert!(problems("[settings\n")[0].starts_with("line 1: "));
        assert_eq!(problems("").len(), 2);
        assert!(problems("checkpoint = 1\nprompts = [1]")[0].contains("is written [[checkpoint]]"));
        assert!(
            problems(&format!("{GOOD}[[checkpoint]]\nname=\"base\"\npath=\"Cargo.toml\""))[0]
                .contains("are called “base”")
        );
    }
}
