//! Instructions about a sentence.

use rand::Rng;

use super::{Example, Split, ask, combined};
use crate::draw::{one, word};
use crate::judge::Check;
use crate::lexicon::{Verb, WORDS, a, capital};

/// Somebody who does something: subject, verb, object. The verb and the object are the combination.
fn action<R: Rng>(rng: &mut R, split: Split) -> (&'static str, &'static Verb, &'static str) {
    let draw = |rng: &mut R| {
        let list = if rng.random_bool(0.5) { &WORDS.she } else { &WORDS.he };
        let subject =
            if rng.random_bool(0.4) { word(rng, &["I", "They", "We", "You", "She", "He"]) } else { word(rng, list) };
        let verb = one(rng, &WORDS.verbs);
        (subject, verb, word(rng, &verb.objects))
    };
    combined(rng, split, draw, |(subject, verb, _)| ((*subject).to_owned(), verb.base.to_owned()))
}

/// "I", "they", "she", but "Anna".
fn inside(subject: &str) -> String {
    match subject {
        "They" | "We" | "You" | "She" | "He" => subject.to_lowercase(),
        other => other.to_owned(),
    }
}

fn ends(text: String) -> Check {
    Check::Ends(vec![text])
}

pub fn past<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let given = format!("{subject} will {} {object}.", verb.base);
    let seen = [
        "Put this in the past: {s}",
        "Write this sentence in the past: {s}",
        "Change this to the past: {s}",
        "Say this as if it was yesterday: {s}",
        "Tell this in the past: {s}",
        "Make this sentence tell of yesterday: {s}",
    ];
    let unseen = ["Turn this into the past: {s}", "How do you say this in the past? {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let past = format!("{subject} {} {object}.", verb.past);
    Example { kind: "past", prompt, answer: past.clone(), check: ends(past) }
}

pub fn question<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let given = format!("{subject} can {} {object}.", verb.base);
    let seen = [
        "Make this a question: {s}",
        "Turn this sentence into a question: {s}",
        "Change this into a question: {s}",
        "Write this as a question: {s}",
        "Say this as a question: {s}",
    ];
    let unseen = ["Ask this as a question: {s}", "What is the question for this? {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let question = format!("Can {} {} {object}?", inside(subject), verb.base);
    Example { kind: "question", prompt, answer: question.clone(), check: ends(question) }
}

pub fn negate<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (one(rng, &WORDS.things).0, word(rng, &WORDS.adjectives));
    let (thing, quality) = combined(rng, split, draw, |(x, y)| ((*x).to_owned(), (*y).to_owned()));
    let is = if rng.random_bool(0.5) { "is" } else { "was" };
    let given = format!("The {thing} {is} {quality}.");
    let seen = [
        "Say that this is not true: {s}",
        "Put the word not into this sentence: {s}",
        "Say the opposite of this sentence: {s}",
        "Make this sentence say not: {s}",
        "Write this sentence with not: {s}",
    ];
    let unseen = ["Say that it is not so: {s}", "Add the word not to this: {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let answer = format!("The {thing} {is} not {quality}.");
    let short = format!("The {thing} {is}n't {quality}");
    Example { kind: "not", prompt, answer: answer.clone(), check: Check::Ends(vec![answer, short]) }
}

pub fn correct<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let (is, was) = match subject {
        "I" => ("am", "was"),
        "They" | "We" | "You" => ("are", "were"),
        _ => ("is", "was"),
    };
    let wrong_is = if is == "is" { "are" } else { "is" };
    let wrong_was = if was == "was" { "were" } else { "was" };
    let (right, wrong) = if rng.random_bool(0.5) { (is, wrong_is) } else { (was, wrong_was) };
    let rest = format!("{} {object}.", verb.ing);
    let seen = [
        "Correct this sentence: {s}",
        "Correct the mistake: {s}",
        "There is a mistake in this sentence. Fix it. {s}",
        "Please fix this sentence: {s}",
        "Make this sentence right: {s}",
        "Say this sentence in the right way: {s}",
    ];
    let unseen = ["Fix the mistake in this sentence: {s}", "What should this sentence be? {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &format!("{subject} {wrong} {rest}"))]);
    let right = format!("{subject} {right} {rest}");
    Example { kind: "correct", prompt, answer: right.clone(), check: ends(right) }
}

