//! Repositories of the hub in place of files: what is in them, what is proposed, and who holds the other half of the pair.
//! The hub is asked by the engines, one question after the other; what follows from an answer is decided here.

use std::collections::VecDeque;

use super::slots::Command as Load;
use super::{Context, Effect, Msg, Purpose, Side, Tracked};
use crate::checkpoint::catalogue::{CATALOGUE, RUN};
use crate::checkpoint::hub::{
    Address, Candidates, Counterpart, HUB, Half, HubError, Listing, MOST_BYTES, Repository, Step, counterpart, found,
    plan,
};
use crate::protocol::{Event, Failure, JobId, Request, Source};
use crate::wording::models as wording;

/// Repositories that are asked, at most, until one holds what is wanted.
const MOST_ASKED: usize = 12;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The hub is here, for this page.
    At(String),
    /// See what the repository holds that is written so.
    Look(Side, String),
    /// Open what was found for a side, by its place among the candidates.
    Open(Side, usize),
    /// Find the other half of what was found for this side; it is proposed in the other slot.
    Counterpart(Side),
    /// Open a pair of the catalogue, by its place and that of its tuned member.
    Pair(usize, usize),
    /// What was asked or found for this side is not wanted any more.
    Forget(Side),
}

/// What a repository holds, and what is proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The repository at one commit.
    pub listing: Listing,
    /// What can be opened, and what cannot.
    pub candidates: Candidates,
    /// The place of what is proposed.
    pub proposed: usize,
    /// Who may hold the other half.
    pub other: Option<Counterpart>,
}

/// What is known of a repository that was asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Look {
    /// None was.
    #[default]
    None,
    /// This one is being asked for.
    Asking(String),
    /// It is there.
    Found(Box<Found>),
    /// It cannot be opened.
    Failed(HubError),
}

/// How a slot's repository is looked for.
#[derive(Debug, Clone, Default)]
struct Search {
    job: Option<JobId>,
    /// What is asked now, and what next.
    steps: VecDeque<Step>,
    /// What was asked and was not it.
    passed: Vec<(String, HubError)>,
    asked: usize,
    /// Stored like this, if there is such a file.
    prefer: Option<String>,
    /// It is opened as soon as it is found.
    open: bool,
}

/// What the feature may read beside the [`Context`]: bytes that the file of one of two models may have here.
type Most = u64;

/// The hub, as far as it was asked.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where it is.
    pub at: String,
    /// What is known for base and tuned.
    pub looks: Tracked<[Look; 2]>,
    searches: [Search; 2],
}

impl Default for Hub {
    fn default() -> Self {
        Self { at: HUB.to_owned(), looks: Tracked::default(), searches: Default::default() }
    }
}

fn half(side: Side) -> Half {
    match side {
        Side::Base => Half::Base,
        Side::Tuned => Half::Tuned,
    }
}

impl Hub {
    /// Does what the user wants.
    pub fn command(&mut self, command: Command, context: &mut Context) -> Vec<Msg> {
        match command {
            Command::At(at) => self.at = at,
            Command::Look(side, text) => match Address::read(&text, &self.at) {
                Ok(Address::Repository { repository, revision }) => {
                    let prefer = self.storage_of(side.other());
                    self.search(side, vec![Step::Files { repository, revision }], prefer, false, context);
                    return vec![Msg::Slots(Load::Dismiss(side))];
                }
                Ok(Address::Files(urls)) => {
                    self.forget(side, context);
                    return vec![Msg::Slots(Load::Load { side, source: Source::Url { urls }, files: None })];
                }
                Err(e) => {
                    self.forget(side, context);
                    self.looks[side.index()] = Look::Failed(e);
                    return vec![Msg::Slots(Load::Dismiss(side))];
                }
            },
            Command::Open(side, at) => return self.open(side, at).into_iter().collect(),
            Command::Counterpart(of) => {
                let Look::Found(found) = &self.looks[of.index()] else { return Vec::new() };
                let steps = found.other.as_ref().map(|other| other.steps.clone()).unwrap_or_default();
                let prefer = self.storage_of(of);
                self.search(of.other(), steps, prefer, false, context);
                return vec![Msg::Slots(Load::Dismiss(of.other()))];
            }
            Command::Pair(at, stage) => {
                let Some(pair) = CATALOGUE.get(at) else { return Vec::new() };
                let Some(tuned) = pair.tuned.get(stage) else { return Vec::new() };
                for (side, member) in [(Side::Base, &pair.base), (Side::Tuned, tuned)] {
                    self.search(side, pair.steps(member), Some(pair.storage.to_owned()), true, context);
                }
            }
            Command::Forget(side) => self.forget(side, context),
        }
        Vec::new()
    }

    /// In which type the file is stored that is proposed for `side`.
    fn storage_of(&self, side: Side) -> Option<String> {
        match &self.looks[side.index()] {
            Look::Found(found) => Some(found.candidates.open.get(found.proposed)?.storage.clone()),
            _ => None,
        }
    }

    fn forget(&mut self, side: Side, context: &mut Context) {
        let search = std::mem::take(&mut self.searches[side.index()]);
        if let Some(job) = search.job {
            context.ledger.close(side, job);
            context.effects.push(Effect::Send(side, Request::Cancel { job }));
        }
        if self.looks[side.index()] != Look::None {
            self.looks[side.index()] = Look::None;
        }
    }

