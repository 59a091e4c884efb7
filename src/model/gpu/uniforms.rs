//! What kernels of norms, sums and heads are told; each has its twin in their WGSL.

use bytemuck::{Pod, Zeroable};

use crate::checkpoint::{ModelConfig, RopeLayout};
use crate::model::steps::Attend;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Norm {
    pub width: u32,
    pub eps: f32,
    pub stride: u32,
    pub offset: u32,
    pub plain: u32,
    pub accumulate: u32,
    pub unused: [u32; 2],
}

impl Norm {
    /// Of rows that are one vector each; the vjp is added to what is there.
    pub fn rows(width: usize, eps: f32) -> Self {
        let width = width as u32;
        Self { width, eps, stride: width, offset: 0, plain: 0, accumulate: 1, unused: [0; 2] }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Axpy {
    pub width: u32,
    pub scale: f32,
    pub accumulate: u32,
    pub unused: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Heads {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    half_split: u32,
    scale: f32,
    window: u32,
    unused: [u32; 2],
}

impl Heads {
    /// Of a network, and of how a layer attends.
    pub fn new(c: &ModelConfig, attend: Attend) -> Self {
        Self {
            heads: c.heads as u32,
            kv_heads: c.kv_heads as u32,
            head_width: c.head_width as u32,
            half_split: u32::from(c.rope_layout == RopeLayout::HalfSplit),
            scale: attend.scale,
            window: attend.window.map_or(u32::MAX, |w| w as u32),
            unused: [0; 2],
        }
    }
}
