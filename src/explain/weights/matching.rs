//! Which component of the tuned model is which of the base's, and how far it has turned (METHODS.md, section 3).

use std::collections::HashSet;

use candle_core::{Device, Tensor};
use faer::Mat;
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use serde::{Deserialize, Serialize};

use super::atlas::{LayerConcepts, NamedComponent};
pub use super::turn::{Control, Turn};
use crate::model::ModelError;

/// Leading components whose subspaces are compared.
pub(super) const LEADING: usize = 20;
/// Words of either list that an overlap is taken over.
const OVERLAP: usize = 20;

/// A component of the base and the tuned model's component that is most like it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The base's component, from 0.
    pub base: usize,
    /// The tuned model's.
    pub tuned: usize,
    /// The angle between the two directions, degrees, 0 to 90.
    pub angle: f32,
    /// The share of the leading words that both hold.
    pub overlap: f32,
}

/// One layer's components compared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerMatches {
    /// The layer, from 0.
    pub layer: usize,
    /// One for each component of the base, in its order.
    pub matches: Vec<Match>,
    /// Principal angles between the leading subspaces of both, degrees, the smallest first.
    pub principal: Vec<f32>,
    /// The same between random components.
    #[serde(default)]
    pub control: Control,
}

impl LayerMatches {
    /// Compares a layer of the base with the same layer of the tuned model.
    /// Fails with [`ModelError::NotComparable`] if the models' widths differ.
    pub fn between(base: &LayerConcepts, tuned: &LayerConcepts) -> Result<Self, ModelError> {
        let (b, t) = (base.matrix()?, tuned.matrix()?);
        if b.dim(1)? != t.dim(1)? {
            return Err(ModelError::NotComparable);
        }
        let likeness: Vec<Vec<f32>> = b.matmul(&t.t()?.contiguous()?)?.to_vec2()?;
        let one = |(base_index, tuned_index): (usize, usize)| Match {
            base: base_index,
            tuned: tuned_index,
            angle: degrees(likeness[base_index][tuned_index]),
            overlap: overlap(&base.components[base_index], &tuned.components[tuned_index]),
        };
        Ok(Self {
            layer: base.layer,
            matches: assign(&likeness).into_iter().map(one).collect(),
            principal: principal_angles(&b, &t)?,
            control: Control::of(b.dim(1)?, b.dim(0)?, t.dim(0)?),
        })
    }
}

pub(super) fn degrees(cosine: f32) -> f32 {
    cosine.abs().min(1.0).acos().to_degrees()
}

/// Pairs of rows and columns that together are most alike, whatever their signs (Kuhn-Munkres).
pub(super) fn assign(likeness: &[Vec<f32>]) -> Vec<(usize, usize)> {
    let weight = |v: &f32| (f64::from(v.abs()) * 1e9) as i64;
    let rows = likeness.iter().map(|row| row.iter().map(weight).collect::<Vec<_>>());
    let Ok(matrix) = Matrix::from_rows(rows) else { return Vec::new() };
    // the algorithm wants at least as many columns as rows
    if matrix.rows <= matrix.columns {
        return kuhn_munkres(&matrix).1.into_iter().enumerate().collect();
    }
    let mut pairs: Vec<(usize, usize)> =
        kuhn_munkres(&matrix.transposed()).1.into_iter().enumerate().map(|(t, b)| (b, t)).collect();
    pairs.sort_unstable();
    pairs
}

fn overlap(base: &NamedComponent, tuned: &NamedComponent) -> f32 {
    let leading = |c: &NamedComponent| c.words.iter().take(OVERLAP).map(|w| w.0.clone()).collect::<HashSet<_>>();
    let (b, t) = (leading(base), leading(tuned));
    b.intersection(&t).count() as f32 / b.len().min(t.len()).max(1) as f32
}

/// Angles between the subspaces that the leading rows of both span: arc cosines of the singular values of their
/// products (Björck and Golub, 1973).
fn principal_angles(base: &Tensor, tuned: &Tensor) -> Result<Vec<f32>, ModelError> {
    let k = LEADING.min(base.dim(0)?).min(tuned.dim(0)?);
    let leading = |t: &Tensor| -> Result<Tensor, ModelError> { Ok(t.narrow(0, 0, k)?.to_device(&Device::Cpu)?) };
    let products: Vec<Vec<f32>> = leading(base)?.matmul(&leading(tuned)?.t()?)?.to_vec2()?;
    let products = Mat::from_fn(k, k, |i, j| f64::from(products[i][j]));
    let values = products.singular_values().map_err(|_| ModelError::NotANumber)?;
    Ok(values.into_iter().map(|v| degrees(v as f32)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::weights::Packed;

    /// Components along the axes of a space, turned by `angle` within the planes of neighbours, in the order given.
    fn layer(order: &[usize], width: usize, angle: f32) -> LayerConcepts {
        let (sin, cos) = angle.to_radians().sin_cos();
        let mut directions = Vec::new();
        for &at in order {
            let mut row = vec![0.0; width];
            (row[at], row[at ^ 1]) = (cos, if at % 2 == 0 { sin } else { -sin });
            directions.extend(row);
        }
        let words = |at: &usize| (0..25).map(|i| (format!("word{at}-{i}"), 1.0)).collect();
        let components = order.iter().map(|at| NamedComponent { share: 0.1, words: words(at) }).collect();
        LayerConcepts { layer: 0, components, directions: Packed(directions) }
    }

    #[test]
    fn turned_and_shuffled_components_are_found_again() {
        let base = layer(&[0, 1, 2, 3, 4, 5], 8, 0.0);
        let tuned = layer(&[3, 5, 1, 0, 4, 2], 8, 20.0);
        let found = LayerMatches::between(&base, &tuned).unwrap();
        let order: Vec<usize> = found.matches.iter().map(|m| m.tuned).collect();
        assert_eq!(order, [3, 2, 5, 0, 4, 1]);
        assert!(found.matches.iter().all(|m| (m.angle - 20.0).abs() < 0.01 && m.overlap == 1.0), "{found:?}");
        // turned within the space they span: the space is the same
        assert!(found.principal.iter().all(|a| *a < 0.1), "{:?}", found.principal);
    }

    #[test]
    fn fewer_components_are_matched_too() {
        let (many, few) = (layer(&[0, 1, 2, 3], 8, 0.0), layer(&[2, 0], 8, 0.0));
        let pairs = |l: LayerMatches| l.matches.iter().map(|m| (m.base, m.tuned)).collect::<Vec<_>>();
        assert_eq!(pairs(LayerMatches::between(&few, &many).unwrap()), [(0, 2), (1, 0)]);
        assert_eq!(pairs(LayerMatches::between(&many, &few).unwrap()), [(0, 1), (2, 0)]);
        let apart = LayerMatches::between(&layer(&[0, 1], 8, 0.0), &layer(&[4, 5], 8, 0.0)).unwrap();
        assert!(apart.principal.iter().all(|a| (a - 90.0).abs() < 0.1));
        let narrow = layer(&[0, 1], 4, 0.0);
        assert_eq!(LayerMatches::between(&many, &narrow), Err(ModelError::NotComparable));
    }
}
