//! Plain text for the base model: stories, facts, weather, dialogues.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::lexicon::*;

/// One of `list`.
pub fn pick<'a, T: ?Sized>(rng: &mut impl Rng, list: &'a [&'a T]) -> &'a T {
    list.choose(rng).copied().unwrap_or(list[0])
}

/// A document of one to three paragraphs' worth of plain text.
pub fn document(rng: &mut impl Rng) -> String {
    match rng.random_range(0..10) {
        0..=4 => {
            let (hero, thing) = (ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]).0, pick(rng, THINGS));
            story(rng, hero, thing)
        }
        5 => facts(rng),
        6 => weather(rng),
        7 => dialogue(rng),
        8 => listing(rng),
        _ => sums(rng),
    }
}

/// A story in which `hero` and `thing` both appear, four to six sentences long.
pub fn story(rng: &mut impl Rng, hero: &str, thing: &str) -> String {
    let (place, other) = (pick(rng, PLACES), pick(rng, PLACES));
    let (colour, weather) = (pick(rng, COLOURS), pick(rng, WEATHER));
    let adjective = pick(rng, &["little", "young", "clever", "old", "brave", "quiet", "lonely", "funny"]);
    let friend = ANIMALS.choose(rng).map_or("bird", |a| if a.0 == hero { "bird" } else { a.0 });
    let feeling = pick(rng, &["happy", "proud", "calm", "glad"]);
    let (an, a_colour) = (capital(article(adjective)), article(colour));
    let open = match rng.random_range(0..4) {
        0 => format!("{an} {adjective} {hero} lived near the {place}."),
        1 => format!("Once there was {} {adjective} {hero} who lived by the {place}.", article(adjective)),
        2 => format!("One {weather} morning {} {adjective} {hero} walked to the {place}.", article(adjective)),
        _ => format!("In the {place} there lived {} {adjective} {hero}.", article(adjective)),
    };
    let found = match rng.random_range(0..4) {
        0 => format!("The {hero} found {a_colour} {colour} {thing} under a tree."),
        1 => format!("There it saw {a_colour} {colour} {thing} by the road."),
        2 => format!("One day the {hero} wanted to have {a_colour} {colour} {thing}."),
        _ => format!("A {friend} gave the {hero} {a_colour} {colour} {thing}."),
    };
    let trouble = match rng.random_range(0..4) {
        0 => format!("But the {thing} was broken, and the {hero} was sad."),
        1 => format!("Then the wind blew, and the {thing} fell into the water."),
        2 => format!("A {friend} came and asked, \"Is that your {thing}?\""),
        _ => format!("The {hero} carried the {thing} all the way to the {other}."),
    };
    let help = match rng.random_range(0..4) {
        0 => format!("A kind {friend} came to help, and together they worked all day."),
        1 => format!("The {friend} said, \"We can share the {thing}.\""),
        2 => format!("So the {hero} and the {friend} went to the {other} together."),
        _ => format!("The {friend} knew what to do and smiled."),
    };
    let end = match rng.random_range(0..4) {
        0 => format!("In the end the {hero} was very {feeling}."),
        1 => format!("That night the {hero} slept well beside the {thing}."),
        2 => format!("From then on the {hero} and the {friend} were friends."),
        _ => format!("The {hero} never forgot that {weather} day."),
    };
    [open, found, trouble, help, end].join(" ")
}

fn facts(rng: &mut impl Rng) -> String {
    let (animal, place, food) = *ANIMALS.choose(rng).unwrap_or(&ANIMALS[0]);
    let a = article(animal);
    match rng.random_range(0..3) {
        0 => format!(
            "{} {animal} is an animal. It lives in the {place} and eats {food}. You can see {a} {animal} when you walk to the {place}.",
            capital(a)
        ),
        1 => format!("Do you know the {animal}? The {animal} is an animal that eats {food}. Its home is the {place}."),
        _ => format!("The {place} is the home of the {animal}. When the {animal} is hungry, it looks for {food}."),
    }
}

fn weather(rng: &mut impl Rng) -> String {
    let (w, v, place, name) = (pick(rng, WEATHER), pick(rng, WEATHER), pick(rng, PLACES), pick(rng, NAMES));
    format!(
        "Today it is {w} at the {place}. Yesterday it was {v}. {name} likes it when it is {w}, and so {name} will walk to the {place}."
    )
}

fn dialogue(rng: &mut impl Rng) -> String {
    let (a, b, thing) = (pick(rng, NAMES), pick(rng, NAMES), pick(rng, THINGS));
    let (verb, past, object) = *VERBS.choose(rng).unwrap_or(&VERBS[0]);
    let feeling = pick(rng, FEELINGS);
    match rng.random_range(0..3) {
        0 => format!(
            "\"Where is my {thing}?\" asked {a}. \"I do not know,\" said {b}. \"Look under the chair.\" There it was, and {a} was {feeling} no more."
        ),
        1 => {
            format!("{a} and {b} wanted to {verb} {object}. In the morning {a} {past} {object}, and {b} was {feeling}.")
        }
        _ => format!(
            "{a} is {feeling}. {b} asks, \"Did you {verb} {object}?\" \"Yes,\" says {a}, \"I {past} {object} today.\""
        ),
    }
}

fn listing(rng: &mut impl Rng) -> String {
    let kinds = kinds();
    let (plural, one, members) = &kinds[rng.random_range(0..kinds.len())];
    let chosen: Vec<&str> = members.choose_multiple(rng, 3).copied().collect();
    match rng.random_range(0..2) {
        0 => format!(
            "There are many {plural}: {}, {} and {}. The {} is {one}.",
            chosen[0], chosen[1], chosen[2], chosen[0]
        ),
        _ => {
            let (a, b) = OPPOSITES[rng.random_range(0..OPPOSITES.len())];
            format!("Not all {plural} are the same. A {} can be {a}, and a {} can be {b}.", chosen[0], chosen[1])
        }
    }
}

fn sums(rng: &mut impl Rng) -> String {
    let (a, b) = (rng.random_range(1..7), rng.random_range(1..6));
    let (name, thing) = (pick(rng, NAMES), pick(rng, THINGS));
    format!(
        "{name} has {} {thing}s and gets {} more. Now {name} has {} {thing}s. {} and {} make {}.",
        NUMBERS[a],
        NUMBERS[b],
        NUMBERS[a + b],
        capital(NUMBERS[a]),
        NUMBERS[b],
        NUMBERS[a + b]
    )
}
