//! A story of the base's taken apart: its sentences, its hero, its names, and what happens in it.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::judge::{self, MOST_REPEATED, STORY_WORDS};
use crate::lexicon::WORDS;

/// The longest story that is asked for, in characters: with its instruction it fits the base's context of 256 tokens.
const LONGEST: usize = 780;
/// What an answer may repeat of its four-word sequences.
const REPEATED_IN_ANSWERS: f64 = 0.02;
/// The longest excerpt that a question is about, in characters.
const EXCERPT: usize = 400;

/// A story.
#[derive(Debug, Clone)]
pub struct Tale {
    pub text: String,
    pub sentences: Vec<String>,
    pub hero: Option<Hero>,
    /// Whether it can be an answer as it is.
    pub whole: bool,
    /// Whether training leaves it out.
    pub held: bool,
}

/// Whom a story is about.
#[derive(Debug, Clone)]
pub struct Hero {
    pub name: String,
    /// "girl".
    pub noun: String,
    /// "a little girl".
    pub phrase: String,
    /// The sentence that introduces the name.
    pub sentence: usize,
}

/// Somebody does something to a thing.
#[derive(Debug, Clone)]
pub struct Event {
    pub subject: String,
    /// "found", "finds".
    pub past: &'static str,
    pub present: &'static str,
    /// "a big, red ball".
    pub object: String,
    /// "ball".
    pub noun: &'static str,
    pub sentence: usize,
    /// Whether the story says he or she.
    pub by_pronoun: bool,
}

/// A word without its marks, and whether a mark follows it.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub word: &'a str,
    pub stop: bool,
}

pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let words = text.split_whitespace().map(|raw| Token {
        word: raw.trim_matches(|c: char| !c.is_alphanumeric()),
        stop: raw.ends_with(|c: char| !c.is_alphanumeric()),
    });
    words.filter(|t| !t.word.is_empty()).collect()
}

impl Tale {
    /// Takes a text apart; none if it is no clean story.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let words = judge::words(text);
        let clean = text.is_ascii()
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.matches('"').count().is_multiple_of(2)
            && words.len() >= STORY_WORDS
            && judge::repeated_4grams(&words) < MOST_REPEATED / 2.0;
        let sentences = sentences(text);
        if !clean || sentences.len() < 5 {
            return None;
        }
        let hero = hero(&sentences);
        let whole = text.len() <= LONGEST
            && text.ends_with(['.', '!', '?', '"'])
            && judge::repeated_4grams(&words) <= REPEATED_IN_ANSWERS
            && !words.iter().any(|w| w == "story");
        let held = Sha256::digest(text)[0] % 10 == 0;
        Some(Self { text: text.to_owned(), sentences, hero, whole, held })
    }

    pub fn excerpt(&self, span: &Range<usize>) -> String {
        self.sentences[span.clone()].join(" ")
    }

    /// The beginning, of two to four sentences, if it is short enough.
    pub fn beginning(&self) -> Option<Range<usize>> {
        self.window(0, 4)
    }

    /// Short parts that follow one another.
    pub fn windows(&self) -> Vec<Range<usize>> {
        (0..self.sentences.len()).step_by(3).filter_map(|from| self.window(from, 3)).collect()
    }

    fn window(&self, from: usize, most: usize) -> Option<Range<usize>> {
        let last = (from + most).min(self.sentences.len());
        (from + 2..=last).rev().map(|to| from..to).find(|span| self.excerpt(span).len() <= EXCERPT)
    }

    /// The sentences up to `at`, from the beginning if that is short enough, else from two before.
    pub fn up_to(&self, at: usize, from_beginning: bool) -> Option<Range<usize>> {
        let spans = [0..at + 1, at.saturating_sub(2)..at + 1];
        let mut spans = spans.into_iter().take(if from_beginning { 1 } else { 2 });
        spans.find(|span| span.len() >= 2 && self.excerpt(span).len() <= EXCERPT)
    }

    /// The nouns of the lists that the story names at least twice, most frequent first.
    pub fn subjects(&self) -> Vec<&'static str> {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for noun in all_nouns(&self.text) {
            match counts.iter_mut().find(|c| c.0 == noun) {
                Some(found) => found.1 += 1,
                None => counts.push((noun, 1)),
            }
        }
        counts.retain(|c| c.1 >= 2 && c.0 != "toy");
        counts.sort_by_key(|c| std::cmp::Reverse(c.1));
        counts.into_iter().map(|c| c.0).collect()
    }

    /// What happens in it, as far as a pattern tells.
    pub fn events(&self) -> Vec<Event> {
        (0..self.sentences.len()).filter_map(|i| self.event(i)).collect()
    }

    fn event(&self, sentence: usize) -> Option<Event> {
        let text = &self.sentences[sentence];
        let words = tokens(text);
        let at = words.iter().position(|t| PAST.iter().any(|p| p.0 == t.word))?;
        if text.contains('"') || at == 0 || words[..at].iter().any(|t| PAST.iter().any(|p| p.0 == t.word)) {
            return None;
        }
        let (past, present) = *PAST.iter().find(|p| p.0 == words[at].word)?;
        let (subject, by_pronoun) = self.subject(&words[..at], sentence)?;
        let (object, noun) = object(&words[at + 1..])?;
        Some(Event { subject, past, present, object, noun, sentence, by_pronoun })
    }

    /// Who did it, from the words before the verb: a name, an animal, or the hero as he or she.
    pub fn subject(&self, before: &[Token], sentence: usize) -> Option<(String, bool)> {
        let last = before.last()?;
        let alone = before.len() == 1 || before[before.len() - 2].stop;
        let known = is_name(last.word) || self.hero.as_ref().is_some_and(|h| h.name == last.word);
        if last.stop {
            return None;
        }
        if known && alone {
            return Some((last.word.to_owned(), false));
        }
        if let ("He" | "She" | "he" | "she", true, Some(hero)) = (last.word, alone, &self.hero) {
            let fits = match gender(&hero.name, &hero.noun) {
                Some(she) => she == last.word.eq_ignore_ascii_case("she"),
                None => false,
            };
            let so_far = self.excerpt(&(0..sentence + 1));
            let only = names(&so_far).iter().all(|n| *n == hero.name) && !PEOPLE.iter().any(|p| holds(&so_far, p));
            return (fits && only && hero.sentence < sentence).then(|| (hero.name.clone(), true));
        }
        let animal = WORDS.animal(last.word).filter(|a| *a == last.word)?;
        let the = before.len().checked_sub(2).map(|i| before[i].word.to_lowercase())?;
        let starts = before.len() == 2 || before[before.len() - 3].stop;
        (the == "the" && starts).then(|| (format!("the {animal}"), false))
    }
}

