//! Weights as the kernels read them (`kernels/weights.wgsl`): aligned words, with a pair of scales for each 32 values.

use candle_core::quantized::GgmlDType;
use half::f16;

use crate::model::cpu::dequantize;

/// How a matrix lies in the GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Format {
    F32,
    F16,
    Bits4,
    Bits5,
    Bits8,
}

/// Values of a block.
const BLOCK: usize = 32;

impl Format {
    /// The format that holds `dtype` without loss. Types that no catalogue names are unpacked to f32.
    pub fn of(dtype: GgmlDType) -> Self {
        match dtype {
            GgmlDType::F16 => Self::F16,
            GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q4K => Self::Bits4,
            GgmlDType::Q5_0 | GgmlDType::Q5_1 | GgmlDType::Q5K => Self::Bits5,
            GgmlDType::Q8_0 | GgmlDType::Q6K => Self::Bits8,
            _ => Self::F32,
        }
    }

    /// FORMAT in the kernels.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Words of a block of 32 values.
    pub fn block_words(self) -> usize {
        match self {
            Self::F32 => 32,
            Self::F16 => 16,
            Self::Bits4 => 4,
            Self::Bits5 => 5,
            Self::Bits8 => 8,
        }
    }

    /// Bytes of a row of `columns` values, scales included.
    pub fn row_bytes(self, columns: usize) -> usize {
        let scales = if self.scaled() { 8 } else { 0 };
        columns.div_ceil(BLOCK) * (4 * self.block_words() + scales)
    }

    /// Whether blocks have scales.
    pub fn scaled(self) -> bool {
        matches!(self, Self::Bits4 | Self::Bits5 | Self::Bits8)
    }
}

/// Rows in the GPU's form.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub words: Vec<u32>,
    /// A pair for each block; empty where values are whole.
    pub scales: Vec<[f32; 2]>,
}

/// A block: its quants, and the pair of scales.
type Block = ([u8; BLOCK], [f32; 2]);

