//! A decoder layer: its steps folded forwards for values and tangents, and backwards for cotangents.

use std::rc::Rc;

use shiftlens_kernels::attention::Sequence;

use super::attention::{self, LayerCache};
use super::cores::{self, Cores};
use super::linear::Linear;
use super::norm::RmsNorm;
use super::scaling::Scalings;
use super::{mlp, rope};
use crate::checkpoint::{LayerSpec, ModelConfig, Part};
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;
use crate::model::steps::{Attend, Place, Step, steps};

/// One decoder layer.
pub(super) struct Layer {
    pub spec: LayerSpec,
    steps: Vec<Step>,
    matrices: Vec<(Part, Linear)>,
    norms: Vec<(Part, RmsNorm)>,
    /// What attention runs on.
    cores: Option<Rc<dyn Cores>>,
    /// Parts whose output is scaled.
    pub scalings: Scalings,
}

/// Activations, or their cotangents, by where they are: `[rows, …]`, row after row.
struct Places([Option<Vec<f32>>; Place::COUNT]);

impl Places {
    fn new() -> Self {
        Self([const { None }; Place::COUNT])
    }

    fn get(&self, place: Place) -> Result<&[f32], ModelError> {
        self.0[place as usize].as_deref().ok_or_else(|| empty(place))
    }

    fn take(&mut self, place: Place) -> Result<Vec<f32>, ModelError> {
        self.0[place as usize].take().ok_or_else(|| empty(place))
    }

    fn set(&mut self, place: Place, values: Vec<f32>) {
        self.0[place as usize] = Some(values);
    }

    /// Adds to what is there.
    fn add(&mut self, place: Place, values: Vec<f32>) {
        match &mut self.0[place as usize] {
            Some(there) => there.iter_mut().zip(values).for_each(|(a, b)| *a += b),
            none => *none = Some(values),
        }
    }
}

fn empty(place: Place) -> ModelError {
    ModelError::Tensor(format!("a layer's steps read {place:?} before it is written"))
}

/// What a linear map reads.
fn reads(step: &Step) -> Option<Place> {
    if let Step::Linear { from, .. } = step { Some(*from) } else { None }
}

/// Where a linear map writes, and its weight.
fn writes(step: &Step) -> Option<(Place, Part)> {
    if let Step::Linear { to, weight, .. } = step { Some((*to, *weight)) } else { None }
}

/// What a step's vjp needs of its forward pass.
pub(super) enum Saved {
    Nothing,
    /// What a norm read.
    Read(Vec<f32>),
    Attention {
        queries: Vec<f32>,
        keys: Vec<f32>,
        values: Vec<f32>,
    },
    Gate {
        gate: Vec<f32>,
        up: Vec<f32>,
    },
}

/// What a forward pass keeps besides its result.
#[derive(Default)]
pub(super) struct Kept {
    /// Of every step.
    pub saved: Vec<Saved>,
    /// What the last block added to the residual stream.
    pub written: Vec<f32>,
}

impl Kept {
    /// Queries and keys as attention weighed them.
    pub fn into_attention(self) -> Option<(Vec<f32>, Vec<f32>)> {
        self.saved.into_iter().find_map(|s| match s {
            Saved::Attention { queries, keys, .. } => Some((queries, keys)),
            _ => None,
        })
    }
}

/// Cotangents of a batch, stacked: number i covers positions `0..lengths[i]`.
pub(super) struct Batch {
    pub lengths: Vec<usize>,
    /// The position of every stacked row.
    positions: Vec<usize>,
}

impl Batch {
    pub fn new(lengths: Vec<usize>) -> Self {
        let positions = lengths.iter().flat_map(|&n| 0..n).collect();
        Self { lengths, positions }
    }

    /// The last position of each cotangent: the one that predicts its token.
    fn predicting(&self) -> Vec<usize> {
        self.lengths.iter().map(|n| n - 1).collect()
    }

    /// Stacks rows that belong to the predicting positions, with zeros everywhere else.
    fn stack(&self, rows: &[f32]) -> Vec<f32> {
        let width = rows.len() / self.lengths.len();
        let mut stacked = vec![0.0; self.positions.len() * width];
        let mut end = 0;
        for (&n, row) in self.lengths.iter().zip(rows.chunks_exact(width)) {
            end += n;
            stacked[(end - 1) * width..end * width].copy_from_slice(row);
        }
        stacked
    }
}

