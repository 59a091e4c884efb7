//! Which picture something was asked of: what is asked of one is not answered under another.

use super::Round;
use crate::page::{Facts, Side};
use crate::share::RunSpec;

/// A finished picture of one model, by what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Which {
    /// Whose.
    pub side: Side,
    /// What was asked, without the marks in its prompt, which can be made afterwards.
    spec: RunSpec,
    /// The checkpoint.
    weights: String,
    /// The ids of prompt and response.
    ids: [Vec<u32>; 2],
}

impl Which {
    /// The picture of `side` in `round`, if its model can be asked about it: it is whole, and holds more than texts.
    pub fn of(round: &Round, side: Side) -> Option<Self> {
        let half = round.half(side);
        let report = half.report.as_ref().filter(|_| half.can_be_asked())?;
        let spec = RunSpec { marked: None, spans: Vec::new(), ..(**round.spec).clone() };
        let weights = report.checkpoint.weights.clone();
        let ids = [report.prompt.iter().map(|t| t.id).collect(), report.response.iter().map(|t| t.id).collect()];
        (!round.is_running()).then_some(Self { side, spec, weights, ids })
    }

    /// Whether it is on screen in `round`.
    pub fn is_in(&self, round: &Round) -> bool {
        Self::of(round, self.side).as_ref() == Some(self)
    }

    /// Whether the checkpoint that made it is there.
    pub fn has_its_model(&self, facts: &Facts) -> bool {
        facts.model(self.side).is_some_and(|model| model.info.weights == self.weights)
    }

    /// Whether `weights` are those of the checkpoint that made it.
    pub fn is_by(&self, weights: &str) -> bool {
        self.weights == weights
    }

    /// The prompt's ids.
    pub fn prompt(&self) -> &[u32] {
        &self.ids[0]
    }

    /// The response's.
    pub fn response(&self) -> &[u32] {
        &self.ids[1]
    }
}
