//! Matrices of activations as candle tensors, for those outside.

use candle_core::{Device, Tensor};

use crate::model::ModelError;

/// Wraps `[rows, width]` values; the vector is moved, not copied.
pub(in crate::model) fn from_vec(values: Vec<f32>, width: usize) -> Result<Tensor, ModelError> {
    let rows = values.len() / width;
    Ok(Tensor::from_vec(values, (rows, width), &Device::Cpu)?)
}
