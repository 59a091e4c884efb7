//! Value and forward-mode tangents of the whole network, streaming through caches that stay on the GPU.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use wgpu::{Buffer, CommandBuffer};

use super::device::GpuError;
use super::kernels::Kernel;
use super::matrix::{Through, limit};
use super::ops::{Count, Op, encode};
use super::weights::{GpuModel, Layer};
use crate::checkpoint::{ModelConfig, RopeLayout};
use crate::model::row_plan::{RowPlan, Tangent};
use crate::model::{Group, Length, ModelError};

/// No token, or no group.
const NONE: u32 = u32::MAX;
/// Positions that caches begin with, and rows that the work buffers begin with.
const FIRST_CAPACITY: usize = 128;
const FIRST_ROWS: usize = 32;

/// Uniforms; each has its twin in the kernels that read it.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Norm {
    pub width: u32,
    pub eps: f32,
    pub unused: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Heads {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    capacity: u32,
    half_split: u32,
    scale: f32,
    unused: [u32; 2],
}

impl Heads {
    /// Of a network whose caches hold `capacity` positions.
    pub fn new(c: &ModelConfig, capacity: usize) -> Self {
        Self {
            heads: c.heads as u32,
            kv_heads: c.kv_heads as u32,
            head_width: c.head_width as u32,
            capacity: capacity as u32,
            half_split: u32::from(c.rope_layout == RopeLayout::HalfSplit),
            scale: 1.0 / (c.head_width as f32).sqrt(),
            unused: [0; 2],
        }
    }
}

/// Heads that are turned to their positions: of queries and of keys.
pub(super) fn turning(c: &ModelConfig) -> usize {
    c.heads + c.kv_heads
}

/// Width of queries, keys and values beside each other.
pub(super) fn projected(c: &ModelConfig) -> usize {
    (c.heads + 2 * c.kv_heads) * c.head_width
}

/// The widest activation of a row.
pub(super) fn widest(c: &ModelConfig) -> usize {
    (2 * c.ffn_width).max(c.width).max(projected(c))
}

impl GpuModel {
    pub(super) fn norm_uniform(&self) -> Norm {
        Norm { width: self.config.width as u32, eps: self.config.norm_eps, unused: [0; 2] }
    }
}

/// Buffers for the activations of up to `rows` rows, used again by every layer.
pub(super) struct Work {
    pub rows: usize,
    /// The number of rows, for kernels.
    pub count: Buffer,
    tokens: Buffer,
    /// Primal row, position, group, the group's first position of every row.
    pub info: Buffer,
    /// Cosine and sine of every primal row's position.
    pub angles: Buffer,
    /// The residual stream.
    pub x: Buffer,
    /// It, normed.
    pub h: Buffer,
    /// Queries, keys and values beside each other.
    pub projected: Buffer,
    attended: Buffer,
    /// Gate and up beside each other.
    pub gate_up: Buffer,
    a: Buffer,
}

impl Work {
    fn new(model: &GpuModel, rows: usize) -> Result<Self, GpuError> {
        let c = &model.config;
        if rows * widest(c) * 4 > limit(&model.gpu) {
            return Err(GpuError::TooLarge(format!("{rows} rows of activations pass its limit for a binding")));
        }
        let matrix = |width: usize| model.gpu.storage(rows * width);
        Ok(Self {
            rows,
            count: model.gpu.uniform(&[0u32; 4]),
            tokens: matrix(1),
            info: matrix(4),
            angles: matrix(c.head_width),
            x: matrix(c.width),
            h: matrix(c.width),
            projected: matrix(projected(c)),
            attended: matrix(c.heads * c.head_width),
            gate_up: matrix(2 * c.ffn_width),
            a: matrix(c.ffn_width),
        })
    }
}

/// Keys and values of one layer side by side, `[capacity, kv_width]`, and their tangents `[groups, capacity, kv_width]`.
pub(super) struct LayerCache {
    pub primal: Buffer,
    tangents: Buffer,
}

/// A layer's dispatches: up to the gated activation's inputs, and the rest.
struct LayerOps {
    inner: Vec<Op>,
    outer: Vec<Op>,
}

