//! What one model's weights say, layer by layer and by words: what crosses to the page, and what is kept.

use std::ops::ControlFlow;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compare::{NamedPair, named};
use super::concepts::Concepts;
use super::heads::{Head, HeadOptions, WordPairs};
use super::nearest::Nearest;
use super::packed::Packed;
use super::related::{Related, Relatedness};
use super::vectors::Words;
use crate::checkpoint::Checkpoint;
use crate::model::{ModelError, Tick};

/// One layer's heads.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerHeads {
    /// The layer, from 0.
    pub layer: usize,
    /// Names the list of words; samples of equal lists can be compared.
    pub words: String,
    /// The heads.
    pub heads: Vec<NamedHead>,
}

/// What one head relates, by words. See [`Head`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NamedHead {
    /// Its pairs, the strongest first.
    pub pairs: Vec<NamedPair>,
    /// Its dimensions, the heaviest first; empty in the relation reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<NamedDimension>,
    /// The form's values on a fixed sample of word pairs; empty in the paper's reading.
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    pub sample: Packed,
}

/// One dimension of a head, in the paper's reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedDimension {
    /// Its number within the head.
    pub index: usize,
    /// See [`super::heads::Dimension::weight`].
    pub weight: f32,
    /// Its pairs, the most related first.
    pub pairs: Vec<NamedPair>,
}

impl NamedHead {
    fn of(head: &Head, words: &[String]) -> Self {
        let dimension = |d: &super::heads::Dimension| NamedDimension {
            index: d.index,
            weight: d.weight,
            pairs: named(&d.pairs, words),
        };
        Self {
            pairs: named(&head.pairs, words),
            dimensions: head.dimensions.iter().map(dimension).collect(),
            sample: Packed(head.sample.clone()),
        }
    }
}

/// One layer's leading feed-forward components.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerConcepts {
    /// The layer, from 0.
    pub layer: usize,
    /// The components, the largest share first.
    pub components: Vec<NamedComponent>,
    /// Their directions `[components, width]`, row by row.
    pub directions: Packed,
}

/// One principal component. See [`super::concepts::Component`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedComponent {
    /// Its share of the variance.
    pub share: f64,
    /// Its strongest words with their strengths, either sign, the strongest first.
    pub words: Vec<(String, f32)>,
}

impl LayerConcepts {
    /// The directions as a matrix `[components, width]`.
    /// Fails if the numbers do not make one, as in a damaged file.
    pub fn matrix(&self) -> Result<Tensor, ModelError> {
        let rows = self.components.len();
        let width = self.directions.0.len().checked_div(rows).unwrap_or(0);
        if rows > 0 && width == 0 {
            return Err(ModelError::NotComparable);
        }
        Ok(Tensor::from_vec(self.directions.0.clone(), (rows, width), &candle_core::Device::Cpu)?)
    }
}

/// A model's words, and what all its layers need of them: made when first asked for.
pub struct Atlas {
    words: Words,
    list: String,
    by: Relatedness,
    pairs: Option<WordPairs>,
    output: Option<Nearest>,
}

impl Atlas {
    /// Takes those words of `list` that the model writes with one or two tokens.
    /// Fails with [`ModelError::NoWords`] if there are none.
    pub fn new(checkpoint: &Checkpoint, list: &[String], by: Relatedness) -> Result<Self, ModelError> {
        let words = Words::of(list, checkpoint.tokenizer()?)?;
        if words.words.is_empty() {
            return Err(ModelError::NoWords);
        }
        let mut hash = Sha256::new();
        words.words.iter().for_each(|w| hash.update(format!("{w}\n")));
        let list = hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
        Ok(Self { words, list, by, pairs: None, output: None })
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.words.words
    }

    /// Names the list of words and what relates them, for results that are kept.
    pub fn key(&self) -> String {
        format!("{}-{}", self.list, self.by.key())
    }

    /// The related pairs, if they have been found.
    pub fn related(&self) -> Option<&Related> {
        self.pairs.as_ref().map(WordPairs::related)
    }

    /// Takes pairs that were found on an earlier visit; refused, with `false`, if they are not of these words.
    pub fn relate(&mut self, checkpoint: &Checkpoint, related: Related) -> Result<bool, ModelError> {
        let fits = related.fits(self.words.words.len());
        if fits {
            let input = self.words.input(checkpoint)?;
            self.pairs = Some(WordPairs::new(self.words.clone(), input, related));
        }
        Ok(fits)
    }

    /// All heads of layer `layer`. The first call finds the related pairs; `tick` hears of the words done and may stop it.
    pub async fn heads(
        &mut self,
        checkpoint: &Checkpoint,
        layer: usize,
        how: HeadOptions,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<LayerHeads, ModelError> {
        check(checkpoint, layer)?;
        if self.pairs.is_none() {
            let input = self.words.input(checkpoint)?;
            let related = Related::find(&self.words.words, &input, &self.by, tick).await?;
            self.pairs = Some(WordPairs::new(self.words.clone(), input, related));
        }
        let Some(pairs) = self.pairs.as_ref().filter(|p| !p.related().pairs.is_empty()) else {
            return Err(ModelError::NoRelations);
        };
        let heads = pairs.heads(checkpoint, layer, how)?;
        let heads = heads.iter().map(|h| NamedHead::of(h, &self.words.words)).collect();
        Ok(LayerHeads { layer, words: self.list.clone(), heads })
    }

    /// The leading `count` components of layer `layer`.
    pub fn concepts(
        &mut self,
        checkpoint: &Checkpoint,
        layer: usize,
        count: usize,
    ) -> Result<LayerConcepts, ModelError> {
        check(checkpoint, layer)?;
        let output = match self.output.take() {
            Some(output) => output,
            None => Nearest::new(&self.words.output(checkpoint)?)?,
        };
        let found = Concepts::of(checkpoint, layer, count, &output);
        self.output = Some(output);
        let Concepts { components, directions } = found?;
        let name = |w: &super::concepts::Weighted| (self.words.words[w.word as usize].clone(), w.strength);
        let components =
            components.iter().map(|c| NamedComponent { share: c.share, words: c.words.iter().map(name).collect() });
        Ok(LayerConcepts {
            layer,
            components: components.collect(),
            directions: Packed(directions.flatten_all()?.to_vec1()?),
        })
    }
}

fn check(checkpoint: &Checkpoint, layer: usize) -> Result<(), ModelError> {
    let layers = checkpoint.config.layers;
    if layer < layers { Ok(()) } else { Err(ModelError::NoLayer { layer, layers }) }
}
