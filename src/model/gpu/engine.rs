//! The GPU backend behind the common trait.

use std::ops::ControlFlow;

use wgpu::{Buffer, CommandBuffer, CommandEncoder};

use super::device::GpuError;
use super::forward::Session;
use super::kernels::Kernel;
use super::matrix::{Through, limit};
use super::ops::{Count, Op, encode};
use super::reverse;
use super::weights::GpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::{Candidate, Choice, Target};
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
    model: GpuModel,
    session: Session,
    head: Head,
    /// Commands of the last advance, handed over together with the question for their results.
    pending: Option<CommandBuffer>,
    counts: Counts,
}

/// No token is given.
const NONE: u32 = u32::MAX;
/// Alternatives that the GPU finds at most, and words of what it says of a choice: four, and two for each.
const ALTERNATIVES: usize = 8;
const CHOSEN: usize = 4 + 2 * ALTERNATIVES;

/// What lies between the final hidden states and the answers.
struct Head {
    /// Rows that there is room for: a primal one and the tangents.
    rows: usize,
    /// Which rows of the hidden states are taken.
    from: Buffer,
    count: Buffer,
    logits: Buffer,
    question: Buffer,
    /// What `choose.wgsl` says.
    chosen: Buffer,
    column: Buffer,
    staged_logits: Buffer,
    /// What was chosen, and then the column.
    staged: Buffer,
    choose: Op,
    /// Gathers the rows and multiplies them by the head.
    product: Vec<Op>,
    contract: Op,
}

impl Head {
    fn new(model: &GpuModel, session: &Session, rows: usize) -> Result<Self, GpuError> {
        let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
        if rows * c.vocab * 4 > limit(gpu) {
            return Err(GpuError::TooLarge(format!("the logits of {rows} rows pass its limit for a binding")));
        }
        let (from, count) = (gpu.storage(rows), gpu.uniform(&[0u32; 4]));
        let (hidden, logits) = (gpu.storage(rows * c.width), gpu.storage(rows * c.vocab));
        let (question, column) = (gpu.uniform(&[0u32; 4]), gpu.storage(rows));
        let gather = gpu.uniform(&[c.width as u32, 0, 0, 0]);
        let gather = kernels.bind(gpu, Kernel::Gather, None, &[&gather, &from, &session.work.h, &hidden]);
        let mut product = vec![Op::elements(gather, c.width)];
        let through = Through { rows: &count, x: &hidden, y: &logits, accumulate: false };
        product.extend(model.head().product(gpu, kernels, &through, None));
        let chosen = gpu.storage(CHOSEN);
        let choose = kernels.bind(gpu, Kernel::Choose, None, &[&question, &logits, &chosen]);
        let choose = Op::new(choose, Count::Fixed(1), Count::Fixed(1));
        let contract = Op::rows(kernels.bind(gpu, Kernel::Column, None, &[&question, &logits, &column, &chosen]));
        let (staged_logits, staged) = (gpu.staging(c.vocab), gpu.staging(CHOSEN + rows));
        Ok(Self {
            rows,
            from,
            count,
            logits,
            question,
            chosen,
            column,
            staged_logits,
            staged,
            choose,
            product,
            contract,
        })
    }
}

impl GpuEngine {
    /// Wraps a loaded model. Fails if the GPU has no room to work.
    pub fn new(model: GpuModel) -> Result<Self, ModelError> {
        let session = Session::new(&model, &[])?;
        let head = Head::new(&model, &session, 1)?;
        model.gpu.check()?;
        Ok(Self { model, session, head, pending: None, counts: Counts::default() })
    }

    /// The GPU's own name.
    pub fn gpu(&self) -> &super::Gpu {
        &self.model.gpu
    }

    /// Commands given so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Tangents that are alive at token `index` of the last advance: group, and row of the hidden states.
    fn alive(&self, index: usize) -> Vec<(usize, usize)> {
        let plan = self.session.plan();
        let position = plan.start + index;
        let alive = plan.tangents.iter().filter(|t| t.position <= position);
        alive.map(|t| (t.group, t.row + position - t.position)).collect()
    }

    /// Hands over what waits, and `commands` after it.
    fn submit(&mut self, commands: Option<CommandBuffer>) {
        let all: Vec<CommandBuffer> = self.pending.take().into_iter().chain(commands).collect();
        if !all.is_empty() {
            self.counts.submits += 1;
            self.model.gpu.queue.submit(all);
        }
    }

    /// Tells the kernels which rows are asked about; encodes their logits.
    fn ask(&mut self, index: usize, encoder: &mut CommandEncoder) -> Result<Vec<usize>, ModelError> {
        if index >= self.session.plan().primal {
            return Err(ModelError::Tensor(format!("token {index} was not part of the last step")));
        }
        let (groups, rows): (Vec<usize>, Vec<usize>) = self.alive(index).into_iter().unzip();
        let rows: Vec<u32> = [index].into_iter().chain(rows).map(|r| r as u32).collect();
        let (gpu, head) = (&self.model.gpu, &self.head);
        gpu.write(&head.from, &rows);
        gpu.write(&head.count, &[rows.len() as u32, 0, 0, 0]);
        let mut pass = encoder.begin_compute_pass(&Default::default());
        self.counts.dispatches += encode(&head.product, &mut pass, rows.len());
        Ok(groups)
    }

