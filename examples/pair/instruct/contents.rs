//! Questions about what stands in a short part of a story.

use rand::Rng;

use super::reading::{introduced, nouns, owned};
use super::stories::{Asked, Find, Found, Stories};
use super::tale::{self, Tale, holds, names};
use super::{Example, Split, ask};
use crate::judge::Check;
use crate::lexicon::{WORDS, a, capital, series};

const ANIMALS: &str = "animals in it";
const NAMES: &str = "names in it";
const THINGS: &str = "things in it";
const FIRST: &str = "first sentence";
const LAST: &str = "last sentence";
const TITLE: &str = "title";
const RETELL: &str = "retell";
const THERE: &str = "is there";

pub const FINDERS: [(&str, Find); 8] = [
    (ANIMALS, find_animals),
    (NAMES, find_names),
    (THINGS, find_things),
    (FIRST, |tale| find_sentence(tale, true)),
    (LAST, |tale| find_sentence(tale, false)),
    (TITLE, find_title),
    (RETELL, find_retell),
    (THERE, find_there),
];

fn find_animals(tale: &Tale) -> Vec<Found> {
    let asked = tale.windows().into_iter().filter_map(|span| {
        let found = nouns(&tale.excerpt(&span), true);
        (1..=3).contains(&found.len()).then(|| Found::new(span, &found))
    });
    asked.collect()
}

pub fn animals<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw_rare(rng, ANIMALS, split, |facts| facts.len() == 1);
    let seen = [
        "Which animals are in this story? {t}",
        "{t} Which animals are in it?",
        "List the animals in this story: {t}",
        "Name the animals in this text: {t}",
        "Read this: {t} List the animals.",
        "Find the animals in this story: {t}",
    ];
    let unseen = ["{t} What animals does the story name?", "Make a list of the animals in this story: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let named: Vec<String> = facts.iter().map(|x| a(x)).collect();
    let answer = format!("There is {}.", series(&named.iter().map(String::as_str).collect::<Vec<_>>()));
    let none = WORDS.animals.iter().map(|x| x.0.to_owned()).filter(|x| !facts.contains(x)).collect();
    let check = Check::Members { least: facts.len(), all: facts, none };
    Example { kind: ANIMALS, prompt, answer, check }
}

fn find_names(tale: &Tale) -> Vec<Found> {
    let asked = tale.windows().into_iter().filter_map(|span| {
        let text = tale.excerpt(&span);
        let found = names(&text);
        let clear = !["Mr", "Mrs", "Miss", "Mom", "Dad", "Mommy", "Daddy"].iter().any(|w| holds(&text, w));
        let fits = (1..=3).contains(&found.len()) && clear && found.iter().all(|n| tale::is_name(n));
        fits.then(|| Found::new(span, &found.iter().map(String::as_str).collect::<Vec<_>>()))
    });
    asked.collect()
}

pub fn people<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw_rare(rng, NAMES, split, |facts| facts.len() == 1);
    let seen = [
        "Which names are in this story? {t}",
        "{t} Which names are in it?",
        "List the names in this story: {t}",
        "Write down the names in this text: {t}",
        "Read this: {t} List the names.",
        "Find the names in this story: {t}",
    ];
    let unseen = ["{t} What names does the story have?", "Make a list of the names in this story: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let answer = format!("The names are {}.", series(&facts.iter().map(String::as_str).collect::<Vec<_>>()));
    let answer = if facts.len() == 1 { format!("The name is {}.", facts[0]) } else { answer };
    let all = WORDS.she.iter().chain(&WORDS.he).map(|n| (*n).to_owned());
    let none = all.filter(|n| !facts.contains(n)).collect();
    let check = Check::Members { least: facts.len(), all: facts, none };
    Example { kind: NAMES, prompt, answer, check }
}

fn find_things(tale: &Tale) -> Vec<Found> {
    let asked = tale.windows().into_iter().filter_map(|span| {
        let found = nouns(&tale.excerpt(&span), false);
        (found.len() >= 2).then(|| Found::new(span, &found))
    });
    asked.collect()
}

pub fn things<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, THINGS, split);
    let seen = [
        "Name two things in this story: {t}",
        "{t} Name two things that are in it.",
        "Find two things in this story: {t}",
        "List two things from this text: {t}",
        "Read this: {t} Name two things.",
    ];
    let unseen = ["{t} Give me two things from the story.", "Which two things are in this story? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let answer = format!("There is {} and {}.", a(&facts[0]), a(&facts[1]));
    let absent = WORDS.things.iter().filter(|x| !holds(&text, x.0) && !holds(&text, x.1));
    let none = absent.map(|x| x.0.to_owned()).collect();
    Example { kind: THINGS, prompt, answer, check: Check::Members { all: facts, none, least: 2 } }
}

fn find_sentence(tale: &Tale, first: bool) -> Vec<Found> {
    let asked = tale.windows().into_iter().filter_map(|span| {
        let wanted = if first { span.start } else { span.end - 1 };
        let sentence = &tale.sentences[wanted];
        let fits = sentence.len() <= 100 && !tale.excerpt(&span).contains('"') && tale.excerpt(&span).len() < 300;
        fits.then(|| Found::new(span, &[sentence]))
    });
    asked.collect()
}