/// What nobody is asked to do.
const UNASKED: [&str; 4] = ["lose", "love", "break", "hear"];

pub fn polite<R: Rng>(rng: &mut R, split: Split) -> Example {
    let asked: Vec<&Verb> = WORDS.verbs.iter().filter(|v| !UNASKED.contains(&v.base)).collect();
    let draw = |rng: &mut R| {
        let verb = *one(rng, &asked);
        (verb, word(rng, &verb.objects))
    };
    let (verb, object) = combined(rng, split, draw, |(v, o)| (v.base.to_owned(), (*o).to_owned()));
    let given = format!("{} {object}!", capital(verb.base));
    let seen = [
        "Say this in a nice way: {s}",
        "Make this polite: {s}",
        "Help me ask this nicely: {s}",
        "Ask this with please: {s}",
        "Write this in a polite way: {s}",
        "Say this politely: {s}",
    ];
    let unseen = ["How can I ask this politely? {s}", "Make this sound nice and polite: {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let mut all = vec!["please".to_owned(), verb.base.to_owned()];
    all.extend(object.split(' ').map(str::to_owned));
    let answer = format!("Could you {} {object}, please?", verb.base);
    Example { kind: "polite", prompt, answer, check: Check::Holds { all, none: vec![] } }
}

/// A member of one kind, and another kind: none of one group, as a pumpkin may be called both a fruit and a vegetable.
fn member<R: Rng>(rng: &mut R, split: Split) -> (&'static str, &'static str, &'static str) {
    let draw = |rng: &mut R| {
        let kind = one(rng, &WORDS.kinds);
        let fits = |k: &&crate::lexicon::Kind| k.plural != kind.plural && (k.group.is_empty() || k.group != kind.group);
        let others: Vec<&crate::lexicon::Kind> = WORDS.kinds.iter().filter(fits).collect();
        (word(rng, &kind.members), kind.one, one(rng, &others).one)
    };
    combined(rng, split, draw, |d| (d.0.to_owned(), d.2.to_owned()))
}

/// What stands without an article.
const BARE: [&str; 13] =
    ["milk", "juice", "water", "tea", "bread", "cheese", "candy", "pizza", "corn", "mom", "dad", "grandma", "grandpa"];

/// "a dog", but "milk" and "red".
fn with_article(word: &str, kind: &str) -> String {
    let bare = BARE.contains(&word) || ["a color", "a number"].contains(&kind);
    if bare { word.to_owned() } else { a(word) }
}

pub fn classify<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (word, kind, other) = member(rng, split);
    let word = with_article(word, kind);
    let (x, y) = if rng.random_bool(0.5) { (kind, other) } else { (other, kind) };
    let seen = [
        "Think: what is {w}, {x} or {y}?",
        "Is {w} {x} or {y}?",
        "Say what {w} is: {x} or {y}.",
        "Tell me if {w} is {x} or {y}.",
        "What is {w}: {x} or {y}?",
        "Choose what {w} is: {x} or {y}.",
        "Do people call {w} {x} or {y}?",
    ];
    let unseen = ["Would you call {w} {x} or {y}?", "Think of {w}. Would that be {x} or {y}?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", &word), ("x", x), ("y", y)]);
    let check = Check::Says { this: kind.to_owned(), not: other.to_owned() };
    Example { kind: "classify", prompt, answer: format!("{} is {kind}.", capital(&word)), check }
}

