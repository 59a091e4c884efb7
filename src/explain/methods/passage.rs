//! A prompt and its response as embedding rows, of which the prompt's can be changed.

use crate::model::head::{Goal, Target, goals};
use crate::model::{ModelError, RowEngine, Tick};

use std::ops::ControlFlow;

/// Rows that are read at once.
const CHUNK: usize = 32;
/// Rows of logits that are held at once.
const LOGITS: usize = 8;

/// A sequence in the hands of an engine. The last token of the response is only predicted, so that it has no row.
pub struct Passage<'a, E> {
    engine: &'a mut E,
    width: usize,
    n_prompt: usize,
    goals: Vec<Goal>,
    /// The tokens' own rows, `[prompt + response - 1, width]`.
    own: Vec<f32>,
    /// The rows that the engine's cache holds.
    held: Vec<f32>,
}

impl<'a, E: RowEngine> Passage<'a, E> {
    /// `response`, which is not empty, after `prompt`, with what is differentiated at each of its tokens.
    pub async fn new(
        engine: &'a mut E,
        prompt: &[u32],
        response: &[u32],
        target: Target,
        against: &[u32],
    ) -> Result<Self, ModelError> {
        let goals = goals(response, target, against)?;
        let read: Vec<u32> =
            prompt.iter().chain(response.split_last().map_or(&[][..], |(_, read)| read)).copied().collect();
        engine.begin(&[]).await?;
        let own = engine.embed(&read).await?;
        let width = engine.config().width;
        Ok(Self { engine, width, n_prompt: prompt.len(), goals, own, held: Vec::new() })
    }

    /// Tokens of the prompt.
    pub fn n_prompt(&self) -> usize {
        self.n_prompt
    }

    /// What is differentiated, one for each token of the response.
    pub fn goals(&self) -> &[Goal] {
        &self.goals
    }

    /// The places of the response's tokens.
    pub fn tokens(&self) -> Vec<usize> {
        (0..self.goals.len()).collect()
    }

    /// The places of those that are asked about: all but the ones that are set against themselves, unless all are.
    pub fn asked(&self) -> Vec<usize> {
        let asked = |m: &usize| self.goals[*m].against != Some(self.goals[*m].token);
        let some: Vec<usize> = (0..self.goals.len()).filter(asked).collect();
        if some.is_empty() { self.tokens() } else { some }
    }

    /// Token `n`'s own row, `[width]`.
    pub fn row(&self, n: usize) -> &[f32] {
        &self.own[n * self.width..(n + 1) * self.width]
    }

    /// How much longer rows are here than where they enter the model, as transformers' `inputs_embeds`.
    pub fn inputs_scale(&self) -> f64 {
        f64::from(self.engine.config().inputs_scale)
    }

    /// All rows, with `edit` applied to each of the prompt's tokens and its row.
    pub fn edited(&self, mut edit: impl FnMut(usize, &mut [f32])) -> Vec<f32> {
        let mut rows = self.own.clone();
        rows.chunks_exact_mut(self.width).take(self.n_prompt).enumerate().for_each(|(n, row)| edit(n, row));
        rows
    }

    /// All rows, with `row` in place of those of `tokens`.
    pub fn without(&self, tokens: &[usize], row: &[f32]) -> Vec<f32> {
        self.edited(|n, own| {
            if tokens.contains(&n) {
                own.copy_from_slice(row);
            }
        })
    }

    /// The prompt's rows at `share` of the way from `baseline` (0) to their own (1).
    pub fn between(&self, baseline: &[f32], share: f64) -> Vec<f32> {
        self.edited(|_, row| {
            row.iter_mut().zip(baseline).for_each(|(own, base)| *own = base + share as f32 * (*own - base));
        })
    }

    /// The value of every goal where the sequence has these rows. What they share with those read last is not read again.
    pub async fn values(&mut self, rows: &[f32]) -> Result<Vec<f64>, ModelError> {
        let (first, count) = (self.n_prompt - 1, rows.len() / self.width);
        let same = self.held.iter().zip(rows).take_while(|(a, b)| a.to_bits() == b.to_bits()).count() / self.width;
        self.held.clear(); // what is held is not known if this fails
        let from = self.engine.rewind(same.min(first));
        let mut values = Vec::with_capacity(self.goals.len());
        for start in (from..count).step_by(CHUNK) {
            let end = count.min(start + CHUNK);
            self.engine.advance_rows(&rows[start * self.width..end * self.width]).await?;
            for at in (start.max(first)..end).step_by(LOGITS) {
                let until = end.min(at + LOGITS);
                let logits = self.engine.logits_of(at - start..until - start).await?;
                let vocab = logits.len() / (until - at);
                for (goal, logits) in self.goals[at - first..].iter().zip(logits.chunks_exact(vocab)) {
                    goal.check(vocab)?;
                    values.push(goal.value(logits));
                }
            }
        }
        self.held = rows.to_vec();
        Ok(values)
    }

    /// The value of every goal where the sequence has these rows, all of which are read.
    pub async fn values_afresh(&mut self, rows: &[f32]) -> Result<Vec<f64>, ModelError> {
        self.held.clear();
        self.values(rows).await
    }

    /// The values of the prompt as it is.
    pub async fn own_values(&mut self) -> Result<Vec<f64>, ModelError> {
        let own = self.own.clone();
        self.values(&own).await
    }

    /// The gradients at `rows` for these tokens of the response, counted from 0 and in order: `each` gets the token's place and the
    /// gradient of every prompt row, `[n_prompt, width]`.
    pub async fn gradients(
        &self,
        rows: &[f32],
        tokens: &[usize],
        each: &mut impl FnMut(usize, &[f32]),
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let goals: Vec<(usize, Goal)> = tokens.iter().map(|m| (*m, self.goals[*m])).collect();
        self.engine.gradients(rows, self.n_prompt, &goals, each, tick).await
    }

    /// The gradients at the prompt's own rows, for every token of the response.
    pub async fn own_gradients(
        &self,
        each: &mut impl FnMut(usize, &[f32]),
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        self.gradients(&self.own, &self.tokens(), each, tick).await
    }
}
