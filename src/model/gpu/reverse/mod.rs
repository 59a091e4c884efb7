//! Reverse mode: vector-Jacobian products for many response tokens at once, layer by layer from the top.
//!
//! One forward pass keeps each layer's input. Going back, a layer's inner activations are computed again and serve a whole
//! batch of cotangents, stacked as rows: cotangent m covers the positions before response token m.

mod layer;
mod top;

use std::ops::ControlFlow;

use wgpu::{Buffer, CommandEncoder};

use super::bindings;
use super::device::{Gpu, Submitted};
use super::engine::{Counts, not_a_number};
use super::forward::{Extra, Session, projected, widest};
use super::matrix::limit;
use super::ops::{self, Op};
use super::weights::GpuModel;
use crate::model::head::Goal;
use crate::model::row_plan::batches;
use crate::model::steps::Place;
use crate::model::{Length, ModelError, Tick};

/// Most rows of a batch of cotangents.
const BATCH: usize = 4096;

/// Cotangents of a batch on the GPU: number i covers positions `0..lengths[i]`, its rows follow each other.
struct Batch {
    lengths: Vec<usize>,
    rows: usize,
    count: Buffer,
    /// Position, position, rows of the same cotangent from here on.
    info: Buffer,
    /// Of the residual stream, `[rows, width]`.
    c: Buffer,
    /// Of a norm's output, `[rows, width]`.
    normed: Buffer,
    /// Of the gated activation, `[rows, ffn_width]`; of gate and up beside each other.
    a: Buffer,
    gate_up: Buffer,
    /// Of what the heads put out, `[rows, heads * head_width]`; of queries, keys and values beside each other.
    attended: Buffer,
    projected: Buffer,
    /// Of the same before they were normed, where they are.
    raw: Buffer,
    /// Of what a block adds to the stream, and of the same normed, where it is not the stream's own.
    branch: Buffer,
    post: Buffer,
    /// `[rows, heads]` pairs.
    statistics: Buffer,
}

impl Batch {
    fn new(model: &GpuModel, lengths: Vec<usize>) -> Self {
        let (gpu, c) = (&model.gpu, &model.config);
        let info = cotangent_info(&lengths);
        let (rows, extra) = (info.len(), Extra::of(model));
        let matrix = |width: usize| gpu.storage(rows * width);
        Self {
            lengths,
            rows,
            count: gpu.uniform(&[rows as u32, 0, 0, 0]),
            info: gpu.filled(&info),
            c: matrix(c.width),
            normed: matrix(c.width),
            a: matrix(c.ffn_width),
            gate_up: matrix(2 * c.ffn_width),
            attended: matrix(c.heads * c.head_width),
            projected: matrix(projected(c)),
            raw: matrix(if extra.raw { projected(c) } else { 1 }),
            branch: matrix(if extra.branches { c.width } else { 1 }),
            post: matrix(if extra.branches { c.width } else { 1 }),
            statistics: matrix(2 * c.heads),
        }
    }

    /// The cotangents of what a product back to the stream reads.
    fn read(&self, from: Place) -> &Buffer {
        if from == Place::Hidden { &self.a } else { &self.attended }
    }
}

/// Position, position, and rows of the same cotangent from here on, of every row of stacked cotangents.
pub(super) fn cotangent_info(lengths: &[usize]) -> Vec<[u32; 4]> {
    lengths.iter().flat_map(|&n| (0..n).map(move |p| [p as u32, p as u32, (n - p) as u32, 0])).collect()
}

/// What the forward pass reads.
enum Read<'a> {
    Tokens(&'a [u32]),
    /// Embedding rows, `[positions, width]`.
    Rows(&'a [f32]),
}

/// What a run needs of the forward pass.
struct Pass<'a> {
    model: &'a GpuModel,
    session: Session,
    positions: usize,
    /// Whether the stream begins with the tokens' embedding; else it holds rows already.
    embeds: bool,
    /// Each layer's input, `[positions, width]`, and the last one's output.
    inputs: Vec<Buffer>,
    counts: &'a mut Counts,
}

