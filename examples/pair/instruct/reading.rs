//! Questions about what happens in a short part of a story.

use rand::Rng;

use super::stories::{Asked, Find, Found, Stories};
use super::tale::{self, Tale, holds, names, tokens};
use super::{Example, Split, ask};
use crate::draw::word;
use crate::judge::Check;
use crate::lexicon::{WORDS, a, capital};

const WHO: &str = "who";
const HERO: &str = "hero";
const WHAT: &str = "what";
const WHERE: &str = "where";
const HAPPY: &str = "ends happily";
const SAD: &str = "ends sadly";
const FEELING: &str = "feeling";

pub const FINDERS: [(&str, Find); 7] = [
    (WHO, find_who),
    (HERO, find_hero),
    (WHAT, find_what),
    (WHERE, find_where),
    (HAPPY, |tale| find_ending(tale, true)),
    (SAD, |tale| find_ending(tale, false)),
    (FEELING, find_feeling),
];

pub fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// The nouns of a text in order, animals only or things only.
pub fn nouns(text: &str, animals: bool) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for noun in tale::all_nouns(text) {
        if WORDS.animal(noun).is_some() == animals && !found.contains(&noun) {
            found.push(noun);
        }
    }
    found
}

/// The beginning if its hero is named in it, and the hero.
pub fn introduced(tale: &Tale) -> Option<(std::ops::Range<usize>, &tale::Hero)> {
    let span = tale.beginning()?;
    let hero = tale.hero.as_ref().filter(|h| h.sentence < span.end)?;
    Some((span, hero))
}

fn find_who(tale: &Tale) -> Vec<Found> {
    introduced(tale).map(|(span, hero)| Found::new(span, &[&hero.name])).into_iter().collect()
}

pub fn who<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, WHO, split);
    let seen = [
        "Who is this story about? {t}",
        "{t} Who is this story about?",
        "Say who the story is about: {t}",
        "What is the name of the hero of this story? {t}",
        "Read this: {t} Who is it about?",
        "Here is a story. {t} Tell me who it is about.",
    ];
    let unseen = ["Whom does this story tell about? {t}", "{t} What is the name of the one in this story?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &asked.text)]);
    let name = &asked.facts[0];
    let none = names(&asked.text).into_iter().filter(|n| n != name).collect();
    let check = Check::Holds { all: vec![name.clone()], none };
    Example { kind: WHO, prompt, answer: format!("The story is about {name}."), check }
}

/// What a hero can be.
const BEINGS: [&str; 10] = ["girl", "boy", "dog", "cat", "bird", "bear", "rabbit", "fish", "man", "frog"];

fn find_hero(tale: &Tale) -> Vec<Found> {
    let fits = introduced(tale).filter(|(_, hero)| BEINGS.contains(&hero.noun.as_str()));
    fits.map(|(span, hero)| Found::new(span, &[&hero.noun, &hero.name])).into_iter().collect()
}

pub fn hero<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, HERO, split);
    let (noun, name) = (asked.facts[0].as_str(), &asked.facts[1]);
    let absent: Vec<&str> = BEINGS.into_iter().filter(|b| !holds(&asked.text, b)).collect();
    let other = match noun {
        "girl" if absent.contains(&"boy") && rng.random_bool(0.6) => "boy",
        "boy" if absent.contains(&"girl") && rng.random_bool(0.6) => "girl",
        _ => word(rng, &absent),
    };
    let (x, y) = if rng.random_bool(0.5) { (noun, other) } else { (other, noun) };
    let seen = [
        "Is this story about {x} or {y}? {t}",
        "{t} Is {n} {x} or {y}?",
        "Does this story tell of {x} or {y}? {t}",
        "Say whether the story is about {x} or {y}: {t}",
        "Read this: {t} Is it about {x} or {y}?",
    ];
    let unseen = ["{t} Tell me if this is about {x} or {y}.", "Whom is this story about, {x} or {y}? {t}"];
    let values = [("t", asked.text.as_str()), ("x", &a(x)), ("y", &a(y)), ("n", name)];
    let prompt = ask(rng, split, &seen, &unseen, &values);
    let check = Check::Holds { all: owned(&[noun]), none: owned(&[other]) };
    Example { kind: HERO, prompt, answer: format!("It is about {}.", a(noun)), check }
}

