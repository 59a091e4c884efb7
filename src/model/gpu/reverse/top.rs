//! Where cotangents begin: the targets' at the top of the residual stream, back through the head and the final norm.

use wgpu::Buffer;

use super::{Batch, Pass};
use crate::model::gpu::bindings;
use crate::model::gpu::head::goal_words;
use crate::model::gpu::matrix::{Through, limit};
use crate::model::gpu::ops::{self, Op, encode};
use crate::model::head::Goal;

/// Rows of logits that are worked on at once.
const ROWS: usize = 32;

/// Some of a batch's cotangents, one for each response token.
struct Rows<'a> {
    /// The position that predicts it: its hidden state gives the logits.
    positions: &'a [u32],
    /// What is differentiated there.
    goals: &'a [Goal],
    /// The row of the batch where its cotangent begins, its last.
    to: &'a [u32],
}

impl Pass<'_> {
    /// The goals' cotangents in the rows that predict; zeros everywhere else.
    pub fn top(&mut self, batch: &Batch, n_prompt: usize, goals: &[Goal]) {
        let (norm, hidden) = self.normed_top();
        let positions: Vec<u32> = batch.lengths.iter().map(|n| *n as u32 - 1).collect();
        let goals: Vec<Goal> = batch.lengths.iter().map(|n| goals[n - n_prompt]).collect();
        let ends = batch.lengths.iter().scan(0, |end, n| {
            *end += *n as u32;
            Some(*end - 1)
        });
        let ends: Vec<u32> = ends.collect();
        let most = ROWS.min((limit(&self.model.gpu) / (4 * self.model.config.vocab)).max(1));
        let parts = positions.chunks(most).zip(goals.chunks(most)).zip(ends.chunks(most));
        let parts = parts.map(|((positions, goals), to)| Rows { positions, goals, to });
        let calls: Vec<_> = parts.map(|some| (self.cotangents(batch, &hidden, &some), some.to.len())).collect();
        self.submit(|pass, encoder| {
            let mut compute = ops::pass(encoder, "head, backwards");
            let normed = norm.encode(&mut compute, pass.positions);
            normed + calls.iter().map(|(ops, rows)| encode(ops, &mut compute, *rows)).sum::<usize>()
        });
    }

    /// The final norm of the stream's top, and where its result will be: layers that were computed again have written over the
    /// forward pass's own.
    fn normed_top(&self) -> (Op, Buffer) {
        let (model, gpu) = (self.model, &self.model.gpu);
        let info: Vec<[u32; 4]> = (0..self.positions as u32).map(|p| [p, p, 0, 0]).collect();
        let (info, norm) = (gpu.filled(&info), gpu.uniform(&model.norm_uniform()));
        let hidden = gpu.storage(self.positions * model.config.width);
        let buffers = bindings::Norm { norm: &norm, info: &info, x: self.output(), gain: &model.norm, y: &hidden };
        (Op::rows(model.kernels.bind(gpu, buffers)), hidden)
    }

    /// From hidden states to logits, to the targets' cotangents of these, and back to the stream.
    fn cotangents(&self, batch: &Batch, hidden: &Buffer, some: &Rows) -> Vec<Op> {
        let (model, gpu, kernels) = (self.model, &self.model.gpu, &self.model.kernels);
        let (c, rows) = (&model.config, some.to.len());
        let of: Vec<[u32; 4]> = some.positions.iter().map(|p| [*p, *p, 0, 0]).collect();
        // each row is its own: the head's bias belongs to all of them
        let primal: Vec<[u32; 4]> = (0..rows as u32).map(|row| [row, 0, 0, 0]).collect();
        let (of, primal, count) = (gpu.filled(&of), gpu.filled(&primal), gpu.uniform(&[rows as u32, 0, 0, 0]));
        let matrix = |width: usize| gpu.storage(rows * width);
        let (picked, logits, gradient, at_top) = (matrix(c.width), matrix(c.vocab), matrix(c.width), matrix(c.width));
        let through = |x, y| Through { rows: &count, x, y, accumulate: false };
        // rows are picked from `source`, or put to it
        let gather = |source: &[u32], put: bool, x: &Buffer, y: &Buffer| {
            let (gather, source) = (gpu.uniform(&[c.width as u32, u32::from(put), 0, 0]), gpu.filled(source));
            Op::elements(kernels.bind(gpu, bindings::Gather { gather: &gather, source: &source, x, y }), c.width)
        };
        let mut ops = vec![gather(some.positions, false, hidden, &picked)];
        ops.extend(model.head().product(gpu, kernels, &through(&picked, &logits), Some(&primal)));
        ops.push(self.targets(some.goals, &logits));
        ops.extend(model.head().transposed(gpu, kernels, &through(&logits, &gradient)));
        let (norm, x, gain) = (&gpu.uniform(&model.norm_uniform()), self.output(), &model.norm);
        let vjp = bindings::NormVjp { norm, info: &of, x, gain, c: &gradient, into: &at_top };
        ops.push(Op::rows(kernels.bind(gpu, vjp)));
        ops.push(gather(some.to, true, &at_top, &batch.c));
        ops
    }

    /// The targets' cotangents, in place of the logits.
    fn targets(&self, goals: &[Goal], logits: &Buffer) -> Op {
        let gpu = &self.model.gpu;
        let target = goals.first().map_or(0, |goal| goal.target as u32);
        let question = gpu.uniform(&[self.model.config.vocab as u32, target, 0, 0]);
        let tokens: Vec<[u32; 2]> = goals.iter().map(|goal| goal_words(*goal)).collect();
        let tokens = gpu.filled(&tokens);
        let buffers = bindings::Cotangent { question: &question, tokens: &tokens, logits };
        Op::rows(self.model.kernels.bind(gpu, buffers))
    }
}