    /// A column from what was read, by group.
    fn column_of(&self, groups: &[usize], found: &[f32]) -> Result<Vec<f32>, ModelError> {
        let mut column = vec![0.0; self.head.rows - 1];
        groups.iter().zip(found).for_each(|(group, value)| column[*group] = *value);
        if column.iter().all(|v| v.is_finite()) { Ok(column) } else { Err(ModelError::NotANumber) }
    }
}

impl Engine for GpuEngine {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    async fn begin(&mut self, groups: &[Group]) -> Result<(), ModelError> {
        self.pending = None;
        self.session = Session::new(&self.model, groups)?;
        self.head = Head::new(&self.model, &self.session, 1 + groups.len())?;
        self.model.gpu.check()?;
        Ok(())
    }

    async fn advance(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        // what is written to buffers now would come before commands that still wait
        self.submit(None);
        let hidden = self.session.work.h.clone();
        let (commands, dispatches) = self.session.advance(&self.model, tokens)?;
        self.counts.dispatches += dispatches;
        self.pending = Some(commands);
        if hidden != self.session.work.h {
            self.head = Head::new(&self.model, &self.session, self.head.rows)?;
        }
        Ok(())
    }

    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError> {
        let vocab = self.model.config.vocab;
        let mut encoder = self.model.gpu.device.create_command_encoder(&Default::default());
        self.ask(index, &mut encoder)?;
        let (from, to) = (&self.head.logits, &self.head.staged_logits);
        encoder.copy_buffer_to_buffer(from, 0, to, 0, Some(4 * vocab as u64));
        self.submit(Some(encoder.finish()));
        self.counts.reads += 1;
        let logits = self.model.gpu.read(&self.head.staged_logits, vocab).await?;
        if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(ModelError::NotANumber) }
    }

    /// After [`Engine::logits`] of the same index, whose tangents are still there.
    async fn column(
        &mut self,
        index: usize,
        logits: &[f32],
        token: u32,
        target: Target,
    ) -> Result<Vec<f32>, ModelError> {
        let vocab = logits.len();
        if token as usize >= vocab {
            return Err(ModelError::UnknownToken { id: token, vocab });
        }
        let groups: Vec<usize> = self.alive(index).into_iter().map(|(group, _)| group).collect();
        if groups.is_empty() {
            return self.column_of(&[], &[]);
        }
        let (gpu, head) = (&self.model.gpu, &self.head);
        gpu.write(&head.question, &[vocab as u32, token, target as u32, 0]);
        gpu.write(&head.chosen, &[token]);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        self.counts.dispatches += head.contract.encode(&mut pass, groups.len());
        drop(pass);
        encoder.copy_buffer_to_buffer(&head.column, 0, &head.staged, 0, Some(4 * groups.len() as u64));
        self.submit(Some(encoder.finish()));
        self.counts.reads += 1;
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
        let vocab = self.model.config.vocab;
        let alternatives = alternatives.min(ALTERNATIVES);
        let given = match next {
            Next::Given(id) if id as usize >= vocab => return Err(ModelError::UnknownToken { id, vocab }),
            Next::Given(id) => id,
            Next::Likeliest => NONE,
        };
        let goal = target.unwrap_or_default() as u32;
        self.model.gpu.write(&self.head.question, &[vocab as u32, given, goal, alternatives as u32]);
        let mut encoder = self.model.gpu.device.create_command_encoder(&Default::default());
        let groups = self.ask(index, &mut encoder)?;
        let groups = if target.is_some() { groups } else { Vec::new() };
        let head = &self.head;
        let mut pass = encoder.begin_compute_pass(&Default::default());
        self.counts.dispatches += head.choose.encode(&mut pass, 1);
        if !groups.is_empty() {
            self.counts.dispatches += head.contract.encode(&mut pass, groups.len());
        }
        drop(pass);
        encoder.copy_buffer_to_buffer(&head.chosen, 0, &head.staged, 0, Some(4 * CHOSEN as u64));
        if !groups.is_empty() {
            let (from, to) = (&head.column, &head.staged);
            encoder.copy_buffer_to_buffer(from, 0, to, 4 * CHOSEN as u64, Some(4 * groups.len() as u64));
        }
        self.submit(Some(encoder.finish()));
        self.counts.reads += 1;
        let found = self.model.gpu.read(&self.head.staged, CHOSEN + groups.len()).await?;
        let (said, column) = found.split_at(CHOSEN);
        let top = said[4..].chunks_exact(2).take(alternatives);
        let top = top.map(|pair| Candidate { id: pair[0].to_bits(), probability: pair[1] }).collect();
        let choice = Choice { probability: said[1], rank: said[2].to_bits() as usize, entropy: said[3], top };
        if !(choice.probability.is_finite() && choice.entropy.is_finite()) {
            return Err(ModelError::NotANumber);
        }
        let column = match target {
            Some(_) => Some(self.column_of(&groups, column)?),
            None => None,
        };
        Ok(Seen { id: said[0].to_bits(), choice, column })
    }

    async fn reverse(
        &mut self,
        tokens: &[u32],
        n_prompt: usize,
        target: Target,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        reverse::importance(&self.model, tokens, n_prompt, target, &mut self.counts, tick).await
    }
}