/// What is asked of: "found" and "What did Lily find?".
const BASES: [(&str, &str); 22] = [
    ("found", "find"),
    ("saw", "see"),
    ("lost", "lose"),
    ("bought", "buy"),
    ("caught", "catch"),
    ("ate", "eat"),
    ("built", "build"),
    ("made", "make"),
    ("took", "take"),
    ("got", "get"),
    ("drew", "draw"),
    ("met", "meet"),
    ("wanted", "want"),
    ("had", "have"),
    ("opened", "open"),
    ("broke", "break"),
    ("picked", "pick"),
    ("noticed", "notice"),
    ("loved", "love"),
    ("liked", "like"),
    ("spotted", "spot"),
    ("brought", "bring"),
];

fn find_what(tale: &Tale) -> Vec<Found> {
    let asked = tale.events().into_iter().filter_map(|e| {
        let base = BASES.iter().find(|b| b.0 == e.past)?.1;
        let span = tale.up_to(e.sentence, e.by_pronoun)?;
        let once = tale.sentences[span.clone()].iter().filter(|s| holds(s, e.past)).count() == 1;
        once.then(|| Found::new(span, &[&e.subject, base, e.past, &e.object, e.noun]))
    });
    asked.collect()
}

pub fn what<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, WHAT, split);
    let [subject, base, past, object, noun] = [0, 1, 2, 3, 4].map(|i| facts[i].as_str());
    let seen = [
        "What did {x} {b}? {t}",
        "{t} What did {x} {b}?",
        "Read this: {t} What did {x} {b}?",
        "Answer from the story: what did {x} {b}? {t}",
        "Say what {x} {p}: {t}",
        "Here is a story. {t} What did {x} {b}?",
    ];
    let unseen = ["{t} Tell me what {x} {p}.", "Find out what {x} {p} in this story: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("x", subject), ("b", base), ("p", past)]);
    let mut others = nouns(&text, true);
    others.extend(nouns(&text, false));
    others.retain(|n| *n != noun && !object.contains(n) && !subject.contains(n));
    let check = Check::Holds { all: owned(&[noun]), none: owned(&others) };
    Example { kind: WHAT, prompt, answer: format!("{} {past} {object}.", capital(subject)), check }
}

/// Where one is at, not in.
const AT: [&str; 9] = ["park", "beach", "zoo", "playground", "market", "museum", "lake", "river", "pond"];

fn find_where(tale: &Tale) -> Vec<Found> {
    let asked = tale.windows().into_iter().filter_map(|span| {
        let text = tale.excerpt(&span);
        let named: Vec<_> = WORDS.places.iter().filter(|p| p.iter().any(|w| holds(&text, w))).collect();
        let [place] = named[..] else { return None };
        let words = tokens(&text);
        let (before, there) = words.windows(3).find_map(|w| {
            let fits =
                ["in", "at", "on", "to"].contains(&w[0].word) && w[1].word == "the" && place.contains(&w[2].word);
            fits.then_some((w[0].word, w[2].word))
        })?;
        let at = match (before, there) {
            ("to", "farm") => "on",
            ("to", place) if AT.contains(&place) => "at",
            (_, "lake" | "river" | "pond") => "at",
            ("to", _) => "in",
            (before, _) => before,
        };
        Some(Found::new(span, &[there, at]))
    });
    asked.collect()
}

pub fn place<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw_rare(rng, WHERE, split, |facts| facts[0] == "park");
    let (place, at) = (facts[0].as_str(), &facts[1]);
    let seen = [
        "Where does this take place? {t}",
        "{t} Where does this happen?",
        "Where did this happen? {t}",
        "Say where this story takes place: {t}",
        "Read this: {t} Where does it happen?",
        "Name the place of this story: {t}",
    ];
    let unseen = ["{t} What is the place of this story?", "Tell me where this happens: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let none = WORDS.places.iter().filter(|p| !p.contains(&place)).map(|p| p[0].to_owned()).collect();
    let check = Check::Holds { all: owned(&[place]), none };
    Example { kind: WHERE, prompt, answer: format!("It takes place {at} the {place}."), check }
}

