//! Concepts in feed-forward layers: principal components of the down projection (METHODS.md, section 3).

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::nearest::Nearest;
use super::spectrum::symmetric;
use crate::checkpoint::{Checkpoint, Part};
use crate::model::ModelError;

/// Words that describe a component.
const TOP_WORDS: usize = 50;

/// A word in a component.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    /// Its position in the list of words.
    pub word: u32,
    /// `v_r . e_w / |e_w|`: how much of the word's output vector lies along the component, with its sign.
    pub strength: f32,
}

/// One principal component of a layer's down projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its share of the variance.
    pub share: f64,
    /// Its strongest words, either sign, the strongest first.
    pub words: Vec<Weighted>,
}

/// A layer's leading components.
pub struct Concepts {
    /// The components, the largest share first.
    pub components: Vec<Component>,
    /// Their directions in the residual stream, `[components, width]`, of unit length.
    pub directions: Tensor,
}

impl Concepts {
    /// The leading `count` components of layer `layer`; `output` are the words' rows of the head.
    ///
    /// The rows of `W` are the down projection's `d_ff` vectors, in families with a norm after the block (gemma3, olmo2) times
    /// its gain; the eigenvectors of the centred Gram matrix
    /// (`width` squared) are W's right singular vectors, its eigenvalues their squared singular values.
    pub fn of(checkpoint: &Checkpoint, layer: usize, count: usize, output: &Nearest) -> Result<Self, ModelError> {
        let (values, directions) = principal(&vectors(checkpoint, layer)?, count)?;
        let words = output.words(&directions, TOP_WORDS)?;
        let components = values.into_iter().zip(words).map(|(share, words)| Component { share, words });
        Ok(Self { components: components.collect(), directions })
    }
}

/// The directions of these components of layer `layer` in the residual stream, of unit length: those of [`Concepts::of`].
/// Fails where the model has no such layer or component.
pub fn directions(checkpoint: &Checkpoint, layer: usize, components: &[usize]) -> Result<Vec<Vec<f32>>, ModelError> {
    let (layers, width) = (checkpoint.config.layers, checkpoint.config.width);
    if layer >= layers {
        return Err(ModelError::NoLayer { layer, layers });
    }
    let Some(&last) = components.iter().max() else { return Ok(Vec::new()) };
    if last >= width {
        return Err(ModelError::NoComponent { layer, component: last, components: width });
    }
    let (_, found) = principal(&vectors(checkpoint, layer)?, last + 1)?;
    components.iter().map(|component| Ok(found.get(*component)?.to_vec1()?)).collect()
}

/// The vectors that layer `layer`'s feed-forward block adds up in the residual stream, `[d_ff, width]`.
fn vectors(checkpoint: &Checkpoint, layer: usize) -> Result<Tensor, ModelError> {
    let down = checkpoint.tensor(&Part::Down.tensor(layer))?.dequantize(&Device::Cpu)?;
    let vectors = down.t()?.contiguous()?;
    if !Part::FfnPostNorm.is_in(&checkpoint.config.specs[layer]) {
        return Ok(vectors);
    }
    // a norm after the block scales the stream's dimensions: without it these would be no directions in the stream
    let gain = checkpoint.gain(&Part::FfnPostNorm.tensor(layer))?;
    Ok(vectors.broadcast_mul(&Tensor::from_vec(gain, checkpoint.config.width, &Device::Cpu)?)?)
}

/// Shares of the variance and directions `[count, width]` of the leading principal components of the rows of `w`.
pub fn principal(w: &Tensor, count: usize) -> Result<(Vec<f64>, Tensor), ModelError> {
    let centred = w.broadcast_sub(&w.mean_keepdim(0)?)?;
    let gram = centred.t()?.matmul(&centred)?.to_dtype(DType::F64)?;
    let (values, vectors) = symmetric(&gram)?;
    let total: f64 = values.iter().map(|v| v.max(0.0)).sum();
    let count = count.min(values.len());
    let shares = values[..count].iter().map(|v| v.max(0.0) / total.max(f64::MIN_POSITIVE)).collect();
    Ok((shares, vectors.narrow(1, 0, count)?.t()?.to_dtype(DType::F32)?.contiguous()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// Rows that vary along planted directions more than along any other.
    #[test]
    fn planted_components_are_found() {
        let (rows, width) = (200, 24);
        let w = Tensor::from_vec(noise(rows * width, 1), (rows, width), &Device::Cpu).unwrap();
        let planted = Tensor::from_vec(noise(width, 2), (1, width), &Device::Cpu).unwrap();
        let length = planted.sqr().unwrap().sum_all().unwrap().sqrt().unwrap();
        let planted = planted.broadcast_div(&length).unwrap();
        let much = Tensor::from_vec(noise(rows, 3), (rows, 1), &Device::Cpu).unwrap();
        let w = (w + (much.matmul(&planted).unwrap() * 20.0).unwrap()).unwrap();
        let (shares, directions) = principal(&w, 5).unwrap();
        let along = (directions.narrow(0, 0, 1).unwrap() * &planted).unwrap().sum_all().unwrap();
        assert!(along.to_scalar::<f32>().unwrap().abs() > 0.995);
        assert!(shares[0] > 0.5 && shares.windows(2).all(|s| s[0] >= s[1]), "{shares:?}");
    }

    /// Against the centred matrix itself: each direction's variance is its eigenvalue, and directions are orthonormal.
    #[test]
    fn shares_are_the_variances_along_the_directions() {
        let (rows, width) = (90, 16);
        let values = noise(rows * width, 5);
        let w = Tensor::from_slice(&values, (rows, width), &Device::Cpu).unwrap();
        let (shares, directions) = principal(&w, width).unwrap();
        let v: Vec<Vec<f32>> = directions.to_vec2().unwrap();
        let means: Vec<f64> = (0..width)
            .map(|j| (0..rows).map(|i| f64::from(values[i * width + j])).sum::<f64>() / rows as f64)
            .collect();
        let centred = |i: usize, j: usize| f64::from(values[i * width + j]) - means[j];
        let total: f64 =
            (0..rows).flat_map(|i| (0..width).map(move |j| (i, j))).map(|(i, j)| centred(i, j).powi(2)).sum();
        for (r, (share, v)) in shares.iter().zip(&v).enumerate() {
            let along = |i: usize| (0..width).map(|j| centred(i, j) * f64::from(v[j])).sum::<f64>();
            let variance: f64 = (0..rows).map(|i| along(i).powi(2)).sum();
            assert!((variance / total - share).abs() < 1e-5, "{r}: {} {share}", variance / total);
        }
        let gram = directions.matmul(&directions.t().unwrap()).unwrap();
        let gap = (gram - Tensor::eye(width, DType::F32, &Device::Cpu).unwrap()).unwrap().abs().unwrap();
        assert!(gap.max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-5);
    }
}
