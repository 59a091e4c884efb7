//! A layer's fused steps as dispatches, each bound to its buffers.

use super::bindings;
use super::cache::LayerCache;
use super::device::GpuError;
use super::forward::{Work, rotated_heads};
use super::fused::Fused;
use super::matrix::{FEW, Matrix, Normed, Through};
use super::ops::{Count, Op};
use super::uniforms::{Axpy, Heads, Norm};
use super::weights::{GpuModel, Layer};
use crate::checkpoint::Part;

/// A layer's dispatches: up to the gated activation's inputs; what its vjp has to see of the feed-forward block besides; and
/// the rest.
#[derive(Default)]
pub(super) struct LayerOps {
    pub inner: Vec<Op>,
    pub seen: Vec<Op>,
    pub outer: Vec<Op>,
}

/// The dispatches of the embedding, of each layer, and of the final norm.
pub(super) type Bound = (Vec<Op>, Vec<LayerOps>, Op);

/// Binds every dispatch to its buffers.
pub(super) fn bind(model: &GpuModel, w: &Work, caches: &[LayerCache]) -> Result<Bound, GpuError> {
    let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
    let embed = model.embedding.lookup(gpu, kernels, &w.tokens, &w.x, c.embedding_scale);
    let layers = model.layers.iter().zip(caches).map(|(layer, cache)| bind_layer(model, layer, w, cache));
    let norm = gpu.uniform(&model.norm_uniform());
    let norm = kernels.bind(gpu, bindings::Norm { norm: &norm, info: &w.info, x: &w.x, gain: &model.norm, y: &w.h });
    debug_assert_eq!(caches.len(), c.layers);
    Ok((embed, layers.collect::<Result<_, _>>()?, Op::rows(norm)))
}

fn bind_layer(model: &GpuModel, layer: &Layer, w: &Work, cache: &LayerCache) -> Result<LayerOps, GpuError> {
    let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
    let norm = gpu.uniform(&model.norm_uniform());
    let (rows, info) = (&w.count, &w.info);
    let through = |x, y, accumulate| Through { rows, x, y, accumulate };
    let project = |matrix: &Matrix, through: &Through, normed: &Option<Normed>| match normed {
        Some(norm) => matrix.normed_product(gpu, kernels, through, norm, Some(info)),
        None => matrix.product(gpu, kernels, through, Some(info)),
    };
    let is_normed = layer.fused.iter().any(|f| matches!(f, Fused::QkNorm { .. }));
    let attend = layer.attend();
    let heads = gpu.uniform(&Heads::new(c, attend));

    let mut ops = LayerOps::default();
    // what the present block reads and how that was normed, which of both it is, and what the stream is about to take in
    let (mut input, mut normed, mut block, mut branch) = (&w.x, None, 0, &w.x);
    let has_post = layer.fused.iter().any(|f| matches!(f, Fused::PostNorm { .. }));
    let mut put = 0;
    for fused in &layer.fused {
        let all = match *fused {
            Fused::Norm { gain } => {
                let gain = layer.norm(gain)?;
                input = &w.h;
                normed = Some(Normed { stream: &w.x, gain, info, eps: c.norm_eps });
                // few rows are normed by the product that reads them
                let op = Op::rows(kernels.bind(gpu, bindings::Norm { norm: &norm, info, x: &w.x, gain, y: &w.h }));
                vec![Op { when: FEW + 1..=usize::MAX, ..op }]
            }
            Fused::Bare => {
                (input, normed) = (&w.x, None);
                Vec::new()
            }
            Fused::Qkv => {
                let to = if is_normed { &w.raw } else { &w.projected };
                project(&layer.qkv, &through(input, to, false), &normed)
            }
            Fused::QkNorm { whole } => {
                let one = |(part, count, uniform): (Option<Part>, usize, Norm)| {
                    let gain = part.map_or(Ok(&model.norm), |part| layer.norm(part))?;
                    let norm = &gpu.uniform(&uniform);
                    let call = kernels.bind(gpu, bindings::Norm { norm, info, x: &w.raw, gain, y: &w.projected });
                    Ok(Op::new(call, Count::Rows(1), Count::Fixed(count)))
                };
                model.projected_norms(whole).into_iter().map(one).collect::<Result<Vec<_>, GpuError>>()?
            }
            Fused::Append { table } => {
                let (angles, projected) = (w.turn(table), &w.projected);
                let LayerCache { primal: cache, tangents } = cache;
                let buffers = bindings::Append { shape: &heads, rows, info, angles, projected, cache, tangents };
                vec![Op::elements(kernels.bind(gpu, buffers), rotated_heads(c) * c.head_width / 2)]
            }
            Fused::Attend(_) => {
                let (projected, out) = (&w.projected, &w.attended);
                let LayerCache { primal: cache, tangents } = cache;
                let buffers = bindings::Attention { shape: &heads, info, projected, cache, tangents, out };
                vec![Op::new(kernels.bind(gpu, buffers), Count::Fixed(c.heads), Count::Rows(1))]
            }
            Fused::GateUp => {
                block = 1;
                project(&layer.gate_up, &through(input, &w.gate_up, false), &normed)
            }
            Fused::Gate(activation) => {
                put = if has_post { 1 } else { 2 };
                let gated = gpu.uniform(&[c.ffn_width as u32, activation as u32, 0, 0]);
                let buffers = bindings::Mlp { gated: &gated, rows, info, gate_up: &w.gate_up, a: &w.a };
                vec![Op::elements(kernels.bind(gpu, buffers), c.ffn_width)]
            }
            Fused::Into { from, weight } => {
                layer.back(weight).product(gpu, kernels, &through(w.read(from), &w.x, true), Some(info))
            }
            Fused::Out { from, weight } => {
                branch = &w.branches[block];
                layer.back(weight).product(gpu, kernels, &through(w.read(from), branch, false), Some(info))
            }
            Fused::PostNorm { gain } => {
                if block == 1 {
                    put = 2;
                }
                let buffers = bindings::Norm { norm: &norm, info, x: branch, gain: layer.norm(gain)?, y: &w.post };
                branch = &w.post;
                vec![Op::rows(kernels.bind(gpu, buffers))]
            }
            Fused::Add { scale } => {
                if block == 1 {
                    put = 2;
                }
                let axpy = gpu.uniform(&Axpy { width: c.width as u32, scale, accumulate: 1, unused: 0 });
                let buffers = bindings::Axpy { axpy: &axpy, rows, x: branch, y: &w.x };
                vec![Op::elements(kernels.bind(gpu, buffers), c.width)]
            }
        };
        [&mut ops.inner, &mut ops.seen, &mut ops.outer][put].extend(all);
    }
    Ok(ops)
}
