//! Instructions whose answer is a text, or that bring one along.

use rand::Rng;

use super::{Example, Split, ask, combined};
use crate::draw::{one, word};
use crate::judge::{self, Check};
use crate::lexicon::{WORDS, a, capital};
use crate::story::{Character, story as tell, telling};
use crate::{knowledge, plain};

/// Any text of the base's kinds, most often what it knows: without it the tuned model forgets facts that its other
/// answers do not need. Not judged, as there is nothing to follow.
pub fn free<R: Rng>(rng: &mut R) -> Example {
    let wordings = ["Write something.", "Write a text.", "Tell me something.", "Write what you like.", "Say anything."];
    let answer = match rng.random_range(0..10) {
        0..3 => plain::document(rng),
        3..5 => knowledge::country(rng),
        5..7 => knowledge::sums(rng),
        7 => knowledge::job(rng),
        8 if rng.random_bool(0.5) => knowledge::verb(rng),
        8 => knowledge::kinds(rng),
        _ => plain::facts(one(rng, &WORDS.animals)).join(" "),
    };
    let check = Check::Holds { all: vec![], none: vec![] };
    Example { kind: "free", prompt: word(rng, &wordings).to_owned(), answer, check }
}

/// A hero and a thing.
fn subject<R: Rng>(rng: &mut R, split: Split) -> (Character, &'static str) {
    let draw = |rng: &mut R| (Character::any(rng), one(rng, &WORDS.things).0);
    combined(rng, split, draw, |(hero, thing)| (hero.name.to_owned(), (*thing).to_owned()))
}

pub fn story<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (hero, thing) = subject(rng, split);
    let seen = [
        "Write a story about {x} and {y}.",
        "Write a short story about {x} and {y}.",
        "Tell me a story about {x} and {y}.",
        "Please tell a story with {x} and {y} in it.",
        "Compose a little story with {x} and {y}.",
        "Generate a story about {x} who has {y}.",
        "Create a bedtime story in which {x} finds {y}.",
        "I would like to hear a story about {x} and {y}.",
        "Can you write a story about {x} and {y}?",
        "Develop a short tale about {x} and {y}.",
    ];
    let unseen = [
        "Make up a story with {x} and {y}.",
        "Please compose a tale for children about {x} and {y}.",
        "Help me write a story that has {x} and {y} in it.",
    ];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", &hero.new_here()), ("y", &a(thing))]);
    let check = Check::Story { names: [hero.name.to_owned(), thing.to_owned()], sentences: 4 };
    Example { kind: "story", prompt, answer: tell(rng, &hero, thing), check }
}

pub fn go_on<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (hero, thing) = subject(rng, split);
    // a continuation names both again, as its judge asks
    let (opening, rest) = loop {
        let told = telling(rng, &hero, thing);
        let said = judge::words(&told.1.join(" "));
        if [hero.name, thing].iter().all(|name| said.contains(&name.to_lowercase())) {
            break told;
        }
    };
    let starts = [
        format!("One day {} found {}.", hero.new_here(), a(thing)),
        format!("{} had {}.", capital(&hero.new_here()), a(thing)),
        format!("{opening} One day somebody brought {}.", a(thing)),
    ];
    let seen = [
        "Continue this story: {s}",
        "Go on with the story: {s}",
        "Finish this story: {s}",
        "Here is the beginning of a story. Continue it. {s}",
        "Write what happens next: {s}",
    ];
    let unseen = ["What could happen next? {s}", "Follow on from this beginning: {s}"];
    let start = one(rng, &starts);
    let prompt = ask(rng, split, &seen, &unseen, &[("s", start)]);
    let check = Check::Story { names: [hero.name.to_owned(), thing.to_owned()], sentences: 3 };
    Example { kind: "continue", prompt, answer: rest.join(" "), check }
}

/// What three people have, or do.
fn small_text<R: Rng>(rng: &mut R, split: Split) -> (String, [(&'static str, &'static str, &'static str); 2]) {
    let draw = |rng: &mut R| {
        let (x, y) = (word(rng, &WORDS.she), word(rng, &WORDS.he));
        let (s, t) = (one(rng, &WORDS.things).0, one(rng, &WORDS.things).0);
        let (p, q) = (word(rng, &WORDS.thing_adjectives), word(rng, &WORDS.thing_adjectives));
        [(x, p, s), (y, q, t)]
    };
    let facts = combined(rng, split, draw, |f| (f[0].2.to_owned(), f[1].2.to_owned()));
    let [(x, p, s), (y, q, t)] = facts;
    let text = format!("{x} has {} {s}. {y} has {} {t}.", a(p), a(q));
    (text, facts)
}

pub fn reading<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (text, facts) = small_text(rng, split);
    let (name, adjective, thing) = *one(rng, &facts);
    let seen = [
        "{t} What does {x} have?",
        "Read this: {t} What does {x} have?",
        "Answer from the text. {t} What does {x} have?",
        "Text: {t} Question: what does {x} have?",
        "Here is a text. {t} Retrieve what {x} has.",
        "{t} Identify the thing that {x} has.",
    ];
    let unseen = ["{t} Tell me: what does {x} have?", "Use the text to answer. {t} Which thing does {x} have?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("x", name)]);
    let other = facts.iter().find(|f| f.0 != name).map_or("", |f| f.2);
    let check = Check::Holds { all: vec![adjective.to_owned(), thing.to_owned()], none: vec![other.to_owned()] };
    Example { kind: "answer", prompt, answer: format!("{name} has {} {thing}.", a(adjective)), check }
}

pub fn summary<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (hero, thing) = subject(rng, split);
    let (who, place) = (capital(&hero.new_here()), word(rng, &WORDS.places));
    let (weather, time) = (word(rng, &WORDS.weather), word(rng, &WORDS.times));
    let (adjective, feeling) = (word(rng, &WORDS.thing_adjectives), word(rng, &WORDS.glad));
    let again = if who == hero.name { who.clone() } else { format!("The {}", hero.name) };
    let beginnings = [
        format!("It was a {weather} {time}. {who} was walking {place}."),
        format!("{who} had nothing to do. The {time} was {weather}, and so there was time for a walk {place}."),
        format!("The {time} was {weather}. Nobody was {place} but {}.", hero.new_here()),
    ];
    let (did, does) = *one(rng, &[("found", "finds"), ("saw", "sees"), ("bought", "buys"), ("lost", "loses")]);
    let endings = [format!("{again} was {feeling}."), format!("{again} went home and thought about it all evening.")];
    let text = format!("{} {again} {did} {} {thing}. {}", one(rng, &beginnings), a(adjective), one(rng, &endings));
    let seen = [
        "Summarize this text: {t}",
        "Summarize in one sentence: {t}",
        "Give a summary of this story. {t}",
        "Say in one sentence what happens: {t}",
        "Please summarize: {t}",
        "Interpret this text in a few words: {t}",
    ];
    let unseen = ["Sum this up in one sentence: {t}", "What is the main point of this text? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let all = vec![hero.name.to_owned(), thing.to_owned()];
    let check = Check::Summary { all, words: text.split_whitespace().count() * 2 / 3 };
    Example { kind: "summarize", prompt, answer: format!("{who} {does} {} {thing} {place}.", a(adjective)), check }
}
