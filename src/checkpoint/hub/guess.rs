//! Which repository holds the other half of a pair: what a card names, and what publishers' habits of naming say.

use super::{HubError, Listing, Relation, Repository};

/// Which half of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Before tuning.
    Base,
    /// After it.
    Tuned,
}

/// Something to ask the hub on the way to files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The files of a repository.
    Files {
        /// Which.
        repository: Repository,
        /// At which revision, if not the newest.
        revision: Option<String>,
    },
    /// Repositories with GGUF files that others made of this one.
    Quantized(Repository),
    /// The card of a model, to see what its other half is; files are then looked for among the publications of whoever
    /// published `like`.
    Card {
        /// The model.
        model: Repository,
        /// What the visitor has of it.
        like: Repository,
        /// Which half is wanted.
        wanted: Half,
    },
}

impl Step {
    /// Where to ask.
    pub fn url(&self, hub: &str) -> String {
        match self {
            Self::Files { repository, revision } => repository.listing(hub, revision.as_deref()),
            Self::Quantized(of) => of.quantized(hub),
            Self::Card { model, .. } => model.listing(hub, None),
        }
    }

    /// What is asked about, for the user, with its revision.
    pub fn about(&self) -> (String, Option<&str>) {
        match self {
            Self::Files { repository, revision } => (repository.to_string(), revision.as_deref()),
            Self::Quantized(of) => (of.to_string(), None),
            Self::Card { model, .. } => (model.to_string(), None),
        }
    }
}

/// What publishers add to a base's name for what they tuned from it.
const TUNED: [&str; 12] = [
    "-instruct",
    "-it",
    "-chat",
    "-sft",
    "-dpo",
    "-rlvr1",
    "-rlvr2",
    "-rlvr",
    "-zephyr",
    "-hf-instruct",
    "-qat",
    "-think",
];
/// What they add to a tuned model's name for its base.
const BASE: [&str; 3] = ["-base", "-pt", "-pretrain"];

fn without<'a>(name: &'a str, ends: &[&str]) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let end = ends.iter().find(|end| lower.ends_with(**end) && lower.len() > end.len())?;
    name.get(..name.len() - end.len())
}

/// What the other half of a model called so may be called, the likeliest first. Capitals are as the name has them.
fn names(name: &str, wanted: Half) -> Vec<String> {
    let small = name.chars().all(|c| !c.is_ascii_uppercase());
    let with = |stem: &str, ends: &[(&str, &str)]| -> Vec<String> {
        ends.iter().map(|(capital, plain)| format!("{stem}{}", if small { plain } else { capital })).collect()
    };
    match wanted {
        Half::Base => match without(name, &TUNED) {
            Some(stem) => {
                let mut all = vec![stem.to_owned()];
                all.extend(with(stem, &[("-Base", "-base"), ("-pt", "-pt")]));
                all
            }
            None if without(name, &BASE).is_some() => Vec::new(), // it is the base
            None => with(name, &[("-Base", "-base"), ("-pt", "-pt")]),
        },
        Half::Tuned => match without(name, &BASE) {
            Some(stem) => {
                let mut all = vec![stem.to_owned()];
                all.extend(with(stem, &[("-Instruct", "-instruct"), ("-it", "-it"), ("-Chat", "-chat")]));
                all
            }
            None if without(name, &TUNED).is_some() => Vec::new(), // it is tuned
            None => with(name, &[("-Instruct", "-instruct"), ("-it", "-it"), ("-Chat", "-chat")]),
        },
    }
}

/// The models that may be the other half of `listing`'s, the likeliest first: what its card names, or else what names say.
fn models(listing: &Listing, wanted: Half) -> Vec<Repository> {
    let tuned_from = listing.made_from.iter().filter(|(_, how)| wanted == Half::Base && *how == Relation::Tuned);
    let named: Vec<Repository> = tuned_from.map(|(of, _)| of.clone()).collect();
    match named.is_empty() {
        true => by_name(&listing.repository, wanted),
        false => named,
    }
}

fn by_name(model: &Repository, wanted: Half) -> Vec<Repository> {
    names(&model.name, wanted).iter().filter_map(|name| model.beside(name)).collect()
}

/// What the publisher of `like`, which holds the weights of `model`, would call those of `others`.
fn similar(like: &Repository, model: &Repository, others: &[Repository]) -> Vec<Step> {
    let one = |other: &Repository| {
        let at = like.name.to_lowercase().find(&model.name.to_lowercase())?;
        let (before, after) = (like.name.get(..at)?, like.name.get(at + model.name.len()..)?);
        like.beside(&format!("{before}{}{after}", other.name))
    };
    others.iter().filter_map(one).take(3).map(files).collect()
}

fn files(repository: Repository) -> Step {
    Step::Files { repository, revision: None }
}

/// A guess at the other half of a pair: whom to ask, one after the other, and how to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterpart {
    /// The likeliest, if it is known before anybody is asked.
    pub name: Option<String>,
    /// Whether the card says so, and not only the name.
    pub named_by_card: bool,
    /// Whom to ask.
    pub steps: Vec<Step>,
}

/// What may be the `wanted` half beside what `listing` holds; nothing if it has none by all that names say.
pub fn counterpart(listing: &Listing, wanted: Half) -> Option<Counterpart> {
    let (own, model) = (&listing.repository, listing.model());
    if model != own {
        let guesses = by_name(model, wanted);
        // the card of what it was made from may know better, if it is shown
        let mut steps = vec![Step::Card { model: model.clone(), like: own.clone(), wanted }];
        steps.extend(similar(own, model, &guesses));
        let name = guesses.first().filter(|_| wanted == Half::Tuned).map(ToString::to_string);
        return Some(Counterpart { name, named_by_card: false, steps });
    }
    let models = models(listing, wanted);
    let first = models.first()?;
    let named_by_card = listing.made_from.iter().any(|(of, how)| of == first && *how == Relation::Tuned);
    let steps = models.iter().cloned().map(files).collect();
    Some(Counterpart { name: Some(first.to_string()), named_by_card, steps })
}

/// What to ask once the card of a model is there, which holds the same weights as `like` in more bits.
pub fn plan(card: &Listing, like: &Repository, wanted: Half) -> Result<Vec<Step>, HubError> {
    let found = models(card, wanted);
    if found.is_empty() {
        return Err(HubError::NoGuess(format!("“{}” says nothing of another", card.repository)));
    }
    // as this publisher would call it, then what others made of the likeliest, then the models themselves
    let mut steps = similar(like, &card.repository, &found);
    steps.extend(found.first().cloned().map(Step::Quantized));
    steps.extend(found.into_iter().map(files));
    Ok(steps)
}