/// What is read next.
pub(super) enum Tokens<'a> {
    /// These.
    Given(&'a [u32]),
    /// The one that stands first in a buffer of the GPU's own.
    Chosen(&'a Buffer),
}

/// A sequence in progress.
pub(super) struct Session {
    groups: Vec<Group>,
    firsts: Vec<usize>,
    capacity: usize,
    pub work: Work,
    pub caches: Vec<LayerCache>,
    embed: Vec<Op>,
    layers: Vec<LayerOps>,
    norm: Op,
    length: usize,
    plan: RowPlan,
}

impl Session {
    pub fn new(model: &GpuModel, groups: &[Group]) -> Result<Self, GpuError> {
        Self::sized(model, groups, FIRST_ROWS.max(1 + groups.len()), FIRST_CAPACITY.min(model.config.context))
    }

    /// A session with room for so many rows and positions.
    pub fn sized(model: &GpuModel, groups: &[Group], rows: usize, capacity: usize) -> Result<Self, GpuError> {
        let work = Work::new(model, rows)?;
        let caches = caches(model, groups.len(), capacity)?;
        let (embed, layers, norm) = bind(model, &work, &caches, capacity);
        Ok(Self {
            groups: groups.to_vec(),
            firsts: groups.iter().map(|g| g.positions.first().copied().unwrap_or(usize::MAX)).collect(),
            capacity,
            work,
            caches,
            embed,
            layers,
            norm,
            length: 0,
            plan: RowPlan::new(0, 0, &[]),
        })
    }

    pub fn plan(&self) -> &RowPlan {
        &self.plan
    }

    /// Makes room for `rows` rows at once and `length` positions, at least doubling what is too small.
    fn make_room(&mut self, model: &GpuModel, rows: usize, length: usize) -> Result<(), GpuError> {
        if rows <= self.work.rows && length <= self.capacity {
            return Ok(());
        }
        if rows > self.work.rows {
            self.work = Work::new(model, rows.max(2 * self.work.rows))?;
        }
        if length > self.capacity {
            let capacity = length.max(2 * self.capacity).min(model.config.context.max(length));
            let grown = caches(model, self.groups.len(), capacity)?;
            let mut encoder = model.gpu.device.create_command_encoder(&Default::default());
            let position = (model.config.kv_heads * model.config.head_width * 8) as u64;
            let kept = self.length as u64 * position;
            for (old, new) in self.caches.iter().zip(&grown) {
                encoder.copy_buffer_to_buffer(&old.primal, 0, &new.primal, 0, Some(kept));
                for group in 0..self.groups.len() as u64 {
                    let (from, to) = (group * self.capacity as u64, group * capacity as u64);
                    let (old, new) = (&old.tangents, &new.tangents);
                    encoder.copy_buffer_to_buffer(old, from * position, new, to * position, Some(kept));
                }
            }
            model.gpu.queue.submit([encoder.finish()]);
            (self.caches, self.capacity) = (grown, capacity);
        }
        (self.embed, self.layers, self.norm) = bind(model, &self.work, &self.caches, self.capacity);
        Ok(())
    }

    /// Encodes `tokens` and the tangents that are alive at their positions through all layers, up to the final norm.
    /// The commands are for the caller to submit.
    pub fn advance(&mut self, model: &GpuModel, tokens: Tokens) -> Result<(CommandBuffer, usize), ModelError> {
        let mut encoder = model.gpu.device.create_command_encoder(&Default::default());
        let (tokens, plan) = match tokens {
            Tokens::Given(tokens) => (tokens, self.prepare(model, tokens)?),
            Tokens::Chosen(chosen) => {
                let plan = self.prepare(model, &[0])?; // a placeholder, no prompt's token: no group has it
                encoder.copy_buffer_to_buffer(chosen, 0, &self.work.tokens, 0, Some(4));
                (&[0][..], plan)
            }
        };
        let rows = plan.rows();
        let mut dispatches = 0;
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            dispatches += encode(&self.embed, &mut pass, rows);
            for layer in &self.layers {
                dispatches += encode(&layer.inner, &mut pass, rows);
                dispatches += encode(&layer.outer, &mut pass, rows);
            }
            dispatches += self.norm.encode(&mut pass, rows);
        }
        self.length += tokens.len();
        self.plan = plan;
        Ok((encoder.finish(), dispatches))
    }

    /// Checks `tokens`, makes room, and tells the kernels which rows there are.
    pub fn prepare(&mut self, model: &GpuModel, tokens: &[u32]) -> Result<RowPlan, ModelError> {
        let c = &model.config;
        if self.length + tokens.len() > c.context {
            return Err(ModelError::TooLong(Length::of(self.length + tokens.len(), c.context)));
        }
        if let Some(&id) = tokens.iter().find(|id| **id as usize >= c.vocab) {
            return Err(ModelError::UnknownToken { id, vocab: c.vocab });
        }
        let plan = RowPlan::new(self.length, tokens.len(), &self.firsts);
        self.make_room(model, plan.rows(), self.length + tokens.len())?;
        let mut ids = tokens.to_vec();
        for t in &plan.tangents {
            for position in t.position..t.position + t.count {
                let of = position - plan.start;
                let own = self.groups[t.group].positions.contains(&position);
                ids.push(if own { tokens[of] } else { NONE });
            }
        }
        model.gpu.write(&self.work.tokens, &ids);
        model.gpu.write(&self.work.info, &row_info(&plan, &self.firsts));
        let positions = plan.start..plan.start + tokens.len();
        model.gpu.write(&self.work.angles, &angles(&c.ropes[0], positions));
        model.gpu.write(&self.work.count, &[plan.rows() as u32, plan.primal as u32, 0, 0]);
        Ok(plan)
    }

    /// Encodes the embedding of the prepared rows.
    pub fn encode_embedding(&self, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.embed, pass, rows)
    }

    /// Encodes layer `layer` from the residual stream in `work.x` up to gate and up; the stream is then the middle one.
    pub fn encode_inner(&self, layer: usize, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.layers[layer].inner, pass, rows)
    }

    /// Encodes the rest of the layer.
    pub fn encode_outer(&self, layer: usize, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.layers[layer].outer, pass, rows)
    }

    /// Encodes the final norm, into `work.h`.
    pub fn encode_norm(&self, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        self.norm.encode(pass, rows)
    }
}

