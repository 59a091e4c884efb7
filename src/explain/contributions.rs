//! Direct contributions: a token's logit as a sum over the embedding, the attention heads and the feed-forward blocks.
//!
//! See [`crate::model::cpu::Residual`]'s file for the mathematics: with the scale of the final norm held fixed, the logit is a sum
//! over everything that was written to the residual stream. The contributions to the *difference* of two logits are the
//! differences of the contributions, since the sum is linear in the head's rows.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::model::cpu::{Contribution, CpuEngine, Residual, Source};
use crate::model::{ModelError, Tick};

/// One layer's contributions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerContributions {
    /// The layer, from 0.
    pub layer: usize,
    /// Attention: its heads and its bias, logits.
    pub attention: f32,
    /// The feed-forward block with its bias, logits.
    pub feed_forward: f32,
    /// Each head alone, logits.
    pub heads: Vec<f32>,
}

/// A logit, or the difference of two, as a sum of parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributions {
    /// The token.
    pub token: u32,
    /// The token whose logit is subtracted, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<u32>,
    /// The logit, or the difference, as the model computes it.
    pub logit: f32,
    /// The parts, in the order in which they were written.
    pub parts: Vec<Contribution>,
}

impl Contributions {
    /// To the logit of `token` after `before`, or with `against` to its difference from that token's logit. Computed on the CPU.
    pub async fn read(
        engine: &CpuEngine,
        before: &[u32],
        token: u32,
        against: Option<u32>,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Self, ModelError> {
        Self::of(engine, &engine.residual(before, tick).await?, token, against)
    }

    /// The same from a residual stream that has been read.
    pub fn of(engine: &CpuEngine, residual: &Residual, token: u32, against: Option<u32>) -> Result<Self, ModelError> {
        let mut parts = engine.contributions(residual, token)?;
        let logits = engine.lens(residual, residual.layers())?;
        let of = |id: u32| {
            let missing = ModelError::UnknownToken { id, vocab: logits.len() };
            logits.get(id as usize).copied().ok_or(missing)
        };
        let mut logit = of(token)?;
        if let Some(other) = against {
            logit -= of(other)?;
            let others = engine.contributions(residual, other)?;
            parts.iter_mut().zip(others).for_each(|(part, other)| part.value -= other.value);
        }
        Ok(Self { token, against, logit, parts })
    }

    /// The sum of the parts: the logit, up to rounding.
    pub fn sum(&self) -> f64 {
        self.parts.iter().map(|part| f64::from(part.value)).sum()
    }

    /// What the embedding adds.
    pub fn embedding(&self) -> f32 {
        self.total(|source| source == Source::Embedding)
    }

    fn total(&self, of: impl Fn(Source) -> bool) -> f32 {
        self.parts.iter().filter(|part| of(part.source)).map(|part| part.value).sum()
    }

    /// The parts gathered by layer.
    pub fn by_layer(&self) -> Vec<LayerContributions> {
        let mut layers: Vec<LayerContributions> = Vec::new();
        for part in &self.parts {
            let (Source::Head { layer, .. }
            | Source::AttentionBias { layer }
            | Source::FeedForward { layer }
            | Source::FeedForwardBias { layer }) = part.source
            else {
                continue;
            };
            if layers.last().is_none_or(|last| last.layer != layer) {
                layers.push(LayerContributions { layer, ..LayerContributions::default() });
            }
            let Some(last) = layers.last_mut() else { continue };
            match part.source {
                Source::Head { .. } => {
                    last.heads.push(part.value);
                    last.attention += part.value;
                }
                Source::AttentionBias { .. } => last.attention += part.value,
                _ => last.feed_forward += part.value,
            }
        }
        layers
    }

    /// The parts of the largest magnitude, at most `most` of them, the strongest first.
    pub fn strongest(&self, most: usize) -> Vec<Contribution> {
        let mut parts = self.parts.clone();
        parts.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()).then(a.source.cmp(&b.source)));
        parts.truncate(most);
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_gathered_by_layer() {
        let part = |source, value| Contribution { source, value };
        let whole = Contributions {
            token: 1,
            against: None,
            logit: 10.5,
            parts: vec![
                part(Source::Embedding, 1.0),
                part(Source::Head { layer: 0, head: 0 }, 2.0),
                part(Source::Head { layer: 0, head: 1 }, -5.0),
                part(Source::AttentionBias { layer: 0 }, 0.5),
                part(Source::FeedForward { layer: 0 }, 4.0),
                part(Source::FeedForwardBias { layer: 0 }, 1.0),
                part(Source::Head { layer: 1, head: 0 }, 3.0),
                part(Source::FeedForward { layer: 1 }, 3.5),
                part(Source::OutputBias, 0.5),
            ],
        };
        assert_eq!((whole.sum(), whole.embedding()), (10.5, 1.0));
        let first = LayerContributions { layer: 0, attention: -2.5, feed_forward: 5.0, heads: vec![2.0, -5.0] };
        let second = LayerContributions { layer: 1, attention: 3.0, feed_forward: 3.5, heads: vec![3.0] };
        assert_eq!(whole.by_layer(), [first, second]);
        let strongest: Vec<f32> = whole.strongest(2).iter().map(|part| part.value).collect();
        assert_eq!(strongest, [-5.0, 4.0]);
    }
}
