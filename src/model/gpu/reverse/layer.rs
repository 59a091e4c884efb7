//! A layer's vjp: its fused steps, backwards.

use super::{Batch, Pass};
use crate::model::gpu::bindings;
use crate::model::gpu::device::{GpuError, Submitted};
use crate::model::gpu::forward::rotated_heads;
use crate::model::gpu::fused::Fused;
use crate::model::gpu::matrix::{Matrix, Through};
use crate::model::gpu::ops::{self, Count, Op, encode};
use crate::model::gpu::uniforms::{Axpy, Heads, Norm};

impl Pass<'_> {
    /// The vjp of layer `layer`, in place in the batch.
    pub fn back(&mut self, batch: &Batch, layer: usize) -> Result<Submitted, GpuError> {
        let ops = self.vjp(batch, layer)?;
        Ok(self.submit(|pass, encoder| {
            pass.copy(encoder, &pass.inputs[layer], &pass.session.work.x);
            let mut compute = ops::pass(encoder, "layer, backwards");
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
        let (rows, info) = (&b.count, &b.info);
        let linear_vjp =
            |matrix: &Matrix, x, y, accumulate| matrix.transposed(gpu, kernels, &Through { rows, x, y, accumulate });
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
                    let buffers = bindings::Axpy { axpy: &axpy, rows, x: &b.c, y: to };
                    ops.push(Op::elements(kernels.bind(gpu, buffers), c.width));
                }
                Fused::PostNorm { gain } => {
                    let (x, gain, c, into) = (&w.branches[block], l.norm(gain)?, &b.post, &b.branch);
                    let buffers = bindings::NormVjp { norm: &set_norm, info, x, gain, c, into };
                    ops.push(Op::rows(kernels.bind(gpu, buffers)));
                }
                Fused::Out { from, weight } => ops.extend(linear_vjp(l.back(weight), &b.branch, b.read(from), false)),
                Fused::Into { from, weight } => ops.extend(linear_vjp(l.back(weight), &b.c, b.read(from), false)),
                Fused::Gate(activation) => {
                    let gated = gpu.uniform(&[c.ffn_width as u32, activation as u32, 0, 0]);
                    let (gate_up, result) = (&w.gate_up, &b.gate_up);
                    let buffers = bindings::MlpVjp { gated: &gated, rows, info, gate_up, c: &b.a, result };
                    ops.push(Op::elements(kernels.bind(gpu, buffers), c.ffn_width));
                }
                Fused::GateUp => ops.extend(linear_vjp(&l.gate_up, &b.gate_up, into, accumulate)),
                Fused::Norm { gain } => {
                    // what the feed-forward block's norm read is still in the stream
                    let stream = if block == 1 { &w.x } else { &self.inputs[layer] };
                    let (gain, c, into) = (l.norm(gain)?, &b.normed, &b.c);
                    let buffers = bindings::NormVjp { norm: &norm, info, x: stream, gain, c, into };
                    ops.push(Op::rows(kernels.bind(gpu, buffers)));
                    block = 0;
                }
                Fused::Bare => block = 0,
                Fused::Attend(_) => {
                    let (shape, projected, statistics) = (&heads, &w.projected, &b.statistics);
                    let (cotangent, to) = (&b.attended, &b.projected);
                    let buffers = bindings::AttentionVjpQueries {
                        shape,
                        info,
                        projected,
                        cache,
                        c: cotangent,
                        dq: to,
                        statistics,
                    };
                    ops.push(Op::new(kernels.bind(gpu, buffers), Count::Fixed(c.heads), Count::Rows(1)));
                    let buffers =
                        bindings::AttentionVjpKeys { shape, info, projected, cache, c: cotangent, statistics, dkv: to };
                    ops.push(Op::new(kernels.bind(gpu, buffers), Count::Fixed(c.kv_heads), Count::Rows(1)));
                }
                Fused::Append { table } => {
                    let (angles, projected) = (w.turn(table), &b.projected);
                    let buffers = bindings::RopeVjp { shape: &heads, rows, info, angles, projected };
                    ops.push(Op::elements(kernels.bind(gpu, buffers), rotated_heads(c) * c.head_width / 2));
                }
                Fused::QkNorm { whole } => {
                    for (part, count, uniform) in model.projected_norms(whole) {
                        let gain = part.map_or(Ok(&model.norm), |part| l.norm(part))?;
                        let (norm, x, c, into) = (&gpu.uniform(&uniform), &w.raw, &b.projected, &b.raw);
                        let bound = kernels.bind(gpu, bindings::NormVjp { norm, info, x, gain, c, into });
                        ops.push(Op::new(bound, Count::Rows(1), Count::Fixed(count)));
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
}