/// Primal row, position, group or [`NONE`], and the group's first position of every row.
pub(super) fn row_info(plan: &RowPlan, firsts: &[usize]) -> Vec<[u32; 4]> {
    let primal = (0..plan.primal).map(|i| [i as u32, (plan.start + i) as u32, NONE, 0]);
    let row = |t: &Tangent, i: usize| {
        let position = t.position + i;
        [(position - plan.start) as u32, position as u32, t.group as u32, firsts[t.group] as u32]
    };
    primal.chain(plan.tangents.iter().flat_map(|t| (0..t.count).map(move |i| row(t, i)))).collect()
}

/// Cosine and sine of every frequency at every position.
pub(super) fn angles(frequencies: &[f32], positions: Range<usize>) -> Vec<[f32; 2]> {
    let turned = positions.flat_map(|p| frequencies.iter().map(move |f| (p as f32 * f).sin_cos()));
    turned.map(|(sin, cos)| [cos, sin]).collect()
}

fn caches(model: &GpuModel, groups: usize, capacity: usize) -> Result<Vec<LayerCache>, GpuError> {
    let c = &model.config;
    let one = 2 * capacity * c.kv_heads * c.head_width;
    if one * groups.max(1) * 4 > limit(&model.gpu) {
        return Err(GpuError::TooLarge(format!(
            "{groups} tangents of {capacity} positions pass its limit for a binding"
        )));
    }
    let layer = |_| LayerCache { primal: model.gpu.storage(one), tangents: model.gpu.storage(one * groups) };
    Ok((0..c.layers).map(layer).collect())
}

/// Binds every dispatch to its buffers.
fn bind(model: &GpuModel, w: &Work, caches: &[LayerCache], capacity: usize) -> (Vec<Op>, Vec<LayerOps>, Op) {
    let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
    let embed = model.embedding.lookup(gpu, kernels, &w.tokens, &w.x);
    let layers = model.layers.iter().zip(caches).map(|(layer, cache)| bind_layer(model, layer, w, cache, capacity));
    let norm = gpu.uniform(&model.norm_uniform());
    let norm = kernels.bind(gpu, Kernel::Norm, None, &[&norm, &w.info, &w.x, &model.norm, &w.h]);
    debug_assert_eq!(caches.len(), c.layers);
    (embed, layers.collect(), Op::rows(norm))
}

fn bind_layer(model: &GpuModel, layer: &Layer, w: &Work, cache: &LayerCache, capacity: usize) -> LayerOps {
    let (gpu, kernels, c) = (&model.gpu, &model.kernels, &model.config);
    let norm = gpu.uniform(&model.norm_uniform());
    let heads = gpu.uniform(&Heads::new(c, capacity));
    let mlp = gpu.uniform(&[c.ffn_width as u32, 0, 0, 0]);
    let bind = |kernel, buffers: &[&Buffer]| kernels.bind(gpu, kernel, None, buffers);
    let normed = |gain| Op::rows(bind(Kernel::Norm, &[&norm, &w.info, &w.x, gain, &w.h]));
    let through = |x, y, accumulate| Through { rows: &w.count, x, y, accumulate };
    let info = Some(&w.info);

    let mut inner = vec![normed(&layer.attn_norm)];
    inner.extend(layer.qkv.product(gpu, kernels, &through(&w.h, &w.projected, false), info));
    let buffers = [&heads, &w.count, &w.info, &w.angles, &w.projected, &cache.primal, &cache.tangents];
    inner.push(Op::elements(bind(Kernel::Append, &buffers), turning(c) * c.head_width / 2));
    let buffers = [&heads, &w.info, &w.projected, &cache.primal, &cache.tangents, &w.attended];
    inner.push(Op::new(bind(Kernel::Attention, &buffers), Count::Fixed(c.heads), Count::Rows(1)));
    inner.extend(layer.o.product(gpu, kernels, &through(&w.attended, &w.x, true), info));
    inner.push(normed(&layer.ffn_norm));
    inner.extend(layer.gate_up.product(gpu, kernels, &through(&w.h, &w.gate_up, false), info));

    let mut outer = vec![Op::elements(bind(Kernel::Mlp, &[&mlp, &w.count, &w.info, &w.gate_up, &w.a]), c.ffn_width)];
    outer.extend(layer.down.product(gpu, kernels, &through(&w.a, &w.x, true), info));
    LayerOps { inner, outer }
}
