//! Parts of a layer whose output is scaled: a head, or what the feed-forward block writes along a direction of the stream.
//!
//! Both maps are linear and their own transposes. A head's output `o_h` becomes `f o_h`, before the output projection. What the
//! feed-forward block adds to the stream, `b`, becomes `b + (f - 1) (v . b) v` with `v` of unit length. The jvp of either is the
//! map itself, on the tangent rows, and so is the vjp. A factor of 0 switches the part off, 1 changes nothing.

use crate::model::ModelError;

/// What of a layer is scaled.
#[derive(Debug, Clone, PartialEq)]
pub enum Scaled {
    /// What this head puts out.
    Head(usize),
    /// What the feed-forward block writes along this direction of the residual stream, `[width]`, which has unit length: after a
    /// norm that follows the block.
    Direction(Vec<f32>),
}

/// A part of a layer, and by what it is multiplied.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// The layer, from 0.
    pub layer: usize,
    /// Which part of it.
    pub part: Scaled,
    /// The factor.
    pub factor: f32,
}

/// All that is scaled in one layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Scalings {
    heads: Vec<(usize, f32)>,
    directions: Vec<(Vec<f32>, f32)>,
}

impl Scalings {
    /// Whether nothing is scaled.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.directions.is_empty()
    }

    /// One part more, in a layer of `heads` and `width`. Fails where it has no such part.
    pub fn add(&mut self, scaling: &Scaling, heads: usize, width: usize) -> Result<(), ModelError> {
        let (layer, factor) = (scaling.layer, scaling.factor);
        match &scaling.part {
            Scaled::Head(head) if *head >= heads => return Err(ModelError::NoHead { layer, head: *head, heads }),
            Scaled::Head(head) => self.heads.push((*head, factor)),
            Scaled::Direction(v) if v.len() != width => {
                return Err(ModelError::Tensor(format!("a direction of {} numbers in a stream of {width}", v.len())));
            }
            Scaled::Direction(v) => self.directions.push((v.clone(), factor)),
        }
        Ok(())
    }

    /// Scales what the heads put out, or its cotangents: rows `[heads * head_width]`.
    pub fn attended(&self, rows: &mut [f32], heads: usize, head_width: usize) {
        for (head, factor) in &self.heads {
            for row in rows.chunks_exact_mut(heads * head_width) {
                row[head * head_width..(head + 1) * head_width].iter_mut().for_each(|v| *v *= factor);
            }
        }
    }

    /// Scales what the feed-forward block writes, rows `[width]`.
    pub fn written(&self, rows: &mut [f32], width: usize) {
        self.directions.iter().for_each(|along| scale_along(along, rows, width));
    }

    /// The same for its cotangents: the transposed maps in the opposite order.
    pub fn written_vjp(&self, rows: &mut [f32], width: usize) {
        self.directions.iter().rev().for_each(|along| scale_along(along, rows, width));
    }
}

/// `row + (factor - 1) (direction . row) direction`, for every row.
fn scale_along((direction, factor): &(Vec<f32>, f32), rows: &mut [f32], width: usize) {
    for row in rows.chunks_exact_mut(width) {
        let along = shiftlens_kernels::floats::dot(direction, row);
        shiftlens_kernels::floats::axpy((factor - 1.0) * along, direction, row);
    }
}

#[cfg(test)]
mod tests {
    use super::super::layer::{Batch, Kept, Layer, Pass};
    use super::super::tests::{close, config, difference, layer, layer_but, specs, stacked, values};
    use super::*;
    use crate::checkpoint::{ModelConfig, Part, RopeLayout};
    use crate::model::row_plan::RowPlan;
    use shiftlens_kernels::floats::dot;

    const N: usize = 4;
    const WIDTH: usize = 32;

    /// A direction of unit length.
    fn direction(seed: u64) -> Vec<f32> {
        let v = values(WIDTH, seed);
        let length = dot(&v, &v).sqrt();
        v.iter().map(|v| v / length).collect()
    }

    fn scaled(mut layer: Layer, c: &ModelConfig, parts: &[(Scaled, f32)]) -> Layer {
        for (part, factor) in parts {
            let scaling = Scaling { layer: 0, part: part.clone(), factor: *factor };
            layer.scalings.add(&scaling, c.heads, c.width).unwrap();
        }
        layer
    }

    fn run(c: &ModelConfig, layer: &Layer, x: &[f32], plan: &RowPlan, kept: Option<&mut Kept>) -> Vec<f32> {
        let positions = plan.positions();
        let pass = Pass { config: c, plan, positions: &positions };
        layer.forward(&pass, x.to_vec(), &mut layer.cache(c, plan.tangents.len()), kept).unwrap()
    }