/// What a layer is computed for: new rows, and what attention has of the positions before them.
pub(super) struct Pass<'a> {
    pub config: &'a ModelConfig,
    pub plan: &'a RowPlan,
    /// The position of every row.
    pub positions: &'a [usize],
}

impl Layer {
    pub fn new(
        spec: LayerSpec,
        matrices: Vec<(Part, Linear)>,
        norms: Vec<(Part, RmsNorm)>,
        cores: Option<Rc<dyn Cores>>,
    ) -> Self {
        let steps = steps(&spec);
        Self { spec, steps, matrices, norms, cores, scalings: Scalings::default() }
    }

    /// An empty cache for a sequence with so many groups.
    pub fn cache(&self, config: &ModelConfig, groups: usize) -> LayerCache {
        LayerCache::new(attention::shape(config, Attend::of(&self.spec)), groups, self.cores.as_ref())
    }

    /// Its steps, in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether a layer's last step is this one, which adds what the feed-forward block gives.
    pub fn ends_with(&self, number: usize) -> bool {
        number + 1 == self.steps.len()
    }

    /// The linear map by this part, which its steps name.
    pub fn matrix(&self, part: Part) -> Result<&Linear, ModelError> {
        let found = self.matrices.iter().find(|(p, _)| *p == part).map(|(_, m)| m);
        found.ok_or_else(|| ModelError::Tensor(format!("a layer has no {}", part.name())))
    }

    /// The norm by this part, which its steps name.
    pub fn norm(&self, part: Part) -> Result<&RmsNorm, ModelError> {
        let found = self.norms.iter().find(|(p, _)| *p == part).map(|(_, n)| n);
        found.ok_or_else(|| ModelError::Tensor(format!("a layer has no {}", part.name())))
    }

    /// Value of the primal rows and jvp of the tangent rows of the residual stream `x`; with `kept`, what the vjp needs.
    pub fn forward(
        &self,
        pass: &Pass,
        x: Vec<f32>,
        cache: &mut LayerCache,
        mut kept: Option<&mut Kept>,
    ) -> Result<Vec<f32>, ModelError> {
        let (config, plan) = (pass.config, pass.plan);
        let mut at = Places::new();
        at.set(Place::Stream, x);
        for (number, step) in self.steps.iter().enumerate() {
            let mut saved = Saved::Nothing;
            match *step {
                Step::Norm { from, to, gain } => {
                    let y = self.norm(gain)?.forward(at.get(from)?, plan);
                    if kept.is_some() {
                        saved = Saved::Read(at.get(from)?.to_vec());
                    }
                    at.set(to, y);
                }
                Step::NormHeads { of, gain } => {
                    let x = at.take(of)?;
                    at.set(of, self.norm(gain)?.forward(&x, plan));
                    saved = Saved::Read(x);
                }
                Step::Copy { from, to } => at.set(to, at.get(from)?.to_vec()),
                // made with the first of those that read the same
                Step::Linear { from, .. } if number > 0 && reads(&self.steps[number - 1]) == Some(from) => {}
                Step::Linear { from, .. } => {
                    let together = self.steps[number..].iter().take_while(|step| reads(step) == Some(from));
                    let targets: Vec<(Place, Part)> = together.filter_map(writes).collect();
                    let maps: Result<Vec<&Linear>, ModelError> =
                        targets.iter().map(|(_, weight)| self.matrix(*weight)).collect();
                    let all = Linear::apply_all(&maps?, at.get(from)?, plan.primal)?;
                    targets.iter().zip(all).for_each(|((to, _), y)| at.set(*to, y));
                }
                Step::Rope { of, table } => {
                    let mut x = at.take(of)?;
                    rope::rotate(config, table, &mut x, pass.positions, false);
                    at.set(of, x);
                }
                Step::Attend(_) => {
                    let [queries, keys, values] =
                        [at.take(Place::Queries)?, at.take(Place::Keys)?, at.take(Place::Values)?];
                    let mut attended = cache.attend(plan, &queries, &keys, &values)?;
                    self.scalings.attended(&mut attended, config.heads, config.head_width);
                    at.set(Place::Attended, attended);
                    saved = Saved::Attention { queries, keys, values };
                }
                Step::Gate(activation) => {
                    let (gate, up) = (at.take(Place::Gate)?, at.take(Place::Up)?);
                    at.set(Place::Hidden, mlp::forward(activation, &gate, &up, plan));
                    saved = Saved::Gate { gate, up };
                }
                Step::Add { scale } => {
                    let mut branch = at.take(Place::Branch)?;
                    branch.iter_mut().for_each(|b| *b *= scale);
                    if self.ends_with(number) {
                        self.scalings.written(&mut branch, config.width);
                    }
                    let mut x = at.take(Place::Stream)?;
                    x.iter_mut().zip(&branch).for_each(|(x, b)| *x += b);
                    at.set(Place::Stream, x);
                    if let Some(kept) = &mut kept {
                        kept.written = branch;
                    }
                }
            }
            if let Some(kept) = &mut kept {
                kept.saved.push(saved);
            }
        }
        at.take(Place::Stream)
    }