/// See [`crate::model::Engine::reverse`].
pub(super) async fn importance(
    model: &GpuModel,
    tokens: &[u32],
    n_prompt: usize,
    goals: &[Goal],
    counts: &mut Counts,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let (c, count) = (&model.config, tokens.len());
    if count > c.context {
        return Err(ModelError::TooLong(Length::of(count, c.context)));
    }
    if n_prompt == 0 || count <= n_prompt {
        return Ok(Vec::new());
    }
    // The last response token is only predicted, never read.
    let read = Read::Tokens(&tokens[..count - 1]);
    let (mut pass, batches, mut progress) = Pass::begin(model, read, n_prompt..count, counts)?;
    pass.forward_all(&mut progress, tick).await?;
    let mut columns = Vec::with_capacity(count - n_prompt);
    for lengths in batches {
        let batch = pass.back_all(lengths, (n_prompt, goals), &mut progress, tick).await?;
        let values = pass.contract(&batch).await?;
        let mut start = 0;
        for &n in &batch.lengths {
            columns.push(values[start..start + n_prompt].to_vec());
            start += n;
        }
    }
    progress.finish(&model.gpu, tick).await?;
    let finite = columns.iter().flatten().all(|v| v.is_finite());
    if finite { Ok(columns) } else { Err(not_a_number()) }
}

/// See [`crate::model::RowEngine::gradients`].
pub(super) async fn gradients(
    model: &GpuModel,
    (rows, n_prompt, asked): (&[f32], usize, &[(usize, Goal)]),
    counts: &mut Counts,
    each: &mut impl FnMut(usize, &[f32]),
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let Some(&(last, goal)) = asked.last() else { return Ok(()) };
    let width = model.config.width;
    // those between that nobody asks for are never looked at
    let mut goals = vec![goal; last + 1];
    asked.iter().for_each(|(m, goal)| goals[*m] = *goal);
    let read = Read::Rows(&rows[..(n_prompt + last) * width]);
    let lengths = asked.iter().map(|(m, _)| n_prompt + m);
    let (mut pass, batches, mut progress) = Pass::begin(model, read, lengths, counts)?;
    pass.forward_all(&mut progress, tick).await?;
    for lengths in batches {
        let batch = pass.back_all(lengths, (n_prompt, &goals), &mut progress, tick).await?;
        let found = pass.at_prompt(&batch, n_prompt).await?;
        if !found.iter().all(|v| v.is_finite()) {
            return Err(not_a_number());
        }
        let gradients = found.chunks_exact(n_prompt * width);
        batch.lengths.iter().zip(gradients).for_each(|(n, gradient)| each(n - n_prompt, gradient));
    }
    progress.finish(&model.gpu, tick).await
}

/// Layers done of all, and the one that the GPU computes.
struct Progress {
    done: usize,
    total: usize,
    last: Option<Submitted>,
}

impl Progress {
    /// Waits for the layer before this one, so that progress is true, a stop comes soon, and the GPU is never without work: two
    /// layers are on their way at a time.
    async fn report(
        &mut self,
        gpu: &Gpu,
        submitted: Submitted,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let before = self.last.replace(submitted);
        self.reach(gpu, before, tick).await
    }

    /// Waits for the last layer.
    async fn finish(
        &mut self,
        gpu: &Gpu,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let last = self.last.take();
        self.reach(gpu, last, tick).await
    }

    async fn reach(
        &mut self,
        gpu: &Gpu,
        layer: Option<Submitted>,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let Some(layer) = layer else { return Ok(()) };
        gpu.reached(layer).await?;
        self.done += 1;
        match tick(Tick { done: self.done, total: self.total }).await {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ModelError::Cancelled),
        }
    }
}

impl<'a> Pass<'a> {
    /// A pass over what is `read`, the batches of cotangents of these `lengths`, and how much there is to do.
    fn begin(
        model: &'a GpuModel,
        read: Read,
        lengths: impl IntoIterator<Item = usize>,
        counts: &'a mut Counts,
    ) -> Result<(Self, Vec<Vec<usize>>, Progress), ModelError> {
        let c = &model.config;
        let positions = match read {
            Read::Tokens(tokens) => tokens.len(),
            Read::Rows(rows) => rows.len() / c.width,
        };
        let mut session = Session::sized(model, &[], positions, positions)?;
        match read {
            Read::Tokens(tokens) => session.prepare(model, tokens)?,
            Read::Rows(rows) => session.prepare_rows(model, rows)?,
        };
        let batches = batches(lengths, BATCH.min(limit(&model.gpu) / (4 * widest(c))));
        let progress = Progress { done: 0, total: c.layers * (1 + batches.len()), last: None };
        let inputs = (0..=c.layers).map(|_| model.gpu.storage(positions * c.width)).collect();
        let pass = Self { model, session, positions, embeds: matches!(read, Read::Tokens(_)), inputs, counts };
        Ok((pass, batches, progress))
    }

