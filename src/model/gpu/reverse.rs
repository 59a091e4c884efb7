//! Reverse mode: vector-Jacobian products for many response tokens at once, layer by layer from the top.
//!
//! One forward pass keeps each layer's input. Going back, a layer's inner activations are computed again and serve a whole
//! batch of cotangents, stacked as rows: cotangent m covers the positions before response token m.

use std::ops::ControlFlow;

use wgpu::{Buffer, CommandEncoder};

use super::device::{Gpu, GpuError, Submitted};
use super::engine::{Counts, not_a_number};
use super::forward::{Extra, Session, projected, rotated_heads, widest};
use super::fused::Fused;
use super::head::goal_words;
use super::kernels::Kernel;
use super::matrix::{Matrix, Through, limit};
use super::ops::{Count, Op, encode};
use super::uniforms::{Axpy, Heads, Norm};
use super::weights::GpuModel;
use crate::model::head::Goal;
use crate::model::steps::Place;
use crate::model::{Length, ModelError, Tick};

/// Most rows of a batch of cotangents.
const BATCH: usize = 4096;
/// Rows of logits that are worked on at once.
const HEAD_ROWS: usize = 32;

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

/// What a run needs of the forward pass.
struct Pass<'a> {
    model: &'a GpuModel,
    session: Session,
    positions: usize,
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
    let read = &tokens[..count - 1];
    let mut session = Session::sized(model, &[], read.len(), read.len())?;
    session.prepare(model, read)?;
    let batches = split(n_prompt..count, BATCH.min(limit(&model.gpu) / (4 * widest(c))));
    let mut progress = Progress { done: 0, total: c.layers * (1 + batches.len()), last: None };
    let inputs = (0..=c.layers).map(|_| model.gpu.storage(read.len() * c.width)).collect();
    let mut pass = Pass { model, session, positions: read.len(), inputs, counts };
    for layer in 0..c.layers {
        let submitted = pass.forward(layer);
        progress.report(&model.gpu, submitted, tick).await?;
    }
    let mut columns = Vec::with_capacity(count - n_prompt);
    for lengths in batches {
        let batch = Batch::new(model, lengths);
        pass.head(&batch, n_prompt, goals)?;
        for layer in (0..c.layers).rev() {
            let submitted = pass.back(&batch, layer)?;
            progress.report(&model.gpu, submitted, tick).await?;
        }
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

/// Consecutive cotangents whose rows fit a batch; at least one in each.
fn split(lengths: std::ops::Range<usize>, most: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut rows = 0;
    for n in lengths {
        match batches.last_mut() {
            Some(batch) if rows + n <= most => {
                batch.push(n);
                rows += n;
            }
            _ => {
                batches.push(vec![n]);
                rows = n;
            }
        }
    }
    batches
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

impl Pass<'_> {
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
            if layer == 0 {
                n += s.encode_embedding(&mut encoder.begin_compute_pass(&Default::default()), rows);
            }
            pass.copy(encoder, &s.work.x, &pass.inputs[layer]);
            {
                let mut compute = encoder.begin_compute_pass(&Default::default());
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

    /// The goals' cotangents at the top of the residual stream, in the rows that predict; zeros everywhere else.
    fn head(&mut self, batch: &Batch, n_prompt: usize, goals: &[Goal]) -> Result<(), ModelError> {
        let (model, c) = (self.model, &self.model.config);
        let (gpu, kernels) = (&model.gpu, &model.kernels);
        let top = &self.inputs[c.layers];
        // the norm of the top: the layers' recomputation has written over it
        let top_info: Vec<[u32; 4]> = (0..self.positions as u32).map(|p| [p, p, 0, 0]).collect();
        let (top_info, norm) = (gpu.filled(&top_info), gpu.uniform(&model.norm_uniform()));
        let hidden = gpu.storage(self.positions * c.width);
        let norm_top = Op::rows(kernels.bind(gpu, Kernel::Norm, None, &[&norm, &top_info, top, &model.norm, &hidden]));
        let mut calls = vec![(vec![norm_top], self.positions)];
        let mut end = 0;
        for lengths in batch.lengths.chunks(HEAD_ROWS.min((limit(gpu) / (4 * c.vocab)).max(1))) {
            let rows = lengths.len();
            let position: Vec<u32> = lengths.iter().map(|n| *n as u32 - 1).collect();
            let of: Vec<[u32; 4]> = position.iter().map(|p| [*p, *p, 0, 0]).collect();
            let chosen: Vec<[u32; 2]> = lengths.iter().map(|n| goal_words(goals[n - n_prompt])).collect();
            let to: Vec<u32> = lengths
                .iter()
                .map(|n| {
                    end += n;
                    end as u32 - 1
                })
                .collect();
            let (position, of, chosen, to) =
                (gpu.filled(&position), gpu.filled(&of), gpu.filled(&chosen), gpu.filled(&to));
            let matrix = |width: usize| gpu.storage(rows * width);
            let (picked, logits, gradient, at_top) =
                (matrix(c.width), matrix(c.vocab), matrix(c.width), matrix(c.width));
            // each row is its own: the head's bias belongs to all of them
            let primal: Vec<[u32; 4]> = (0..rows as u32).map(|row| [row, 0, 0, 0]).collect();
            let (count, primal) = (gpu.uniform(&[rows as u32, 0, 0, 0]), gpu.filled(&primal));
            let gather = gpu.uniform(&[c.width as u32, 0, 0, 0]);
            let scatter = gpu.uniform(&[c.width as u32, 1, 0, 0]);
            let question = gpu.uniform(&[c.vocab as u32, goals[0].target as u32, 0, 0]);
            let bind = |kernel, buffers: &[&Buffer]| kernels.bind(gpu, kernel, None, buffers);
            let through = |x, y| Through { rows: &count, x, y, accumulate: false };
            let mut ops = vec![Op::elements(bind(Kernel::Gather, &[&gather, &position, &hidden, &picked]), c.width)];
            ops.extend(model.head().product(gpu, kernels, &through(&picked, &logits), Some(&primal)));
            ops.push(Op::rows(bind(Kernel::Cotangent, &[&question, &chosen, &logits])));
            ops.extend(model.head().transposed(gpu, kernels, &through(&logits, &gradient)));
            ops.push(Op::rows(bind(Kernel::NormVjp, &[&norm, &of, top, &model.norm, &gradient, &at_top])));
            ops.push(Op::elements(bind(Kernel::Gather, &[&scatter, &to, &at_top, &batch.c]), c.width));
            calls.push((ops, rows));
        }
        self.submit(|_, encoder| {
            let mut compute = encoder.begin_compute_pass(&Default::default());
            calls.iter().map(|(ops, rows)| encode(ops, &mut compute, *rows)).sum()
        });
        Ok(())
    }

    /// The vjp of layer `layer`, in place in the batch.
    fn back(&mut self, batch: &Batch, layer: usize) -> Result<Submitted, GpuError> {
        let ops = self.vjp(batch, layer)?;
        Ok(self.submit(|pass, encoder| {
            pass.copy(encoder, &pass.inputs[layer], &pass.session.work.x);
            let mut compute = encoder.begin_compute_pass(&Default::default());
            pass.session.encode_inner(layer, &mut compute, pass.positions)
                + pass.session.encode_seen(layer, &mut compute, pass.positions)
                + encode(&ops, &mut compute, batch.rows)
        }))
    }

    /// The layer's steps, backwards.
    fn vjp(&self, b: &Batch, layer: usize) -> Result<Vec<Op>, GpuError> {
        let (model, w, l) = (self.model, &self.session.work, &self.model.layers[layer]);
        let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
        let cache = &self.session.caches[layer].primal;
        let norm = gpu.uniform(&model.norm_uniform());
        let set_norm = gpu.uniform(&Norm { accumulate: 0, ..model.norm_uniform() });
        let heads = gpu.uniform(&Heads::new(c, l.attend()));
        let bind = |kernel, buffers: &[&Buffer]| kernels.bind(gpu, kernel, None, buffers);
        let linear_vjp = |matrix: &Matrix, x, y, accumulate| {
            matrix.transposed(gpu, kernels, &Through { rows: &b.count, x, y, accumulate })
        };
        let is_normed = l.fused.iter().any(|f| matches!(f, Fused::QkNorm { .. }));
        // from the feed-forward block back to attention: which it is, and whether what it adds is normed
        let mut block = 1;
        let mut ops = Vec::new();
        for (i, fused) in l.fused.iter().enumerate().rev() {
            let before = &l.fused[..i];
            // the block's input is the stream itself where no norm stands before it
            let reads = before.iter().rev().find(|f| matches!(f, Fused::Norm { .. } | Fused::Bare));
            let (into, accumulate) = match reads {
                Some(Fused::Bare) => (&b.c, true),
                _ => (&b.normed, false),
            };
            match *fused {
                Fused::Add { scale } => {
                    let to = if matches!(before.last(), Some(Fused::PostNorm { .. })) { &b.post } else { &b.branch };
                    let axpy = gpu.uniform(&Axpy { width: c.width as u32, scale, accumulate: 0, unused: 0 });
                    ops.push(Op::elements(bind(Kernel::Axpy, &[&axpy, &b.count, &b.c, to]), c.width));
                }
                Fused::PostNorm { gain } => {
                    let buffers = [&set_norm, &b.info, &w.branches[block], l.norm(gain)?, &b.post, &b.branch];
                    ops.push(Op::rows(bind(Kernel::NormVjp, &buffers)));
                }
                Fused::Out { from, weight } => ops.extend(linear_vjp(l.back(weight), &b.branch, b.read(from), false)),
                Fused::Into { from, weight } => ops.extend(linear_vjp(l.back(weight), &b.c, b.read(from), false)),
                Fused::Gate(activation) => {
                    let gated = gpu.uniform(&[c.ffn_width as u32, activation as u32, 0, 0]);
                    let buffers = [&gated, &b.count, &b.info, &w.gate_up, &b.a, &b.gate_up];
                    ops.push(Op::elements(bind(Kernel::MlpVjp, &buffers), c.ffn_width));
                }
                Fused::GateUp => ops.extend(linear_vjp(&l.gate_up, &b.gate_up, into, accumulate)),
                Fused::Norm { gain } => {
                    // what the feed-forward block's norm read is still in the stream
                    let stream = if block == 1 { &w.x } else { &self.inputs[layer] };
                    let buffers = [&norm, &b.info, stream, l.norm(gain)?, &b.normed, &b.c];
                    ops.push(Op::rows(bind(Kernel::NormVjp, &buffers)));
                    block = 0;
                }
                Fused::Bare => block = 0,
                Fused::Attend(_) => {
                    let buffers = [&heads, &b.info, &w.projected, cache, &b.attended, &b.projected, &b.statistics];
                    let bound = bind(Kernel::AttentionVjpQueries, &buffers);
                    ops.push(Op::new(bound, Count::Fixed(c.heads), Count::Rows(1)));
                    let buffers = [&heads, &b.info, &w.projected, cache, &b.attended, &b.statistics, &b.projected];
                    let bound = bind(Kernel::AttentionVjpKeys, &buffers);
                    ops.push(Op::new(bound, Count::Fixed(c.kv_heads), Count::Rows(1)));
                }
                Fused::Append { table } => {
                    let buffers = [&heads, &b.count, &b.info, w.turn(table), &b.projected];
                    ops.push(Op::elements(bind(Kernel::RopeVjp, &buffers), rotated_heads(c) * c.head_width / 2));
                }
                Fused::QkNorm { whole } => {
                    for (part, count, uniform) in model.projected_norms(whole) {
                        let gain = part.map_or(Ok(&model.norm), |part| l.norm(part))?;
                        let buffers = [&gpu.uniform(&uniform), &b.info, &w.raw, gain, &b.projected, &b.raw];
                        ops.push(Op::new(bind(Kernel::NormVjp, &buffers), Count::Rows(1), Count::Fixed(count)));
                    }
                }
                Fused::Qkv => {
                    let from = if is_normed { &b.raw } else { &b.projected };
                    ops.extend(linear_vjp(&l.qkv, from, into, accumulate));
                }
            }
        }
        Ok(ops)
    }

    /// Gradient x input of every row.
    async fn contract(&mut self, batch: &Batch) -> Result<Vec<f32>, ModelError> {
        let (gpu, c) = (&self.model.gpu, &self.model.config);
        let (values, staged) = (gpu.storage(batch.rows), gpu.staging(batch.rows));
        let shape = gpu.uniform(&[c.width as u32, 0, 0, 0]);
        let buffers = [&shape, &batch.info, &batch.c, &self.inputs[0], &values];
        let op = Op::rows(self.model.kernels.bind(gpu, Kernel::Contract, None, &buffers));
        self.submit(|_, encoder| {
            let n = op.encode(&mut encoder.begin_compute_pass(&Default::default()), batch.rows);
            encoder.copy_buffer_to_buffer(&values, 0, &staged, 0, Some(4 * batch.rows as u64));
            n
        });
        self.counts.reads += 1;
        Ok(self.model.gpu.read(&staged, batch.rows).await?)
    }
}
