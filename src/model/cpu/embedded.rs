//! Sequences of embedding rows in place of tokens: what the methods that change a prompt's rows ask of the CPU.

use std::ops::{ControlFlow, Range};

use super::engine::CpuEngine;
use super::reverse::{self, Passage};
use crate::model::head::Goal;
use crate::model::{ModelError, Tick};

impl CpuEngine {
    /// The embedding rows of `tokens` as they enter the residual stream, `[tokens, width]`.
    pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.model.embed(tokens)
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

    /// Appends embedding rows `[tokens, width]` to the sequence, as [`crate::model::Engine::advance`] appends tokens.
    pub fn advance_rows(&mut self, rows: Vec<f32>) -> Result<(), ModelError> {
        self.session.advance_rows(&self.model, rows)
    }

    /// Forgets every position of the sequence from `length` on. Gives how many are left: none where the caches cannot be cut.
    pub fn rewind(&mut self, length: usize) -> usize {
        self.session.rewind(&self.model, length)
    }

    /// Logits `[range, vocab]` after these tokens of the last advance.
    pub fn logits_of(&self, range: Range<usize>) -> Result<Vec<f32>, ModelError> {
        self.session.logits(&self.model, range)
    }

    /// The gradient of goals at the embedding rows of a prompt of `n_prompt` tokens: each is of a token of the response, counted from
    /// 0 and in order, and `each` gets that place and `[n_prompt, width]`. `rows` are the prompt's and the response's without its last
    /// token. The sequence in progress stays as it is. `tick` is called within every layer; breaking it cancels.
    pub async fn gradients(
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
