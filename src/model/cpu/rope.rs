//! Rotary positions (Su et al., 2021). A rotation is linear and orthogonal: its jvp is itself, its vjp rotates back.

use crate::checkpoint::{ModelConfig, RopeLayout};

/// Rotates every head of every row of `[rows, heads * head_width]` to its position by frequency table `table`; `back` rotates
/// the other way.
pub(in crate::model) fn rotate(
    config: &ModelConfig,
    table: usize,
    values: &mut [f32],
    positions: &[usize],
    back: bool,
) {
    let width = config.head_width;
    let half = width / 2;
    let row = values.len() / positions.len().max(1);
    let mut angles = vec![(0.0, 0.0); half];
    let mut at = usize::MAX;
    for (row, &position) in values.chunks_exact_mut(row).zip(positions) {
        if at != position {
            at = position;
            for (angle, f) in angles.iter_mut().zip(&config.ropes[table]) {
                let (sin, cos) = (position as f32 * f).sin_cos();
                *angle = (if back { -sin } else { sin }, cos);
            }
        }
        for head in row.chunks_exact_mut(width) {
            for (i, &(sin, cos)) in angles.iter().enumerate() {
                let (a, b) = match config.rope_layout {
                    RopeLayout::Interleaved => (2 * i, 2 * i + 1),
                    RopeLayout::HalfSplit => (i, i + half),
                };
                (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos);
            }
        }
    }
}