    /// Two directions that are not at right angles, so that their order matters.
    #[test]
    fn a_scaled_layers_derivatives() {
        let c = config(RopeLayout::HalfSplit);
        let (x, v, u) = (values(N * WIDTH, 1), values(N * WIDTH, 2), values(N * WIDTH, 3));
        let parts = [
            (Scaled::Head(2), 0.0),
            (Scaled::Head(1), 1.7),
            (Scaled::Direction(direction(8)), -0.5),
            (Scaled::Direction(direction(9)), 0.0),
        ];
        for spec in specs() {
            let layer = scaled(layer(&c, &spec), &c, &parts);
            let primal = RowPlan::new(0, N, &[]);
            let value = |x: &[f32]| run(&c, &layer, x, &primal, None);
            let both = run(&c, &layer, &[x.clone(), v.clone()].concat(), &stacked(N), None);
            close(&both[..N * WIDTH], &value(&x), 1e-6);
            let jvp = &both[N * WIDTH..];
            close(jvp, &difference(value, &x, &v), 1e-2);

            let mut kept = Kept::default();
            run(&c, &layer, &x, &primal, Some(&mut kept));
            let back = layer.vjp(&c, &kept, &Batch::new(vec![N]), u.clone(), false).unwrap();
            let (a, b) = (dot(&back, &v), dot(&u, jvp));
            assert!((a - b).abs() < 2e-4 * (1.0 + b.abs()), "{spec:?}: {a} against {b}");
            // cotangents of the predicting position alone
            let last = &u[(N - 1) * WIDTH..];
            let few = layer.vjp(&c, &kept, &Batch::new(vec![N]), last.to_vec(), true).unwrap();
            let (a, b) = (dot(&few, &v), dot(last, &jvp[(N - 1) * WIDTH..]));
            assert!((a - b).abs() < 2e-4 * (1.0 + b.abs()), "{spec:?}: {a} against {b}");
        }
    }

    #[test]
    fn a_factor_of_one_changes_not_a_bit() {
        let c = config(RopeLayout::HalfSplit);
        let x = values(2 * N * WIDTH, 1);
        let parts = [(Scaled::Head(3), 1.0), (Scaled::Direction(direction(4)), 1.0)];
        for spec in specs() {
            let plain = run(&c, &layer(&c, &spec), &x, &stacked(N), None);
            let same = run(&c, &scaled(layer(&c, &spec), &c, &parts), &x, &stacked(N), None);
            assert_eq!(plain, same, "{spec:?}");
        }
    }

    /// Switching a head off is what zeros in the columns of the output projection that read it would do.
    #[test]
    fn a_head_that_is_off_is_one_that_nothing_reads() {
        let c = config(RopeLayout::HalfSplit);
        let x = values(2 * N * WIDTH, 1);
        for (spec, head) in specs().into_iter().zip([0, 1, 2, 3].into_iter().cycle()) {
            let own = head * c.head_width..(head + 1) * c.head_width;
            let unread = |part: Part, weights: &mut [f32]| {
                let rows = weights.chunks_exact_mut(c.heads * c.head_width).filter(|_| part == Part::Output);
                rows.for_each(|row| row[own.clone()].fill(0.0));
            };
            let off = run(&c, &scaled(layer(&c, &spec), &c, &[(Scaled::Head(head), 0.0)]), &x, &stacked(N), None);
            let zeroed = run(&c, &layer_but(&c, &spec, unread), &x, &stacked(N), None);
            close(&off, &zeroed, 1e-6);
            let plain = run(&c, &layer(&c, &spec), &x, &stacked(N), None);
            let moved = off.iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(moved > 1e-2, "the head does something: {moved}");
        }
    }

    #[test]
    fn a_direction_is_written_as_often_as_its_factor_says() {
        let c = config(RopeLayout::HalfSplit);
        let (x, v) = (values(N * WIDTH, 1), direction(6));
        let written = |layer: &Layer| {
            let mut kept = Kept::default();
            run(&c, layer, &x, &RowPlan::new(0, N, &[]), Some(&mut kept));
            kept.written
        };
        for spec in specs() {
            let plain = written(&layer(&c, &spec));
            for factor in [0.0, 2.0, -1.0] {
                let part = (Scaled::Direction(v.clone()), factor);
                let found = written(&scaled(layer(&c, &spec), &c, &[part]));
                for (a, b) in found.chunks_exact(WIDTH).zip(plain.chunks_exact(WIDTH)) {
                    let (along, before) = (dot(a, &v), dot(b, &v));
                    assert!((along - factor * before).abs() < 1e-4 * (1.0 + before.abs()), "{along} of {before}");
                    let rest = |row: &[f32]| dot(row, row) - dot(row, &v).powi(2);
                    assert!((rest(a) - rest(b)).abs() < 1e-3 * rest(b), "what is across it stays");
                }
            }
        }
    }
}
