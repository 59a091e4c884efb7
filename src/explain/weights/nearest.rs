//! The words whose vectors lie nearest to a direction.

use candle_core::Tensor;
use shiftlens_kernels::floats::dot;
use shiftlens_kernels::units::Units;

use super::concepts::Weighted;
use crate::model::ModelError;

/// Directions that all words are compared with at once.
const TOGETHER: usize = 64;

/// Words' vectors, to be compared with directions.
pub struct Nearest {
    /// `[words, width]`.
    rows: Vec<f32>,
    lengths: Vec<f32>,
    units: Units,
    width: usize,
}

impl Nearest {
    /// Of vectors `[words, width]`.
    pub fn new(vectors: &Tensor) -> Result<Self, ModelError> {
        let (width, rows) = (vectors.dim(1)?, vectors.flatten_all()?.to_vec1::<f32>()?);
        let length = |square: f32| if square.is_normal() { square.sqrt() } else { 1.0 };
        let lengths = rows.chunks_exact(width).map(|row| length(dot(row, row))).collect();
        Ok(Self { units: Units::new(&rows, width), rows, lengths, width })
    }

    /// The `most` words nearest to each of `directions` (`[directions, width]`, of unit length) by the cosine's magnitude, the
    /// nearest first.
    pub fn words(&self, directions: &Tensor, most: usize) -> Result<Vec<Vec<Weighted>>, ModelError> {
        let directions: Vec<f32> = directions.flatten_all()?.to_vec1()?;
        let (units, count) = (Units::new(&directions, self.width), self.lengths.len());
        let (mut found, mut products) = (Vec::with_capacity(units.rows()), vec![0; TOGETHER * count]);
        for (from, some) in (0..).step_by(TOGETHER).zip(directions.chunks(TOGETHER * self.width)) {
            let rows = from..from + some.len() / self.width;
            let products = &mut products[..rows.len() * count];
            units.products(rows, &self.units, 0..count, products);
            let each = some.chunks_exact(self.width).zip(products.chunks_exact(count));
            found.extend(each.map(|(direction, products)| self.nearest(direction, products, most)));
        }
        Ok(found)
    }

    /// One direction's words. The integers say which can be among them; those are compared exactly.
    fn nearest(&self, direction: &[f32], products: &[i32], most: usize) -> Vec<Weighted> {
        let mut floor = 0;
        if (1..products.len()).contains(&most) {
            let mut sizes: Vec<u32> = products.iter().map(|p| p.unsigned_abs()).collect();
            let last = *sizes.select_nth_unstable_by(most - 1, |a, b| b.cmp(a)).1;
            // so many words have this much less the slack for certain; one with more has that less the slack again at least
            floor = last.saturating_sub(2 * self.units.slack_in_steps().unsigned_abs());
        }
        let exact = |word: usize| Weighted {
            word: word as u32,
            strength: dot(direction, &self.rows[word * self.width..][..self.width]) / self.lengths[word],
        };
        let near = products.iter().enumerate().filter(|(_, p)| p.unsigned_abs() >= floor);
        let mut words: Vec<Weighted> = near.map(|(word, _)| exact(word)).collect();
        words.sort_by(|a, b| b.strength.abs().total_cmp(&a.strength.abs()).then(a.word.cmp(&b.word)));
        words.truncate(most);
        words
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn noise(n: usize, from: usize) -> Vec<f32> {
        (from..from + n).map(|i| ((i * i) as f32 * 0.37).sin() * (1.0 + (i % 5) as f32)).collect()
    }

    /// Against every word's cosine; ties and words without a vector among them.
    #[test]
    fn they_are_those_of_all_words_compared_exactly() {
        let (words, width, directions) = (400, 20, 70);
        let mut rows = noise(words * width, 1);
        rows.copy_within(0..width, 7 * width);
        rows[30 * width..31 * width].fill(0.0);
        let unit = |row: &[f32]| row.iter().map(|v| v / dot(row, row).sqrt()).collect::<Vec<f32>>();
        let along: Vec<f32> = noise(directions * width, 9).chunks(width).flat_map(unit).collect();
        let tensor = |v: &[f32], n: usize| Tensor::from_slice(v, (n, width), &Device::Cpu).unwrap();
        let nearest = Nearest::new(&tensor(&rows, words)).unwrap();
        for most in [0, 1, 50, 399, 400, 1000] {
            let found = nearest.words(&tensor(&along, directions), most).unwrap();
            assert_eq!(found.len(), directions);
            for (found, direction) in found.iter().zip(along.chunks(width)) {
                let cosine = |row: &[f32]| dot(direction, row) / dot(row, row).sqrt().max(1e-12);
                let mut all: Vec<(u32, f32)> = (0..).zip(rows.chunks(width).map(cosine)).collect();
                all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
                all.truncate(most);
                assert_eq!(found.iter().map(|w| (w.word, w.strength)).collect::<Vec<_>>(), all);
            }
        }
    }
}
