//! What a component is about, estimated from its words (METHODS.md, section 3).
//!
//! The paper asks a chat model for a task (writing, math, coding, translation) and a linguistic level (phonology,
//! morphology, syntax, semantics). There is no server here: small lists of words and rules over a component's leading
//! words stand in, and every word that counted is shown as evidence.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::atlas::NamedComponent;

/// Leading words that are looked at.
const WORDS: usize = 30;
/// How many of them must speak for a label.
const ENOUGH: usize = 4;

/// What users ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Stories, letters, style.
    Writing,
    /// Numbers and reckoning.
    Math,
    /// Programs.
    Coding,
    /// Languages.
    Translation,
    /// None of these.
    None,
}

/// The level of language that holds a component's words together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Words that sound alike: a common beginning or rhyme.
    Phonology,
    /// Forms of one word, or one ending.
    Morphology,
    /// Words that hold sentences together.
    Syntax,
    /// Meaning: whatever none of the others explains.
    Semantics,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Writing, Self::Math, Self::Coding, Self::Translation, Self::None];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Math => "math",
            Self::Coding => "coding",
            Self::Translation => "translation",
            Self::None => "none",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Writing => include_str!("tasks/writing.txt"),
            Self::Math => include_str!("tasks/math.txt"),
            Self::Coding => include_str!("tasks/coding.txt"),
            Self::Translation => include_str!("tasks/translation.txt"),
            Self::None => "",
        }
    }
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Phonology, Self::Morphology, Self::Syntax, Self::Semantics];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phonology => "phonology",
            Self::Morphology => "morphology",
            Self::Syntax => "syntax",
            Self::Semantics => "semantics",
        }
    }
}

/// An estimate, and the words that speak for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label<T> {
    /// What is estimated.
    pub value: T,
    /// The words that counted, in the component's order.
    pub evidence: Vec<String>,
}

/// Endings that make one word of another.
const SUFFIXES: &[&str] =
    &["ing", "ed", "ly", "er", "est", "ness", "tion", "ment", "able", "ful", "less", "ist", "ity", "ous", "ive", "ies"];

/// Words that hold sentences together.
const FUNCTION_WORDS: &str = include_str!("tasks/function.txt");

fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|w| w == word)
}

/// The task whose list holds most of the component's leading words, if it holds four or more and more than any other.
pub fn task(component: &NamedComponent) -> Label<Task> {
    let leading: Vec<&String> = component.words.iter().take(WORDS).map(|w| &w.0).collect();
    let counted = Task::ALL.map(|task| {
        let evidence: Vec<String> =
            leading.iter().filter(|w| has(task.words(), &w.to_lowercase())).map(|w| (*w).clone()).collect();
        (task, evidence)
    });
    let most = counted.iter().map(|(_, e)| e.len()).max().unwrap_or(0);
    let mut best = counted.into_iter().filter(|(_, e)| e.len() == most);
    match (best.next(), best.next()) {
        (Some((value, evidence)), None) if most >= ENOUGH => Label { value, evidence },
        _ => Label { value: Task::None, evidence: Vec::new() },
    }
}

/// The first of these that holds for enough of the leading words: syntax (a third are function words), morphology (forms
/// of one stem, or a third share an ending such as -ing or -ness), phonology (a third begin or rhyme alike); else
/// semantics.
pub fn level(component: &NamedComponent) -> Label<Level> {
    let leading: Vec<String> = component.words.iter().take(WORDS).map(|w| w.0.to_lowercase()).collect();
    let third = (leading.len() / 3).max(ENOUGH);
    let function: Vec<String> = leading.iter().filter(|w| has(FUNCTION_WORDS, w)).cloned().collect();
    if function.len() >= third {
        return Label { value: Level::Syntax, evidence: function };
    }
    let stem = |w: &str| w.chars().take(5).collect::<String>();
    let long = |n: usize| move |w: &&String| w.chars().count() >= n;
    let ends = |n: usize| move |w: &str| w.chars().rev().take(n).collect::<String>();
    let stems = largest(leading.iter().filter(long(6)), stem);
    if stems.len() >= ENOUGH {
        return Label { value: Level::Morphology, evidence: stems };
    }
    let suffix = |w: &str| SUFFIXES.iter().find(|s| w.ends_with(**s)).map_or_else(String::new, |s| (*s).to_owned());
    let endings = largest(leading.iter().filter(long(6)).filter(|w| !suffix(w).is_empty()), suffix);
    if endings.len() >= third {
        return Label { value: Level::Morphology, evidence: endings };
    }
    let sounds = [
        largest(leading.iter().filter(long(3)), |w| w.chars().take(2).collect()),
        largest(leading.iter().filter(long(3)), ends(2)),
    ];
    let [begin, rhyme] = sounds;
    let alike = if begin.len() >= rhyme.len() { begin } else { rhyme };
    match alike.len() >= third {
        true => Label { value: Level::Phonology, evidence: alike },
        false => Label { value: Level::Semantics, evidence: Vec::new() },
    }
}

/// The largest group of words that agree in `part`.
fn largest<'a>(words: impl Iterator<Item = &'a String>, part: impl Fn(&str) -> String) -> Vec<String> {
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for word in words {
        groups.entry(part(word)).or_default().push(word.clone());
    }
    let best = groups.into_iter().max_by(|a, b| a.1.len().cmp(&b.1.len()).then(b.0.cmp(&a.0)));
    best.map(|(_, words)| words).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(words: &str) -> NamedComponent {
        NamedComponent { share: 0.1, words: words.split(' ').map(|w| (w.to_owned(), 1.0)).collect() }
    }

    #[test]
    fn tasks_are_told_by_their_words() {
        let of = |words: &str| task(&component(words));
        let math = of("seven plus table equation eleven minus green");
        assert_eq!((math.value, math.evidence.len()), (Task::Math, 5));
        assert_eq!(of("poem chapter novel rhyme cow").value, Task::Writing);
        assert_eq!(of("function variable compiler string loop").value, Task::Coding);
        assert_eq!(of("French German translate English cow").value, Task::Translation);
        assert_eq!(of("cow grass farm milk plus seven").value, Task::None);
    }

    #[test]
    fn levels_are_told_by_their_form() {
        let of = |words: &str| level(&component(words)).value;
        assert_eq!(of("of the with and to cow"), Level::Syntax);
        assert_eq!(of("translate translated translating translation cow milk"), Level::Morphology);
        assert_eq!(of("quickly slowly gladly bravely proudly cow grass"), Level::Morphology);
        assert_eq!(of("string stray strap stand cow milk"), Level::Phonology);
        assert_eq!(of("cow milk grass farm barn hay field"), Level::Semantics);
    }
}
