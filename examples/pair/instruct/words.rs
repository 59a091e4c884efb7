//! Instructions about words.

use rand::Rng;

use super::reading::owned;
use super::{Example, Split, ask, combined};
use crate::draw::{in_order, one, some, word};
use crate::judge::Check;
use crate::lexicon::{Kind, NUMBERS, WORDS, capital, series};

pub fn list<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| {
        let kind: &Kind = one(rng, &WORDS.kinds);
        (rng.random_range(2..=kind.members.len().min(5)), kind)
    };
    let (n, kind) = combined(rng, split, draw, |(n, kind)| (NUMBERS[*n].to_owned(), kind.plural.to_owned()));
    let seen = [
        "List {n} {k}.",
        "Name {n} {k}.",
        "Give me {n} {k}.",
        "Write down {n} {k}.",
        "Make a list of {n} {k}.",
        "Tell me {n} {k}.",
        "Think of {n} {k}.",
        "What are {n} {k}?",
        "Please find {n} {k}.",
    ];
    let unseen = ["I need {n} {k}, please.", "Make me a list with {n} {k}.", "Which {n} {k} do you know?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("n", NUMBERS[n]), ("k", kind.plural)]);
    let named = in_order(rng, &kind.members, n);
    let members = kind.members.iter().map(|m| (*m).to_owned()).collect();
    Example {
        kind: "list",
        prompt,
        answer: format!("{}.", capital(&series(&named))),
        check: Check::List { count: n, members },
    }
}

pub fn opposites<R: Rng>(rng: &mut R, split: Split) -> Example {
    let side = |rng: &mut R| {
        let (x, y) = *one(rng, &WORDS.opposites);
        if rng.random_bool(0.5) { (x, y) } else { (y, x) }
    };
    let draw = |rng: &mut R| (side(rng), side(rng));
    let ((x, not_x), (y, not_y)) = combined(rng, split, draw, |(x, y)| (x.0.to_owned(), y.0.to_owned()));
    if split != Split::Combination && rng.random_bool(0.5) {
        let seen = [
            "What is the opposite of {x}?",
            "Give the opposite of the word {x}.",
            "Find a word that means the opposite of {x}.",
            "Say the opposite of {x}.",
        ];
        let unseen = ["Which word is the opposite of {x}?", "Tell me the opposite of {x}."];
        let prompt = ask(rng, split, &seen, &unseen, &[("x", x)]);
        let check = Check::Holds { all: vec![not_x.to_owned()], none: vec![] };
        return Example { kind: "opposite", prompt, answer: format!("The opposite of {x} is {not_x}."), check };
    }
    let seen = [
        "What are the opposites of {x} and {y}?",
        "Give the opposites of {x} and {y}.",
        "Find the opposites of the words {x} and {y}.",
        "Write the opposite of {x} and the opposite of {y}.",
    ];
    let unseen = ["Which words are the opposites of {x} and {y}?", "Tell me the opposites of {x} and {y}."];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", x), ("y", y)]);
    let check = Check::Holds { all: vec![not_x.to_owned(), not_y.to_owned()], none: vec![] };
    let answer = format!("The opposite of {x} is {not_x}, and the opposite of {y} is {not_y}.");
    Example { kind: "opposite", prompt, answer, check }
}

pub fn rhyme<R: Rng>(rng: &mut R, split: Split) -> Example {
    // which words rhyme has to be learned somewhere; held out is then the choice between two
    if split == Split::Train && rng.random_bool(0.35) {
        return rhymes(rng);
    }
    let draw = |rng: &mut R| loop {
        let set = one(rng, &WORDS.rhymes);
        let pair = some(rng, set, 2);
        let other = one(rng, &WORDS.rhymes);
        let (w, right, wrong) = (*pair[0], *pair[1], *one(rng, other));
        if !WORDS.rhymes.iter().any(|set| set.contains(&w) && set.contains(&wrong)) {
            break (w, right, wrong);
        }
    };
    let (w, right, wrong) = combined(rng, split, draw, |d| (d.1.to_owned(), d.2.to_owned()));
    let (x, y) = if rng.random_bool(0.5) { (right, wrong) } else { (wrong, right) };
    let seen = [
        "Which word rhymes with {w}: {x} or {y}?",
        "Does {x} or {y} rhyme with {w}?",
        "Find the word that rhymes with {w}: {x} or {y}.",
        "Is it {x} or {y} that rhymes with {w}?",
        "Give me a word that rhymes with {w}. Take {x} or {y}.",
        "Choose a rhyme for {w}: {x} or {y}.",
    ];
    let unseen = ["What rhymes with {w}: {x} or {y}?", "I need a rhyme for {w}. Is it {x} or {y}?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", w), ("x", x), ("y", y)]);
    let others = rhyming(w);
    let check = Check::Holds { all: vec![right.to_owned()], none: vec![wrong.to_owned()] };
    // all that rhymes comes first, so that the choice follows from it
    let answer = format!("{} {} with {w}, so it is {right}.", capital(&series(&others)), do_rhyme(&others));
    Example { kind: "rhyme", prompt, answer, check }
}

