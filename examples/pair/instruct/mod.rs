//! Instructions and their answers for the tuned model: thirty-five kinds, each in many wordings.
//!
//! Half of what is trained on is about stories of the base's own, so that tuning changes what it does and not its
//! language. A tenth of the stories and of all combinations of content words is never trained on, and neither are the
//! `unseen` wordings of each kind: both are for the evaluation.

mod contents;
mod reading;
mod retold;
mod sentences;
mod stories;
mod tale;
mod words;
mod writing;

use rand::Rng;

use crate::draw::{fill, held_out, word};
use crate::judge::Check;
pub use stories::Stories;

/// Which instructions to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// What is trained on.
    Train,
    /// Stories and combinations of content words that are never trained on.
    Combination,
    /// Wordings that training never used.
    Wording,
}

/// An instruction, a right answer, and how any answer is judged.
#[derive(Debug, Clone)]
pub struct Example {
    pub kind: &'static str,
    pub prompt: String,
    pub answer: String,
    pub check: Check,
}

type Maker<R> = fn(&mut R, &Stories, Split) -> Example;

/// Every kind with its share of the instructions, beside the others. A story is ten times as long as another answer: about a
/// fifth of all instructions ask for one, which makes half of the tokens.
pub const KINDS: [(&str, usize); 35] = [
    ("story with two words", 210),
    ("story in which", 50),
    ("story about a name", 40),
    ("story about a thing", 45),
    ("continue", 35),
    ("who", 20),
    ("hero", 20),
    ("what", 30),
    ("where", 25),
    ("ending", 30),
    ("feeling", 20),
    ("animals in it", 30),
    ("names in it", 20),
    ("things in it", 25),
    ("first sentence", 40),
    ("last sentence", 70),
    ("title", 20),
    ("retell", 25),
    ("is there", 60),
    ("answer", 25),
    ("past", 30),
    ("question", 20),
    ("not", 20),
    ("correct", 30),
    ("polite", 20),
    ("classify", 40),
    ("yes or no", 60),
    ("which word", 25),
    ("list", 30),
    ("opposite", 35),
    ("rhyme", 80),
    ("capitals", 60),
    ("count", 25),
    ("repeat", 25),
    ("plural", 40),
];

/// What makes an instruction of each kind, in the order of `KINDS`.
fn makers<R: Rng>() -> [Maker<R>; 35] {
    [
        writing::with_words,
        writing::event,
        writing::about_name,
        writing::about_thing,
        writing::go_on,
        reading::who,
        reading::hero,
        reading::what,
        reading::place,
        reading::ending,
        reading::feeling,
        contents::animals,
        contents::people,
        contents::things,
        contents::first_sentence,
        contents::last_sentence,
        contents::title,
        contents::retell,
        contents::there,
        |rng, _, split| sentences::small_text(rng, split),
        |rng, _, split| sentences::past(rng, split),
        |rng, _, split| sentences::question(rng, split),
        |rng, _, split| sentences::negate(rng, split),
        |rng, _, split| sentences::correct(rng, split),
        |rng, _, split| sentences::polite(rng, split),
        |rng, _, split| sentences::classify(rng, split),
        |rng, _, split| sentences::yes_no(rng, split),
        |rng, _, split| sentences::word_at(rng, split),
        |rng, _, split| words::list(rng, split),
        |rng, _, split| words::opposites(rng, split),
        |rng, _, split| words::rhyme(rng, split),
        |rng, _, split| words::capitals(rng, split),
        |rng, _, split| words::count(rng, split),
        |rng, _, split| words::repeat(rng, split),
        |rng, _, split| words::plural(rng, split),
    ]
}

/// An instruction of any kind, in the shares of training.
pub fn example<R: Rng>(rng: &mut R, stories: &Stories, split: Split) -> Example {
    let mut at = rng.random_range(0..KINDS.iter().map(|(_, share)| share).sum());
    let kind = KINDS.iter().position(|(_, share)| {
        let here = at < *share;
        at = at.saturating_sub(*share);
        here
    });
    of_kind(rng, stories, split, kind.unwrap_or_default())
}

/// An instruction of kind number `index`; the kinds in turn.
pub fn of_kind<R: Rng>(rng: &mut R, stories: &Stories, split: Split, index: usize) -> Example {
    makers::<R>()[index % KINDS.len()](rng, stories, split)
}

/// Draws with `make` until the combination `key` of what it gives is one that `split` may use.
fn combined<R: Rng, T>(
    rng: &mut R,
    split: Split,
    make: impl Fn(&mut R) -> T,
    key: impl Fn(&T) -> (String, String),
) -> T {
    loop {
        let drawn = make(rng);
        let (x, y) = key(&drawn);
        if x != y && held_out(&x, &y) == (split == Split::Combination) {
            return drawn;
        }
    }
}

/// One of the wordings that `split` may use, filled in. In training some are framed, so that a kind is known by what is
/// asked and not by how the request begins.
fn ask(rng: &mut impl Rng, split: Split, seen: &[&str], unseen: &[&str], values: &[(&str, &str)]) -> String {
    let wording = word(rng, if split == Split::Wording { unseen } else { seen });
    match split == Split::Train && rng.random_bool(FRAMED) {
        true => fill(&framed(rng, wording), values),
        false => fill(wording, values),
    }
}