/// The nouns of the lists in a text, in order and as often as they occur. A noun before another describes it, as the toy
/// of a toy car.
pub fn all_nouns(text: &str) -> Vec<&'static str> {
    let words = tokens(text);
    let noun = |t: &Token| WORDS.noun(t.word.strip_suffix("'s").unwrap_or(t.word));
    let named = words.iter().enumerate().filter_map(|(i, t)| {
        let found = noun(t)?;
        let describes = !t.stop && words.get(i + 1).is_some_and(|next| noun(next).is_some());
        let before = i.checked_sub(1).map_or("", |i| words[i].word);
        let is_noun = !VERBS_TOO.contains(&t.word)
            || DETERMINERS.contains(&before.to_lowercase().as_str())
            || describes_things(before);
        (!describes && is_noun).then_some(found)
    });
    named.collect()
}

/// What is used as a verb as often, or as an adjective.
const VERBS_TOO: [&str; 14] = [
    "slide", "swing", "brush", "present", "star", "mask", "ring", "rock", "train", "plant", "fish", "bug", "bear",
    "orange",
];

const DETERMINERS: [&str; 12] =
    ["a", "an", "the", "his", "her", "their", "my", "your", "some", "this", "that", "another"];

fn describes_things(word: &str) -> bool {
    WORDS.adjectives.contains(&word) || WORDS.other_adjectives.contains(&word)
}

/// People that he or she may stand for.
const PEOPLE: [&str; 14] = [
    "mom", "dad", "mommy", "daddy", "friend", "brother", "sister", "man", "woman", "grandma", "grandpa", "teacher",
    "mother", "father",
];

/// Verbs by which things happen.
const PAST: [(&str, &str); 22] = [
    ("found", "finds"),
    ("saw", "sees"),
    ("lost", "loses"),
    ("bought", "buys"),
    ("caught", "catches"),
    ("ate", "eats"),
    ("built", "builds"),
    ("made", "makes"),
    ("took", "takes"),
    ("got", "gets"),
    ("drew", "draws"),
    ("met", "meets"),
    ("wanted", "wants"),
    ("had", "has"),
    ("opened", "opens"),
    ("broke", "breaks"),
    ("picked", "picks"),
    ("noticed", "notices"),
    ("loved", "loves"),
    ("liked", "likes"),
    ("spotted", "spots"),
    ("brought", "brings"),
];

/// A thing with what is said of it, if that is all there is to it.
fn object(after: &[Token]) -> Option<(String, &'static str)> {
    let first = after.first()?;
    if !["a", "an", "the", "some", "his", "her"].contains(&first.word) || first.stop {
        return None;
    }
    let mut at = 1;
    while at < after.len() && describes_things(after[at].word) {
        at += 1;
    }
    let noun = after.get(at).filter(|_| at <= 4)?;
    let single = WORDS.noun(noun.word)?;
    let ends = noun.stop || after.get(at + 1).is_none_or(|t| FUNCTION.contains(&t.word));
    let text: Vec<String> = after[..=at]
        .iter()
        .map(|t| if t.stop && t.word != noun.word { format!("{},", t.word) } else { t.word.into() })
        .collect();
    ends.then(|| (text.join(" "), single))
}