    /// The vjp for stacked cotangents `c` of the residual stream after the layer. Where `predicting` is set, they are given
    /// for the predicting positions alone: above the last attention no other counts.
    pub fn vjp(
        &self,
        config: &ModelConfig,
        kept: &Kept,
        batch: &Batch,
        c: Vec<f32>,
        predicting: bool,
    ) -> Result<Vec<f32>, ModelError> {
        let mut of = if predicting { batch.predicting() } else { batch.positions.clone() };
        let mut at = Places::new();
        at.set(Place::Stream, c);
        for (number, (step, saved)) in self.steps.iter().zip(&kept.saved).enumerate().rev() {
            match (*step, saved) {
                (Step::Norm { from, to, gain }, Saved::Read(x)) => {
                    let c = at.take(to)?;
                    let norm = self.norm(gain)?;
                    let mut into = match at.take(from) {
                        Ok(into) => into,
                        Err(_) => vec![0.0; c.len()],
                    };
                    norm.vjp_into(x, &of, &c, &mut into);
                    at.set(from, into);
                }
                (Step::NormHeads { of: place, gain }, Saved::Read(x)) => {
                    let c = at.take(place)?;
                    let mut into = vec![0.0; c.len()];
                    self.norm(gain)?.vjp_into(x, &of, &c, &mut into);
                    at.set(place, into);
                }
                (Step::Copy { from, to }, _) => {
                    let c = at.take(to)?;
                    at.add(from, c);
                }
                (Step::Linear { from, to, weight }, _) => {
                    let c = at.take(to)?;
                    at.add(from, self.matrix(weight)?.apply_transposed(&c)?);
                }
                (Step::Rope { of: place, table }, _) => {
                    let mut c = at.take(place)?;
                    rope::rotate(config, table, &mut c, &of, true);
                    at.set(place, c);
                }
                (Step::Attend(attend), Saved::Attention { queries, keys, values }) => {
                    let mut c = at.take(Place::Attended)?;
                    self.scalings.attended(&mut c, config.heads, config.head_width);
                    if of.len() < batch.positions.len() {
                        c = batch.stack(&c);
                        let stream = at.take(Place::Stream)?;
                        at.set(Place::Stream, batch.stack(&stream));
                        of.clone_from(&batch.positions);
                    }
                    let (shape, sequence) = (attention::shape(config, attend), Sequence { queries, keys, values });
                    let d = match &self.cores {
                        Some(cores) => cores::attention_vjp(&**cores, shape, sequence, &batch.lengths, &c)?,
                        None => attention::vjp(shape, sequence, &batch.lengths, &c),
                    };
                    at.set(Place::Queries, d.queries);
                    at.set(Place::Keys, d.keys);
                    at.set(Place::Values, d.values);
                }
                (Step::Gate(activation), Saved::Gate { gate, up }) => {
                    let c = at.take(Place::Hidden)?;
                    let (dg, du) = mlp::vjp(activation, gate, up, &of, &c);
                    at.set(Place::Gate, dg);
                    at.set(Place::Up, du);
                }
                (Step::Add { scale }, _) => {
                    let mut c: Vec<f32> = at.get(Place::Stream)?.iter().map(|c| c * scale).collect();
                    if self.ends_with(number) {
                        self.scalings.written_vjp(&mut c, config.width);
                    }
                    at.set(Place::Branch, c);
                }
                (Step::Norm { .. } | Step::NormHeads { .. } | Step::Attend(_) | Step::Gate(_), _) => {
                    return Err(ModelError::Tensor(format!("{step:?} was not kept")));
                }
            }
        }
        at.take(Place::Stream)
    }
}
