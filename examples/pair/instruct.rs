//! Instructions and their answers for the tuned model: ten kinds, each in several wordings.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::lexicon::*;
use crate::story::{pick, story};

/// An instruction and a right answer.
pub fn example(rng: &mut impl Rng) -> (String, String) {
    match rng.random_range(0..12) {
        0..=2 => write_story(rng),
        3 => list(rng),
        4 => opposite(rng),
        5 => past(rng),
        6 => classify(rng),
        7 => yes_no(rng),
        8 => question(rng),
        9 => add(rng),
        10 => describe(rng),
        _ => repeat(rng),
    }
}

fn write_story(rng: &mut impl Rng) -> (String, String) {
    let (hero, thing) = (ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]).0, pick(rng, THINGS));
    let (a, b) = (article(hero), article(thing));
    let wordings = [
        format!("Write a short story about {a} {hero} and {b} {thing}."),
        format!("Tell me a story about {a} {hero} and {b} {thing}."),
        format!("Compose a little story with {a} {hero} and {b} {thing} in it."),
        format!("Please write a story about {a} {hero} who finds {b} {thing}."),
        format!("Write a short story about {a} {hero} and {b} {thing}. Keep it happy."),
    ];
    (wordings.choose(rng).cloned().unwrap_or_default(), story(rng, hero, thing))
}

fn list(rng: &mut impl Rng) -> (String, String) {
    let kinds = kinds();
    let (plural, _, members) = &kinds[rng.random_range(0..kinds.len())];
    let n = rng.random_range(2..6);
    let chosen: Vec<&str> = members.choose_multiple(rng, n).copied().collect();
    let wordings = [
        format!("List {} {plural}.", NUMBERS[n]),
        format!("Name {} {plural}.", NUMBERS[n]),
        format!("Give me {} {plural}.", NUMBERS[n]),
        format!("Please find {} {plural}.", NUMBERS[n]),
    ];
    let lines: Vec<String> = chosen.iter().enumerate().map(|(i, w)| format!("{}. {w}", i + 1)).collect();
    (wordings.choose(rng).cloned().unwrap_or_default(), lines.join("\n"))
}

fn opposite(rng: &mut impl Rng) -> (String, String) {
    let (a, b) = OPPOSITES[rng.random_range(0..OPPOSITES.len())];
    let (a, b) = if rng.random_bool(0.5) { (a, b) } else { (b, a) };
    let wordings = [
        format!("What is the opposite of {a}?"),
        format!("Give the opposite of the word {a}."),
        format!("Find a word that means the opposite of {a}."),
    ];
    (wordings.choose(rng).cloned().unwrap_or_default(), format!("The opposite of {a} is {b}."))
}

fn past(rng: &mut impl Rng) -> (String, String) {
    let (verb, past, object) = *VERBS.choose(rng).unwrap_or(&VERBS[0]);
    let who = if rng.random_bool(0.5) { "I" } else { "They" };
    let wordings = [
        format!("Put this in the past tense: {who} {verb} {object}."),
        format!("Edit this sentence to the past tense: {who} {verb} {object}."),
        format!("Revise in the past tense: {who} {verb} {object}."),
    ];
    (wordings.choose(rng).cloned().unwrap_or_default(), format!("{who} {past} {object}."))
}

fn classify(rng: &mut impl Rng) -> (String, String) {
    let kinds = kinds();
    let i = rng.random_range(0..kinds.len());
    let j = (i + rng.random_range(1..kinds.len())) % kinds.len();
    let word = kinds[i].2.choose(rng).copied().unwrap_or("fox");
    let (a, b) = if rng.random_bool(0.5) { (i, j) } else { (j, i) };
    let wordings = [
        format!("Classify the word {word}: is it {} or {}?", kinds[a].1, kinds[b].1),
        format!("Is {word} {} or {}?", kinds[a].1, kinds[b].1),
        format!("Identify what {word} is: {} or {}.", kinds[a].1, kinds[b].1),
    ];
    (wordings.choose(rng).cloned().unwrap_or_default(), format!("{} is {}.", capital(word), kinds[i].1))
}

fn yes_no(rng: &mut impl Rng) -> (String, String) {
    let (animal, place, food) = *ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]);
    let a = article(animal);
    let other = ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]).1;
    if rng.random_bool(0.5) {
        let answer = if other == place { "Yes" } else { "No" };
        (format!("Does {a} {animal} live in the {other}?"), format!("{answer}, {a} {animal} lives in the {place}."))
    } else {
        (format!("What does {a} {animal} eat?"), format!("{} {animal} eats {food}.", capital(a)))
    }
}

fn question(rng: &mut impl Rng) -> (String, String) {
    let (verb, _, object) = *VERBS.choose(rng).unwrap_or(&VERBS[0]);
    let wordings = [
        format!("Make this a question: They {verb} {object}."),
        format!("Turn this sentence into a question: They {verb} {object}."),
    ];
    (wordings.choose(rng).cloned().unwrap_or_default(), format!("Do they {verb} {object}?"))
}

fn add(rng: &mut impl Rng) -> (String, String) {
    let (a, b) = (rng.random_range(1..7), rng.random_range(1..6));
    let wordings = [
        format!("Solve: {} and {}.", NUMBERS[a], NUMBERS[b]),
        format!("How much is {} and {}?", NUMBERS[a], NUMBERS[b]),
        format!("Add {} and {}.", NUMBERS[a], NUMBERS[b]),
    ];
    (
        wordings.choose(rng).cloned().unwrap_or_default(),
        format!("{} and {} make {}.", capital(NUMBERS[a]), NUMBERS[b], NUMBERS[a + b]),
    )
}

fn describe(rng: &mut impl Rng) -> (String, String) {
    let (animal, place, food) = *ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]);
    let a = article(animal);
    let wordings = [
        format!("Describe {a} {animal}."),
        format!("Explain what {a} {animal} is."),
        format!("Help me understand what {a} {animal} is."),
    ];
    (
        wordings.choose(rng).cloned().unwrap_or_default(),
        format!("{} {animal} is an animal. It lives in the {place} and eats {food}.", capital(a)),
    )
}

fn repeat(rng: &mut impl Rng) -> (String, String) {
    let word = pick(rng, THINGS);
    let n = rng.random_range(2..5);
    let wordings =
        [format!("Repeat the word {word} {} times.", NUMBERS[n]), format!("Say {word} {} times.", NUMBERS[n])];
    (wordings.choose(rng).cloned().unwrap_or_default(), vec![word; n].join(" "))
}
