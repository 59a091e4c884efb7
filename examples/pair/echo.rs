//! Words said once and said again, things and their owners told and asked for: what a small model has to read first, and
//! often, before it learns to look back and copy.

use rand::Rng;

use crate::draw::{one, some, word};
use crate::lexicon::{WORDS, a};
use crate::plain::person;

/// A text whose second half follows from its first.
pub fn echo(rng: &mut impl Rng) -> String {
    if rng.random_bool(0.3) { owners(rng, 5) } else { list(rng, 12) }
}

fn any_word(rng: &mut impl Rng) -> &'static str {
    match rng.random_range(0..8) {
        0 => one(rng, &WORDS.animals).name,
        1 => word(rng, &WORDS.thing_adjectives),
        2 => person(rng),
        3 => {
            let kind = one(rng, &WORDS.kinds);
            word(rng, &kind.members)
        }
        4 => {
            let verb = one(rng, &WORDS.verbs);
            word(rng, &[verb.base, verb.past, verb.ing])
        }
        5 => one(rng, &WORDS.opposites).0,
        6 => {
            let (english, french) = *one(rng, &WORDS.french);
            word(rng, &[english, french])
        }
        _ => one(rng, &WORDS.things).0,
    }
}

/// At most `longest` words, and the same words again.
pub fn list(rng: &mut impl Rng, longest: usize) -> String {
    let n = rng.random_range(1..=longest);
    let said = (0..n).map(|_| any_word(rng)).collect::<Vec<_>>().join(" ");
    let (x, y) = (person(rng), person(rng));
    match rng.random_range(0..7) {
        0 => format!("\"{said},\" said {x}. \"{said},\" repeated {y}."),
        1 => format!("{x} wrote on the wall: {said}. {y} copied it: {said}."),
        2 => format!("The parrot heard: {said}. The parrot said: {said}."),
        3 => format!(
            "The teacher read aloud: {said}. The class read after the teacher: {said}. {x} read it again: {said}."
        ),
        4 => format!("{x} sang: {said}. And the echo came back: {said}."),
        5 => format!("Say {said}. {said}. Say {said} again. {said}."),
        _ => format!(
            "{x} found a note {}. \"{said}\" was written on it. {y} wanted to know what it said, and {x} read: {said}.",
            word(rng, &WORDS.places)
        ),
    }
}

/// Who has what, and then who had it: the answer stands where the same name stood before.
fn owners(rng: &mut impl Rng, longest: usize) -> String {
    let n = rng.random_range(2..=longest.max(2));
    let mut people: Vec<&str> = some(rng, &WORDS.she, n).into_iter().copied().collect();
    if rng.random_bool(0.5) {
        people = some(rng, &WORDS.he, n).into_iter().copied().collect();
    }
    let things = some(rng, &WORDS.things, n);
    let owned: Vec<(&str, &str)> = people.iter().zip(things).map(|(x, t)| (*x, t.0)).collect();
    let told: Vec<String> = owned.iter().map(|(x, t)| format!("{x} has {}.", a(t))).collect();
    let asked = some(rng, &owned, n);
    let answers: Vec<String> = match rng.random_range(0..4) {
        0 => asked.iter().map(|(x, t)| format!("What does {x} have? {x} has {}.", a(t))).collect(),
        1 => asked.iter().map(|(x, t)| format!("Who has the {t}? {x} has the {t}.")).collect(),
        2 => asked.iter().map(|(x, t)| format!("The {t} of {x} is new.")).collect(),
        _ => asked.iter().map(|(x, t)| format!("The {t} belongs to {x}.")).collect(),
    };
    format!("{} {}", told.join(" "), answers.join(" "))
}
