//! What goes on inside a model while it reads one sequence: attention patterns, and which components fire.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::weights::Packed;
use crate::model::ModelError;
use crate::model::cpu::Trace;

/// Components named for each token.
const STRONGEST: usize = 8;

/// One layer's attention on a sequence.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerAttention {
    /// The layer, from 0.
    pub layer: usize,
    /// How many tokens the sequence has.
    pub tokens: usize,
    /// Each head's weights: for every query the keys up to itself, row after row.
    pub heads: Vec<Packed>,
    /// The rollout up to and with this layer, in the same order.
    pub rollout: Packed,
}

impl LayerAttention {
    /// Reads it from a trace that has come to this layer.
    pub fn of(trace: &Trace, layer: usize) -> Result<Self, ModelError> {
        let head = |head| trace.attention(layer, head).map(Packed);
        let heads = (0..trace.heads()).map(head).collect::<Result<_, _>>()?;
        Ok(Self { layer, tokens: trace.tokens().len(), heads, rollout: Packed(trace.rollout(layer)?.to_vec()) })
    }

    /// The mean of all heads.
    pub fn mean(&self) -> Packed {
        let mut mean = vec![0.0; self.rollout.0.len()];
        for head in &self.heads {
            mean.iter_mut().zip(&head.0).for_each(|(m, w)| *m += w / self.heads.len() as f32);
        }
        Packed(mean)
    }
}

/// A weight of a pattern; 0 for a key after its query.
pub fn weight(pattern: &Packed, query: usize, key: usize) -> f32 {
    if key > query { 0.0 } else { pattern.0.get(query * (query + 1) / 2 + key).copied().unwrap_or(0.0) }
}

/// `pattern` without the weight on the first token (the attention sink), each query's other weights brought to a sum of
/// one again.
pub fn without_sink(pattern: &Packed, tokens: usize) -> Packed {
    let mut masked = pattern.0.clone();
    for query in 0..tokens {
        let at = query * (query + 1) / 2;
        let Some(row) = masked.get_mut(at..=at + query) else { break };
        let rest = row[1..].iter().sum::<f32>();
        row[0] = 0.0;
        if rest > 0.0 {
            row.iter_mut().for_each(|w| *w /= rest);
        }
    }
    Packed(masked)
}

/// Which of a layer's components fire at each token.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerFiring {
    /// The layer, from 0.
    pub layer: usize,
    /// For each token the components along which the feed-forward block writes most, with how much: the strongest first.
    pub tokens: Vec<Vec<(usize, f32)>>,
}

impl LayerFiring {
    /// Reads it from a trace that has come to this layer; `directions` are the components' `[components, width]`.
    pub fn of(trace: &Trace, layer: usize, directions: &Tensor) -> Result<Self, ModelError> {
        let along: Vec<Vec<f32>> = trace.written(layer)?.matmul(&directions.t()?.contiguous()?)?.to_vec2()?;
        let strongest = |row: Vec<f32>| {
            let mut all: Vec<(usize, f32)> = row.into_iter().enumerate().collect();
            all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            all.truncate(STRONGEST);
            all
        };
        Ok(Self { layer, tokens: along.into_iter().map(strongest).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_sink_leaves_the_others_shares() {
        let pattern = Packed(vec![1.0, 0.75, 0.25, 0.5, 0.3, 0.2]);
        assert_eq!((weight(&pattern, 2, 1), weight(&pattern, 1, 2)), (0.3, 0.0));
        let masked = without_sink(&pattern, 3);
        assert_eq!((weight(&masked, 0, 0), weight(&masked, 1, 1)), (0.0, 1.0));
        assert!((weight(&masked, 2, 1) - 0.6).abs() < 1e-6);
    }
}
