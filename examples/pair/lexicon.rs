//! The words the grammar draws from, read from `words/`.

use std::sync::LazyLock;

pub struct Animal {
    pub name: &'static str,
    pub plural: &'static str,
    /// Where it lives: "in the ...".
    pub home: &'static str,
    pub food: &'static str,
    pub quality: &'static str,
    /// Mammal, bird, ...
    pub class: &'static str,
    /// What it can do.
    pub can: &'static str,
}

pub struct Country {
    pub name: &'static str,
    pub capital: &'static str,
    pub language: &'static str,
    pub known_for: &'static str,
}

/// What somebody works as.
pub struct Job {
    pub name: &'static str,
    /// Where: "in the ...".
    pub place: &'static str,
    /// What there is to do: "knead dough".
    pub task: &'static str,
    pub tool: &'static str,
}

/// A kind of thing.
pub struct Kind {
    pub plural: &'static str,
    /// "a fruit".
    pub one: &'static str,
    /// In the order in which they are listed.
    pub members: Vec<&'static str>,
    /// Kinds of one group are not told apart, as a canoe is both a boat and a vehicle.
    pub group: &'static str,
}

pub struct Verb {
    pub base: &'static str,
    pub past: &'static str,
    pub ing: &'static str,
    pub objects: Vec<&'static str>,
}

pub struct Lexicon {
    pub animals: Vec<Animal>,
    pub kinds: Vec<Kind>,
    pub verbs: Vec<Verb>,
    pub countries: Vec<Country>,
    pub jobs: Vec<Job>,
    /// The first `qualities` can be said of things.
    pub opposites: Vec<(&'static str, &'static str)>,
    pub qualities: usize,
    pub rhymes: Vec<Vec<&'static str>>,
    pub french: Vec<(&'static str, &'static str)>,
    /// Singular and plural.
    pub things: Vec<(&'static str, &'static str)>,
    pub she: Vec<&'static str>,
    pub he: Vec<&'static str>,
    pub hero_adjectives: Vec<&'static str>,
    pub thing_adjectives: Vec<&'static str>,
    pub glad: Vec<&'static str>,
    pub upset: Vec<&'static str>,
    pub weather: Vec<&'static str>,
    pub times: Vec<&'static str>,
    pub adverbs: Vec<&'static str>,
    /// With their word: "by the river".
    pub places: Vec<&'static str>,
}

/// All words.
pub static WORDS: LazyLock<Lexicon> = LazyLock::new(read);

pub const NUMBERS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

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
    let animal = |line| {
        let [name, plural, home, food, quality, class, can] = columns(line);
        Animal { name, plural, home, food, quality, class, can }
    };
    let kind = |line| {
        let [plural, one, members, group] = columns(line);
        Kind { plural, one, members: list(members), group }
    };
    let verb = |line| {
        let [base, past, ing, objects] = columns(line);
        Verb { base, past, ing, objects: list(objects) }
    };
    let country = |line| {
        let [name, capital, language, known_for] = columns(line);
        Country { name, capital, language, known_for }
    };
    let job = |line| {
        let [name, place, task, tool] = columns(line);
        Job { name, place, task, tool }
    };
    let qualities = pairs(include_str!("words/opposites.txt"));
    let mut people = lines(include_str!("words/people.txt")).map(words);
    let mut describing = lines(include_str!("words/describing.txt"));
    let mut next = || describing.next().unwrap_or_default();
    Lexicon {
        animals: lines(include_str!("words/animals.txt")).map(animal).collect(),
        kinds: lines(include_str!("words/kinds.txt")).map(kind).collect(),
        verbs: lines(include_str!("words/verbs.txt")).map(verb).collect(),
        countries: lines(include_str!("words/countries.txt")).map(country).collect(),
        jobs: lines(include_str!("words/jobs.txt")).map(job).collect(),
        qualities: qualities.len(),
        opposites: [qualities, pairs(include_str!("words/opposites_other.txt"))].concat(),
        rhymes: lines(include_str!("words/rhymes.txt")).map(words).collect(),
        french: pairs(include_str!("words/french.txt")),
        things: pairs(include_str!("words/things.txt")),
        she: people.next().unwrap_or_default(),
        he: people.next().unwrap_or_default(),
        hero_adjectives: words(next()),
        thing_adjectives: words(next()),
        glad: words(next()),
        upset: words(next()),
        weather: words(next()),
        times: words(next()),
        adverbs: words(next()),
        places: next().split('|').collect(),
    }
}

/// "a" or "an" before `word`.
pub fn article(word: &str) -> &'static str {
    let word = word.to_lowercase();
    let begins = |with: &[&str]| with.iter().any(|w| word.starts_with(w));
    let vowel = begins(&["a", "e", "i", "o", "u"]) && !begins(&["uni", "one", "eu", "use"]);
    if vowel || begins(&["honest", "hour", "honour", "heir"]) { "an" } else { "a" }
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
