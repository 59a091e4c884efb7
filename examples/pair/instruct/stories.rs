//! The base's stories, filed by what can be asked about them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use rand::Rng;
use sha2::{Digest, Sha256};

use super::retold::{renamed, with_noun};
use super::tale::{Tale, ambiguous, gender, holds, names};
use super::{Split, contents, reading, writing};
use crate::draw::{held_out, one};
use crate::lexicon::WORDS;

/// Stories and, by kind, what can be asked about them. A tenth of the stories is never trained on.
pub struct Stories {
    tales: Vec<Tale>,
    filed: HashMap<&'static str, Filed>,
}

/// What one kind can ask.
struct Filed {
    train: Vec<Item>,
    held: Vec<Item>,
    /// The pairs of words that the evaluation asks for and training never does.
    held_pairs: HashSet<Pair>,
}

/// Two words, the smaller first.
type Pair = (String, String);

fn pair(x: &str, y: &str) -> Pair {
    let (x, y) = if x <= y { (x, y) } else { (y, x) };
    (x.to_owned(), y.to_owned())
}

/// Something that can be asked about a story.
#[derive(Debug, Clone)]
pub struct Item {
    tale: usize,
    /// The sentences it is about.
    span: Range<usize>,
    /// What the kind needs to know.
    facts: Vec<String>,
    pair: Option<Pair>,
}

/// What finds in a story what a kind can ask; the combination of words that must be held out with it, if any.
pub type Find = fn(&Tale) -> Vec<Found>;

pub struct Found {
    pub span: Range<usize>,
    pub facts: Vec<String>,
    /// The two words asked for: what a story held out asks for with them is never trained on.
    pub pair: Option<Pair>,
}

impl Found {
    pub fn new(span: Range<usize>, facts: &[&str]) -> Self {
        Self { span, facts: facts.iter().map(|f| (*f).to_owned()).collect(), pair: None }
    }

    pub fn with_pair(mut self, x: &str, y: &str) -> Self {
        self.pair = Some(pair(x, y));
        self
    }
}

/// A story as it is asked about: its hero may have another name, and what is asked for may be another thing.
pub struct Asked {
    pub tale: Tale,
    /// The sentences asked about.
    pub text: String,
    pub span: Range<usize>,
    pub facts: Vec<String>,
}

impl Stories {
    /// Takes every text apart and files it. Texts that are no clean stories are left out.
    pub fn read(texts: &[String]) -> Self {
        let tales: Vec<Tale> = texts.iter().filter_map(|t| Tale::read(t)).collect();
        let kinds = writing::FINDERS.iter().chain(&reading::FINDERS).chain(&contents::FINDERS);
        let filed = kinds.map(|(name, find)| (*name, file(&tales, *find))).collect();
        Self { tales, filed }
    }

    /// How many clean stories there are.
    pub fn len(&self) -> usize {
        self.tales.len()
    }

    /// Stories of the base, as they are: held out or not.
    pub fn texts(&self, held: bool) -> impl Iterator<Item = &str> {
        self.tales.iter().filter(move |t| t.held == held).map(|t| t.text.as_str())
    }

    /// As `draw`, but mostly not what most stories would answer, so that the answer cannot be guessed.
    pub fn draw_rare(
        &self,
        rng: &mut impl Rng,
        kind: &'static str,
        split: Split,
        common: impl Fn(&[String]) -> bool,
    ) -> Asked {
        let mut drawn = self.draw(rng, kind, split);
        if rng.random_bool(PASSED_OVER) {
            // where nothing else fits, the common answer is asked for
            for _ in 0..20 {
                if !common(&drawn.facts) {
                    break;
                }
                drawn = self.draw(rng, kind, split);
            }
        }
        drawn
    }

    /// Something to ask of this kind. The hero often gets another name, which for a story about a name is one that
    /// training asks for (or does not). In training, what is asked for is often replaced by another thing of its kind: the
    /// model must read the request to know it.
    pub fn draw(&self, rng: &mut impl Rng, kind: &'static str, split: Split) -> Asked {
        let filed = &self.filed[kind];
        let items = if split == Split::Combination { &filed.held } else { &filed.train };
        assert!(!items.is_empty(), "no story fits {kind:?} in {split:?}: there are too few stories");
        let item = one(rng, items);
        let tale = &self.tales[item.tale];
        let mut asked = Asked {
            tale: tale.clone(),
            text: tale.excerpt(&item.span),
            span: item.span.clone(),
            facts: item.facts.clone(),
        };
        if split == Split::Train
            && let Some(words) = &item.pair
        {
            asked = filed.other_nouns(rng, asked, words);
        }
        let must = kind == writing::NAME && held_out(kind, &item.facts[0]) != (split == Split::Combination);
        if must || rng.random_bool(RENAMED) { other_name(rng, asked, kind, split) } else { asked }
    }
}

