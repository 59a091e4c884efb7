//! Value and forward-mode tangents of the whole network, streaming through caches that stay on the GPU.

use std::ops::Range;

use wgpu::{Buffer, CommandBuffer};

use super::bind::{LayerOps, bind};
use super::cache::{LayerCache, Places};
use super::device::GpuError;
use super::fused::Fused;
use super::ops::{self, Op, encode};
use super::uniforms::Norm;
use super::weights::GpuModel;
use crate::checkpoint::{ModelConfig, Part};
use crate::model::row_plan::{RowPlan, Tangent};
use crate::model::steps::Place;
use crate::model::{Group, Length, ModelError};

/// No token, or no group.
const NONE: u32 = u32::MAX;
/// Positions that caches begin with, and rows that the work buffers begin with.
const FIRST_CAPACITY: usize = 128;
const FIRST_ROWS: usize = 32;

/// Heads that are rotated to their positions: of queries and of keys.
pub(super) fn rotated_heads(c: &ModelConfig) -> usize {
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
        Norm::rows(self.config.width, self.config.norm_eps)
    }

    /// Queries, keys and values of a row as a norm of queries and keys takes them: each with its gain, how many vectors it
    /// has, and what the kernel is told. Values are only copied.
    pub(super) fn projected_norms(&self, whole: bool) -> [(Option<Part>, usize, Norm); 3] {
        let c = &self.config;
        let (q, kv) = (c.query_width(), c.kv_width());
        let base = Norm { stride: projected(c) as u32, accumulate: 0, ..Norm::rows(c.head_width, c.norm_eps) };
        let of = |offset: usize, all: usize, heads: usize| match whole {
            true => (1, Norm { width: all as u32, offset: offset as u32, ..base }),
            false => (heads, Norm { offset: offset as u32, ..base }),
        };
        let ((q_count, queries), (k_count, keys)) = (of(0, q, c.heads), of(q, kv, c.kv_heads));
        let values = Norm { width: kv as u32, offset: (q + kv) as u32, plain: 1, ..base };
        [(Some(Part::QueryNorm), q_count, queries), (Some(Part::KeyNorm), k_count, keys), (None, 1, values)]
    }
}

/// What some layers alone need.
pub(super) struct Extra {
    /// A block's product stands by itself before the stream takes it in.
    pub branches: bool,
    /// Queries and keys are normed.
    pub raw: bool,
}

impl Extra {
    /// Of all layers together.
    pub fn of(model: &GpuModel) -> Self {
        let any = |is: fn(&Fused) -> bool| model.layers.iter().any(|l| l.fused.iter().any(is));
        Self { branches: any(|f| matches!(f, Fused::Out { .. })), raw: any(|f| matches!(f, Fused::QkNorm { .. })) }
    }
}

/// Buffers for the activations of up to `rows` rows, used again by every layer.
pub(super) struct Work {
    pub rows: usize,
    /// The number of rows, for kernels.
    pub count: Buffer,
    pub tokens: Buffer,
    /// See [`row_info`].
    pub info: Buffer,
    /// Cosine and sine of every primal row's position, for each table of frequencies; and of no turn at all.
    pub angles: Vec<Buffer>,
    /// The residual stream.
    pub x: Buffer,
    /// It, normed.
    pub h: Buffer,
    /// Queries, keys and values beside each other, as the product gives them where they are normed after it.
    pub raw: Buffer,
    /// The same as attention takes them.
    pub projected: Buffer,
    pub attended: Buffer,
    /// Gate and up beside each other.
    pub gate_up: Buffer,
    pub a: Buffer,
    /// What attention, and what the feed-forward block, is about to add to the stream.
    pub branches: [Buffer; 2],
    /// It, normed.
    pub post: Buffer,
}

impl Work {
    fn new(model: &GpuModel, rows: usize) -> Result<Self, GpuError> {
        let c = &model.config;
        if rows * widest(c) * 4 > model.gpu.binding_limit() {
            return Err(GpuError::TooLarge(format!("{rows} rows of activations pass its limit for a binding")));
        }
        let matrix = |width: usize| model.gpu.storage(rows * width);
        let extra = Extra::of(model);
        let branch = || if extra.branches { matrix(c.width) } else { matrix(1) };
        Ok(Self {
            rows,
            count: model.gpu.uniform(&[0u32; 4]),
            tokens: matrix(1),
            info: matrix(4),
            angles: (0..=c.ropes.len()).map(|_| matrix(c.head_width)).collect(),
            x: matrix(c.width),
            h: matrix(c.width),
            raw: matrix(if extra.raw { projected(c) } else { 1 }),
            projected: matrix(projected(c)),
            attended: matrix(c.heads * c.head_width),
            gate_up: matrix(2 * c.ffn_width),
            a: matrix(c.ffn_width),
            branches: [branch(), branch()],
            post: branch(),
        })
    }

    /// The angles of this table, or of no turn.
    pub fn turn(&self, table: Option<usize>) -> &Buffer {
        &self.angles[table.unwrap_or(self.angles.len() - 1)]
    }

    /// What a product back to the stream reads.
    pub fn read(&self, from: Place) -> &Buffer {
        if from == Place::Hidden { &self.a } else { &self.attended }
    }
}