fn half_at(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

/// Nibbles: the low halves of 16 bytes, then their high halves.
fn nibbles(bytes: &[u8]) -> [u8; BLOCK] {
    std::array::from_fn(|i| if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

fn with_high_bits(mut q: [u8; BLOCK], high: &[u8]) -> [u8; BLOCK] {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    q.iter_mut().enumerate().for_each(|(i, q)| *q |= ((high >> i & 1) as u8) << 4);
    q
}

/// The six-bit scale and minimum of sub-block `i` of a K-quant.
fn k_scale(i: usize, s: &[u8]) -> (f32, f32) {
    let (scale, min) = match i {
        0..4 => (s[i] & 63, s[i + 4] & 63),
        _ => (s[i + 4] & 15 | s[i - 4] >> 6 << 4, s[i + 4] >> 4 | s[i] >> 6 << 4),
    };
    (f32::from(scale), f32::from(min))
}

/// Sub-block `i` of Q4_K or Q5_K: 32 low halves, then 32 high halves, of each 32 bytes of `quants`.
fn k_nibbles(i: usize, quants: &[u8]) -> [u8; BLOCK] {
    let bytes = &quants[i / 2 * 32..][..32];
    std::array::from_fn(|n| if i.is_multiple_of(2) { bytes[n] & 15 } else { bytes[n] >> 4 })
}

/// The blocks of 32 of one of the file's blocks.
fn blocks(dtype: GgmlDType, b: &[u8], each: &mut impl FnMut(Block)) {
    match dtype {
        GgmlDType::Q4_0 => each((nibbles(&b[2..]), [half_at(b, 0), -8.0 * half_at(b, 0)])),
        GgmlDType::Q4_1 => each((nibbles(&b[4..]), [half_at(b, 0), half_at(b, 2)])),
        GgmlDType::Q5_0 => {
            each((with_high_bits(nibbles(&b[6..]), &b[2..]), [half_at(b, 0), -16.0 * half_at(b, 0)]));
        }
        GgmlDType::Q5_1 => each((with_high_bits(nibbles(&b[8..]), &b[4..]), [half_at(b, 0), half_at(b, 2)])),
        GgmlDType::Q8_0 => each((std::array::from_fn(|i| b[2 + i]), [half_at(b, 0); 2])),
        GgmlDType::Q4K | GgmlDType::Q5K => {
            let (d, min) = (half_at(b, 0), half_at(b, 2));
            for i in 0..8 {
                let (scale, low) = k_scale(i, &b[4..16]);
                let q = match dtype {
                    GgmlDType::Q4K => k_nibbles(i, &b[16..]),
                    _ => {
                        let low = k_nibbles(i, &b[48..]);
                        std::array::from_fn(|n| low[n] | (b[16 + n] >> i & 1) << 4)
                    }
                };
                each((q, [d * scale, -min * low]));
            }
        }
        GgmlDType::Q6K => {
            let d = half_at(b, 208);
            for i in 0..8 {
                let (part, quarter) = (i / 4, i % 4);
                let (low, high) = (&b[64 * part..], &b[128 + 32 * part..]);
                let value = |n: usize| {
                    let low = low[n + quarter % 2 * 32] >> (quarter / 2 * 4) & 15;
                    (low | (high[n] >> (2 * quarter) & 3) << 4).wrapping_sub(32)
                };
                let scale = |half: usize| d * f32::from(b[192 + 2 * i + half] as i8);
                each((std::array::from_fn(value), [scale(0), scale(1)]));
            }
        }
        _ => {}
    }
}

/// Packs `rows` rows of `columns` values that lie in `bytes` as the file stores them.
pub(super) fn pack(dtype: GgmlDType, bytes: &[u8], columns: usize) -> Packed {
    let format = Format::of(dtype);
    let mut packed = Packed::default();
    match format {
        Format::F32 | Format::F16 => {
            let row = columns / dtype.block_size() * dtype.type_size();
            let mut values = vec![0.0; columns.next_multiple_of(BLOCK)];
            for bytes in bytes.chunks_exact(row) {
                dequantize(dtype, bytes, &mut values[..columns]);
                match format {
                    Format::F32 => packed.words.extend(values.iter().map(|v| v.to_bits())),
                    _ => packed.words.extend(values.chunks_exact(2).map(|v| {
                        u32::from(f16::from_f32(v[0]).to_bits()) | u32::from(f16::from_f32(v[1]).to_bits()) << 16
                    })),
                }
            }
        }
        _ => {
            let mut each = |(q, scales): Block| {
                packed.scales.push(scales);
                match format {
                    Format::Bits8 => packed.words.extend(q.as_chunks::<4>().0.iter().map(|q| u32::from_le_bytes(*q))),
                    _ => {
                        if format == Format::Bits5 {
                            packed.words.push(q.iter().rev().fold(0, |word, q| word << 1 | u32::from(q >> 4)));
                        }
                        let word = |q: &[u8; 8]| q.iter().rev().fold(0, |word, q| word << 4 | u32::from(q & 15));
                        packed.words.extend(q.as_chunks::<8>().0.iter().map(word));
                    }
                }
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
            match format {
                Format::F32 => f32::from_bits(words[i]),
                Format::F16 => f16::from_bits((words[i / 2] >> (16 * (i % 2))) as u16).to_f32(),
                Format::Bits8 => f32::from((words[i / 4] >> (8 * (i % 4))) as u8 as i8) * packed.scales[block][i / 16],
                _ => {
                    let from = format.block_words() - 4;
                    let mut q = words[from + i / 8] >> (4 * (i % 8)) & 15;
                    if format == Format::Bits5 {
                        q |= (words[0] >> i & 1) << 4;
                    }
                    packed.scales[block][0] * q as f32 + packed.scales[block][1]
                }
            }
        };
        (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| value(r, c)).collect()
    }

    #[test]
    fn packing_keeps_every_value() {
        let types = [
            GgmlDType::F32,
            GgmlDType::F16,
            GgmlDType::BF16,
            GgmlDType::Q4_0,
            GgmlDType::Q4_1,
            GgmlDType::Q5_0,
            GgmlDType::Q5_1,
            GgmlDType::Q8_0,
            GgmlDType::Q2K,
            GgmlDType::Q3K,
            GgmlDType::Q4K,
            GgmlDType::Q5K,
            GgmlDType::Q6K,
        ];
        for dtype in types {
            let columns = if dtype.block_size() == 1 { 72 } else { 512 };
            let values: Vec<f32> = (0..3 * columns).map(|i| ((i * i) as f32 * 0.013).sin() * 2.0).collect();
            let tensor = Tensor::from_vec(values, (3, columns), &Device::Cpu).unwrap();
            let quantized = QTensor::quantize(&tensor, dtype).unwrap();
            let mut expected = vec![0.0; 3 * columns];
            let bytes = quantized.data().unwrap();
            dequantize(dtype, &bytes, &mut expected);
            let found = unpacked(Format::of(dtype), &pack(dtype, &bytes, columns), columns, 3);
            for (i, (a, b)) in expected.iter().zip(&found).enumerate() {
                assert!((a - b).abs() <= 1e-6 * a.abs().max(1e-3), "{dtype:?} {i}: {a} {b}");
            }
        }
    }
}