const GLAD: [&str; 9] = ["happy", "happily", "glad", "smiled", "proud", "laughed", "hugged", "fun", "smile"];
const UNHAPPY: [&str; 6] = ["sad", "sadly", "cried", "tears", "crying", "unhappy"];
const COMFORT: [&str; 12] =
    ["better", "safe", "friend", "friends", "thanked", "love", "wait", "again", "soon", "tomorrow", "okay", "hug"];
const DOUBT: [&str; 9] = ["not", "but", "never", "didn't", "wasn't", "no", "couldn't", "scared", "angry"];

fn find_ending(tale: &Tale, glad: bool) -> Vec<Found> {
    let n = tale.sentences.len();
    let span = n - 3..n;
    let text = tale.excerpt(&span);
    let last = tale.excerpt(&(n - 2..n));
    let any = |words: &[&str]| words.iter().any(|w| holds(&text, w));
    let clear = match glad {
        true => any(&GLAD) && !any(&UNHAPPY) && !any(&DOUBT),
        false => UNHAPPY.iter().any(|w| holds(&last, w)) && !any(&GLAD) && !any(&COMFORT),
    };
    let fits = tale.text.ends_with(['.', '!', '?', '"']) && clear && text.len() < 400;
    if fits { vec![Found::new(span, &[])] } else { Vec::new() }
}

pub fn ending<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let (kind, how, not) = if rng.random_bool(0.5) { (HAPPY, "happily", "sad") } else { (SAD, "sadly", "happ") };
    let asked = stories.draw(rng, kind, split);
    let seen = [
        "How does this story end, happily or sadly? {t}",
        "Does this story end happily or sadly? {t}",
        "{t} Is this a happy or a sad ending?",
        "Say whether this ends happily or sadly: {t}",
        "Here is the end of a story. {t} Is it happy or sad?",
    ];
    let unseen = ["{t} Does it end in a happy or in a sad way?", "Is the end of this story sad or happy? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &asked.text)]);
    let check = Check::Says { this: how[..if how == "sadly" { 3 } else { 4 }].to_owned(), not: not.to_owned() };
    Example { kind: "ending", prompt, answer: format!("The story ends {how}."), check }
}

fn find_feeling(tale: &Tale) -> Vec<Found> {
    let asked = (0..tale.sentences.len()).filter_map(|i| {
        let sentence = &tale.sentences[i];
        if sentence.contains('"') {
            return None;
        }
        let words = tokens(sentence);
        let was = words.iter().position(|t| ["was", "felt"].contains(&t.word))?;
        let (subject, by_pronoun) = tale.subject(&words[..was], i)?;
        let at = was + 1 + usize::from(["so", "very", "really"].contains(&words.get(was + 1)?.word));
        let feeling = words.get(at).filter(|t| WORDS.feelings.contains(&t.word))?.word;
        let ends =
            words[at].stop || words.get(at + 1).is_none_or(|t| ["to", "when", "that", "because"].contains(&t.word));
        let span = tale.up_to(i, by_pronoun)?;
        let text = tale.excerpt(&span);
        let only = WORDS.feelings.iter().filter(|f| holds(&text, f)).count() == 1;
        (ends && only).then(|| Found::new(span, &[&subject, feeling]))
    });
    asked.collect()
}

pub fn feeling<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw_rare(rng, FEELING, split, |facts| facts[1] == "happy");
    let (subject, feeling) = (facts[0].as_str(), facts[1].as_str());
    let seen = [
        "How did {x} feel? {t}",
        "{t} How did {x} feel?",
        "Read this: {t} How did {x} feel?",
        "Say how {x} felt: {t}",
        "Answer from the story: how did {x} feel? {t}",
    ];
    let unseen = ["{t} Tell me how {x} felt.", "What did {x} feel in this story? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("x", subject)]);
    let none = WORDS.feelings.iter().filter(|f| **f != feeling).map(|f| (*f).to_owned()).collect();
    let check = Check::Holds { all: owned(&[feeling]), none };
    Example { kind: FEELING, prompt, answer: format!("{} felt {feeling}.", capital(subject)), check }
}