    fn search(&mut self, side: Side, steps: Vec<Step>, prefer: Option<String>, open: bool, context: &mut Context) {
        self.forget(side, context);
        self.searches[side.index()] = Search { steps: steps.into(), prefer, open, ..Search::default() };
        self.ask(side, context);
    }

    /// Asks the next question, or says that there is none left.
    fn ask(&mut self, side: Side, context: &mut Context) {
        let search = &mut self.searches[side.index()];
        let next = search.steps.front().filter(|_| search.asked < MOST_ASKED);
        let Some(step) = next else { return self.end(side) };
        search.asked += 1;
        let job = context.ledger.open(side, Purpose::Look);
        search.job = Some(job);
        let request = Request::Ask { job, url: step.url(&self.at), most: MOST_BYTES as u64 + 1 };
        context.effects.push(Effect::Send(side, request));
        self.looks[side.index()] = Look::Asking(step.about().0);
    }

    /// Nothing was found: what stood against it, the publisher's terms first.
    fn end(&mut self, side: Side) {
        let passed = std::mem::take(&mut self.searches[side.index()]).passed;
        let why = match passed.as_slice() {
            [(_, only)] => only.clone(),
            all => {
                let gated = all.iter().find(|(_, e)| matches!(e, HubError::Gated(_))).map(|(_, e)| e.clone());
                let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
                names.dedup();
                gated.unwrap_or_else(|| HubError::NoGuess(names.join(", ")))
            }
        };
        self.looks[side.index()] = Look::Failed(why);
    }

    /// Takes in an event of one of these jobs.
    pub fn event(&mut self, (side, job): (Side, JobId), event: Event, most: Most, context: &mut Context) -> Vec<Msg> {
        let search = &mut self.searches[side.index()];
        let answer = match event {
            Event::Answered { status, code, wait, body, .. } => Ok((status, code, wait, body)),
            Event::Failed { failure: Failure::Network { message, .. }, .. } => Err(HubError::Unreachable(message)),
            Event::Failed { failure, .. } => Err(HubError::Unreachable(failure.to_string())),
            _ => return Vec::new(),
        };
        context.ledger.close(side, job);
        search.job = None;
        let Some(step) = search.steps.pop_front() else { return Vec::new() };
        let about = step.about();
        let outcome = answer.and_then(|(status, code, wait, body)| match status {
            200..300 => follow(&step, &body),
            _ => Err(HubError::of_status(status, &code, wait, (&about.0, about.1))),
        });
        match outcome {
            Ok(Next::Ask(more)) => {
                more.into_iter().rev().for_each(|step| search.steps.push_front(step));
                self.ask(side, context);
                Vec::new()
            }
            Ok(Next::Open(listing, candidates)) => self.found(side, *listing, candidates, most),
            Err(e) if e.is_of_one_repository() => {
                search.passed.push((about.0, e));
                self.ask(side, context);
                Vec::new()
            }
            Err(e) => {
                *search = Search::default();
                self.looks[side.index()] = Look::Failed(e);
                Vec::new()
            }
        }
    }

    fn found(&mut self, side: Side, listing: Listing, candidates: Candidates, most: Most) -> Vec<Msg> {
        let search = std::mem::take(&mut self.searches[side.index()]);
        let proposed = candidates.best(most, search.prefer.as_deref());
        let other = counterpart(&listing, half(side.other()));
        self.looks[side.index()] = Look::Found(Box::new(Found { listing, candidates, proposed, other }));
        search.open.then(|| self.open(side, proposed)).flatten().into_iter().collect()
    }

    fn open(&mut self, side: Side, at: usize) -> Option<Msg> {
        let hub = self.at.clone();
        let Look::Found(found) = &mut self.looks[side.index()] else { return None };
        found.proposed = at;
        let urls = found.candidates.open.get(at)?.urls(&found.listing, &hub);
        Some(Msg::Slots(Load::Load { side, source: Source::Url { urls }, files: None }))
    }

    /// The engine of `side` is gone, and with it what it was asked.
    pub fn engine_gone(&mut self, side: Side, why: &Failure) {
        if self.searches[side.index()].job.is_some() {
            self.searches[side.index()] = Search::default();
            self.looks[side.index()] = Look::Failed(HubError::Unreachable(why.to_string()));
        }
    }

    /// The job that is open.
    #[cfg(test)]
    pub(super) fn job(&self, side: Side) -> Option<JobId> {
        self.searches[side.index()].job
    }
}

/// What follows from an answer.
enum Next {
    Ask(Vec<Step>),
    Open(Box<Listing>, Candidates),
}

fn follow(step: &Step, body: &str) -> Result<Next, HubError> {
    match step {
        Step::Files { .. } => {
            let listing = Listing::read(body)?;
            if listing.gated {
                return Err(HubError::Gated(listing.repository.to_string()));
            }
            let needs = RUN.0 + RUN.1;
            if let Some(context) = listing.context.filter(|c| *c < needs) {
                let why = wording::nothing_as_context_too_short(context, needs);
                return Err(HubError::Nothing { repository: listing.repository.to_string(), why });
            }
            let candidates = Candidates::of(&listing)?;
            Ok(Next::Open(Box::new(listing), candidates))
        }
        Step::Quantized(_) => {
            let files = |repository: Repository| Step::Files { repository, revision: None };
            Ok(Next::Ask(found(body)?.into_iter().take(3).map(files).collect()))
        }
        Step::Card { like, wanted, .. } => Ok(Next::Ask(plan(&Listing::read(body)?, like, *wanted)?)),
    }
}
