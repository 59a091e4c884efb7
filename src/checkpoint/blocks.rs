//! A tensor's bytes, read straight into candle's blocks. By way of a buffer of their own the largest tensor, which can be most
//! of a model, would be in memory twice, and a browser's engine never gives memory back.

use candle_core::quantized::k_quants::{
    BlockQ2K, BlockQ3K, BlockQ4_0, BlockQ4_1, BlockQ4K, BlockQ5_0, BlockQ5_1, BlockQ5K, BlockQ6K, BlockQ8_0, BlockQ8_1,
    BlockQ8K,
};
use candle_core::quantized::{GgmlDType, GgmlType, QStorage};
use half::{bf16, f16};

use super::CheckpointError;

/// Storage of `length` bytes of type `dtype`, which `read` fills. Fails as `read` does.
pub(super) fn storage(
    dtype: GgmlDType,
    length: usize,
    read: impl FnOnce(&mut [u8]) -> Result<(), CheckpointError>,
) -> Result<QStorage, CheckpointError> {
    match dtype {
        GgmlDType::F32 => filled::<f32>(length, read),
        GgmlDType::F16 => filled::<f16>(length, read),
        GgmlDType::BF16 => filled::<bf16>(length, read),
        GgmlDType::Q4_0 => filled::<BlockQ4_0>(length, read),
        GgmlDType::Q4_1 => filled::<BlockQ4_1>(length, read),
        GgmlDType::Q5_0 => filled::<BlockQ5_0>(length, read),
        GgmlDType::Q5_1 => filled::<BlockQ5_1>(length, read),
        GgmlDType::Q8_0 => filled::<BlockQ8_0>(length, read),
        GgmlDType::Q8_1 => filled::<BlockQ8_1>(length, read),
        GgmlDType::Q2K => filled::<BlockQ2K>(length, read),
        GgmlDType::Q3K => filled::<BlockQ3K>(length, read),
        GgmlDType::Q4K => filled::<BlockQ4K>(length, read),
        GgmlDType::Q5K => filled::<BlockQ5K>(length, read),
        GgmlDType::Q6K => filled::<BlockQ6K>(length, read),
        GgmlDType::Q8K => filled::<BlockQ8K>(length, read),
    }
}

fn filled<T: GgmlType + Send + Sync + 'static>(
    length: usize,
    read: impl FnOnce(&mut [u8]) -> Result<(), CheckpointError>,
) -> Result<QStorage, CheckpointError> {
    let size = size_of::<T>();
    if !length.is_multiple_of(size) {
        return Err(CheckpointError::Damaged(format!("{length} bytes are no whole number of blocks of {size}")));
    }
    let mut blocks = vec![T::zeros(); length / size];
    // SAFETY: the slice covers exactly the vector's elements, which stay borrowed while it lives. They are numbers and arrays of
    // numbers laid out as in C, for which all bytes are good.
    let bytes = unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast::<u8>(), length) };
    read(bytes)?;
    Ok(QStorage::Cpu(Box::new(blocks)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::QTensor;

    #[test]
    fn every_type_holds_the_bytes_that_were_read() {
        use GgmlDType::*;
        for dtype in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K] {
            let bytes: Vec<u8> = (0..3 * dtype.type_size()).map(|i| (i * 37) as u8).collect();
            let read = |into: &mut [u8]| {
                into.copy_from_slice(&bytes);
                Ok(())
            };
            let storage = storage(dtype, bytes.len(), read).unwrap();
            let tensor = QTensor::new(storage, (3, dtype.block_size())).unwrap();
            assert_eq!((tensor.dtype(), &*tensor.data().unwrap()), (dtype, &bytes[..]));
        }
        let refused = storage(Q8_0, 35, |_| Ok(()));
        assert!(matches!(refused, Err(CheckpointError::Damaged(_))));
    }
}
