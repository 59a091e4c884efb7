//! One token of the response, layer by layer: what each model would say there, and what each of its parts adds to the logit.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Subject;
use crate::explain::contributions::{Contributions, LayerContributions};
use crate::explain::lens::{Lens, parts_at};
use crate::page::Side;
use crate::protocol::text::{Question, Spelled};

/// Most probable tokens listed of each layer.
const TOP: usize = 5;

/// One model's reading of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Layers {
    /// What every layer would predict.
    pub lens: Lens,
    /// The token's logit as a sum.
    pub contributions: Contributions,
    /// The same, layer by layer.
    pub by_layer: Vec<LayerContributions>,
    spelled: BTreeMap<u32, String>,
}

impl Layers {
    pub(super) fn new(lens: Lens, contributions: Contributions, spelled: Spelled) -> Self {
        let by_layer = contributions.by_layer();
        Self { lens, contributions, by_layer, spelled: spelled.into_iter().collect() }
    }

    /// What reading `number` would say, and how probably.
    pub fn said(&self, number: usize) -> Option<(&str, f32)> {
        let first = self.lens.readings.get(number)?.top.first()?;
        Some((self.spelled.get(&first.id).map_or("", String::as_str), first.probability))
    }
}

/// Both models' readings of one token.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lenses {
    /// Which token of the response.
    pub token: usize,
    /// Base and tuned.
    pub halves: [Option<Arc<Layers>>; 2],
}

impl Lenses {
    /// The first reading from which on the models predict different tokens, up to the last.
    pub fn parts_at(&self) -> Option<usize> {
        let [Some(base), Some(tuned)] = &self.halves else { return None };
        parts_at(&base.lens, &tuned.lens)
    }

    /// What is still to be asked of `side` about `token`.
    pub(super) fn question(&self, side: Side, token: usize, subject: &Subject) -> Option<Question> {
        if self.token == token && self.halves[side.index()].is_some() {
            return None;
        }
        let id = subject.response.get(token)?.id;
        Some(Question::Lens { before: subject.before(token), token: id, top: TOP })
    }

    /// Takes in what was found of `token`; what was found of another goes.
    pub(super) fn take(&mut self, side: Side, token: usize, found: Layers) {
        if self.token != token {
            *self = Self { token, ..Self::default() };
        }
        self.halves[side.index()] = Some(Arc::new(found));
    }
}
