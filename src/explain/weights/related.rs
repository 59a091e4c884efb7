//! Which words are contextually related (METHODS.md, section 2): the pairs that a head is asked about.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor};

use crate::model::ModelError;

/// Related words lie further above the mean than this many deviations of a word's cosines with frequent words.
const DEVIATIONS: f32 = 1.96;
/// How many frequent words that mean is taken over.
const FREQUENT: usize = 3000;
/// Leading principal directions that the model's own embeddings are freed of.
const LEADING: usize = 8;
/// Words compared with all others at once.
const BLOCK: usize = 256;

/// Where the vectors come from that say which words are related.
#[derive(Debug, Clone)]
pub enum Relatedness {
    /// The model's input embeddings, centred and freed of their leading directions.
    Own,
    /// A user's word vectors, by word.
    Given(HashMap<String, Vec<f32>>),
}

impl Relatedness {
    /// Reads lines of `word v1 v2 ...` for the words of `wanted`. Lines of another width than the first are left out.
    pub fn parse(text: &str, wanted: &[String]) -> Self {
        let wanted: std::collections::HashSet<&str> = wanted.iter().map(String::as_str).collect();
        let mut found = HashMap::new();
        let mut width = None;
        for line in text.lines() {
            let mut parts = line.split_ascii_whitespace();
            let Some(word) = parts.next().filter(|w| wanted.contains(w)) else { continue };
            let Ok(vector) = parts.map(str::parse::<f32>).collect::<Result<Vec<f32>, _>>() else { continue };
            let fits = vector.len() > 1 && vector.iter().all(|v| v.is_finite());
            if fits && *width.get_or_insert(vector.len()) == vector.len() {
                found.insert(word.to_owned(), vector);
            }
        }
        Self::Given(found)
    }

    /// Unit vectors of `words`, whose input embeddings are `input`; all zero where there is none.
    fn units(&self, words: &[String], input: &Tensor) -> Result<Tensor, ModelError> {
        let vectors = match self {
            Self::Own => without_leading(&input.broadcast_sub(&input.mean_keepdim(0)?)?)?,
            Self::Given(found) => {
                let width = found.values().next().map_or(1, Vec::len);
                let none = vec![0.0; width];
                let all: Vec<f32> = words.iter().flat_map(|w| found.get(w).unwrap_or(&none).clone()).collect();
                Tensor::from_vec(all, (words.len(), width), &Device::Cpu)?
            }
        };
        let length = vectors.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        Ok(vectors.broadcast_div(&length.maximum(1e-12)?)?)
    }
}

/// Rows without their part along the leading principal directions of all of them.
fn without_leading(centred: &Tensor) -> Result<Tensor, ModelError> {
    let covariance = centred.t()?.matmul(centred)?.to_dtype(DType::F64)?;
    let (_, vectors) = super::spectrum::symmetric(&covariance)?;
    let leading = vectors.narrow(1, 0, LEADING.min(vectors.dim(1)?))?.to_dtype(DType::F32)?;
    Ok((centred - centred.matmul(&leading)?.matmul(&leading.t()?)?)?)
}

/// Pairs of words `a < b` (positions in the list) that are related, with their cosines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Related {
    /// The pairs, ordered.
    pub pairs: Vec<(u32, u32)>,
    /// A cosine for each.
    pub cosines: Vec<f32>,
}

impl Related {
    /// Finds them: a pair is kept if its cosine lies above both words' bounds. Words are in the order of frequency;
    /// `tick` hears the words done, and may stop by an error.
    pub fn find(
        words: &[String],
        input: &Tensor,
        by: &Relatedness,
        mut tick: impl FnMut(usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let units = by.units(words, input)?;
        let (count, across) = (words.len(), units.t()?.contiguous()?);
        let mut bounds = vec![f32::INFINITY; count];
        let mut candidates: Vec<(u32, u32, f32)> = Vec::new();
        for start in (0..count).step_by(BLOCK) {
            let block = units.narrow(0, start, BLOCK.min(count - start))?;
            let cosines: Vec<f32> = block.matmul(&across)?.flatten_all()?.to_vec1()?;
            for (a, row) in (start..).zip(cosines.chunks(count)) {
                bounds[a] = bound(&row[..FREQUENT.min(count)]);
                let above = row.iter().enumerate().skip(a + 1).filter(|(_, c)| **c > bounds[a]);
                candidates.extend(above.map(|(b, c)| (a as u32, b as u32, *c)));
            }
            tick((start + BLOCK).min(count))?;
        }
        candidates.retain(|(_, b, cosine)| *cosine > bounds[*b as usize]);
        let (pairs, cosines) = candidates.into_iter().map(|(a, b, c)| ((a, b), c)).unzip();
        Ok(Self { pairs, cosines })
    }
}

/// What a cosine must exceed; infinite for a word without a vector.
fn bound(cosines: &[f32]) -> f32 {
    let n = cosines.len() as f64;
    let mean = cosines.iter().map(|c| f64::from(*c)).sum::<f64>() / n;
    let variance = cosines.iter().map(|c| (f64::from(*c) - mean).powi(2)).sum::<f64>() / n;
    if variance <= 0.0 { f32::INFINITY } else { (mean + f64::from(DEVIATIONS) * variance.sqrt()) as f32 }
}