/// What is read next.
pub(super) enum Tokens<'a> {
    /// These.
    Given(&'a [u32]),
    /// Those of which these are the embedding rows, `[tokens, width]`; no group has any of them.
    Rows(&'a [f32]),
    /// The one that stands first in a buffer of the GPU's own.
    Chosen(&'a Buffer),
}

/// A sequence in progress.
pub(super) struct Session {
    groups: Vec<Group>,
    places: Places,
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
        let firsts: Vec<usize> = groups.iter().map(|g| g.positions.first().copied().unwrap_or(usize::MAX)).collect();
        let places = Places::new(capacity, &firsts);
        let caches = places.caches(model)?;
        let (embed, layers, norm) = bind(model, &work, &caches)?;
        Ok(Self {
            groups: groups.to_vec(),
            places,
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
        if rows <= self.work.rows && length <= self.places.capacity {
            return Ok(());
        }
        if rows > self.work.rows {
            self.work = Work::new(model, rows.max(2 * self.work.rows))?;
        }
        if length > self.places.capacity {
            let capacity = length.max(2 * self.places.capacity).min(model.config.context.max(length));
            let places = Places::new(capacity, &self.places.firsts);
            let grown = places.caches(model)?;
            self.places.copy(model, &self.caches, &grown, &places, self.length);
            (self.caches, self.places) = (grown, places);
        }
        (self.embed, self.layers, self.norm) = bind(model, &self.work, &self.caches)?;
        Ok(())
    }

    /// Encodes `tokens` and the tangents that are alive at their positions through all layers, up to the final norm.
    /// The commands are for the caller to submit.
    pub fn advance(&mut self, model: &GpuModel, tokens: Tokens) -> Result<(CommandBuffer, usize), ModelError> {
        let mut encoder = model.gpu.device.create_command_encoder(&Default::default());
        let embeds = !matches!(tokens, Tokens::Rows(_));
        let plan = match tokens {
            Tokens::Given(tokens) => self.prepare(model, tokens)?,
            Tokens::Rows(rows) => self.prepare_rows(model, rows)?,
            Tokens::Chosen(chosen) => {
                let plan = self.prepare(model, &[0])?; // a placeholder, no prompt's token: no group has it
                encoder.copy_buffer_to_buffer(chosen, 0, &self.work.tokens, 0, Some(4));
                plan
            }
        };
        let rows = plan.rows();
        let mut dispatches = 0;
        {
            let mut pass = ops::pass(&mut encoder, "forward");
            if embeds {
                dispatches += encode(&self.embed, &mut pass, rows);
            }
            for layer in &self.layers {
                for ops in [&layer.inner, &layer.seen, &layer.outer] {
                    dispatches += encode(ops, &mut pass, rows);
                }
            }
            dispatches += self.norm.encode(&mut pass, rows);
        }
        self.length += plan.primal;
        self.plan = plan;
        Ok((encoder.finish(), dispatches))
    }

    /// Makes room for tokens with these embedding rows, which begin the residual stream in place of the embedding's.
    pub fn prepare_rows(&mut self, model: &GpuModel, rows: &[f32]) -> Result<RowPlan, ModelError> {
        let plan = self.prepare(model, &vec![0; rows.len() / model.config.width])?; // placeholders
        model.gpu.write(&self.work.x, rows);
        Ok(plan)
    }

    /// Forgets every position from `length` on. Gives how many are left: none where there are groups.
    pub fn rewind(&mut self, length: usize) -> usize {
        self.length = if self.groups.is_empty() { length.min(self.length) } else { 0 };
        self.plan = RowPlan::new(0, 0, &[]);
        self.length
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
        let plan = RowPlan::new(self.length, tokens.len(), &self.places.firsts);
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
        model.gpu.write(&self.work.info, &row_info(&plan, &self.places));
        let positions = plan.start..plan.start + tokens.len();
        let still = vec![0.0; c.head_width / 2];
        for (buffer, frequencies) in self.work.angles.iter().zip(c.ropes.iter().chain([&still])) {
            model.gpu.write(buffer, &angles(frequencies, positions.clone()));
        }
        model.gpu.write(&self.work.count, &[plan.rows() as u32, plan.primal as u32, 0, 0]);
        Ok(plan)
    }

    /// All dispatches of a step, in their order.
    pub fn ops(&self) -> impl Iterator<Item = &Op> {
        let layers = self.layers.iter().flat_map(|l| [&l.inner, &l.seen, &l.outer]).flatten();
        self.embed.iter().chain(layers).chain([&self.norm])
    }

    /// Encodes the embedding of the prepared rows.
    pub fn encode_embedding(&self, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.embed, pass, rows)
    }

    /// Encodes layer `layer` from the residual stream in `work.x` up to gate and up; the stream is then the middle one.
    pub fn encode_inner(&self, layer: usize, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.layers[layer].inner, pass, rows)
    }

    /// Encodes what the layer's vjp has to see beyond that.
    pub fn encode_seen(&self, layer: usize, pass: &mut wgpu::ComputePass, rows: usize) -> usize {
        encode(&self.layers[layer].seen, pass, rows)
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

/// Primal row, position, where the group's tangents begin in a cache or [`NONE`], and the group's first position of every row.
pub(super) fn row_info(plan: &RowPlan, places: &Places) -> Vec<[u32; 4]> {
    let primal = (0..plan.primal).map(|i| [i as u32, (plan.start + i) as u32, NONE, 0]);
    let row = |t: &Tangent, i: usize| {
        let position = t.position + i;
        [position - plan.start, position, places.starts[t.group], places.firsts[t.group]].map(|v| v as u32)
    };
    primal.chain(plan.tangents.iter().flat_map(|t| (0..t.count).map(move |i| row(t, i)))).collect()
}

/// Cosine and sine of every frequency at every position.
pub(super) fn angles(frequencies: &[f32], positions: Range<usize>) -> Vec<[f32; 2]> {
    let rotated = positions.flat_map(|p| frequencies.iter().map(move |f| (p as f32 * f).sin_cos()));
    rotated.map(|(sin, cos)| [cos, sin]).collect()
}
