//! Weights as the kernels read them (`kernels/weights.wgsl`): aligned words, with scales for each 32 values.

use candle_core::quantized::GgmlDType;

use shiftlens_kernels::dequantize::{dequantize, half_at, q3_scale, scale_min};

use crate::model::cpu::storage;

/// How a matrix lies in the GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(strum::VariantArray))]
pub(super) enum Format {
    F32,
    F16,
    Bits4,
    Bits5,
    Bits8,
    Bf16,
    Bits3,
    Bits2,
}

/// Values of a block.
const BLOCK: usize = 32;

impl Format {
    /// The format that holds `dtype` without loss.
    pub fn of(dtype: GgmlDType) -> Self {
        use GgmlDType::*;
        match dtype {
            F32 | Q8_1 => Self::F32, // no file holds Q8_1
            F16 => Self::F16,
            BF16 => Self::Bf16,
            Q2K => Self::Bits2,
            Q3K => Self::Bits3,
            Q4_0 | Q4_1 | Q4K => Self::Bits4,
            Q5_0 | Q5_1 | Q5K => Self::Bits5,
            Q8_0 | Q6K | Q8K => Self::Bits8,
        }
    }

    /// Words of a block of 32 values.
    pub fn block_words(self) -> usize {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Bits8 => 8,
            Self::Bits5 => 5,
            Self::Bits4 => 4,
            Self::Bits3 => 3,
            Self::Bits2 => 2,
        }
    }

    /// Pairs of scales of a block.
    pub fn block_scales(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 0,
            Self::Bits3 | Self::Bits4 | Self::Bits5 | Self::Bits8 => 1,
            Self::Bits2 => 2,
        }
    }

    /// Bytes of a row of `columns` values, scales included.
    pub fn row_bytes(self, columns: usize) -> usize {
        columns.div_ceil(BLOCK) * (4 * self.block_words() + 8 * self.block_scales())
    }
}

/// Rows in the GPU's form.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub words: Vec<u32>,
    /// [`Format::block_scales`] for each block.
    pub scales: Vec<[f32; 2]>,
}

/// A block's quants.
type Quants = [u8; BLOCK];

