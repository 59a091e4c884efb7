//! Matrices of activations as candle tensors.

use candle_core::{CpuStorage, Device, Storage, Tensor};

use crate::model::ModelError;

/// Wraps `[rows, width]` values; the vector is moved, not copied.
pub(in crate::model) fn from_vec(values: Vec<f32>, width: usize) -> Result<Tensor, ModelError> {
    let rows = values.len() / width;
    Ok(Tensor::from_vec(values, (rows, width), &Device::Cpu)?)
}

/// Calls `f` with the values of contiguous CPU tensors.
pub(in crate::model) fn with<R>(t: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R, ModelError> {
    let (storage, layout) = t.storage_and_layout();
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| ModelError::Tensor("a tensor is not contiguous".into()))?;
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Ok(f(&values[start..end])),
        _ => Err(ModelError::Tensor("a tensor is not f32 on the CPU".into())),
    }
}

/// As [`with`], for two tensors.
pub(in crate::model) fn with2<R>(a: &Tensor, b: &Tensor, f: impl FnOnce(&[f32], &[f32]) -> R) -> Result<R, ModelError> {
    with(a, |a| with(b, |b| f(a, b)))?
}

/// As [`with`], for three tensors.
pub(in crate::model) fn with3<R>(
    a: &Tensor,
    b: &Tensor,
    c: &Tensor,
    f: impl FnOnce(&[f32], &[f32], &[f32]) -> R,
) -> Result<R, ModelError> {
    with(a, |a| with2(b, c, |b, c| f(a, b, c)))?
}
