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

/// How tangents of keys and values are stored: half as large where the device computes in f16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(strum::VariantArray))]
pub(super) enum TangentType {
    F32,
    F16,
}

impl TangentType {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// Begins every kernel that reads or writes them.
    pub fn wgsl(self) -> &'static str {
        match self {
            Self::F32 => "alias Tangent = f32;",
            Self::F16 => "enable f16;\nalias Tangent = f16;",
        }
    }
}

/// Of one layer: a position's keys, then its values.
pub(super) struct LayerCache {
    /// `[capacity, 2 kv_width]`.
    pub primal: Buffer,
    /// Each group's `[capacity - first, 2 kv_width]` after the other: before its first token a tangent is zero. Of the GPU's
    /// [`TangentType`].
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

    /// Values of a position: its keys and its values.
    fn position(model: &GpuModel) -> usize {
        2 * model.config.kv_heads * model.config.head_width
    }

    /// Empty caches for every layer. Fails with [`GpuError::TooLarge`] where one of them passes a binding's limit.
    pub fn caches(&self, model: &GpuModel) -> Result<Vec<LayerCache>, GpuError> {
        let (primal, tangent) = (4 * Self::position(model), model.gpu.tangent_type().size() * Self::position(model));
        if (self.total * tangent).max(self.capacity * primal) > model.gpu.binding_limit() {
            return Err(GpuError::TooLarge(format!(
                "the keys and values of {} tangents over {} positions pass its limit for a binding.",
                self.firsts.len(),
                self.capacity
            )));
        }
        let layer = |_| LayerCache {
            primal: model.gpu.storage(self.capacity * primal / 4),
            tangents: model.gpu.storage((self.total * tangent).div_ceil(4)),
        };
        Ok((0..model.config.layers).map(layer).collect())
    }

    /// Copies the first `length` positions of `old`, which lie as this says, into `new` with its places.
    pub fn copy(&self, model: &GpuModel, old: &[LayerCache], new: &[LayerCache], places: &Places, length: usize) {
        let mut encoder = model.gpu.device.create_command_encoder(&Default::default());
        let bytes = |positions: usize, size: usize| (positions * size * Self::position(model)) as u64;
        let tangent = model.gpu.tangent_type().size();
        for (old, new) in old.iter().zip(new) {
            encoder.copy_buffer_to_buffer(&old.primal, 0, &new.primal, 0, Some(bytes(length, 4)));
            for (group, first) in self.firsts.iter().enumerate() {
                let kept = length.saturating_sub(*first);
                if kept > 0 {
                    let (from, to) = (bytes(self.starts[group], tangent), bytes(places.starts[group], tangent));
                    encoder.copy_buffer_to_buffer(&old.tangents, from, &new.tangents, to, Some(bytes(kept, tangent)));
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
