//! The logit lens: what every layer would predict, and the layer at which two models part.
//!
//! With `x_l` the residual stream after `l` layers at the token before the chosen one, layer `l` predicts
//! `softmax(W_U norm(x_l))`, as if it were the last (nostalgebraist, 2020). `l = 0` reads the embedding alone;
//! `l = L` is the model's own distribution. Only the last layer was trained to be read by
//! the output head: early readings are often noise.
//!
//! Two models with one vocabulary **part** at the first reading from which on their most probable tokens differ, up to the last.
//! Where the last readings agree they do not part, whatever came before.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::model::cpu::{CpuEngine, Residual};
use crate::model::head::{Choice, choice};
use crate::model::{ModelError, Tick};

/// What every layer of one model would predict in place of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lens {
    /// The chosen token.
    pub token: u32,
    /// Its probability and rank, and the most probable tokens: at the embedding, then after each layer.
    pub readings: Vec<Choice>,
}

impl Lens {
    /// For `token` after `before`, with the `top` most probable tokens of each reading, at least one. Always computed on the CPU:
    /// it reads a single position.
    pub async fn read(
        engine: &CpuEngine,
        before: &[u32],
        token: u32,
        top: usize,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Self, ModelError> {
        Self::of(engine, &engine.residual(before, tick).await?, token, top)
    }

    /// The same from a residual stream that has been read.
    pub fn of(engine: &CpuEngine, residual: &Residual, token: u32, top: usize) -> Result<Self, ModelError> {
        let reading = |layers| {
            let logits = engine.lens(residual, layers)?;
            match (token as usize) < logits.len() {
                true => Ok(choice(&logits, token, top.max(1))),
                false => Err(ModelError::UnknownToken { id: token, vocab: logits.len() }),
            }
        };
        let readings = (0..=residual.layers()).map(reading).collect::<Result<_, _>>()?;
        Ok(Self { token, readings })
    }

    /// The most probable token of each reading.
    fn said(&self) -> impl DoubleEndedIterator<Item = Option<u32>> + ExactSizeIterator + '_ {
        self.readings.iter().map(|r| r.top.first().map(|c| c.id))
    }

    /// The first reading from which on the token stays the most probable one; none if the model itself predicts another.
    pub fn settles(&self) -> Option<usize> {
        let wrong = self.said().rposition(|said| said != Some(self.token));
        let from = wrong.map_or(0, |at| at + 1);
        (from < self.readings.len()).then_some(from)
    }
}

/// The first reading from which on two models with one vocabulary predict different tokens, up to the last. None if they agree in
/// the end, or have different numbers of layers.
pub fn parts_at(base: &Lens, tuned: &Lens) -> Option<usize> {
    if base.readings.len() != tuned.readings.len() {
        return None;
    }
    let agree = base.said().zip(tuned.said()).rposition(|(b, t)| b == t);
    let from = agree.map_or(0, |at| at + 1);
    (from < base.readings.len()).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::head::Candidate;

    fn lens(token: u32, said: &[u32]) -> Lens {
        let reading =
            |&id| Choice { probability: 0.5, rank: 1, entropy: 1.0, top: vec![Candidate { id, probability: 0.5 }] };
        Lens { token, readings: said.iter().map(reading).collect() }
    }

    #[test]
    fn models_part_where_they_stop_agreeing_for_good() {
        let base = lens(3, &[1, 2, 3, 3, 3]);
        assert_eq!(parts_at(&base, &lens(4, &[1, 5, 3, 4, 4])), Some(3), "a difference that passes does not count");
        assert_eq!(parts_at(&base, &lens(3, &[9, 9, 9, 9, 3])), None, "they agree in the end");
        assert_eq!(parts_at(&base, &lens(4, &[4, 4, 4, 4, 4])), Some(0));
        assert_eq!(parts_at(&base, &lens(4, &[1, 4])), None, "layers of different models cannot be paired");
    }

    #[test]
    fn a_token_settles_once_it_stays() {
        assert_eq!(lens(3, &[3, 2, 3, 3]).settles(), Some(2));
        assert_eq!(lens(3, &[3, 3]).settles(), Some(0));
        assert_eq!(lens(3, &[3, 3, 2]).settles(), None);
    }
}