    async fn forward_all(
        &mut self,
        progress: &mut Progress,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        for layer in 0..self.model.config.layers {
            let submitted = self.forward(layer);
            progress.report(&self.model.gpu, submitted, tick).await?;
        }
        Ok(())
    }

    /// The cotangents of these lengths, down to the embedding rows.
    async fn back_all(
        &mut self,
        lengths: Vec<usize>,
        (n_prompt, goals): (usize, &[Goal]),
        progress: &mut Progress,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Batch, ModelError> {
        let batch = Batch::new(self.model, lengths);
        self.top(&batch, n_prompt, goals);
        for layer in (0..self.model.config.layers).rev() {
            let submitted = self.back(&batch, layer)?;
            progress.report(&self.model.gpu, submitted, tick).await?;
        }
        Ok(batch)
    }

    /// The cotangents of the prompt's rows, `[cotangents, n_prompt, width]`.
    async fn at_prompt(&mut self, batch: &Batch, n_prompt: usize) -> Result<Vec<f32>, ModelError> {
        let width = self.model.config.width;
        let count = batch.lengths.len() * n_prompt * width;
        let staged = self.model.gpu.staging(count);
        self.submit(|_, encoder| {
            let (bytes, mut from) = (4 * (n_prompt * width) as u64, 0);
            for (i, n) in batch.lengths.iter().enumerate() {
                encoder.copy_buffer_to_buffer(&batch.c, from, &staged, i as u64 * bytes, Some(bytes));
                from += 4 * (n * width) as u64;
            }
            0
        });
        self.counts.reads += 1;
        Ok(self.model.gpu.read(&staged, count).await?)
    }

    /// The last layer's output, `[positions, width]`.
    fn output(&self) -> &Buffer {
        &self.inputs[self.model.config.layers]
    }

    fn submit(&mut self, encode: impl FnOnce(&Self, &mut CommandEncoder) -> usize) -> Submitted {
        let mut encoder = self.model.gpu.device.create_command_encoder(&Default::default());
        self.counts.dispatches += encode(self, &mut encoder);
        self.counts.submits += 1;
        self.model.gpu.submit(Some(encoder.finish()))
    }

    fn copy(&self, encoder: &mut CommandEncoder, from: &Buffer, to: &Buffer) {
        let bytes = (self.positions * self.model.config.width * 4) as u64;
        encoder.copy_buffer_to_buffer(from, 0, to, 0, Some(bytes));
    }

    /// Layer `layer` of the forward pass; the first begins with the embedding, the last leaves its output too.
    fn forward(&mut self, layer: usize) -> Submitted {
        let last = layer + 1 == self.model.config.layers;
        self.submit(|pass, encoder| {
            let (s, rows) = (&pass.session, pass.positions);
            let mut n = 0;
            if layer == 0 && pass.embeds {
                n += s.encode_embedding(&mut ops::pass(encoder, "embedding"), rows);
            }
            pass.copy(encoder, &s.work.x, &pass.inputs[layer]);
            {
                let mut compute = ops::pass(encoder, "layer");
                n += s.encode_inner(layer, &mut compute, rows) + s.encode_seen(layer, &mut compute, rows);
                n += s.encode_outer(layer, &mut compute, rows);
                if last {
                    n += s.encode_norm(&mut compute, rows);
                }
            }
            if last {
                pass.copy(encoder, &s.work.x, &pass.inputs[layer + 1]);
            }
            n
        })
    }

    /// Gradient x input of every row.
    async fn contract(&mut self, batch: &Batch) -> Result<Vec<f32>, ModelError> {
        let (gpu, c) = (&self.model.gpu, &self.model.config);
        let (values, staged) = (gpu.storage(batch.rows), gpu.staging(batch.rows));
        let shape = gpu.uniform(&[c.width as u32, 0, 0, 0]);
        let (info, x) = (&batch.info, &self.inputs[0]);
        let buffers = bindings::Contract { shape: &shape, info, c: &batch.c, x, y: &values };
        let op = Op::rows(self.model.kernels.bind(gpu, buffers));
        self.submit(|_, encoder| {
            let n = op.encode(&mut ops::pass(encoder, "contraction"), batch.rows);
            encoder.copy_buffer_to_buffer(&values, 0, &staged, 0, Some(4 * batch.rows as u64));
            n
        });
        self.counts.reads += 1;
        Ok(self.model.gpu.read(&staged, batch.rows).await?)
    }
}
