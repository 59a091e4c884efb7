//! Instructions about words.

use rand::Rng;

use super::{Example, Split, ask, combined};
use crate::draw::{in_order, one, some, word};
use crate::judge::Check;
use crate::lexicon::{Kind, NUMBERS, WORDS};

pub fn list<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (rng.random_range(2..7), one(rng, &WORDS.kinds));
    let fits = |(n, kind): &(usize, &Kind)| if *n <= kind.members.len() { NUMBERS[*n] } else { "" };
    let (n, kind) = loop {
        let drawn = combined(rng, split, draw, |d| (fits(d).to_owned(), d.1.plural.to_owned()));
        if !fits(&drawn).is_empty() {
            break drawn;
        }
    };
    let seen = [
        "List {n} {k}.",
        "Name {n} {k}.",
        "Give me {n} {k}.",
        "Write down {n} {k}.",
        "Make a list of {n} {k}.",
        "Generate a list of {n} {k}.",
        "Can you name {n} {k}?",
        "Which {k} do you know? Name {n}.",
        "What are {n} {k}?",
        "Please find {n} {k}.",
    ];
    let unseen = ["I need {n} {k}, please.", "Create a list with {n} {k}.", "Which {n} {k} do you know?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("n", NUMBERS[n]), ("k", kind.plural)]);
    let mut answer = format!("Here are {} {}:", NUMBERS[n], kind.plural);
    for (i, member) in in_order(rng, &kind.members, n).iter().enumerate() {
        answer += &format!("\n{}. {member}", i + 1);
    }
    let members = kind.members.iter().map(|m| (*m).to_owned()).collect();
    Example { kind: "list", prompt, answer, check: Check::List { count: n, members } }
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
    let draw = |rng: &mut R| {
        let (set, other) = (one(rng, &WORDS.rhymes), one(rng, &WORDS.rhymes));
        let pair = some(rng, set, 2);
        (*pair[0], *pair[1], *one(rng, other), set.contains(one(rng, other)))
    };
    let (word, right, wrong) = loop {
        let (w, r, x, _) = combined(rng, split, draw, |d| (d.1.to_owned(), d.2.to_owned()));
        if !WORDS.rhymes.iter().any(|set| set.contains(&w) && set.contains(&x)) {
            break (w, r, x);
        }
    };
    let (x, y) = if rng.random_bool(0.5) { (right, wrong) } else { (wrong, right) };
    let seen = [
        "Which word rhymes with {w}: {x} or {y}?",
        "Does {x} or {y} rhyme with {w}?",
        "Find the word that rhymes with {w}: {x}, {y}.",
        "Identify the rhyme for {w}: {x} or {y}.",
        "Is it {x} or {y} that rhymes with {w}?",
        "Give me a word that rhymes with {w}. Take {x} or {y}.",
        "Choose a rhyme for {w}: {x} or {y}.",
    ];
    let unseen = ["What rhymes with {w}: {x} or {y}?", "I need a rhyme for {w}. Is it {x} or {y}?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", word), ("x", x), ("y", y)]);
    let check = Check::Holds { all: vec![right.to_owned()], none: vec![wrong.to_owned()] };
    Example { kind: "rhyme", prompt, answer: format!("The word that rhymes with {word} is {right}."), check }
}

/// An adjective and a thing.
fn phrase<R: Rng>(rng: &mut R, split: Split) -> (&'static str, (&'static str, &'static str)) {
    let draw = |rng: &mut R| (word(rng, &WORDS.thing_adjectives), *one(rng, &WORDS.things));
    combined(rng, split, draw, |(adjective, thing)| ((*adjective).to_owned(), thing.0.to_owned()))
}

pub fn capitals<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (adjective, (thing, _)) = phrase(rng, split);
    // words alone too: each has capitals of its own to learn
    let text = match split != Split::Combination && rng.random_bool(0.4) {
        true => thing.to_owned(),
        false => format!("{adjective} {thing}"),
    };
    let seen = [
        "Write this in capital letters: {t}",
        "Write in capitals: {t}",
        "Put these words into capital letters: {t}",
        "Change this to capital letters: {t}",
        "Revise this so that it is in capital letters: {t}",
        "Say this in capital letters: {t}",
        "Make these capital letters: {t}",
    ];
    let unseen = ["Use capital letters only: {t}", "Show me in capital letters: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let check = Check::Says { this: text.to_uppercase(), not: String::new() };
    Example { kind: "capitals", prompt, answer: format!("In capital letters this is {}.", text.to_uppercase()), check }
}

