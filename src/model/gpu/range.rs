//! Whether f16 holds a model's keys and values, and so their tangents. It keeps eleven bits from 2^-14 to 2^16: a tangent
//! beyond is infinite, and one far below is lost, in a column that looks like any other.

use std::ops::RangeInclusive;

use crate::checkpoint::{Checkpoint, Part};
use crate::model::ModelError;

/// How large a head's keys or values may be. Tangents are of their size, or smaller; this leaves both sides a factor of a
/// hundred and more.
const SIZES: RangeInclusive<f32> = 1.0 / 128.0..=128.0;

/// Whether f16 holds the keys and values of layer `i`, head by head.
pub(super) fn f16_holds(checkpoint: &Checkpoint, i: usize) -> Result<bool, ModelError> {
    let spec = &checkpoint.config.specs[i];
    let gain = |part: Part| match part.is_in(spec) {
        true => checkpoint.gain(&part.tensor(i)).map(|gain| root_mean_square(&gain)),
        false => Ok(1.0),
    };
    let mut matrices = vec![Part::Values];
    match Part::KeyNorm.is_in(spec) {
        // a norm gives its keys the size of its gain, whatever they were before
        true if !holds(gain(Part::KeyNorm)?) => return Ok(false),
        true => (),
        false => matrices.push(Part::Keys),
    }
    let input = gain(Part::AttnNorm)?;
    for part in matrices {
        let weight = checkpoint.floats(&part.tensor(i))?.to_vec2::<f32>()?;
        for head in weight.chunks(checkpoint.config.head_width) {
            // inputs are of size one: a norm's, times its gain
            let squares = head.iter().flatten().map(|w| w * w).sum::<f32>() / head.len() as f32;
            if !holds(input * squares.sqrt()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A head of zeros is held by anything.
fn holds(size: f32) -> bool {
    size == 0.0 || SIZES.contains(&size)
}

fn root_mean_square(values: &[f32]) -> f32 {
    (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt()
}
