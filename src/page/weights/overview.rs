//! All heads on one text: layer after layer of both models' attention, kept as small pictures with the distance between the two.

use std::sync::Arc;

use super::{Layers, Task};
use crate::explain::glance::{LayerGlance, apart};
use crate::explain::local::LayerAttention;
use crate::model::Shortage;
use crate::page::{Facts, Side, Tracked};

/// How many layers an engine may be ahead of the other: so many patterns wait to be compared.
const AHEAD: usize = 1;

/// What a model reads: its weights' fingerprint and the tokens. Empty if it reads nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Text {
    weights: String,
    ids: Vec<u32>,
}

/// Whose text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// Nobody's: nothing has been run.
    #[default]
    Nobodys,
    /// One model's, by this model alone or by both.
    Of(Side),
    /// Each model its own: they split text into different tokens.
    Own,
}

/// What is on screen of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shown {
    /// Whose text is read.
    pub whose: Whose,
    /// How many tokens each model reads.
    pub tokens: [usize; 2],
    /// What has come of each model.
    pub layers: [Layers<LayerGlance>; 2],
    /// How far each head's patterns are apart, where both read the same tokens.
    pub apart: Layers<Vec<f32>>,
    /// What memory cannot hold.
    pub refused: [Option<Shortage>; 2],
}

/// The overview.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// Whether it is open: nothing is read before.
    pub open: bool,
    texts: [Text; 2],
    /// Patterns that wait for the other model's.
    waiting: [Vec<LayerAttention>; 2],
    /// What is on screen.
    pub shown: Tracked<Shown>,
}

impl Overview {
    /// What is to be read, from what each model's run has read: both read the same where they can. What was read of another
    /// text, or by another model, goes.
    pub fn look(&mut self, sequence: impl Fn(Side) -> Vec<u32>, facts: &Facts) {
        let own = Side::BOTH.map(&sequence);
        let tokenizer = |side: Side| facts.model(side).map(|m| &m.info.tokenizer);
        let both = Side::BOTH.iter().all(|side| tokenizer(*side).is_some());
        let alike = both && tokenizer(Side::Base) == tokenizer(Side::Tuned);
        let whose = match own.each_ref().map(|ids| !ids.is_empty()) {
            [false, false] => Whose::Nobodys,
            [true, true] if !alike => Whose::Own,
            [_, tuned] => Whose::Of(if tuned { Side::Tuned } else { Side::Base }),
        };
        let read = |side: Side| match whose {
            Whose::Nobodys => Vec::new(),
            Whose::Of(of) if of == side || alike => own[of.index()].clone(),
            Whose::Of(_) => Vec::new(),
            Whose::Own => own[side.index()].clone(),
        };
        let texts = Side::BOTH.map(|side| {
            let ids = read(side);
            let weights = facts.model(side).filter(|_| !ids.is_empty()).map(|m| m.info.weights.clone());
            Text { weights: weights.unwrap_or_default(), ids }
        });
        if self.texts == texts {
            return;
        }
        let layers = |side: Side| match texts[side.index()].ids.is_empty() {
            true => 0,
            false => facts.model(side).map_or(0, |m| m.info.layers),
        };
        let counts = Side::BOTH.map(layers);
        let shared = if matches!(whose, Whose::Of(_)) { counts[0].min(counts[1]) } else { 0 };
        *self.shown = Shown {
            whose,
            tokens: texts.each_ref().map(|text| text.ids.len()),
            layers: counts.map(|count| vec![None; count]),
            apart: vec![None; shared],
            refused: [None, None],
        };
        self.waiting = Default::default();
        self.texts = texts;
    }

    /// The tokens that `side` reads.
    pub fn ids(&self, side: Side) -> &[u32] {
        &self.texts[side.index()].ids
    }

    /// The layer that `side` is to read next. It waits for the other model, which `goes_on` or not, so that few patterns wait.
    pub fn next(&self, side: Side, goes_on: bool) -> Option<Task> {
        if !self.open || self.shown.refused[side.index()].is_some() {
            return None;
        }
        let next = |side: Side| self.shown.layers[side.index()].iter().position(Option::is_none);
        let layer = next(side)?;
        let compared = layer < self.shown.apart.len() && goes_on && self.shown.refused[side.other().index()].is_none();
        let ahead = next(side.other()).is_some_and(|other| layer > other + AHEAD);
        (!(compared && ahead)).then_some(Task::Overview(layer))
    }

    /// A layer of `side` has been read, on `ids`.
    pub fn arrived(&mut self, side: Side, ids: &[u32], attention: LayerAttention) {
        if self.ids(side) != ids {
            return;
        }
        let (layer, other) = (attention.layer, side.other().index());
        let Some(place) = self.shown.layers[side.index()].get_mut(layer) else { return };
        *place = Some(Arc::new(LayerGlance::of(&attention)));
        if layer >= self.shown.apart.len() {
            return;
        }
        match self.waiting[other].iter().position(|waits| waits.layer == layer) {
            None => self.waiting[side.index()].push(attention),
            Some(at) => {
                let before = self.waiting[other].swap_remove(at);
                let [base, tuned] = if side == Side::Tuned { [&before, &attention] } else { [&attention, &before] };
                self.shown.apart[layer] = apart(base, tuned).map(Arc::new);
            }
        }
    }

    /// Memory does not hold what `side` would read.
    pub fn refuse(&mut self, side: Side, why: Shortage) {
        self.shown.refused[side.index()] = Some(why);
    }

    /// Patterns that wait to be compared.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(Vec::len).sum()
    }
}
