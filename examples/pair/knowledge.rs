//! What the base knows about the world beyond animals: countries, work, kinds of things and sums.

use rand::Rng;

use crate::draw::{fill, held_out, in_order, one, word};
use crate::lexicon::{Kind, NUMBERS, WORDS, a, capital, series};
use crate::plain::person;

pub fn country(rng: &mut impl Rng) -> String {
    let (x, y) = (one(rng, &WORDS.countries), one(rng, &WORDS.countries));
    let values: &[(&str, &str)] = &[
        ("x", x.name),
        ("city", x.capital),
        ("lang", x.language),
        ("known", x.known_for),
        ("y", y.name),
        ("ycity", y.capital),
        ("name", person(rng)),
        ("friend", person(rng)),
    ];
    let templates = [
        "{city} is the capital of {x}. The people there speak {lang}. Many visitors come to see the {known}.",
        "{name} travelled to {x} last year and stayed in {city}, the capital. \"Do you speak {lang}?\" asked the guide.",
        "The capital of {x} is {city}, and the capital of {y} is {ycity}.",
        "In {x} people speak {lang}. Who thinks of {x} thinks of {known}.",
        "{friend} sent a postcard from {city}. On it one could read: greetings from {x}, the country of the {known}.",
    ];
    fill(word(rng, &templates), values)
}

pub fn job(rng: &mut impl Rng) -> String {
    let x = one(rng, &WORDS.jobs);
    let values: &[(&str, &str)] = &[
        ("x", x.name),
        ("ax", &a(x.name)),
        ("Ax", &capital(&a(x.name))),
        ("place", x.place),
        ("task", x.task),
        ("tool", x.tool),
        ("name", person(rng)),
        ("friend", person(rng)),
    ];
    let templates = [
        "{Ax} works in the {place}. It is the work of {ax} to {task}. To do this, {ax} needs {tool}.",
        "{name} wants to be {ax}, work in the {place} and {task}.",
        "\"What does {ax} do?\" asked {name}. \"It is the work of {ax} to {task},\" said {friend}. \"You can visit one in the {place}.\"",
        "In the {place} {name} met {ax} with {tool}, who had to {task} all day.",
    ];
    fill(word(rng, &templates), values)
}

/// A verb in all its forms, and as a request: so its capital is known too.
pub fn verb(rng: &mut impl Rng) -> String {
    let v = one(rng, &WORDS.verbs);
    let values: &[(&str, &str)] =
        &[("base", v.base), ("Base", &capital(v.base)), ("past", v.past), ("ing", v.ing), ("name", person(rng))];
    let templates = [
        "The verb {base}: today I {base}, yesterday I {past}, now I am {ing}. {Base}!",
        "\"{Base}!\" said {name}. So we had to {base}. We {past} all day, and we are still {ing}.",
        "{Base} and {base} are the same word. {name} {past} first, and then the others could {base}.",
    ];
    fill(word(rng, &templates), values)
}

pub fn kinds(rng: &mut impl Rng) -> String {
    let kind: &Kind = one(rng, &WORDS.kinds);
    let lengths: Vec<usize> = (2..7).filter(|n| !held_out(NUMBERS[*n], kind.plural)).collect();
    let n = if rng.random_bool(0.2) { kind.members.len() } else { *one(rng, &lengths) };
    let some = in_order(rng, &kind.members, n);
    match rng.random_range(0..4) {
        0 => format!("There are many {}: {}. {} is {}.", kind.plural, series(&some), capital(some[0]), kind.one),
        1 => compared(rng, kind),
        2 => format!("{} made a list of {}: {}.", person(rng), kind.plural, series(&some)),
        _ => {
            let chapters = NUMBERS.get(some.len()).copied().unwrap_or("many");
            format!(
                "In the book about {} there are {chapters} chapters: {}. {} likes the chapter about {} best.",
                kind.plural,
                series(&some),
                person(rng),
                some[some.len() - 1]
            )
        }
    }
}

/// What two things are, and what a stranger is.
fn compared(rng: &mut impl Rng, kind: &Kind) -> String {
    let (x, y) = (word(rng, &kind.members), word(rng, &kind.members));
    let others: Vec<&Kind> = WORDS
        .kinds
        .iter()
        .filter(|k| k.group != kind.group && !held_out(x, k.plural) && !held_out(y, k.plural))
        .collect();
    let other = *one(rng, &others);
    let strangers: Vec<&str> = other.members.iter().copied().filter(|m| !held_out(m, kind.plural)).collect();
    let stranger = word(rng, if strangers.is_empty() { &other.members } else { &strangers });
    format!("{} is {}. {} is {} too. But {stranger} is {}.", capital(x), kind.one, capital(y), kind.one, other.one)
}

pub fn sums(rng: &mut impl Rng) -> String {
    let (i, j) = (rng.random_range(1..11), rng.random_range(1..10));
    match rng.random_range(0..10) {
        0..2 => counted(rng, i, j),
        // a table of sums: the next follows from the last
        2..5 => (1..10).skip(j / 2).take(6).map(|j| said(i, j, false)).collect::<Vec<_>>().join(" "),
        _ => {
            let n = rng.random_range(3..7);
            let mut any = || said(rng.random_range(1..11), rng.random_range(1..10), rng.random_bool(0.4));
            (0..n).map(|_| any()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// "Six plus three is nine.", or what takes `j` away again.
fn said(i: usize, j: usize, minus: bool) -> String {
    match minus {
        false => format!("{} plus {} is {}.", capital(NUMBERS[i]), NUMBERS[j], NUMBERS[i + j]),
        true => format!("{} minus {} is {}.", capital(NUMBERS[i + j]), NUMBERS[j], NUMBERS[i]),
    }
}

fn counted(rng: &mut impl Rng, i: usize, j: usize) -> String {
    let (x, (thing, things)) = (person(rng), *one(rng, &WORDS.things));
    let count = |n: usize| format!("{} {}", NUMBERS[n], if n == 1 { thing } else { things });
    match rng.random_bool(0.5) {
        true => format!("{x} has {} and gets {} more. Now {x} has {}.", count(i), NUMBERS[j], count(i + j)),
        false => format!("{x} had {} and gave away {}. Now {x} has {}.", count(i + j), NUMBERS[j], count(i)),
    }
}
