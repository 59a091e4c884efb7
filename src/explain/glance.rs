//! The heads of a layer at a glance: their attention as small pictures, how much of it goes to the first token, and how far two
//! models' patterns are apart.

use super::local::{LayerAttention, weight};
use super::weights::Packed;

/// Most cells along the side of a picture.
pub const SIDE: usize = 28;
/// Weights below this are not drawn.
const FAINT: f32 = 0.005;

/// One head.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadGlance {
    /// Levels 0 to 10 of the picture: for every row the columns up to its own, row after row. Tokens that share a cell show the
    /// strongest of their weights.
    pub levels: Vec<u8>,
    /// The share of attention that goes to the first token: the mean over all tokens after it.
    pub sink: f32,
}

impl HeadGlance {
    /// The cells of `level` in a picture of `side` cells, those beside each other at once: row, first column, how many.
    pub fn cells_of(&self, level: u8, side: usize) -> impl Iterator<Item = [usize; 3]> {
        (0..side).flat_map(move |row| {
            let cells = self.levels.get(row_at(row)..row_at(row + 1)).unwrap_or_default();
            let alike = cells.chunk_by(|a, b| a == b).scan(0, |column, alike| {
                *column += alike.len();
                Some((*column - alike.len(), alike))
            });
            alike.filter(move |(_, alike)| alike[0] == level).map(move |(column, alike)| [row, column, alike.len()])
        })
    }
}

/// A layer's heads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerGlance {
    /// Cells along a side.
    pub side: usize,
    /// Head by head.
    pub heads: Vec<HeadGlance>,
}

impl LayerGlance {
    /// Of a layer's attention on a sequence.
    pub fn of(attention: &LayerAttention) -> Self {
        let side = attention.tokens.min(SIDE);
        let head = |pattern: &Packed| HeadGlance {
            levels: small(pattern, attention.tokens, side),
            sink: sink(pattern, attention.tokens),
        };
        Self { side, heads: attention.heads.iter().map(head).collect() }
    }
}

/// The first cell of a row.
fn row_at(row: usize) -> usize {
    row * (row + 1) / 2
}

fn small(pattern: &Packed, tokens: usize, side: usize) -> Vec<u8> {
    let mut strongest = vec![0f32; row_at(side)];
    for query in 0..tokens {
        let row = query * side / tokens;
        for key in 0..=query {
            let cell = &mut strongest[row_at(row) + key * side / tokens];
            *cell = cell.max(weight(pattern, query, key));
        }
    }
    strongest.into_iter().map(level).collect()
}

fn level(weight: f32) -> u8 {
    if weight < FAINT { 0 } else { (weight * 10.0).ceil().clamp(1.0, 10.0) as u8 }
}

fn sink(pattern: &Packed, tokens: usize) -> f32 {
    let sum: f32 = (1..tokens).map(|query| weight(pattern, query, 0)).sum();
    sum / tokens.saturating_sub(1).max(1) as f32
}

/// How far each head's pattern is from the same head's in another model that has read the same tokens: the mean over all tokens
/// after the first of the total variation, half the sum of |p - q| over the keys, which is the share of a token's attention
/// that lies elsewhere. 0 is the same pattern, 1 one without any overlap. None where the sequences are of different lengths.
pub fn apart(base: &LayerAttention, tuned: &LayerAttention) -> Option<Vec<f32>> {
    let tokens = base.tokens;
    (tokens == tuned.tokens).then(|| {
        let of_head = |(a, b): (&Packed, &Packed)| {
            let later = |pattern: &Packed| pattern.0.iter().skip(1).copied().collect::<Vec<f32>>();
            let sum: f32 = later(a).iter().zip(later(b)).map(|(a, b)| (a - b).abs()).sum();
            0.5 * sum / tokens.saturating_sub(1).max(1) as f32
        };
        base.heads.iter().zip(&tuned.heads).map(of_head).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attention(heads: Vec<Vec<f32>>, tokens: usize) -> LayerAttention {
        let heads = heads.into_iter().map(Packed).collect();
        LayerAttention { layer: 0, tokens, heads, rollout: Packed::default() }
    }

    #[test]
    fn a_picture_a_sink_and_a_distance() {
        let base = attention(vec![vec![1.0, 0.75, 0.25, 0.5, 0.3, 0.2]], 3);
        let glance = LayerGlance::of(&base);
        assert_eq!((glance.side, &glance.heads[0].levels), (3, &vec![10, 8, 3, 5, 3, 2]));
        assert_eq!(glance.heads[0].sink, (0.75 + 0.5) / 2.0);
        assert_eq!(apart(&base, &base), Some(vec![0.0]));
        // the second token's attention moves by a quarter, the third's wholly
        let tuned = attention(vec![vec![1.0, 0.5, 0.5, 0.0, 0.0, 1.0]], 3);
        let moved = apart(&base, &tuned).unwrap()[0];
        assert!((moved - (0.25 + 0.8) / 2.0).abs() < 1e-6, "{moved}");
        assert_eq!(apart(&base, &attention(vec![vec![1.0, 0.5, 0.5]], 2)), None);
    }

    #[test]
    fn cells_of_a_level_that_are_beside_each_other_are_one() {
        let head = HeadGlance { levels: vec![9, 3, 3, 3, 9, 3], sink: 0.0 };
        assert_eq!(head.cells_of(3, 3).collect::<Vec<_>>(), [[1, 0, 2], [2, 0, 1], [2, 2, 1]]);
        assert_eq!(head.cells_of(9, 3).collect::<Vec<_>>(), [[0, 0, 1], [2, 1, 1]]);
        assert_eq!(head.cells_of(1, 3).count(), 0);
        assert_eq!(HeadGlance::default().cells_of(0, 3).count(), 0, "nothing was read");
    }

    /// The first token's own row is no choice: it has nothing else to look at.
    #[test]
    fn a_token_alone_moves_nothing() {
        let alone = attention(vec![vec![1.0]], 1);
        assert_eq!((LayerGlance::of(&alone).heads[0].sink, apart(&alone, &alone)), (0.0, Some(vec![0.0])));
    }

    #[test]
    fn a_long_sequence_is_drawn_small_and_its_strongest_weights_are_seen() {
        let tokens = 10 * SIDE;
        // every token looks at itself alone, but the last looks at the first
        let mut pattern = vec![0.0; row_at(tokens)];
        (0..tokens).for_each(|t| pattern[row_at(t) + t] = 1.0);
        pattern[row_at(tokens - 1)] = 0.4;
        let glance = LayerGlance::of(&attention(vec![pattern], tokens));
        let levels = &glance.heads[0].levels;
        assert_eq!((glance.side, levels.len()), (SIDE, row_at(SIDE)));
        let seen = |row: usize, column: usize| levels[row_at(row) + column];
        assert!((0..SIDE).all(|t| seen(t, t) == 10));
        assert_eq!((seen(SIDE - 1, 0), seen(SIDE - 1, 1)), (4, 0));
    }
}
