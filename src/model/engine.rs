//! What every backend offers to the explanations.

use std::ops::{ControlFlow, Range};

use super::ModelError;
use super::head::{Choice, Goal, Target, choice, likeliest};
use crate::checkpoint::ModelConfig;

/// Prompt positions whose embeddings move together: a token, a word, a sentence. Positions ascend, and are not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Positions in the sequence.
    pub positions: Vec<usize>,
}

/// True progress of a long computation, in parts done of parts in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Parts done.
    pub done: usize,
    /// Parts in all.
    pub total: usize,
}

/// Which token comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This one.
    Given(u32),
    /// The most probable one; of equals the first.
    Likeliest,
}

/// The token that came, as the model saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its id.
    pub id: u32,
    /// How probable it was, and what else was.
    pub choice: Choice,
    /// Its importance for every group, if a target was given.
    pub column: Option<Vec<f32>>,
}

/// One loaded model. `async` because a GPU answers later; the CPU answers at once.
#[allow(async_fn_in_trait)] // one thread per engine: no Send bound is wanted
pub trait Engine {
    /// The architecture.
    fn config(&self) -> &ModelConfig;

    /// Starts a sequence, whose `groups` carry one forward-mode tangent each (METHODS.md, section 1).
    async fn begin(&mut self, groups: &[Group]) -> Result<(), ModelError>;

    /// Appends `tokens` to the sequence with all tangents. Afterwards [`Engine::logits`] and [`Engine::column`] answer
    /// for these tokens.
    async fn advance(&mut self, tokens: &[u32]) -> Result<(), ModelError>;

    /// Logits `[vocab]` after token `index` of the last [`Engine::advance`].
    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError>;

    /// Importance of every group for `goal` at the next token, after token `index` of the last advance: `[groups]`.
    /// `logits` are those of the same index.
    async fn column(&mut self, index: usize, logits: &[f32], goal: Goal) -> Result<Vec<f32>, ModelError>;

    /// What comes after token `index` of the last advance, with the `alternatives` most probable tokens, and its column if there is
    /// a `target`: all of it in one answer, where the backend has to be waited for.
    async fn see(
        &mut self,
        index: usize,
        next: Next,
        target: Option<Target>,
        alternatives: usize,
    ) -> Result<Seen, ModelError> {
        let logits = self.logits(index).await?;
        let id = match next {
            Next::Given(id) if id as usize >= logits.len() => {
                return Err(ModelError::UnknownToken { id, vocab: logits.len() });
            }
            Next::Given(id) => id,
            Next::Likeliest => likeliest(&logits),
        };
        let column = match target {
            Some(target) => Some(self.column(index, &logits, Goal::of(target, id)).await?),
            None => None,
        };
        Ok(Seen { id, choice: choice(&logits, id, alternatives), column })
    }

    /// The likeliest continuation after token `index` of the last advance: one token, or up to `most` where waiting for each
    /// answer costs more than computing it. All but the last are then part of the sequence.
    async fn follow(
        &mut self,
        index: usize,
        target: Option<Target>,
        alternatives: usize,
        most: usize,
    ) -> Result<Vec<Seen>, ModelError> {
        let _ = most;
        Ok(vec![self.see(index, Next::Likeliest, target, alternatives).await?])
    }

    /// Reverse mode: signed gradient x input of every prompt position for every response token, `[response][prompt]`.
    /// `tokens` holds the prompt's `n_prompt` and then the response's; `against` the tokens that these are set against, one for
    /// each, or none at all. `tick` is called within every layer, on the CPU within the head too; breaking it cancels.
    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        against: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// An engine that reads embedding rows in place of tokens, as the methods do that change a prompt's rows.
#[allow(async_fn_in_trait)] // as above
pub trait RowEngine: Engine {
    /// The embedding rows of `tokens` as they enter the residual stream, `[tokens, width]`.
    async fn embed(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelError>;

    /// Appends embedding rows `[tokens, width]` to a sequence without groups, as [`Engine::advance`] appends tokens.
    async fn advance_rows(&mut self, rows: &[f32]) -> Result<(), ModelError>;

    /// Forgets every position of the sequence from `length` on. Gives how many are left: none where the caches cannot be cut.
    fn rewind(&mut self, length: usize) -> usize;

    /// Logits `[range, vocab]` after these tokens of the last advance.
    async fn logits_of(&mut self, range: Range<usize>) -> Result<Vec<f32>, ModelError>;

    /// The gradient of goals at the embedding rows of a prompt of `n_prompt` tokens: each is of a token of the response, counted from
    /// 0 and in order, and `each` gets that place and `[n_prompt, width]`. `rows` are the prompt's and the response's without its last
    /// token. The sequence in progress stays as it is. `tick` is called within every layer, on the CPU within the head too; breaking it cancels.
    async fn gradients(
        &self,
        rows: &[f32],
        n_prompt: usize,
        goals: &[(usize, Goal)],
        each: &mut impl FnMut(usize, &[f32]),
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError>;
}
