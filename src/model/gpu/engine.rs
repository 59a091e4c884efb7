//! The GPU backend behind the common trait.

use std::cell::Cell;
use std::ops::ControlFlow;

use wgpu::{CommandBuffer, CommandEncoder};

use super::device::GpuError;
use super::forward::{Session, Tokens};
use super::head::{CHOSEN, Head, Question};
use super::ops::Op;
use super::reverse;
use super::weights::GpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::{Candidate, Choice, Goal, Target, goals};
use crate::model::{Engine, Group, ModelError, Next, Seen, Tick};

/// Commands given to the GPU since the engine was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Kernels started.
    pub dispatches: usize,
    /// Times that commands were handed over.
    pub submits: usize,
    /// Results waited for.
    pub reads: usize,
}

/// A loaded model and the sequence it is working on.
pub struct GpuEngine {
    pub(super) model: GpuModel,
    pub(super) session: Session,
    head: Head,
    /// See [`GpuEngine::limit_head`].
    most: usize,
    /// Commands of the last advance, handed over together with the question for their results.
    pending: Option<CommandBuffer>,
    counts: Cell<Counts>,
    /// Tokens of a response that are computed before their results are waited for.
    ahead: usize,
}

/// Most tokens of a response that are computed before their results are waited for.
pub const MOST_AHEAD: usize = 8;

/// Whoever is to blame, the CPU will tell: it does the run again.
pub(super) fn not_a_number() -> ModelError {
    GpuError::Wrong("a value that is not a number".into()).into()
}

impl GpuEngine {
    /// Wraps a loaded model. Fails if the GPU has no room to work.
    pub fn new(model: GpuModel) -> Result<Self, ModelError> {
        let session = Session::new(&model, &[])?;
        let head = Head::new(&model, &session, 0, usize::MAX)?;
        model.gpu.check()?;
        Ok(Self { model, session, head, most: usize::MAX, pending: None, counts: Cell::default(), ahead: 1 })
    }

    /// The GPU's own name.
    pub fn gpu(&self) -> &super::Gpu {
        &self.model.gpu
    }

    /// Commands given so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }

    /// How many rows the last step had, and all dispatches of the step and of the question for its last token, each with its
    /// rows.
    pub(super) fn step(&self) -> (usize, Vec<(&Op, usize)>) {
        let plan = self.session.plan();
        let (rows, alive) = (plan.rows(), self.alive(plan.primal.saturating_sub(1)).len());
        let step = self.session.ops().map(|op| (op, rows));
        (rows, step.chain(self.head.ops(alive)).collect())
    }

    /// Multiplies at most so many tangents by the head at once, as where the vocabulary is too large for all of them.
    pub fn limit_head(&mut self, tangents: usize) {
        self.most = tangents;
    }

    /// How many tokens of a response are computed before their results are waited for: more than one where a read-back
    /// takes longer than the token itself, as in Firefox, which looks every 100 ms, and where tokens are so fast that encoding
    /// the next one meanwhile counts. At most [`MOST_AHEAD`].
    pub fn set_ahead(&mut self, tokens: usize) {
        self.ahead = tokens.clamp(1, MOST_AHEAD);
    }

    /// Awaits a result that takes no computing.
    pub async fn read_nothing(&self) -> Result<(), ModelError> {
        Ok(self.model.gpu.read(&self.head.staged, 1).await.map(|_| ())?)
    }

    /// Tangents that are alive at token `index` of the last advance: group, and row of the hidden states.
    fn alive(&self, index: usize) -> Vec<(usize, usize)> {
        let plan = self.session.plan();
        let position = plan.start + index;
        let alive = plan.tangents.iter().filter(|t| t.position <= position);
        alive.map(|t| (t.group, t.row + position - t.position)).collect()
    }

    /// Hands over what waits, and `commands` after it.
    pub(super) fn submit(&mut self, commands: Option<CommandBuffer>) {
        let all: Vec<CommandBuffer> = self.pending.take().into_iter().chain(commands).collect();
        if !all.is_empty() {
            self.count(|c| c.submits += 1);
            self.model.gpu.queue.submit(all);
        }
    }

    /// Groups that are alive at token `index` of the last step, and their rows of the hidden states.
    fn asked(&self, index: usize) -> Result<(Vec<usize>, Vec<usize>), ModelError> {
        if index >= self.session.plan().primal {
            return Err(ModelError::Tensor(format!("token {index} was not part of the last step")));
        }
        Ok(self.alive(index).into_iter().unzip())
    }

    pub(super) fn encoder(&self) -> CommandEncoder {
        self.model.gpu.device.create_command_encoder(&Default::default())
    }

    /// Reads tokens into the sequence: `tokens`, or the one that the GPU has chosen last.
    pub(super) fn read_on(&mut self, tokens: Tokens) -> Result<(), ModelError> {
        // what is written to buffers now would come before commands that still wait
        self.submit(None);
        let hidden = self.session.work.h.clone();
        let (commands, dispatches) = self.session.advance(&self.model, tokens)?;
        self.count(|c| c.dispatches += dispatches);
        self.pending = Some(commands);
        if hidden != self.session.work.h {
            self.head = Head::new(&self.model, &self.session, self.head.rows - 1, self.most)?;
        }
        Ok(())
    }

