//! Sequences of embedding rows in place of tokens.

use std::ops::{ControlFlow, Range};

use super::engine::CpuEngine;
use super::reverse::{self, Passage};
use crate::model::head::Goal;
use crate::model::{ModelError, RowEngine, Tick};

impl CpuEngine {
    /// The mean of the embedding rows of `tokens`, `[width]`.
    pub fn mean_of(&self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut mean = vec![0.0; self.model.config.width];
        for row in self.model.embed(tokens)?.chunks_exact(mean.len()) {
            mean.iter_mut().zip(row).for_each(|(mean, v)| *mean += v / tokens.len() as f32);
        }
        Ok(mean)
    }

    /// The mean of all rows of the embedding table, `[width]`.
    pub fn mean_embedding(&self) -> Result<Vec<f32>, ModelError> {
        const AT_ONCE: u32 = 256;
        let (vocab, width) = (self.model.config.vocab as u32, self.model.config.width);
        let mut sum = vec![0f64; width];
        for first in (0..vocab).step_by(AT_ONCE as usize) {
            let ids: Vec<u32> = (first..vocab.min(first + AT_ONCE)).collect();
            for row in self.model.embed(&ids)?.chunks_exact(width) {
                sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(*v));
            }
        }
        Ok(sum.iter().map(|sum| (sum / f64::from(vocab.max(1))) as f32).collect())
    }
}

impl RowEngine for CpuEngine {
    async fn embed(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.model.embed(tokens)
    }

    async fn advance_rows(&mut self, rows: &[f32]) -> Result<(), ModelError> {
        self.session.advance_rows(&self.model, rows.to_vec())
    }

    fn rewind(&mut self, length: usize) -> usize {
        self.session.rewind(&self.model, length)
    }

    async fn logits_of(&mut self, range: Range<usize>) -> Result<Vec<f32>, ModelError> {
        self.session.logits(&self.model, range)
    }

    async fn gradients(
        &self,
        rows: &[f32],
        n_prompt: usize,
        goals: &[(usize, Goal)],
        each: &mut impl FnMut(usize, &[f32]),
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        reverse::gradients(&self.model, Passage { rows, n_prompt, goals }, each, tick).await
    }
}