/// How many of training's requests are framed.
const FRAMED: f64 = 0.4;
const COMMANDS: [&str; 7] = [
    "Please {}",
    "Can you {}",
    "Could you please {}",
    "I want you to {}",
    "Now {}",
    "You should {}",
    "Here is what I want: {}",
];
const QUESTIONS: [&str; 5] = ["Tell me, {}", "Do you know: {}", "I ask you: {}", "A question: {}", "Please answer: {}"];

/// `wording` as a part of a longer request: "Can you list four fruits?".
fn framed(rng: &mut impl Rng, wording: &str) -> String {
    let plain = ["Please", "I ", "Can ", "There ", "Here ", "Read ", "Answer ", "Yes ", "Do ", "{"];
    if plain.iter().any(|start| wording.starts_with(start)) {
        return wording.to_owned(); // begins as a request of its own
    }
    let lower = wording[..1].to_lowercase() + &wording[1..];
    let question = ["what", "which", "where", "how", "who", "does", "is", "did", "would"]
        .contains(&lower.split(' ').next().unwrap_or_default());
    let frame = word(rng, if question { &QUESTIONS } else { &COMMANDS });
    let text = frame.replace("{}", &lower);
    match (frame.starts_with("C"), text.strip_suffix('.')) {
        (true, Some(text)) => format!("{text}?"),
        _ => text,
    }
}

/// Stories for tests: twelve, each told of several heroes and things.
#[cfg(test)]
pub fn examples_of_stories() -> Stories {
    use crate::lexicon::WORDS;
    let mut texts = Vec::new();
    for (i, told) in include_str!("stories.txt").split("\n\n").enumerate() {
        for j in 0..60 {
            let name =
                if told.contains("girl") { WORDS.she[j % WORDS.she.len()] } else { WORDS.he[j % WORDS.he.len()] };
            let animal = ["dog", "cat", "bird", "bear", "frog", "duck", "rabbit", "fox"][(i + j) % 8];
            let thing = ["ball", "hat", "box", "book", "key", "shell", "coin", "kite", "doll"][(i * 5 + j * 2) % 9];
            texts
                .push(fill(told.trim(), &[("n", name), ("a", WORDS.other_adjectives[j]), ("x", animal), ("y", thing)]));
        }
    }
    Stories::read(&texts)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::train::rng;

    const SPLITS: [Split; 3] = [Split::Train, Split::Combination, Split::Wording];

    #[test]
    fn every_kind_has_instructions_of_every_split_that_fit_the_context() {
        let stories = examples_of_stories();
        let mut draw = rng(3, "kinds");
        for split in SPLITS {
            for i in 0..20 * KINDS.len() {
                let e = of_kind(&mut draw, &stories, split, i);
                assert_eq!(e.kind, KINDS[i % KINDS.len()].0);
                assert!(!e.prompt.contains(['{', '}']) && !e.answer.contains(['{', '}']), "{e:?}");
                let most = if matches!(e.check, Check::Story { .. }) { 900 } else { 750 };
                assert!(e.prompt.len() + e.answer.len() <= most, "{e:?}");
            }
        }
    }

    #[test]
    fn training_never_asks_what_the_evaluation_asks() {
        let stories = examples_of_stories();
        let mut draw = rng(2, "training");
        let trained: Vec<Example> = (0..40_000).map(|_| example(&mut draw, &stories, Split::Train)).collect();
        let prompts: HashSet<&String> = trained.iter().map(|e| &e.prompt).collect();
        let told: HashSet<&String> =
            trained.iter().filter(|e| matches!(e.check, Check::Story { .. })).map(|e| &e.answer).collect();
        let mut draw = rng(2, "evaluation");
        for split in [Split::Combination, Split::Wording] {
            for i in 0..1000 {
                let e = of_kind(&mut draw, &stories, split, i);
                assert!(!prompts.contains(&e.prompt), "{}", e.prompt);
            }
        }
        for held in stories.texts(true) {
            assert!(!told.contains(&held.to_owned()), "{held}");
        }
        for text in stories.texts(false).take(5) {
            assert!(text.len() > 100);
        }
    }

    #[test]
    fn the_same_generator_gives_the_same_instructions() {
        let all = || {
            let stories = examples_of_stories();
            let mut draw = rng(5, "again");
            (0..500).map(|_| example(&mut draw, &stories, Split::Train).prompt).collect::<Vec<_>>()
        };
        assert_eq!(all(), all());
    }

    #[test]
    fn no_wording_is_both_seen_and_unseen() {
        for (file, source) in [
            ("contents", include_str!("contents.rs")),
            ("reading", include_str!("reading.rs")),
            ("sentences", include_str!("sentences.rs")),
            ("words", include_str!("words.rs")),
            ("writing", include_str!("writing.rs")),
        ] {
            let functions = source.split("pub fn ").skip(1).filter(|f| f.contains("let unseen"));
            for function in functions {
                let wordings = |name: &str| -> HashSet<&str> {
                    let after = function.split(&format!("let {name} = [")).nth(1).unwrap();
                    after.split("];").next().unwrap().split('"').skip(1).step_by(2).collect()
                };
                let (seen, unseen) = (wordings("seen"), wordings("unseen"));
                assert!(seen.len() >= 4 && unseen.len() >= 2, "{file}: {seen:?} {unseen:?}");
                assert!(seen.is_disjoint(&unseen), "{file}: {seen:?} {unseen:?}");
            }
        }
    }
}
