//! The words the instructions draw from, read from `words/`: all are common in the base's own stories.

use std::sync::LazyLock;

/// A kind of thing.
pub struct Kind {
    pub plural: &'static str,
    /// "a fruit".
    pub one: &'static str,
    /// In the order in which they are listed.
    pub members: Vec<&'static str>,
    /// Kinds of one group are not told apart, as a pumpkin may be called both a fruit and a vegetable.
    pub group: &'static str,
}

pub struct Verb {
    pub base: &'static str,
    pub past: &'static str,
    pub ing: &'static str,
    pub objects: Vec<&'static str>,
}

pub struct Lexicon {
    /// Singular and plural.
    pub animals: Vec<(&'static str, &'static str)>,
    /// Singular and plural.
    pub things: Vec<(&'static str, &'static str)>,
    pub kinds: Vec<Kind>,
    pub verbs: Vec<Verb>,
    pub opposites: Vec<(&'static str, &'static str)>,
    pub rhymes: Vec<Vec<&'static str>>,
    /// The words for each place.
    pub places: Vec<Vec<&'static str>>,
    pub feelings: Vec<&'static str>,
    pub she: Vec<&'static str>,
    pub he: Vec<&'static str>,
    /// What is said of things.
    pub adjectives: Vec<&'static str>,
    /// What else stands before a noun in a story.
    pub other_adjectives: Vec<&'static str>,
}

/// All words.
pub static WORDS: LazyLock<Lexicon> = LazyLock::new(read);

pub const NUMBERS: &[&str] = &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// The columns of a line; what is missing is empty.
fn columns<const N: usize>(line: &'static str) -> [&'static str; N] {
    let mut parts = line.split('|').map(str::trim);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn list(text: &'static str) -> Vec<&'static str> {
    text.split(',').map(str::trim).collect()
}

fn words(line: &'static str) -> Vec<&'static str> {
    line.split_whitespace().collect()
}

fn pairs(text: &'static str) -> Vec<(&'static str, &'static str)> {
    lines(text).filter_map(|l| l.split_once(' ')).collect()
}

fn read() -> Lexicon {
    let kind = |line| {
        let [plural, one, members, group] = columns(line);
        Kind { plural, one, members: list(members), group }
    };
    let verb = |line| {
        let [base, past, ing, objects] = columns(line);
        Verb { base, past, ing, objects: list(objects) }
    };
    let mut people = lines(include_str!("words/people.txt")).map(words);
    let mut adjectives = lines(include_str!("words/adjectives.txt")).map(words);
    Lexicon {
        animals: pairs(include_str!("words/animals.txt")),
        things: pairs(include_str!("words/things.txt")),
        kinds: lines(include_str!("words/kinds.txt")).map(kind).collect(),
        verbs: lines(include_str!("words/verbs.txt")).map(verb).collect(),
        opposites: pairs(include_str!("words/opposites.txt")),
        rhymes: lines(include_str!("words/rhymes.txt")).map(words).collect(),
        places: lines(include_str!("words/places.txt")).map(words).collect(),
        feelings: lines(include_str!("words/feelings.txt")).collect(),
        she: people.next().unwrap_or_default(),
        he: people.next().unwrap_or_default(),
        adjectives: adjectives.next().unwrap_or_default(),
        other_adjectives: adjectives.next().unwrap_or_default(),
    }
}

impl Lexicon {
    /// The singular of a noun of either list, given in either number.
    pub fn noun(&self, word: &str) -> Option<&'static str> {
        let mut all = self.animals.iter().chain(&self.things);
        all.find(|(one, many)| *one == word || *many == word).map(|n| n.0)
    }

    /// The singular of an animal, given in either number.
    pub fn animal(&self, word: &str) -> Option<&'static str> {
        self.animals.iter().find(|(one, many)| *one == word || *many == word).map(|n| n.0)
    }

    /// The kind that a word is a member of.
    pub fn kind(&self, word: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.members.contains(&word))
    }

    /// The plural of a noun of either list; the word itself if it is of none.
    pub fn plural<'a>(&self, word: &'a str) -> &'a str {
        let mut all = self.animals.iter().chain(&self.things);
        all.find(|(one, _)| *one == word).map_or(word, |n| n.1)
    }
}

/// "a" or "an" before `word`.
pub fn article(word: &str) -> &'static str {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) || word.to_lowercase().starts_with("um");
    if vowel && word != "one" { "an" } else { "a" }
}

/// `word` with its article.
pub fn a(word: &str) -> String {
    format!("{} {word}", article(word))
}

/// `text` with a capital first letter.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// "a", "a and b", "a, b and c".
pub fn series(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