impl Filed {
    /// The story with other nouns of the same kinds in place of those of `words`, each more often than not, unless the
    /// evaluation asks for what comes out.
    fn other_nouns(&self, rng: &mut impl Rng, mut asked: Asked, words: &Pair) -> Asked {
        let mut words = [words.0.clone(), words.1.clone()];
        for at in 0..words.len() {
            let Some(kind) = WORDS.kind(&words[at]).filter(|_| rng.random_bool(REPLACED)) else { continue };
            let to = *one(rng, &kind.members);
            let free = !self.held_pairs.contains(&pair(to, &words[1 - at]));
            let fits = WORDS.noun(to).is_some() && !holds(&asked.tale.text, to);
            let alone = ambiguous(&words[at]) || ALONE.contains(&words[at].as_str());
            if free && fits && !alone {
                let from = std::mem::replace(&mut words[at], to.to_owned());
                asked = asked.changed(|text| with_noun(text, &from, to));
            }
        }
        asked
    }
}

/// Animals that do in stories what no other animal does.
const ALONE: [&str; 2] = ["bird", "fish"];

/// How often a noun that a story is asked for is replaced.
const REPLACED: f64 = 0.6;

impl Asked {
    fn changed(mut self, change: impl Fn(&str) -> String) -> Self {
        self.tale.text = change(&self.tale.text);
        self.tale.sentences = self.tale.sentences.iter().map(|s| change(s)).collect();
        self.text = change(&self.text);
        self.facts = self.facts.iter().map(|f| change(f)).collect();
        self
    }
}

/// What a kind can ask about all stories.
fn file(tales: &[Tale], find: Find) -> Filed {
    let all = tales.iter().enumerate().flat_map(|(i, tale)| find(tale).into_iter().map(move |found| (i, found)));
    let (held, train): (Vec<_>, Vec<_>) = all.partition(|(i, _)| tales[*i].held);
    let chosen = |found: &Found| found.pair.as_ref().is_none_or(|(x, y)| held_pair(x, y));
    let held: Vec<_> = held.into_iter().filter(|(_, found)| chosen(found)).collect();
    let held_pairs: HashSet<_> = held.iter().filter_map(|(_, found)| found.pair.clone()).collect();
    let free = |found: &Found| found.pair.as_ref().is_none_or(|pair| !held_pairs.contains(pair));
    let train = train.into_iter().filter(|(_, found)| free(found));
    let item = |(tale, found): (usize, Found)| Item { tale, span: found.span, facts: found.facts, pair: found.pair };
    let train: Vec<Item> = train.map(item).collect();
    let mut held: Vec<Item> = held.into_iter().map(item).collect();
    leave_out_known(tales, &train, &mut held);
    Filed { train, held, held_pairs }
}

/// Whether a pair of words that a story held out would ask for is never trained on: a third are, so that training does
/// not lose the words that are asked for most.
fn held_pair(x: &str, y: &str) -> bool {
    Sha256::digest(format!("{x}\n{y}"))[0] % 3 == 0
}

/// Stories may begin alike: what training asks about in the same words, but for the hero's name, is not held out.
fn leave_out_known(tales: &[Tale], train: &[Item], held: &mut Vec<Item>) {
    let words = |item: &Item| {
        let tale = &tales[item.tale];
        let text = tale.excerpt(&item.span);
        tale.hero.as_ref().map_or(text.clone(), |hero| renamed(&text, &hero.name, "*"))
    };
    let known: HashSet<String> = train.iter().map(words).collect();
    held.retain(|item| !known.contains(&words(item)));
}

/// How often an answer that most stories give is passed over.
const PASSED_OVER: f64 = 0.7;

/// How often the hero gets another name: a third of the base's stories are about Lily.
const RENAMED: f64 = 0.6;

fn other_name(rng: &mut impl Rng, asked: Asked, kind: &str, split: Split) -> Asked {
    let Some(hero) = &asked.tale.hero else { return asked };
    let list = match gender(&hero.name, &hero.noun) {
        Some(true) => &WORDS.she,
        Some(false) => &WORDS.he,
        None => return asked,
    };
    let taken = names(&asked.tale.text);
    let fits = |n: &&&str| {
        !taken.iter().any(|t| t == **n) && (kind != writing::NAME || held_out(kind, n) == (split == Split::Combination))
    };
    let others: Vec<&&str> = list.iter().filter(fits).collect();
    if others.is_empty() {
        return asked;
    }
    let (from, to) = (hero.name.clone(), **one(rng, &others));
    let mut asked = asked.changed(|text| renamed(text, &from, to));
    if let Some(hero) = &mut asked.tale.hero {
        hero.name = to.to_owned();
    }
    asked
}