pub fn first_sentence<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, FIRST, split);
    let seen = [
        "What is the first sentence of this text? {t}",
        "{t} What is the first sentence?",
        "Give me the first sentence of this story: {t}",
        "Write down the first sentence: {t}",
        "Say the first sentence again: {t}",
    ];
    let unseen = ["{t} Which sentence comes first?", "Copy the first sentence of this: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    Example { kind: FIRST, prompt, answer: facts[0].clone(), check: Check::Exact(facts[0].clone()) }
}

pub fn last_sentence<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, LAST, split);
    let seen = [
        "What is the last sentence of this text? {t}",
        "{t} What is the last sentence?",
        "Give me the last sentence of this story: {t}",
        "Write down the last sentence: {t}",
        "Say the last sentence again: {t}",
    ];
    let unseen = ["{t} Which sentence comes last?", "Copy the last sentence of this: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    Example { kind: LAST, prompt, answer: facts[0].clone(), check: Check::Exact(facts[0].clone()) }
}

fn find_title(tale: &Tale) -> Vec<Found> {
    let Some((span, hero)) = introduced(tale) else { return Vec::new() };
    let text = tale.excerpt(&span);
    let mut found = nouns(&text, false);
    found.extend(nouns(&text, true));
    found.retain(|n| *n != hero.noun);
    // what happens to the hero is what the story is about
    let happens = tale.events().into_iter().rfind(|e| span.contains(&e.sentence) && found.contains(&e.noun));
    let Some(thing) = happens.map(|e| e.noun).or(found.first().copied()) else { return Vec::new() };
    let mut facts = vec![hero.name.as_str(), thing];
    facts.extend(found);
    vec![Found::new(span, &facts)]
}

pub fn title<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, TITLE, split);
    let seen = [
        "Give this story a title: {t}",
        "{t} Give it a title.",
        "Write a title for this story: {t}",
        "What is a good title for this story? {t}",
        "Find a title for this: {t}",
        "Make up a title for this story: {t}",
    ];
    let unseen = ["{t} What could its title be?", "Think of a title for this story: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let answer = format!("{} and the {}", facts[0], capital(&facts[1]));
    let check = Check::Short { all: vec![facts[0].clone()], any: facts[2..].to_vec(), words: 7 };
    Example { kind: TITLE, prompt, answer, check }
}

fn find_retell(tale: &Tale) -> Vec<Found> {
    let Some(hero) = &tale.hero else { return Vec::new() };
    let asked = tale.events().into_iter().filter_map(|e| {
        let span = tale.up_to(e.sentence, true).filter(|_| e.subject == hero.name && e.sentence > hero.sentence)?;
        let told = format!("{} named {} {} {}.", capital(&hero.phrase), hero.name, e.past, e.object);
        Some(Found::new(span, &[&told, &hero.name, e.noun]))
    });
    asked.collect()
}

pub fn retell<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, RETELL, split);
    let seen = [
        "Tell this story in one sentence: {t}",
        "{t} Tell it in one sentence.",
        "Say in one sentence what happens: {t}",
        "Make this story short, in one sentence: {t}",
        "Read this: {t} Say in one sentence what happened.",
    ];
    let unseen = ["{t} What happens, in one sentence?", "Write this story again in one sentence: {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text)]);
    let mut any = nouns(&text, false);
    any.extend(nouns(&text, true));
    let words = (text.split_whitespace().count() * 2 / 3).max(facts[0].split_whitespace().count());
    let check = Check::Short { all: vec![facts[1].clone()], any: owned(&any), words };
    Example { kind: RETELL, prompt, answer: facts[0].clone(), check }
}

/// The most nouns of a text that is asked for one: the answer names them all.
const NAMED: usize = 5;

fn find_there(tale: &Tale) -> Vec<Found> {
    let asked = tale.windows().into_iter().flat_map(|span| {
        let mut found: Vec<&str> = Vec::new();
        for noun in tale::all_nouns(&tale.excerpt(&span)) {
            if !found.contains(&noun) {
                found.push(noun);
            }
        }
        let asked = if found.len() <= NAMED { found.clone() } else { Vec::new() };
        let facts = move |noun| [&[noun], &found[..]].concat();
        asked.into_iter().map(move |noun| Found::new(span.clone(), &facts(noun))).collect::<Vec<_>>()
    });
    asked.collect()
}

pub fn there<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let Asked { text, facts, .. } = stories.draw(rng, THERE, split);
    // what is not in it is drawn from other stories, as often as these have it: the word alone does not tell
    let other = stories.draw(rng, THERE, split).facts[0].clone();
    let absent = !holds(&text, &other) && !holds(&text, WORDS.plural(&other));
    let no = rng.random_bool(0.5) && absent;
    let x = if no { other } else { facts[0].clone() };
    let seen = [
        "Is there {x} in this story? {t}",
        "{t} Is there {x} in it?",
        "Answer yes or no: is there {x} in this story? {t}",
        "Read this: {t} Is there {x} in it?",
        "Do you find {x} in this story? {t}",
    ];
    let unseen = ["{t} Does the story have {x} in it?", "Can you see {x} in this text? {t}"];
    let prompt = ask(rng, split, &seen, &unseen, &[("t", &text), ("x", &a(&x))]);
    // what there is comes first, so that yes or no follows from it
    let named: Vec<String> = facts[1..].iter().map(|x| a(x)).collect();
    let there = series(&named.iter().map(String::as_str).collect::<Vec<_>>());
    let answer = format!("There is {there}, so {}.", if no { "no" } else { "yes" });
    Example { kind: THERE, prompt, answer, check: Check::YesNo(!no) }
}