pub fn yes_no<R: Rng>(rng: &mut R, split: Split) -> Example {
    let yes = rng.random_bool(0.5);
    // a member and its own kind are a combination too
    let (word, kind, other) = loop {
        let (w, k, o) = member(rng, if yes { Split::Train } else { split });
        if !yes || crate::draw::held_out(w, &format!("is {k}")) == (split == Split::Combination) {
            break (w, k, o);
        }
    };
    let (word, asked) = (with_article(word, kind), if yes { kind } else { other });
    let seen = [
        "Is {w} {x}?",
        "Answer yes or no: is {w} {x}?",
        "Is it true that {w} is {x}?",
        "Yes or no: is {w} {x}?",
        "Do you think that {w} is {x}?",
        "Would people say that {w} is {x}?",
    ];
    let unseen = ["Would you say that {w} is {x}?", "Is {w} really {x}?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("w", &word), ("x", asked)]);
    // the fact comes first, so that yes or no follows from it
    let answer = format!("{} is {kind}, so {}.", capital(&word), if yes { "yes" } else { "no" });
    Example { kind: "yes or no", prompt, answer, check: Check::YesNo(yes) }
}

pub fn word_at<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (word(rng, &WORDS.adjectives), one(rng, &WORDS.things).0);
    let (quality, thing) = combined(rng, split, draw, |(x, y)| ((*x).to_owned(), (*y).to_owned()));
    let list = if rng.random_bool(0.5) { &WORDS.she } else { &WORDS.he };
    let verb = word(rng, &["sees", "has", "finds", "wants", "likes"]);
    let text = format!("{} {verb} {} {thing}", word(rng, list), a(quality));
    let first = rng.random_bool(0.5);
    let which = if first { "first" } else { "last" };
    let seen = [
        "What is the {i} word of this: {t}",
        "Say the {i} word of this sentence: {t}",
        "Find the {i} word: {t}",
        "Give me the {i} word: {t}",
        "Write down the {i} word of this: {t}",
    ];
    let unseen = ["Which word comes {i} in this: {t}", "Copy only the {i} word: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("i", which)]);
    let right = if first { text.split(' ').next() } else { text.split(' ').next_back() }.unwrap_or_default().to_owned();
    let wrong = if first { thing.to_owned() } else { text.split(' ').next().unwrap_or_default().to_owned() };
    let answer = format!("The {which} word is {right}.");
    Example {
        kind: "which word",
        prompt,
        answer,
        check: Check::Holds { all: vec![right], none: vec![wrong, verb.to_owned()] },
    }
}

/// A small text of two people who have, see, want or like something.
pub fn small_text<R: Rng>(rng: &mut R, split: Split) -> Example {
    const DID: [(&str, &str); 4] = [("has", "have"), ("sees", "see"), ("wants", "want"), ("finds", "find")];
    let (does, base) = *one(rng, &DID);
    let draw = |rng: &mut R| {
        let [x, y] = if rng.random_bool(0.5) { [&WORDS.she, &WORDS.he] } else { [&WORDS.he, &WORDS.she] };
        let [s, t] = [one(rng, &WORDS.things).0, one(rng, &WORDS.things).0];
        let [p, q] = [word(rng, &WORDS.adjectives), word(rng, &WORDS.adjectives)];
        [(word(rng, x), p, s), (word(rng, y), q, t)]
    };
    let facts = combined(rng, split, draw, |f| (f[0].2.to_owned(), f[1].2.to_owned()));
    let [(x, p, s), (y, q, t)] = facts;
    let text = format!("{x} {does} {} {s}. {y} {does} {} {t}.", a(p), a(q));
    let ((name, adjective, thing), other) = if rng.random_bool(0.5) { (facts[0], t) } else { (facts[1], s) };
    let seen = [
        "{t} What does {x} {b}?",
        "Read this: {t} What does {x} {b}?",
        "What does {x} {b}? {t}",
        "Say what {x} {d}: {t}",
        "Here is a text. {t} What does {x} {b}?",
    ];
    let unseen = ["{t} Tell me what {x} {d}.", "Which thing does {x} {b}? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("x", name), ("b", base), ("d", does)]);
    let check = Check::Holds { all: vec![adjective.to_owned(), thing.to_owned()], none: vec![other.to_owned()] };
    Example { kind: "answer", prompt, answer: format!("{name} {does} {} {thing}.", a(adjective)), check }
}
