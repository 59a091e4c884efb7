//! Dispatches that are bound once and encoded as often as needed.

use wgpu::{BindGroup, CommandEncoder, ComputePass, ComputePassDescriptor, ComputePipeline};

use super::kernels::Kernel;

/// How many workgroups, in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) enum Count {
    /// Always so many.
    Fixed(usize),
    /// One for each so many rows.
    Rows(usize),
}

impl Count {
    fn of(self, rows: usize) -> u32 {
        match self {
            Self::Fixed(n) => n as u32,
            Self::Rows(each) => rows.div_ceil(each) as u32,
        }
    }
}

/// A kernel with its buffers.
pub(super) struct Call {
    pub kernel: Kernel,
    pub pipeline: ComputePipeline,
    pub group: BindGroup,
}

/// One dispatch.
pub(super) struct Op {
    pub call: Call,
    pub x: Count,
    pub y: Count,
    /// For how many rows: what is outside is skipped.
    pub when: std::ops::RangeInclusive<usize>,
}

impl Op {
    pub fn new(call: Call, x: Count, y: Count) -> Self {
        Self { call, x, y, when: 1..=usize::MAX }
    }

    /// Elementwise over `width` columns, in workgroups of 64.
    pub fn elements(call: Call, width: usize) -> Self {
        Self::new(call, Count::Fixed(width.div_ceil(64)), Count::Rows(1))
    }

    /// A workgroup for each row.
    pub fn rows(call: Call) -> Self {
        Self::new(call, Count::Rows(1), Count::Fixed(1))
    }

    /// Encodes it for `rows` rows; gives the number of dispatches, 1 or 0.
    pub fn encode(&self, pass: &mut ComputePass, rows: usize) -> usize {
        if !self.when.contains(&rows) {
            return 0;
        }
        pass.set_pipeline(&self.call.pipeline);
        pass.set_bind_group(0, &self.call.group, &[]);
        pass.dispatch_workgroups(self.x.of(rows), self.y.of(rows), 1);
        1
    }
}

/// Begins a pass, which errors and profilers call by `label`.
pub(super) fn pass<'a>(encoder: &'a mut CommandEncoder, label: &str) -> ComputePass<'a> {
    encoder.begin_compute_pass(&ComputePassDescriptor { label: Some(label), timestamp_writes: None })
}

/// Encodes all of them; gives the number of dispatches.
pub(super) fn encode(ops: &[Op], pass: &mut ComputePass, rows: usize) -> usize {
    ops.iter().map(|op| op.encode(pass, rows)).sum()
}