pub fn count<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (adjective, (thing, _)) = phrase(rng, split);
    let more = rng.random_range(0..5);
    let mut words: Vec<&str> = some(rng, &WORDS.hero_adjectives, more).into_iter().copied().collect();
    words.extend([adjective, thing]);
    let seen = [
        "How many words are there: {t}",
        "Count the words: {t}",
        "Count how many words this is: {t}",
        "Evaluate how many words you see: {t}",
        "Say how many words these are: {t}",
        "Give the number of words: {t}",
        "What is the number of words in this: {t}",
    ];
    let unseen = ["How many words can you count here: {t}", "Analyze this and count its words: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &words.join(" "))]);
    let number = NUMBERS[words.len()];
    let none = NUMBERS[2..9].iter().filter(|n| **n != number).map(|n| (*n).to_owned()).collect();
    let check = Check::Holds { all: vec![number.to_owned()], none };
    Example { kind: "count", prompt, answer: format!("There are {number} words in this text."), check }
}

pub fn classify<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| {
        let (kind, other) = (one(rng, &WORDS.kinds), one(rng, &WORDS.kinds));
        (word(rng, &kind.members), kind, other)
    };
    let (word, kind, other) = loop {
        let (word, kind, other) = combined(rng, split, draw, |d| (d.0.to_owned(), d.2.plural.to_owned()));
        // an orange is both a fruit and a colour, a canoe both a boat and a vehicle: no fair question
        if !other.members.contains(&word) && (kind.group.is_empty() || kind.group != other.group) {
            break (word, kind, other);
        }
    };
    let (x, y) = if rng.random_bool(0.5) { (kind.one, other.one) } else { (other.one, kind.one) };
    let seen = [
        "Classify the word {w}: is it {x} or {y}?",
        "Is {w} {x} or {y}?",
        "Identify what {w} is: {x} or {y}.",
        "Decide whether {w} is {x} or {y}.",
        "What is {w}: {x} or {y}?",
        "Decide: is {w} {x} or {y}?",
        "Choose what {w} is: {x} or {y}.",
        "Is it {x} or {y} when one says {w}?",
        "Do people call {w} {x} or {y}?",
        "Should one say that {w} is {x} or {y}?",
    ];
    let unseen = ["Would you call {w} {x} or {y}?", "Clarify for me: is {w} {x} or {y}?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", word), ("x", x), ("y", y)]);
    let check = Check::Says { this: kind.one.to_owned(), not: other.one.to_owned() };
    Example { kind: "classify", prompt, answer: format!("The word {word} stands for {}.", kind.one), check }
}

pub fn translate<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (*one(rng, &WORDS.french), *one(rng, &WORDS.french));
    let ((x, fx), (y, fy)) = combined(rng, split, draw, |(x, y)| (x.0.to_owned(), y.0.to_owned()));
    let single = split != Split::Combination && rng.random_bool(0.35);
    let (text, french) =
        if single { (x.to_owned(), fx.to_owned()) } else { (format!("{x} and {y}"), format!("{fx} et {fy}")) };
    let seen = [
        "Translate into French: {t}",
        "Translate to French: {t}",
        "Say this in French: {t}",
        "How do you say this in French? {t}",
        "Please translate into French: {t}",
        "Write the French words for this: {t}",
        "Find out how to say this in French: {t}",
        "Give the French for this: {t}",
    ];
    let unseen = ["What is this in French: {t}", "Give me the French translation of: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let answer = format!("In French, {text} is {french}.");
    let check = Check::Ends(french);
    Example { kind: "translate", prompt, answer, check }
}

pub fn repeat<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (one(rng, &WORDS.things).0, rng.random_range(2..7));
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
    let draw = |rng: &mut R| {
        let x = one(rng, &WORDS.animals);
        ((x.name, x.plural), *one(rng, &WORDS.things))
    };
    let ((x, xs), (y, ys)) = combined(rng, split, draw, |(x, y)| (x.0.to_owned(), y.0.to_owned()));
    let seen = [
        "Write the plural of {x} and {y}.",
        "What is the plural of {x} and {y}?",
        "Give the plural of {x} and {y}.",
        "Put the words {x} and {y} into the plural.",
        "Form the plurals of {x} and {y}.",
        "Find the plurals of {x} and {y}.",
        "Say the plural of {x} and {y}.",
        "Write plurals for {x} and {y}.",
    ];
    let unseen = ["Tell me the plural of {x} and {y}.", "Make plurals of {x} and {y}."];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", x), ("y", y)]);
    let plurals = format!("{xs} and {ys}");
    let answer = format!("The plural of {x} and {y} is {plurals}.");
    Example { kind: "plural", prompt, answer, check: Check::Ends(plurals) }
}
