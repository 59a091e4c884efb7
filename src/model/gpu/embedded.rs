//! Sequences of embedding rows in place of tokens.

use std::ops::{ControlFlow, Range};

use super::engine::GpuEngine;
use super::forward::{Session, Tokens};
use super::ops;
use super::reverse;
use crate::model::head::Goal;
use crate::model::{Engine, ModelError, RowEngine, Tick};

impl RowEngine for GpuEngine {
    async fn embed(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let (model, rows) = (&self.model, tokens.len());
        let mut session = Session::sized(model, &[], rows.max(1), rows.max(1))?;
        session.prepare(model, tokens)?;
        let count = rows * model.config.width;
        let staged = model.gpu.staging(count);
        let mut encoder = self.encoder();
        let dispatches = session.encode_embedding(&mut ops::pass(&mut encoder, "embedding"), rows);
        encoder.copy_buffer_to_buffer(&session.work.x, 0, &staged, 0, Some(4 * count as u64));
        self.count(|c| (c.dispatches, c.reads) = (c.dispatches + dispatches, c.reads + 1));
        self.submit(Some(encoder.finish()));
        Ok(self.model.gpu.read(&staged, count).await?)
    }

    async fn advance_rows(&mut self, rows: &[f32]) -> Result<(), ModelError> {
        self.read_on(Tokens::Rows(rows))
    }

    fn rewind(&mut self, length: usize) -> usize {
        self.session.rewind(length)
    }

    async fn logits_of(&mut self, range: Range<usize>) -> Result<Vec<f32>, ModelError> {
        let mut all = Vec::with_capacity(range.len() * self.model.config.vocab);
        for index in range {
            all.extend(self.logits(index).await?);
        }
        Ok(all)
    }

    async fn gradients(
        &self,
        rows: &[f32],
        n_prompt: usize,
        goals: &[(usize, Goal)],
        each: &mut impl FnMut(usize, &[f32]),
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let mut counts = self.counts();
        let found = reverse::gradients(&self.model, (rows, n_prompt, goals), &mut counts, each, tick).await;
        self.count(|c| *c = counts);
        found
    }
}