/// Nibbles: the low halves of 16 bytes, then their high halves.
fn nibbles(bytes: &[u8]) -> Quants {
    std::array::from_fn(|i| if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

fn with_high_bits(mut q: Quants, high: &[u8]) -> Quants {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    q.iter_mut().enumerate().for_each(|(i, q)| *q |= ((high >> i & 1) as u8) << 4);
    q
}

/// Sub-block `i` of Q4_K or Q5_K: 32 low halves, then 32 high halves, of each 32 bytes of `quants`.
fn k_nibbles(i: usize, quants: &[u8]) -> Quants {
    let bytes = &quants[i / 2 * 32..][..32];
    std::array::from_fn(|n| if i.is_multiple_of(2) { bytes[n] & 15 } else { bytes[n] >> 4 })
}

/// Sub-block `i` of Q2_K or Q3_K: the same two bits of 32 bytes, for four sub-blocks in turn.
fn k_twos(i: usize, quants: &[u8]) -> Quants {
    std::array::from_fn(|n| quants[i / 4 * 32 + n] >> (i % 4 * 2) & 3)
}

/// Gives `each` the blocks of 32 of one of the file's blocks, with their scales.
fn blocks(dtype: GgmlDType, b: &[u8], each: &mut impl FnMut(Quants, &[[f32; 2]])) {
    match dtype {
        GgmlDType::Q4_0 => each(nibbles(&b[2..]), &[[half_at(b, 0), -8.0 * half_at(b, 0)]]),
        GgmlDType::Q4_1 => each(nibbles(&b[4..]), &[[half_at(b, 0), half_at(b, 2)]]),
        GgmlDType::Q5_0 => {
            each(with_high_bits(nibbles(&b[6..]), &b[2..]), &[[half_at(b, 0), -16.0 * half_at(b, 0)]]);
        }
        GgmlDType::Q5_1 => each(with_high_bits(nibbles(&b[8..]), &b[4..]), &[[half_at(b, 0), half_at(b, 2)]]),
        GgmlDType::Q8_0 => each(std::array::from_fn(|i| b[2 + i]), &[[half_at(b, 0); 2]]),
        _ => (0..8).for_each(|i| super_block(dtype, b, i, each)),
    }
}

/// The same for sub-block `i` of a super-block.
fn super_block(dtype: GgmlDType, b: &[u8], i: usize, each: &mut impl FnMut(Quants, &[[f32; 2]])) {
    match dtype {
        GgmlDType::Q2K => {
            let (d, min) = (half_at(b, 80), half_at(b, 82));
            let scales = [b[2 * i], b[2 * i + 1]].map(|s| [d * f32::from(s & 15), -min * f32::from(s >> 4)]);
            each(k_twos(i, &b[16..80]), &scales);
        }
        GgmlDType::Q3K => {
            let low = k_twos(i, &b[32..96]);
            let scale = |half| half_at(b, 108) * f32::from(q3_scale(2 * i + half, &b[96..108]));
            each(std::array::from_fn(|n| low[n] | (b[n] >> i & 1) << 2), &[[scale(0), scale(1)]]);
        }
        GgmlDType::Q4K | GgmlDType::Q5K => {
            let (scale, low) = scale_min(i, &b[4..16]);
            let q = match dtype {
                GgmlDType::Q4K => k_nibbles(i, &b[16..]),
                _ => {
                    let low = k_nibbles(i, &b[48..]);
                    std::array::from_fn(|n| low[n] | (b[16 + n] >> i & 1) << 4)
                }
            };
            each(q, &[[half_at(b, 0) * scale, -half_at(b, 2) * low]]);
        }
        GgmlDType::Q6K => {
            let (part, quarter) = (i / 4, i % 4);
            let (low, high) = (&b[64 * part..], &b[128 + 32 * part..]);
            let value = |n: usize| {
                let low = low[n + quarter % 2 * 32] >> (quarter / 2 * 4) & 15;
                (low | (high[n] >> (2 * quarter) & 3) << 4).wrapping_sub(32)
            };
            let scale = |half: usize| half_at(b, 208) * f32::from(b[192 + 2 * i + half] as i8);
            each(std::array::from_fn(value), &[[scale(0), scale(1)]]);
        }
        GgmlDType::Q8K => {
            let d = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            each(std::array::from_fn(|n| b[4 + BLOCK * i + n]), &[[d; 2]]);
        }
        _ => {}
    }
}

/// The words of a block in a format with scales: its high bits where it has 3 or 5, then its low ones.
fn words(format: Format, q: &Quants, out: &mut Vec<u32>) {
    let low = match format {
        Format::Bits8 => 8,
        Format::Bits4 | Format::Bits5 => 4,
        _ => 2,
    };
    if matches!(format, Format::Bits3 | Format::Bits5) {
        out.push(q.iter().rev().fold(0, |word, q| word << 1 | u32::from(q >> low)));
    }
    let word = |q: &[u8]| q.iter().rev().fold(0, |word, q| word << low | u32::from(*q) & ((1 << low) - 1));
    out.extend(q.chunks_exact(32 / low).map(word));
}

/// Packs rows of `columns` values that lie in `bytes` as the file stores them.
pub(super) fn pack(dtype: GgmlDType, bytes: &[u8], columns: usize) -> Packed {
    let format = Format::of(dtype);
    let mut packed = Packed::default();
    let row = (columns / dtype.block_size() * dtype.type_size()).max(1);
    match format {
        Format::F32 => {
            let mut values = vec![0.0f32; columns.next_multiple_of(BLOCK)];
            for bytes in bytes.chunks_exact(row) {
                dequantize(storage(dtype), bytes, &mut values[..columns]);
                packed.words.extend(values.iter().map(|v| v.to_bits()));
            }
        }
        Format::F16 | Format::Bf16 => {
            let mut padded = vec![0; 2 * columns.next_multiple_of(BLOCK)];
            for bytes in bytes.chunks_exact(row) {
                padded[..row].copy_from_slice(bytes);
                packed.words.extend(padded.as_chunks::<4>().0.iter().map(|pair| u32::from_le_bytes(*pair)));
            }
        }
        _ => {
            let mut each = |q: Quants, scales: &[[f32; 2]]| {
                packed.scales.extend_from_slice(scales);
                words(format, &q, &mut packed.words);
            };
            bytes.chunks_exact(dtype.type_size()).for_each(|b| blocks(dtype, b, &mut each));
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::QTensor;
    use candle_core::{Device, Tensor};

    use super::*;

    /// What the kernels make of a block, in Rust.
    fn unpacked(format: Format, packed: &Packed, columns: usize, rows: usize) -> Vec<f32> {
        let blocks = columns.div_ceil(BLOCK);
        let value = |row: usize, c: usize| {
            let block = row * blocks + c / BLOCK;
            let (i, words) = (c % BLOCK, &packed.words[block * format.block_words()..]);
            let scales = &packed.scales[block * format.block_scales()..];
            let bits =
                |low: usize| words[i * low / 32 + format.block_words() - low] >> (i * low % 32) & ((1 << low) - 1);
            let high = words[0] >> i & 1;
            match format {
                Format::F32 => f32::from_bits(words[i]),
                Format::F16 => half::f16::from_bits(bits(16) as u16).to_f32(),
                Format::Bf16 => half::bf16::from_bits(bits(16) as u16).to_f32(),
                Format::Bits8 => f32::from(bits(8) as u8 as i8) * scales[0][i / 16],
                Format::Bits5 => scales[0][0] * (bits(4) | high << 4) as f32 + scales[0][1],
                Format::Bits4 => scales[0][0] * bits(4) as f32 + scales[0][1],
                Format::Bits3 => ((bits(2) | high << 2) as f32 - 4.0) * scales[0][i / 16],
                Format::Bits2 => scales[i / 16][0] * bits(2) as f32 + scales[i / 16][1],
            }
        };
        (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| value(r, c)).collect()
    }

    #[test]
    fn packing_keeps_every_value() {
        use GgmlDType::*;
        for dtype in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K] {
            let columns = if dtype.block_size() == 1 { 72 } else { 512 };
            let values: Vec<f32> = (0..3 * columns).map(|i| ((i * i) as f32 * 0.013).sin() * 2.0).collect();
            let tensor = Tensor::from_vec(values, (3, columns), &Device::Cpu).unwrap();
            let quantized = QTensor::quantize(&tensor, dtype).unwrap();
            let mut expected = vec![0.0; 3 * columns];
            let bytes = quantized.data().unwrap();
            dequantize(storage(dtype), &bytes, &mut expected);
            let (format, packed) = (Format::of(dtype), pack(dtype, &bytes, columns));
            assert_eq!(4 * packed.words.len() + 8 * packed.scales.len(), 3 * format.row_bytes(columns), "{dtype:?}");
            // two scales of 32 bits are worth two bits a value
            let most = (8.0 * dtype.type_size() as f32 / dtype.block_size() as f32).ceil() + 4.0;
            assert!(
                dtype.block_size() == 1 || format.row_bytes(columns) as f32 * 8.0 <= most * columns as f32,
                "{dtype:?}"
            );
            let found = unpacked(format, &packed, columns, 3);
            for (i, (a, b)) in expected.iter().zip(&found).enumerate() {
                assert!((a - b).abs() <= 1e-6 * a.abs().max(1e-3), "{dtype:?} {i}: {a} {b}");
            }
        }
    }
}
