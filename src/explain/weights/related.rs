//! Which words are contextually related (METHODS.md, section 2): the pairs that a head is asked about.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use candle_core::{D, DType, Device, Tensor};
use sha2::{Digest, Sha256};
use shiftlens_kernels::floats::dot;
use shiftlens_kernels::units::Units;

use crate::model::{ModelError, Tick};

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
        let mut reader = Self::reader(wanted);
        reader.push(text.as_bytes());
        reader.finish()
    }

    /// Reads such lines piece by piece, from a file too long for memory.
    pub fn reader(wanted: &[String]) -> VectorReader<'_> {
        let wanted = wanted.iter().map(String::as_str).collect();
        VectorReader { wanted, found: HashMap::new(), width: None, rest: Vec::new() }
    }

    /// How many words have vectors that were given.
    pub fn count(&self) -> usize {
        match self {
            Self::Own => 0,
            Self::Given(found) => found.len(),
        }
    }

    /// Names the source, for results that are kept.
    pub fn key(&self) -> String {
        match self {
            Self::Own => "own".into(),
            Self::Given(found) => {
                let mut words: Vec<_> = found.iter().collect();
                words.sort_by_key(|(word, _)| *word);
                let mut hash = Sha256::new();
                for (word, vector) in words {
                    hash.update(word);
                    hash.update(bytemuck::cast_slice(vector));
                }
                hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
            }
        }
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

/// A file of word vectors on its way in.
pub struct VectorReader<'a> {
    wanted: HashSet<&'a str>,
    found: HashMap<String, Vec<f32>>,
    width: Option<usize>,
    /// The last line so far, not yet whole.
    rest: Vec<u8>,
}

impl VectorReader<'_> {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
            return self.rest.extend(bytes);
        };
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend(&bytes[..end]);
        whole.split(|b| *b == b'\n').for_each(|line| self.line(line));
        self.rest.extend(&bytes[end + 1..]);
    }

    /// Nothing more comes.
    pub fn finish(mut self) -> Relatedness {
        let last = std::mem::take(&mut self.rest);
        self.line(&last);
        Relatedness::Given(self.found)
    }

    fn line(&mut self, line: &[u8]) {
        let Ok(line) = str::from_utf8(line) else { return };
        let mut parts = line.split_ascii_whitespace();
        let Some(word) = parts.next().filter(|w| self.wanted.contains(w)) else { return };
        let Ok(vector) = parts.map(str::parse::<f32>).collect::<Result<Vec<f32>, _>>() else { return };
        let fits = vector.len() > 1 && vector.iter().all(|v| v.is_finite());
        if fits && *self.width.get_or_insert(vector.len()) == vector.len() {
            self.found.insert(word.to_owned(), vector);
        }
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
    /// `tick` hears the words done, and stops it by breaking.
    pub async fn find(
        words: &[String],
        input: &Tensor,
        by: &Relatedness,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Self, ModelError> {
        let units = by.units(words, input)?;
        let (count, width, bounds) = (words.len(), units.dim(1)?, bounds(&units)?);
        let rows: Vec<f32> = units.flatten_all()?.to_vec1()?;
        let row = |word: usize| &rows[word * width..][..width];
        // in integers first, which tell what cannot lie above the bounds
        let whole = Units::new(&rows, width);
        let floors: Vec<i32> = bounds.iter().map(|bound| whole.floor(*bound)).collect();
        let (mut pairs, mut cosines, mut products) = (Vec::new(), Vec::new(), vec![0; BLOCK * count]);
        for start in (0..count).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(count);
            let later = count - start;
            let products = &mut products[..block.len() * later];
            whole.products(block.clone(), &whole, start..count, products);
            for (a, row_of_a) in block.zip(products.chunks_exact(later)) {
                let rest = (a + 1..).zip(row_of_a[a + 1 - start..].iter().zip(&floors[a + 1..]));
                for (b, _) in rest.filter(|(_, (product, floor))| **product >= floors[a].max(**floor)) {
                    let cosine = dot(row(a), row(b));
                    if cosine > bounds[a] && cosine > bounds[b] {
                        pairs.push((a as u32, b as u32));
                        cosines.push(cosine);
                    }
                }
            }
            if tick(Tick { done: (start + BLOCK).min(count), total: count }).await.is_break() {
                return Err(ModelError::Cancelled);
            }
        }
        Ok(Self { pairs, cosines })
    }

    /// Whether these can be pairs of `words` words, in order.
    pub fn fits(&self, words: usize) -> bool {
        self.pairs.len() == self.cosines.len()
            && self.pairs.iter().all(|(a, b)| a < b && (*b as usize) < words)
            && self.pairs.is_sorted()
    }

    /// For the browser's storage: 12 bytes a pair, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let one = |((a, b), c): (&(u32, u32), &f32)| [a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes()].concat();
        self.pairs.iter().zip(&self.cosines).flat_map(one).collect()
    }

    /// Reads what [`Related::to_bytes`] wrote; nothing if bytes are missing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (records, rest) = bytes.as_chunks::<12>();
        let number = |r: &[u8; 12], at: usize| u32::from_le_bytes([r[at], r[at + 1], r[at + 2], r[at + 3]]);
        let pairs = records.iter().map(|r| (number(r, 0), number(r, 4))).collect();
        let cosines = records.iter().map(|r| f32::from_bits(number(r, 8))).collect();
        rest.is_empty().then_some(Self { pairs, cosines })
    }
}

/// What a cosine with each of the words must exceed: the mean and the deviation of a word's cosines with the frequent
/// ones follow from the frequent ones' mean and covariance. Infinite for a word without a vector.
fn bounds(units: &Tensor) -> Result<Vec<f32>, ModelError> {
    let count = units.dim(0)?;
    let frequent = units.narrow(0, 0, FREQUENT.min(count))?;
    let mean = frequent.mean_keepdim(0)?;
    let centred = frequent.broadcast_sub(&mean)?;
    let covariance = (centred.t()?.matmul(&centred)? / frequent.dim(0)? as f64)?;
    let means: Vec<f32> = units.matmul(&mean.t()?)?.flatten_all()?.to_vec1()?;
    let variances: Vec<f32> = (units.matmul(&covariance)? * units)?.sum(D::Minus1)?.to_vec1()?;
    let bound = |(mean, variance): (f32, f32)| match variance > 0.0 {
        true => mean + DEVIATIONS * variance.sqrt(),
        false => f32::INFINITY,
    };
    Ok(means.into_iter().zip(variances).map(bound).collect())
}
