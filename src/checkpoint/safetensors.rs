//! The safetensors header (<https://huggingface.co/docs/safetensors>), read within bounds; tensors stay in the file.

use std::collections::HashMap;

use candle_core::quantized::GgmlDType;
use serde::Deserialize;

use super::bytes::{ByteSource, addressable, check_range};
use super::{CheckpointError, TensorEntry};

const MAX_HEADER: u64 = 100 << 20;

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Reads the tensor table of `source`, file number `file` of its set, under Hugging Face's tensor names.
pub(super) fn read_header(
    source: &dyn ByteSource,
    file: usize,
) -> Result<HashMap<String, TensorEntry>, CheckpointError> {
    let mut length = [0; 8];
    source.read_at(0, &mut length)?;
    let length = u64::from_le_bytes(length);
    let limit = source.size().saturating_sub(8).min(MAX_HEADER);
    if length > limit {
        return Err(CheckpointError::Absurd {
            what: format!("the header length of “{}”", source.name()),
            value: length,
            limit,
        });
    }
    let mut header = vec![0; addressable("the header's length", length)?];
    source.read_at(8, &mut header)?;
    if header.first() != Some(&b'{') {
        return Err(CheckpointError::NotACheckpoint(source.name().to_owned()));
    }
    let damaged = |e: serde_json::Error| CheckpointError::Damaged(format!("the header of “{}”: {e}", source.name()));
    let table: HashMap<String, serde_json::Value> = serde_json::from_slice(&header).map_err(damaged)?;
    table
        .into_iter()
        .filter(|(name, _)| name != "__metadata__")
        .map(|(name, value)| {
            let info: Info = serde_json::from_value(value).map_err(damaged)?;
            let entry = place(&name, &info, 8 + length, file, source.size())?;
            Ok((name, entry))
        })
        .collect()
}

fn place(name: &str, info: &Info, start: u64, file: usize, size: u64) -> Result<TensorEntry, CheckpointError> {
    let dtype = match info.dtype.as_str() {
        "F32" => GgmlDType::F32,
        "F16" => GgmlDType::F16,
        "BF16" => GgmlDType::BF16,
        other => {
            return Err(CheckpointError::UnknownTensorType {
                tensor: name.to_owned(),
                found: other.to_owned(),
                instead: "fetch the model's BF16 safetensors instead, or a GGUF file of it".into(),
            });
        }
    };
    let [from, to] = info.data_offsets;
    let bytes = info
        .shape
        .iter()
        .try_fold(dtype.type_size() as u64, |a, &b| a.checked_mul(b))
        .filter(|&b| b > 0 && to.checked_sub(from) == Some(b))
        .ok_or_else(|| {
            CheckpointError::Damaged(format!("tensor “{name}” of shape {:?} claims bytes {from} to {to}", info.shape))
        })?;
    let offset = start.saturating_add(from);
    check_range(&format!("tensor “{name}”"), offset, bytes, size)?;
    Ok(TensorEntry {
        file,
        dtype,
        shape: info.shape.iter().map(|&d| addressable(name, d)).collect::<Result<_, _>>()?,
        offset,
        bytes: addressable(&format!("the size of tensor “{name}”"), bytes)?,
    })
}
