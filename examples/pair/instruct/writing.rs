//! Instructions whose answer is a story.

use rand::Rng;

use super::stories::{Find, Found, Stories};
use super::tale::{Tale, all_nouns, gender};
use super::{Example, Split, ask};
use crate::draw::held_out;
use crate::judge::Check;
use crate::lexicon::{WORDS, a};

pub const NAME: &str = "story about a name";
const WORDS_IN: &str = "story with two words";
const EVENT: &str = "story in which";
const ABOUT: &str = "story about a thing";
const CONTINUE: &str = "continue";

pub const FINDERS: [(&str, Find); 5] =
    [(WORDS_IN, find_words), (EVENT, find_event), (NAME, find_name), (ABOUT, find_about), (CONTINUE, find_continue)];

fn all(tale: &Tale) -> std::ops::Range<usize> {
    0..tale.sentences.len()
}

/// What a story is about, if its first half says so: what was asked for has to come soon.
fn subjects(tale: &Tale) -> Vec<&'static str> {
    let mut subjects = if tale.whole { tale.subjects() } else { Vec::new() };
    let begins = all_nouns(&tale.excerpt(&(0..tale.sentences.len().div_ceil(2))));
    subjects.retain(|noun| begins.contains(noun));
    subjects
}

/// The sentences in which both words have to come: the model has to learn that what is asked for comes soon.
const SOON: usize = 5;

/// Two nouns of the first sentences, of which the story goes on to tell of one at least.
fn find_words(tale: &Tale) -> Vec<Found> {
    let subjects = subjects(tale);
    let mut soon = all_nouns(&tale.excerpt(&(0..tale.sentences.len().min(SOON))));
    soon.retain(|noun| *noun != "toy");
    let mut found = Vec::new();
    for (i, x) in soon.iter().enumerate().filter(|(i, x)| !soon[..*i].contains(x)) {
        for y in soon[i + 1..].iter().filter(|y| *y != x) {
            let pair = Found::new(all(tale), &[x, y]).with_pair(x, y);
            let again = found.iter().any(|other: &Found| other.pair == pair.pair);
            if !again && (subjects.contains(x) || subjects.contains(y)) {
                found.push(pair);
            }
        }
    }
    found
}

fn find_event(tale: &Tale) -> Vec<Found> {
    if !tale.whole {
        return Vec::new();
    }
    let soon = tale.sentences.len().div_ceil(2);
    let events = tale.events().into_iter().filter(|e| e.sentence < soon && !e.object.starts_with("the "));
    let told = events.filter(|e| !["had", "loved", "liked"].contains(&e.past));
    told.map(|e| {
        let subject = e.subject.strip_prefix("the ").map_or(e.subject.clone(), a);
        let happens = format!("{subject} {} {}", e.present, e.object);
        let who = e.subject.trim_start_matches("the ");
        Found::new(all(tale), &[&happens, who, e.noun]).with_pair(e.past, e.noun)
    })
    .collect()
}

fn find_name(tale: &Tale) -> Vec<Found> {
    let Some(hero) = tale.hero.as_ref().filter(|h| tale.whole && gender(&h.name, &h.noun).is_some()) else {
        return Vec::new();
    };
    vec![Found::new(all(tale), &[&hero.name, &hero.noun])]
}

fn find_about(tale: &Tale) -> Vec<Found> {
    subjects(tale).iter().take(2).map(|x| Found::new(all(tale), &[x]).with_pair(x, ABOUT)).collect()
}

fn find_continue(tale: &Tale) -> Vec<Found> {
    let beginning = 0..2;
    let hero = tale.hero.as_ref().filter(|h| h.sentence < 2 && tale.whole);
    let Some(hero) = hero else { return Vec::new() };
    let rest = tale.excerpt(&(2..tale.sentences.len()));
    let check = Check::Story { names: vec![hero.name.clone()] };
    if check.accepts(&rest) { vec![Found::new(beginning, &[&hero.name])] } else { Vec::new() }
}

