//! What is asked for next: what the tab on screen shows first, then the other layers from the first on.

use super::{Layers, Local, Task, Weights};
use crate::page::{Effect, Facts, Side};
use crate::protocol::{JobId, Request};
use crate::share::screen::Tab;

impl Weights {
    /// What the engine of `side` is to do next; `ids` is the sequence on screen.
    pub(super) fn next(&self, side: Side, ids: &[u32], facts: &Facts) -> Option<Task> {
        if self.words.is_some() && !self.half(side).took_words {
            return Some(Task::Words);
        }
        let heads = || self.next_heads(side);
        let concepts = || self.next_concepts(side);
        let overview = || self.next_of_overview(side, facts);
        self.next_local(side, ids, facts).or_else(overview).or_else(|| match facts.tab {
            Tab::Concepts => concepts().or_else(heads),
            _ => heads().or_else(concepts),
        })
    }

    /// A layer of the overview, while it is on screen.
    fn next_of_overview(&self, side: Side, facts: &Facts) -> Option<Task> {
        let other = side.other();
        let goes_on = facts.model(other).is_some() && self.half(other).work.failure.is_none();
        (facts.tab == Tab::Heads).then(|| self.overview.next(side, goes_on)).flatten()
    }

    fn next_heads(&self, side: Side) -> Option<Task> {
        self.opened[0].then(|| missing(&self.half(side).heads, self.head.0)).flatten().map(Task::Heads)
    }

    /// Layer by layer: a match as soon as both models' components are there.
    fn next_concepts(&self, side: Side) -> Option<Task> {
        let matched = || (side == Side::Tuned).then(|| self.unmatched()).flatten().map(Task::Match);
        let read = || missing(&self.half(side).concepts, *self.concepts).map(Task::Concepts);
        self.opened[1].then(|| matched().or_else(read)).flatten()
    }

    /// A layer whose components are there for both models, and not compared.
    fn unmatched(&self) -> Option<usize> {
        let has = |side: Side, i: usize| self.half(side).concepts.get(i).is_some_and(Option::is_some);
        let open = |i: &usize| {
            self.matches.get(*i).is_some_and(Option::is_none) && has(Side::Base, *i) && has(Side::Tuned, *i)
        };
        Some(*self.concepts).filter(open).or_else(|| (0..self.matches.len()).find(open))
    }

    /// What the tab on screen wants of the sequence: of the layer that it shows.
    fn next_local(&self, side: Side, ids: &[u32], facts: &Facts) -> Option<Task> {
        let layers = facts.model(side).map_or(0, |m| m.info.layers);
        let half = self.half(side);
        if ids.is_empty() {
            return None;
        }
        let wanted = match facts.tab {
            Tab::Heads if self.head.0 < layers && !known(&half.attention, ids, |a| a.layer == self.head.0) => {
                Some(Task::Attention(self.head.0))
            }
            Tab::Concepts if *self.concepts < layers && !known(&half.firing, ids, |f| f.layer == *self.concepts) => {
                Some(Task::Firing(*self.concepts))
            }
            _ => None,
        };
        wanted.filter(|task| half.work.refused(*task, ids).is_none())
    }

    /// The request that `task` is.
    pub(super) fn request(&self, side: Side, job: JobId, task: Task, ids: &[u32]) -> Option<Effect> {
        let ids = ids.to_vec();
        let request = match task {
            Task::Heads(layer) => Request::Heads { job, layer, reading: *self.reading },
            Task::Concepts(layer) => Request::Concepts { job, layer },
            Task::Match(layer) => {
                let base = self.half(Side::Base).concepts.get(layer)?.clone()?;
                Request::Match { job, base: Box::new((*base).clone()) }
            }
            Task::Attention(layer) | Task::Overview(layer) => Request::Attention { job, ids, layer },
            Task::Firing(layer) => Request::Firing { job, ids, layer },
            Task::Words => {
                let words = self.words?;
                let (list, vectors, judge) = (words.list, words.vectors, words.judge);
                return Some(Effect::SendFiles(side, Request::Words { job, list, vectors, judge }, words.files));
            }
        };
        Some(Effect::Send(side, request))
    }
}

fn missing<T>(layers: &Layers<T>, wanted: usize) -> Option<usize> {
    let open = |i: &usize| layers.get(*i).is_some_and(Option::is_none);
    Some(wanted).filter(open).or_else(|| (0..layers.len()).find(open))
}

fn known<T>(local: &Local<T>, ids: &[u32], fits: impl Fn(&T) -> bool) -> bool {
    local.as_ref().is_some_and(|(of, found)| of == ids && fits(found))
}