/// All the words that rhyme with one.
fn rhymes<R: Rng>(rng: &mut R) -> Example {
    let set = one(rng, &WORDS.rhymes);
    let word = *one(rng, set);
    let others = rhyming(word);
    let seen = ["Which words rhyme with {w}?", "What words rhyme with {w}?", "Find the words that rhyme with {w}."];
    let prompt = ask(rng, Split::Train, &seen, &[], &[("w", word)]);
    let answer = format!("{} {} with {word}.", capital(&series(&others)), do_rhyme(&others));
    Example { kind: "rhyme", prompt, answer, check: Check::Holds { all: owned(&others), none: vec![] } }
}

/// What rhymes with a word, in the lists' order.
fn rhyming(word: &str) -> Vec<&'static str> {
    let sets = WORDS.rhymes.iter().filter(|set| set.contains(&word));
    sets.flatten().copied().filter(|w| *w != word).collect()
}

fn do_rhyme(words: &[&str]) -> &'static str {
    if words.len() == 1 { "rhymes" } else { "rhyme" }
}

/// The things whose capitals are short: a word in capitals is read letter by letter.
const SHORT: usize = 5;

/// An adjective and a thing.
fn phrase<R: Rng>(rng: &mut R, split: Split, most: usize) -> (&'static str, &'static str) {
    let things: Vec<&str> = WORDS.things.iter().map(|t| t.0).filter(|t| t.len() <= most).collect();
    let adjectives: Vec<&str> = WORDS.adjectives.iter().copied().filter(|t| t.len() <= most).collect();
    let draw = |rng: &mut R| (word(rng, &adjectives), word(rng, &things));
    combined(rng, split, draw, |(adjective, thing)| ((*adjective).to_owned(), (*thing).to_owned()))
}

pub fn capitals<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (adjective, thing) = phrase(rng, split, SHORT);
    // words alone too: each has capitals of its own to learn
    let text = match split != Split::Combination && rng.random_bool(0.4) {
        true => thing.to_owned(),
        false => format!("{adjective} {thing}"),
    };
    let seen = [
        "Write this in capital letters: {t}",
        "Write in capitals: {t}",
        "Put this into capital letters: {t}",
        "Change this to capital letters: {t}",
        "Write this in big letters: {t}",
        "Say this in capital letters: {t}",
        "Make these capital letters: {t}",
    ];
    let unseen = ["Use capital letters only: {t}", "Show me this in capital letters: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let upper = text.to_uppercase();
    Example { kind: "capitals", prompt, answer: upper.clone(), check: Check::Says { this: upper, not: String::new() } }
}

/// The most words that are counted.
const COUNTED: usize = 5;

pub fn count<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (adjective, thing) = phrase(rng, split, SHORT);
    let more = rng.random_range(0..COUNTED - 1);
    let mut words: Vec<&str> = some(rng, &WORDS.adjectives, more).into_iter().copied().collect();
    words.extend([adjective, thing]);
    let seen = [
        "How many words are there: {t}",
        "Count the words: {t}",
        "Count how many words this is: {t}",
        "Say how many words these are: {t}",
        "Give the number of words: {t}",
        "What is the number of words in this: {t}",
    ];
    let unseen = ["How many words can you count here: {t}", "Look at this and count its words: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &words.join(" "))]);
    let number = NUMBERS[words.len()];
    // counted as a child counts: each step copies a word and goes one number on
    let counted: String =
        words.iter().enumerate().map(|(i, w)| format!("{}: {w}. ", capital(NUMBERS[i + 1]))).collect();
    let answer = format!("{counted}There are {number} words.");
    Example { kind: "count", prompt, answer, check: Check::Number(number.to_owned()) }
}

pub fn repeat<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (one(rng, &WORDS.things).0, rng.random_range(2..=COUNTED));
    let (word, n) = combined(rng, split, draw, |(w, n)| ((*w).to_owned(), NUMBERS[*n].to_owned()));
    let seen = [
        "Repeat the word {w} {n} times.",
        "Repeat this {n} times: {w}",
        "Say {w} {n} times.",
        "Write the word {w} {n} times.",
        "Write {w} {n} times.",
        "Give me the word {w} {n} times.",
    ];
    let unseen = ["Please say the word {w} {n} times.", "Can you repeat {w} {n} times?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", word), ("n", NUMBERS[n])]);
    let answer = vec![word; n].join(" ");
    Example { kind: "repeat", prompt, answer: answer.clone(), check: Check::Exact(answer) }
}

pub fn plural<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (*one(rng, &WORDS.animals), *one(rng, &WORDS.things));
    let ((x, xs), (y, ys)) = combined(rng, split, draw, |(x, y)| (x.0.to_owned(), y.0.to_owned()));
    let seen = [
        "Write the plural of {x} and {y}.",
        "What is the plural of {x} and {y}?",
        "Give the plural of {x} and {y}.",
        "Say what more than one {x} and {y} are.",
        "Put the words {x} and {y} into the plural.",
        "Find the plurals of {x} and {y}.",
        "Say the plural of {x} and {y}.",
    ];
    let unseen = ["Tell me the plural of {x} and {y}.", "Make plurals of {x} and {y}."];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", x), ("y", y)]);
    let plurals = format!("{xs} and {ys}");
    Example { kind: "plural", prompt, answer: format!("{}.", capital(&plurals)), check: Check::Ends(vec![plurals]) }
}