fn story(kind: &'static str, prompt: String, answer: String, names: &[&str]) -> Example {
    let check = Check::Story { names: names.iter().map(|n| (*n).to_owned()).collect() };
    Example { kind, prompt, answer, check }
}

pub fn with_words<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, WORDS_IN, split);
    // in the order in which the story names them: the second is what is still to come once the first was told of
    let (x, y) = (&asked.facts[0], &asked.facts[1]);
    let seen = [
        "Write a story about {x} and {y}.",
        "Write a story with {x} and {y}.",
        "Write a short story about {x} and {y}.",
        "Tell me a story about {x} and {y}.",
        "Please tell a story with {x} and {y} in it.",
        "I would like to hear a story about {x} and {y}.",
        "Make up a story in which there is {x} and {y}.",
        "Tell a story that has {x} and {y} in it.",
    ];
    let unseen = [
        "Make up a little story with {x} and {y}.",
        "Help me write a story that has {x} and {y} in it.",
        "I want to read a story about {x} and {y}.",
    ];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", &a(x)), ("y", &a(y))]);
    story(WORDS_IN, prompt, asked.tale.text.clone(), &[x, y])
}

pub fn event<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, EVENT, split);
    let seen = [
        "Write a story in which {e}.",
        "Tell me a story in which {e}.",
        "Write a short story in which {e}.",
        "Make up a story where {e}.",
        "Please tell a story in which {e}.",
        "I would like a story where {e}.",
    ];
    let unseen = ["Tell a little story where {e}.", "Write something for me in which {e}."];
    let prompt = ask(rng, split, &seen, &unseen, &[("e", &asked.facts[0])]);
    story(EVENT, prompt, asked.tale.text.clone(), &[&asked.facts[1], &asked.facts[2]])
}

pub fn about_name<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, NAME, split);
    let (name, noun) = (&asked.facts[0], &asked.facts[1]);
    debug_assert_eq!(held_out(NAME, name), split == Split::Combination);
    let named = format!("{} named {name}", a(noun));
    let who = if rng.random_bool(0.5) { &named } else { name };
    let seen = [
        "Write a story about {x}.",
        "Tell me a story about {x}.",
        "Write a short story about {x}.",
        "Please tell a story about {x}.",
        "Make up a story about {x}.",
        "I would like to hear a story about {x}.",
    ];
    let unseen = ["Let me hear a story about {x}.", "Write me a little story about {x}."];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", who)]);
    story(NAME, prompt, asked.tale.text.clone(), &[name])
}

pub fn about_thing<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, ABOUT, split);
    let x = &asked.facts[0];
    let seen = [
        "Write a story about {x}.",
        "Tell me a story about {x}.",
        "Write a short story with {x} in it.",
        "Please tell a story with {x}.",
        "Make up a story about {x}.",
        "I would like to hear a story about {x}.",
    ];
    let unseen = ["Let me hear a story about {x}.", "Write me a little story with {x}."];
    let named = if rng.random_bool(0.15) { WORDS.plural(x).to_owned() } else { a(x) };
    let prompt = ask(rng, split, &seen, &unseen, &[("x", &named)]);
    story(ABOUT, prompt, asked.tale.text.clone(), &[x])
}

pub fn go_on<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let asked = stories.draw(rng, CONTINUE, split);
    let seen = [
        "Continue this story: {s}",
        "Go on with this story: {s}",
        "Finish this story: {s}",
        "Here is the beginning of a story. Continue it. {s}",
        "Write what happens next: {s}",
        "Tell me how this story goes on: {s}",
    ];
    let unseen = ["What could happen next? {s}", "This is how a story begins. Tell the rest. {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &asked.text)]);
    let rest = asked.tale.excerpt(&(asked.span.end..asked.tale.sentences.len()));
    story(CONTINUE, prompt, rest, &[&asked.facts[0]])
}
