//! Eigenvalues and eigenvectors, by faer.

use candle_core::{Device, Tensor};
use faer::{Mat, Side};

use crate::model::ModelError;

/// Eigenvalues `[n]`, largest first, and eigenvectors as columns `[n, n]` of a symmetric f64 matrix.
/// Fails with [`ModelError::NotANumber`] if it holds anything else.
pub fn symmetric(matrix: &Tensor) -> Result<(Vec<f64>, Tensor), ModelError> {
    let n = matrix.dim(0)?;
    let values: Vec<f64> = matrix.flatten_all()?.to_vec1()?;
    if !values.iter().all(|v| v.is_finite()) {
        return Err(ModelError::NotANumber);
    }
    let matrix = Mat::from_fn(n, n, |i, j| values[i * n + j]);
    let found = matrix.self_adjoint_eigen(Side::Lower).map_err(|_| ModelError::NotANumber)?;
    let (s, u) = (found.S().column_vector(), found.U());
    let eigenvalues = (0..n).rev().map(|i| s[i]).collect();
    let vectors = (0..n).flat_map(|i| (0..n).rev().map(move |j| u[(i, j)])).collect::<Vec<f64>>();
    Ok((eigenvalues, Tensor::from_vec(vectors, (n, n), &Device::Cpu)?))
}
