//! Instructions about sentences, facts and sums.

use rand::Rng;

use super::{Example, Split, ask, combined};
use crate::draw::{one, word};
use crate::judge::Check;
use crate::lexicon::{Animal, NUMBERS, Verb, WORDS, a, capital};
use crate::plain::facts;

/// Somebody who does something: subject, verb, object.
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

fn plural(subject: &str) -> bool {
    matches!(subject, "I" | "They" | "We" | "You")
}

pub fn past<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let given = format!("{} will {} {object}.", subject, verb.base);
    let seen = [
        "Put this in the past tense: {s}",
        "Write this sentence in the past tense: {s}",
        "Change this to the past tense: {s}",
        "Revise in the past tense: {s}",
        "Edit this sentence so that it is in the past tense: {s}",
    ];
    let unseen = ["Turn this into the past tense: {s}", "Say it in the past tense: {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let past = format!("{subject} {} {object}.", verb.past);
    Example { kind: "past", prompt, answer: format!("In the past tense: {past}"), check: Check::Ends(past) }
}

pub fn question<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let given = format!("{subject} can {} {object}.", verb.base);
    let seen = [
        "Make this a question: {s}",
        "Turn this sentence into a question: {s}",
        "Change this into a question: {s}",
        "Write this as a question: {s}",
    ];
    let unseen = ["Ask this as a question: {s}", "Revise this so that it is a question: {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let question = format!("Can {} {} {object}?", inside(subject), verb.base);
    Example { kind: "question", prompt, answer: format!("As a question: {question}"), check: Check::Ends(question) }
}

pub fn correct<R: Rng>(rng: &mut R, split: Split) -> Example {
    let (subject, verb, object) = action(rng, split);
    let (is, was) = match subject {
        "I" => ("am", "was"),
        s if plural(s) => ("are", "were"),
        _ => ("is", "was"),
    };
    let wrong_is = if is == "is" { "are" } else { "is" };
    let wrong_was = if was == "was" { "were" } else { "was" };
    let (right, wrong) = if rng.random_bool(0.6) { (is, wrong_is) } else { (was, wrong_was) };
    let rest = format!("{} {object}.", verb.ing);
    let seen = [
        "Correct this sentence: {s}",
        "Correct the mistake: {s}",
        "There is a mistake in this sentence. Correct it. {s}",
        "Please correct: {s}",
    ];
    let unseen = ["Repair the grammar of this sentence: {s}", "What should this sentence be? {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &format!("{subject} {wrong} {rest}"))]);
    let right = format!("{subject} {right} {rest}");
    let answer = format!("The correct sentence is: {right}");
    Example { kind: "correct", prompt, answer, check: Check::Ends(right) }
}

pub fn polite<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| {
        let verb = one(rng, &WORDS.verbs);
        (verb, word(rng, &verb.objects))
    };
    let (verb, object) = combined(rng, split, draw, |(v, o)| (v.base.to_owned(), (*o).to_owned()));
    let given = format!("{} {object}!", capital(verb.base));
    let seen = [
        "Say this politely: {s}",
        "Make this more polite: {s}",
        "Help me ask this politely: {s}",
        "Revise this so that it is polite: {s}",
        "Write this politely: {s}",
        "How does one ask this politely? {s}",
        "Say this in a more polite way: {s}",
    ];
    let unseen = ["How can I ask this in a polite way? {s}", "Write a polite version of this: {s}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("s", &given)]);
    let request = format!("Could you {} {object}, please?", verb.base);
    Example { kind: "polite", prompt, answer: format!("More politely: {request}"), check: Check::Ends(request) }
}

/// What an animal is, where it lives, what it eats, what it can do.
const ASPECTS: [(&str, &[&str], &[&str]); 4] = [
    (
        "is",
        &["Explain what {x} is.", "What is {x}?", "Describe {x}."],
        &["Tell me what {x} is.", "Help me understand what {x} is."],
    ),
    (
        "home",
        &["Explain where {x} lives.", "Where does {x} live?", "Describe the home of {x}."],
        &["Tell me where {x} lives.", "Do you know where {x} lives?"],
    ),
    (
        "food",
        &["Explain what {x} eats.", "What does {x} eat?", "Describe the food of {x}."],
        &["Tell me what {x} eats.", "Do you know what {x} eats?"],
    ),
    (
        "can",
        &["Explain what {x} can do.", "What can {x} do?", "Describe what {x} can do."],
        &["Tell me what {x} can do.", "Do you know what {x} can do?"],
    ),
];

pub fn explain<R: Rng>(rng: &mut R, split: Split) -> Example {
    if rng.random_bool(0.3) {
        return work(rng, split);
    }
    let draw = |rng: &mut R| (one(rng, &WORDS.animals), rng.random_range(0..4));
    let (animal, aspect) = combined(rng, split, draw, |(x, i)| (x.name.to_owned(), ASPECTS[*i].0.to_owned()));
    let (_, seen, unseen) = ASPECTS[aspect];
    let prompt = ask(rng, split, seen, unseen, &[("x", &a(animal.name))]);
    let all = facts(animal);
    let subject = capital(&a(animal.name));
    let answer = match aspect {
        0 => all.join(" "),
        i => all[i].replacen("It", &subject, 1),
    };
    let must = [animal.class, animal.home, animal.food, animal.can][aspect];
    let check = Check::Says { this: must.to_owned(), not: String::new() };
    Example { kind: "explain", prompt, answer, check }
}

/// Where somebody works, or what there is to do.
fn work<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (one(rng, &WORDS.jobs), rng.random_bool(0.5));
    let (job, place) = combined(rng, split, draw, |(job, place)| (job.name.to_owned(), format!("place {place}")));
    let (seen, unseen, answer, must) = match place {
        true => (
            ["Explain where {x} works.", "Where does {x} work?", "Say where {x} works."],
            ["Tell me where {x} works."],
            format!("{} works in the {}.", capital(&a(job.name)), job.place),
            job.place,
        ),
        false => (
            ["Explain what {x} does.", "What does {x} do?", "Say what {x} does."],
            ["Tell me what {x} does."],
            format!("It is the work of {} to {}.", a(job.name), job.task),
            job.task,
        ),
    };
    let prompt = ask(rng, split, &seen, &unseen, &[("x", &a(job.name))]);
    Example { kind: "explain", prompt, answer, check: Check::Says { this: must.to_owned(), not: String::new() } }
}

