//! What every backend offers to the explanations.

use std::ops::ControlFlow;

use super::ModelError;
use super::head::Target;
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

    /// Importance of every group for the next token being `token`, after token `index` of the last advance: `[groups]`.
    /// `logits` are those of the same index.
    async fn column(
        &mut self,
        index: usize,
        logits: &[f32],
        token: u32,
        target: Target,
    ) -> Result<Vec<f32>, ModelError>;

    /// Reverse mode: signed gradient x input of every prompt position for every response token, `[response][prompt]`.
    /// `tokens` holds the prompt's `n_prompt` and then the response's. `tick` is called within every layer; breaking it
    /// cancels.
    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError>;
}
