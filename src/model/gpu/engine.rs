//! The GPU backend behind the common trait.

use std::ops::ControlFlow;

use wgpu::{Buffer, CommandBuffer};

use super::device::GpuError;
use super::forward::Session;
use super::kernels::Kernel;
use super::matrix::{Through, limit};
use super::ops::{Count, Op, encode};
use super::reverse;
use super::weights::GpuModel;
use crate::checkpoint::ModelConfig;
use crate::model::head::Target;
use crate::model::{Engine, Group, ModelError, Tick};

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
    counts: Counts,
}

/// What lies between the final hidden states and the answers.
struct Head {
    /// Rows that there is room for: a primal one and the tangents.
    rows: usize,
    /// Which rows of the hidden states are taken.
    from: Buffer,
    count: Buffer,
    logits: Buffer,
    question: Buffer,
    column: Buffer,
    staged_logits: Buffer,
    staged_column: Buffer,
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
        let contract = Op::new(
            kernels.bind(gpu, Kernel::Column, None, &[&question, &logits, &column]),
            Count::Rows(1),
            Count::Fixed(1),
        );
        let (staged_logits, staged_column) = (gpu.staging(c.vocab), gpu.staging(rows));
        Ok(Self { rows, from, count, logits, question, column, staged_logits, staged_column, product, contract })
    }
}

impl GpuEngine {
    /// Wraps a loaded model. Fails if the GPU has no room to work.
    pub fn new(model: GpuModel) -> Result<Self, ModelError> {
        let session = Session::new(&model, &[])?;
        let head = Head::new(&model, &session, 1)?;
        model.gpu.check()?;
        Ok(Self { model, session, head, counts: Counts::default() })
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

    fn submit(&mut self, commands: CommandBuffer) {
        self.counts.submits += 1;
        self.model.gpu.queue.submit([commands]);
    }
}

impl Engine for GpuEngine {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    async fn begin(&mut self, groups: &[Group]) -> Result<(), ModelError> {
        self.session = Session::new(&self.model, groups)?;
        self.head = Head::new(&self.model, &self.session, 1 + groups.len())?;
        self.model.gpu.check()?;
        Ok(())
    }

    async fn advance(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        let hidden = self.session.work.h.clone();
        let (commands, dispatches) = self.session.advance(&self.model, tokens)?;
        self.counts.dispatches += dispatches;
        self.submit(commands);
        if hidden != self.session.work.h {
            self.head = Head::new(&self.model, &self.session, self.head.rows)?;
        }
        Ok(())
    }

    async fn logits(&mut self, index: usize) -> Result<Vec<f32>, ModelError> {
        if index >= self.session.plan().primal {
            return Err(ModelError::Tensor(format!("token {index} was not part of the last step")));
        }
        let rows: Vec<u32> =
            [index].into_iter().chain(self.alive(index).iter().map(|(_, r)| *r)).map(|r| r as u32).collect();
        let (gpu, head, vocab) = (&self.model.gpu, &self.head, self.model.config.vocab);
        gpu.write(&head.from, &rows);
        gpu.write(&head.count, &[rows.len() as u32, 0, 0, 0]);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        self.counts.dispatches +=
            encode(&head.product, &mut encoder.begin_compute_pass(&Default::default()), rows.len());
        encoder.copy_buffer_to_buffer(&head.logits, 0, &head.staged_logits, 0, Some(4 * vocab as u64));
        self.submit(encoder.finish());
        self.counts.reads += 1;
        let logits = self.model.gpu.read(&self.head.staged_logits, vocab).await?;
        if logits.iter().all(|l| l.is_finite()) { Ok(logits) } else { Err(ModelError::NotANumber) }
    }

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
        let alive = self.alive(index);
        let mut column = vec![0.0; self.head.rows - 1];
        if alive.is_empty() {
            return Ok(column);
        }
        let (gpu, head) = (&self.model.gpu, &self.head);
        gpu.write(&head.question, &[vocab as u32, token, target as u32, 0]);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        self.counts.dispatches +=
            head.contract.encode(&mut encoder.begin_compute_pass(&Default::default()), alive.len());
        encoder.copy_buffer_to_buffer(&head.column, 0, &head.staged_column, 0, Some(4 * alive.len() as u64));
        self.submit(encoder.finish());
        self.counts.reads += 1;
        let found = self.model.gpu.read(&self.head.staged_column, alive.len()).await?;
        alive.iter().zip(found).for_each(|((group, _), value)| column[*group] = value);
        if column.iter().all(|v| v.is_finite()) { Ok(column) } else { Err(ModelError::NotANumber) }
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