/// Words that may follow a noun which is not part of another.
const FUNCTION: [&str; 18] = [
    "in", "on", "under", "and", "that", "with", "at", "near", "by", "from", "to", "inside", "behind", "for", "when",
    "but", "while", "next",
];

/// The first that is introduced by name: "a little girl named Lily".
fn hero(sentences: &[String]) -> Option<Hero> {
    for (i, sentence) in sentences.iter().enumerate().take(3) {
        let words = tokens(sentence);
        let Some(at) = words.iter().position(|t| ["named", "called"].contains(&t.word)) else { continue };
        let name = words.get(at + 1)?;
        let alone = name.stop || words.get(at + 2).is_none_or(|t| !["and", "or"].contains(&t.word));
        let whole = words.get(at + 2).is_none_or(|t| name.stop || t.word.starts_with(|c: char| c.is_lowercase()));
        let start = (0..at).rev().take(6).find(|j| ["a", "an"].contains(&words[*j].word))?;
        let noun = words[at - 1].word;
        let plain = name.word.chars().all(char::is_alphabetic)
            && name.word.starts_with(|c: char| c.is_uppercase())
            && name.word.len() > 1
            && noun.chars().all(|c| c.is_ascii_lowercase())
            && start + 1 < at
            && words[start + 1..at - 1].iter().all(|t| t.word != "and" && t.word != "of");
        if !(alone && whole && plain) {
            return None;
        }
        let said = words[start..at].iter().enumerate();
        let phrase: Vec<String> = said
            .map(|(j, t)| if t.stop && start + j + 1 < at { format!("{},", t.word) } else { t.word.to_owned() })
            .collect();
        let (name, noun) = (name.word.to_owned(), noun.to_owned());
        return Some(Hero { name, noun, phrase: phrase.join(" "), sentence: i });
    }
    None
}

/// Whether somebody is she; none if neither name nor noun tells.
pub fn gender(name: &str, noun: &str) -> Option<bool> {
    match noun {
        "girl" | "woman" | "lady" | "princess" | "queen" => Some(true),
        "boy" | "man" | "king" | "prince" => Some(false),
        _ if WORDS.she.contains(&name) => Some(true),
        _ if WORDS.he.contains(&name) => Some(false),
        _ => None,
    }
}

/// Whether this is one of the names.
pub fn is_name(word: &str) -> bool {
    WORDS.she.contains(&word) || WORDS.he.contains(&word)
}

/// What has a capital but is no name.
const NO_NAMES: [&str; 22] = [
    "I",
    "I'm",
    "I'll",
    "I've",
    "I'd",
    "Mom",
    "Dad",
    "Mommy",
    "Daddy",
    "Mama",
    "Papa",
    "Mum",
    "Mummy",
    "Grandma",
    "Grandpa",
    "Mr",
    "Mrs",
    "Miss",
    "Ms",
    "Granny",
    "OK",
    "Christmas",
];

/// The names in a text, in order.
pub fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut begins = true;
    for raw in text.split_whitespace() {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        let word = word.strip_suffix("'s").unwrap_or(word);
        let upper = word.starts_with(|c: char| c.is_uppercase());
        let named = is_name(word) || (upper && !begins && !raw.starts_with('"') && !NO_NAMES.contains(&word));
        if named && !found.iter().any(|n| n == word) {
            found.push(word.to_owned());
        }
        begins = raw.ends_with(['.', '!', '?', '"', ':']);
    }
    found
}

/// Whether a text holds a word, case aside.
pub fn holds(text: &str, word: &str) -> bool {
    let same = |t: &Token| t.word.strip_suffix("'s").unwrap_or(t.word).eq_ignore_ascii_case(word);
    tokens(text).iter().any(|t| same(t) || t.word.eq_ignore_ascii_case(word))
}

/// Sentences with a single space between words. A quotation is not cut.
pub fn sentences(text: &str) -> Vec<String> {
    let (mut out, mut now) = (Vec::new(), String::new());
    let mut quoted = false;
    let words: Vec<&str> = text.split_whitespace().collect();
    for (i, word) in words.iter().enumerate() {
        quoted ^= word.matches('"').count() % 2 == 1;
        if !now.is_empty() {
            now.push(' ');
        }
        now.push_str(word);
        let marked =
            word.trim_end_matches('"').ends_with(['.', '!', '?']) && !["Mr.", "Mrs.", "Ms.", "Dr."].contains(word);
        let next = words.get(i + 1).is_none_or(|w| w.starts_with(|c: char| c.is_uppercase() || c == '"'));
        // "Hello!" Tom said
        let said = word.ends_with('"') && words.get(i + 2).is_some_and(|w| SAID.iter().any(|s| w.starts_with(s)));
        if marked && !quoted && next && !said {
            out.push(std::mem::take(&mut now));
        }
    }
    out
}

const SAID: [&str; 8] = ["said", "asked", "replied", "shouted", "cried", "yelled", "answered", "exclaimed"];

/// Whether a noun is used as a verb as often, so that it cannot simply be replaced.
pub fn ambiguous(noun: &str) -> bool {
    VERBS_TOO.contains(&noun)
}