/// The capital of a country, or what is spoken there.
pub fn country<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| (one(rng, &WORDS.countries), rng.random_bool(0.6));
    let (x, city) = combined(rng, split, draw, |(x, city)| (x.name.to_owned(), format!("capital {city}")));
    let (seen, unseen, answer, must): (&[&str], &[&str], _, _) = match city {
        true => (
            &["What is the capital of {x}?", "Name the capital of {x}.", "Say what the capital of {x} is."],
            &["Tell me the capital of {x}.", "Which city is the capital of {x}?"],
            format!("The capital of {} is {}.", x.name, x.capital),
            x.capital,
        ),
        false => (
            &[
                "Which language do people speak in {x}?",
                "What do people speak in {x}?",
                "Name the language that people speak in {x}.",
            ],
            &["Tell me which language people speak in {x}.", "What is the language of {x}?"],
            format!("In {} people speak {}.", x.name, x.language),
            x.language,
        ),
    };
    let prompt = ask(rng, split, seen, unseen, &[("x", x.name)]);
    Example { kind: "country", prompt, answer, check: Check::Says { this: must.to_owned(), not: String::new() } }
}

pub fn yes_no<R: Rng>(rng: &mut R, split: Split) -> Example {
    let draw = |rng: &mut R| {
        let x: &Animal = one(rng, &WORDS.animals);
        // as often yes as no
        (x, if rng.random_bool(0.5) { x } else { one(rng, &WORDS.animals) })
    };
    let of_class = rng.random_bool(0.5);
    let aspect = |y: &Animal| if of_class { y.class } else { y.home };
    let (x, y) = combined(rng, split, draw, |(x, y)| (x.name.to_owned(), format!("yes or no {}", aspect(y))));
    let an = a(x.name);
    let (yes, no) = if aspect(x) == aspect(y) { ("yes", "no") } else { ("no", "yes") };
    let (seen, unseen, end): (&[&str], &[&str], String) = match of_class {
        true => (
            &[
                "Is {x} {y}?",
                "Answer yes or no: is {x} {y}?",
                "Is it true that {x} is {y}?",
                "Can you say that {x} is {y}?",
                "Yes or no: is {x} {y}?",
                "Do you think that {x} is {y}?",
            ],
            &["Would you say that {x} is {y}?"],
            format!("{an} is {}", a(x.class)),
        ),
        false => (
            &[
                "Does {x} live in the {y}?",
                "Answer yes or no: does {x} live in the {y}?",
                "Is it true that {x} lives in the {y}?",
                "Yes or no: does {x} live in the {y}?",
                "Do you think that {x} lives in the {y}?",
            ],
            &["Would you say that {x} lives in the {y}?"],
            format!("{an} lives in the {}", x.home),
        ),
    };
    let asked = if of_class { a(y.class) } else { y.home.to_owned() };
    let prompt = ask(rng, split, seen, unseen, &[("x", &an), ("y", &asked)]);
    // what was asked and then the fact: the answer follows from what has been said
    let again = if of_class { capital(&asked) } else { format!("In the {asked}") };
    let answer = format!("{again}? {}, so the answer is {yes}.", capital(&end));
    let check = Check::Says { this: format!("the answer is {yes}"), not: format!("the answer is {no}") };
    Example { kind: "yes-no", prompt, answer, check }
}

pub fn sum<R: Rng>(rng: &mut R, split: Split) -> Example {
    let minus = rng.random_bool(0.4);
    let draw = |rng: &mut R| (rng.random_range(1..11), rng.random_range(1..10));
    let key = |(i, j): &(usize, usize)| (format!("{minus} {i}"), format!("and {j}"));
    let (i, j) = combined(rng, split, draw, key);
    let (x, y, z) = if minus { (i + j, j, i) } else { (i, j, i + j) };
    let word = if minus { "minus" } else { "plus" };
    let seen = [
        "Solve: {x} {w} {y}.",
        "Solve the sum {x} {w} {y}.",
        "How much is {x} {w} {y}?",
        "What is {x} {w} {y}?",
        "Solve this: {x} {w} {y}",
        "Say how much {x} {w} {y} is.",
        "Find out what {x} {w} {y} makes.",
    ];
    let unseen = ["Please solve {x} {w} {y}.", "Can you tell me what {x} {w} {y} is?"];
    let prompt = ask(rng, split, &seen, &unseen, &[("x", NUMBERS[x]), ("y", NUMBERS[y]), ("w", word)]);
    let answer = format!("{} {word} {} is {}.", capital(NUMBERS[x]), NUMBERS[y], NUMBERS[z]);
    Example { kind: "sum", prompt, answer: answer.clone(), check: Check::Exact(answer) }
}