    /// Asks what comes after token `index` of the last step; the answer goes to place `at` of those staged. Gives the groups
    /// whose importance is asked for.
    fn choose(
        &mut self,
        index: usize,
        next: Next,
        target: Option<Target>,
        alternatives: usize,
        at: usize,
    ) -> Result<Vec<usize>, ModelError> {
        let vocab = self.model.config.vocab;
        let given = match next {
            Next::Given(id) if id as usize >= vocab => return Err(ModelError::UnknownToken { id, vocab }),
            Next::Given(id) => Some(id),
            Next::Likeliest => None,
        };
        let (groups, rows) = self.asked(index)?;
        let mut encoder = self.encoder();
        let question = Question { given, target, against: None, alternatives };
        let dispatches = self.head.choose(&self.model, &mut encoder, (index, &rows), question, at);
        self.count(|c| c.dispatches += dispatches);
        self.submit(Some(encoder.finish()));
        Ok(if target.is_some() { groups } else { Vec::new() })
    }

    /// Awaits what was staged for `count` tokens, the last with `groups` values of importance.
    async fn read_chosen(&mut self, count: usize, groups: usize) -> Result<Vec<f32>, ModelError> {
        self.count(|c| c.reads += 1);
        let words = (count - 1) * (CHOSEN + self.head.rows) + CHOSEN + groups;
        Ok(self.model.gpu.read(&self.head.staged, words).await?)
    }

    /// One token from what was read.
    fn seen(
        &self,
        found: &[f32],
        groups: &[usize],
        target: Option<Target>,
        alternatives: usize,
    ) -> Result<Seen, ModelError> {
        let (said, column) = found.split_at(CHOSEN);
        let top = said[4..].chunks_exact(2).take(alternatives);
        let top = top.map(|pair| Candidate { id: pair[0].to_bits(), probability: pair[1] }).collect();
        let choice = Choice { probability: said[1], rank: said[2].to_bits() as usize, entropy: said[3], top };
        if !(choice.probability.is_finite() && choice.entropy.is_finite()) {
            return Err(not_a_number());
        }
        let column = match target {
            Some(_) => Some(self.column_of(groups, column)?),
            None => None,
        };
        Ok(Seen { id: said[0].to_bits(), choice, column })
    }

    /// A column from what was read, by group.
    fn column_of(&self, groups: &[usize], found: &[f32]) -> Result<Vec<f32>, ModelError> {
        let mut column = vec![0.0; self.head.rows - 1];
        groups.iter().zip(found).for_each(|(group, value)| column[*group] = *value);
        if column.iter().all(|v| v.is_finite()) { Ok(column) } else { Err(not_a_number()) }
    }
}

impl Engine for GpuEngine {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    async fn begin(&mut self, groups: &[Group]) -> Result<(), ModelError> {
        self.pending = None;
        self.session = Session::new(&self.model, groups)?;
        self.head = Head::new(&self.model, &self.session, groups.len(), self.most)?;
        self.model.gpu.check()?;
        Ok(())
    }

    async fn advance(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        self.read_on(Tokens::Given(tokens))
    }

    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError> {
        let vocab = self.model.config.vocab;
        self.asked(index)?;
        let mut encoder = self.encoder();
        let (dispatches, staged) = self.head.logits(&self.model, &mut encoder, index);
        let staged = staged.clone();
        self.count(|c| c.dispatches += dispatches);
        self.submit(Some(encoder.finish()));
        self.count(|c| c.reads += 1);
        let logits = self.model.gpu.read(&staged, vocab).await?;
        if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(not_a_number()) }
    }

    async fn column(&mut self, index: usize, logits: &[f32], goal: Goal) -> Result<Vec<f32>, ModelError> {
        goal.check(logits.len())?;
        let (groups, rows) = self.asked(index)?;
        if groups.is_empty() {
            return self.column_of(&[], &[]);
        }
        let mut encoder = self.encoder();
        let dispatches = self.head.column(&self.model, &mut encoder, (index, &rows), goal);
        self.count(|c| c.dispatches += dispatches);
        self.submit(Some(encoder.finish()));
        self.count(|c| c.reads += 1);
        let found = self.model.gpu.read(&self.head.staged, groups.len()).await?;
        self.column_of(&groups, &found)
    }

    /// One submission with all that waits, and one result to wait for.
    async fn see(
        &mut self,
        index: usize,
        next: Next,
        target: Option<Target>,
        alternatives: usize,
    ) -> Result<Seen, ModelError> {
        let groups = self.choose(index, next, target, alternatives, 0)?;
        let found = self.read_chosen(1, groups.len()).await?;
        self.seen(&found, &groups, target, alternatives)
    }

    /// One result to wait for, for as many tokens as [`GpuEngine::set_ahead`] allows; each chosen token goes on to the next step
    /// without leaving the GPU.
    async fn follow(
        &mut self,
        index: usize,
        target: Option<Target>,
        alternatives: usize,
        most: usize,
    ) -> Result<Vec<Seen>, ModelError> {
        let count = self.ahead.min(most).max(1);
        let mut groups = self.choose(index, Next::Likeliest, target, alternatives, 0)?;
        let mut all = vec![groups.clone()];
        for at in 1..count {
            let chosen = self.head.chosen.clone();
            self.read_on(Tokens::Chosen(&chosen))?;
            groups = self.choose(0, Next::Likeliest, target, alternatives, at)?;
            all.push(groups.clone());
        }
        let widest = all.iter().map(Vec::len).max().unwrap_or(0);
        let found = self.read_chosen(count, widest).await?;
        let stride = CHOSEN + self.head.rows;
        let one = |(at, groups): (usize, &Vec<usize>)| self.seen(&found[at * stride..], groups, target, alternatives);
        all.iter().enumerate().map(one).collect()
    }

    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        against: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let goals = goals(tokens.get(n_prompt..).unwrap_or_default(), target, against)?;
        let mut counts = self.counts();
        let found = reverse::importance(&self.model, tokens, n_prompt, &goals, &mut counts, tick).await;
        self.count(|c| *c = counts);
        found
    }
}
