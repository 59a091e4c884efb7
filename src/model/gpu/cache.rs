//! Keys and values of the sequence so far, and their tangents: what forward mode keeps on the GPU. The tangents' buffer of a
//! layer, with a capacity of ten positions and three groups whose first tokens stand at 0, 4 and 9:
//!
//! ```text
//! | 0 1 2 3 4 5 6 7 8 9 | 4 5 6 7 8 9 | 9 |    positions, each its keys and then its values
//!   group 0               group 1       group 2
//! ```

use wgpu::Buffer;

use super::device::GpuError;
use super::weights::GpuModel;

/// Of one layer: a position's keys, then its values.
pub(super) struct LayerCache {
    /// `[capacity, 2 kv_width]`.
    pub primal: Buffer,
    /// Each group's `[capacity - first, 2 kv_width]` after the other: before its first token a tangent is zero.
    pub tangents: Buffer,
}

/// Where each group's tangents lie within a cache, in positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// Positions that a sequence can have.
    pub capacity: usize,
    /// Each group's first.
    pub firsts: Vec<usize>,
    /// Where the group's begin.
    pub starts: Vec<usize>,
    /// Positions of all groups together.
    pub total: usize,
}

impl Places {
    /// For sequences of `capacity` positions, and groups whose first tokens stand at `firsts`.
    pub fn new(capacity: usize, firsts: &[usize]) -> Self {
        let mut total = 0;
        let starts = firsts.iter().map(|&first| {
            let start = total;
            total += capacity.saturating_sub(first);
            start
        });
        let starts = starts.collect();
        Self { capacity, firsts: firsts.to_vec(), starts, total }
    }

    /// Bytes of a position.
    fn position(model: &GpuModel) -> usize {
        model.config.kv_heads * model.config.head_width * 8
    }

    /// Empty caches for every layer. Fails with [`GpuError::TooLarge`] where one of them passes a binding's limit.
    pub fn caches(&self, model: &GpuModel) -> Result<Vec<LayerCache>, GpuError> {
        let position = Self::position(model);
        if self.total.max(self.capacity) * position > model.gpu.binding_limit() {
            return Err(GpuError::TooLarge(format!(
                "the keys and values of {} tangents over {} positions pass its limit for a binding.",
                self.firsts.len(),
                self.capacity
            )));
        }
        let layer = |_| LayerCache {
            primal: model.gpu.storage(self.capacity * position / 4),
            tangents: model.gpu.storage(self.total * position / 4),
        };
        Ok((0..model.config.layers).map(layer).collect())
    }

    /// Copies the first `length` positions of `old`, which lie as this says, into `new` with its places.
    pub fn copy(&self, model: &GpuModel, old: &[LayerCache], new: &[LayerCache], places: &Places, length: usize) {
        let mut encoder = model.gpu.device.create_command_encoder(&Default::default());
        let bytes = |positions: usize| (positions * Self::position(model)) as u64;
        for (old, new) in old.iter().zip(new) {
            encoder.copy_buffer_to_buffer(&old.primal, 0, &new.primal, 0, Some(bytes(length)));
            for (group, first) in self.firsts.iter().enumerate() {
                let kept = length.saturating_sub(*first);
                if kept > 0 {
                    let (from, to) = (bytes(self.starts[group]), bytes(places.starts[group]));
                    encoder.copy_buffer_to_buffer(&old.tangents, from, &new.tangents, to, Some(bytes(kept)));
                }
            }
        }
        model.gpu.queue.submit([encoder.finish()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_room_from_its_first_token_on() {
        let places = Places::new(10, &[0, 4, 12, 9]);
        assert_eq!((places.starts, places.total), (vec![0, 10, 16, 16], 17));
    }
}
