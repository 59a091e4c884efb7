//! Quantized blocks to f32, for every storage type of ggml that candle holds.
//!
//! Layouts follow ggml's `block_*` structs. Written as plain loops over fixed-size chunks, which vectorise.

use bytemuck::cast;
use wide::i16x8;

use crate::storage::Storage;

/// Dequantizes `bytes` into `out`, whose length is a multiple of the block size.
pub fn dequantize(dtype: Storage, bytes: &[u8], out: &mut [f32]) {
    match dtype {
        Storage::F32 => each::<4, 1>(bytes, out, |b, o| o[0] = f32::from_le_bytes(*b)),
        Storage::F16 => pairs(bytes, out, halves, half),
        Storage::BF16 => pairs(bytes, out, |bits| bits.map(brain), brain),
        Storage::Q4_0 => each::<18, 32>(bytes, out, q4_0),
        Storage::Q4_1 => each::<20, 32>(bytes, out, q4_1),
        Storage::Q5_0 => each::<22, 32>(bytes, out, q5_0),
        Storage::Q5_1 => each::<24, 32>(bytes, out, q5_1),
        Storage::Q8_0 => each::<34, 32>(bytes, out, q8_0),
        Storage::Q8_1 => each::<36, 32>(bytes, out, |b, o| int8(half_at(b, 0), &b[4..], o)),
        Storage::Q2K => each::<84, 256>(bytes, out, q2_k),
        Storage::Q3K => each::<110, 256>(bytes, out, q3_k),
        Storage::Q4K => each::<144, 256>(bytes, out, q4_k),
        Storage::Q5K => each::<176, 256>(bytes, out, q5_k),
        Storage::Q6K => each::<210, 256>(bytes, out, q6_k),
        Storage::Q8K => each::<292, 256>(bytes, out, |b, o| {
            int8(f32::from_le_bytes([b[0], b[1], b[2], b[3]]), &b[4..260], o);
        }),
    }
}

#[inline(always)]
fn each<const B: usize, const N: usize>(bytes: &[u8], out: &mut [f32], f: impl Fn(&[u8; B], &mut [f32; N])) {
    for (block, out) in bytes.as_chunks::<B>().0.iter().zip(out.as_chunks_mut::<N>().0) {
        f(block, out);
    }
}

/// The f16 at byte `at`.
#[inline(always)]
pub fn half_at(b: &[u8], at: usize) -> f32 {
    half(u16::from_le_bytes([b[at], b[at + 1]]))
}

/// An f16 as f32, without a branch or a call, so that loops over it vectorise.
#[inline(always)]
fn half(bits: u16) -> f32 {
    const SMALLEST: f32 = 1.0 / (1 << 24) as f32;
    let magnitude = u32::from(bits & 0x7FFF) << 13;
    // the exponents' biases differ by 112; what is not finite stays so
    let bias = if magnitude >= 31 << 23 { 224 << 23 } else { 112 << 23 };
    // not by a multiplication of what f32 holds as a subnormal: processors take a hundred cycles for one
    let tiny = (f32::from(bits & 0x7FFF) * SMALLEST).to_bits();
    let value = if magnitude < 1 << 23 { tiny } else { magnitude + bias };
    f32::from_bits(value | u32::from(bits & 0x8000) << 16)
}

/// A bf16 as f32.
#[inline(always)]
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Eight f16.
#[inline(always)]
fn halves(bits: [u16; 8]) -> [f32; 8] {
    // of an exponent that is neither the least nor the greatest, one more has bits above its lowest
    let above: i16x8 = (cast::<_, i16x8>(bits) + i16x8::splat(1 << 10)) & i16x8::splat(0x7800);
    if above.simd_eq(i16x8::ZERO).any() {
        return bits.map(half);
    }
    bits.map(|bits| {
        let spread = (i32::from(bits as i16) << 16 >> 3) as u32 & 0x8FFF_FFFF;
        f32::from_bits(spread + (112 << 23))
    })
}

/// Values of two bytes, eight at once and the rest by themselves: rows of these may have any width.
#[inline(always)]
fn pairs(bytes: &[u8], out: &mut [f32], eight: impl Fn([u16; 8]) -> [f32; 8], one: impl Fn(u16) -> f32) {
    let ((blocks, rest), (outs, out_rest)) = (bytes.as_chunks::<16>(), out.as_chunks_mut::<8>());
    for (block, out) in blocks.iter().zip(outs) {
        *out = eight(cast::<_, [u16; 8]>(*block).map(u16::from_le));
    }
    for (pair, out) in rest.as_chunks::<2>().0.iter().zip(out_rest) {
        *out = one(u16::from_le_bytes(*pair));
    }
}

#[inline(always)]
fn int8(d: f32, q: &[u8], o: &mut [f32]) {
    for (o, q) in o.iter_mut().zip(q) {
        *o = f32::from(*q as i8) * d;
    }
}

#[inline(always)]
fn q8_0(b: &[u8; 34], o: &mut [f32; 32]) {
    int8(half_at(b, 0), &b[2..], o);
}

#[inline(always)]
fn q4_0(b: &[u8; 18], o: &mut [f32; 32]) {
    let d = half_at(b, 0);
    let m = -8.0 * d;
    for i in 0..16 {
        o[i] = f32::from(b[2 + i] & 15) * d + m;
        o[i + 16] = f32::from(b[2 + i] >> 4) * d + m;
    }
}

#[inline(always)]
fn q4_1(b: &[u8; 20], o: &mut [f32; 32]) {
    let (d, m) = (half_at(b, 0), half_at(b, 2));
    for i in 0..16 {
        o[i] = f32::from(b[4 + i] & 15) * d + m;
        o[i + 16] = f32::from(b[4 + i] >> 4) * d + m;
    }
}

#[inline(always)]
fn five(qh: &[u8], qs: &[u8], d: f32, m: f32, o: &mut [f32; 32]) {
    let high = u32::from_le_bytes([qh[0], qh[1], qh[2], qh[3]]);
    for i in 0..16 {
        let low = (high >> i & 1) << 4 | u32::from(qs[i] & 15);
        let top = (high >> (i + 16) & 1) << 4 | u32::from(qs[i] >> 4);
        o[i] = low as f32 * d + m;
        o[i + 16] = top as f32 * d + m;
    }
}

fn q5_0(b: &[u8; 22], o: &mut [f32; 32]) {
    let d = half_at(b, 0);
    five(&b[2..6], &b[6..], d, -16.0 * d, o);
}

fn q5_1(b: &[u8; 24], o: &mut [f32; 32]) {
    five(&b[4..8], &b[8..], half_at(b, 0), half_at(b, 2), o);
}

fn q2_k(b: &[u8; 84], o: &mut [f32; 256]) {
    let (d, dmin) = (half_at(b, 80), half_at(b, 82));
    for (part, o) in o.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let (scale, min) = (d * f32::from(b[part] & 15), dmin * f32::from(b[part] >> 4));
        let quants = &b[16 + part / 8 * 32 + part % 2 * 16..][..16];
        for (o, q) in o.iter_mut().zip(quants) {
            *o = scale * f32::from(q >> (part % 8 / 2 * 2) & 3) - min;
        }
    }
}

fn q3_k(b: &[u8; 110], o: &mut [f32; 256]) {
    for (part, o) in o.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let scale = half_at(b, 108) * f32::from(q3_scale(part, &b[96..108]));
        let (quants, high) = (&b[32 + part / 8 * 32 + part % 2 * 16..][..16], &b[part % 2 * 16..][..16]);
        for (o, (q, high)) in o.iter_mut().zip(quants.iter().zip(high)) {
            let q = q >> (part % 8 / 2 * 2) & 3 | (high >> (part / 2) & 1) << 2;
            *o = scale * (f32::from(q) - 4.0);
        }
    }
}

/// The scale of part `s` of sixteen in a Q3_K block.
#[inline(always)]
pub fn q3_scale(s: usize, packed: &[u8]) -> i16 {
    let low = if s < 8 { packed[s] & 15 } else { packed[s - 8] >> 4 };
    i16::from(low | (packed[8 + s % 4] >> (s / 4 * 2) & 3) << 4) - 32
}

/// The six-bit scale and minimum number `j` of a Q4_K or Q5_K block.
#[inline(always)]
pub fn scale_min(j: usize, s: &[u8]) -> (f32, f32) {
    let (scale, min) = if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        (s[j + 4] & 15 | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4)
    };
    (f32::from(scale), f32::from(min))
}

fn q4_k(b: &[u8; 144], o: &mut [f32; 256]) {
    let (d, dmin) = (half_at(b, 0), half_at(b, 2));
    for j in 0..4 {
        let (s1, m1) = scale_min(2 * j, &b[4..16]);
        let (s2, m2) = scale_min(2 * j + 1, &b[4..16]);
        for i in 0..32 {
            let q = b[16 + 32 * j + i];
            o[64 * j + i] = d * s1 * f32::from(q & 15) - dmin * m1;
            o[64 * j + 32 + i] = d * s2 * f32::from(q >> 4) - dmin * m2;
        }
    }
}

fn q5_k(b: &[u8; 176], o: &mut [f32; 256]) {
    let (d, dmin) = (half_at(b, 0), half_at(b, 2));
    for j in 0..4 {
        let (s1, m1) = scale_min(2 * j, &b[4..16]);
        let (s2, m2) = scale_min(2 * j + 1, &b[4..16]);
        for i in 0..32 {
            let (q, high) = (b[48 + 32 * j + i], b[16 + i] >> (2 * j));
            o[64 * j + i] = d * s1 * f32::from(q & 15 | (high & 1) << 4) - dmin * m1;
            o[64 * j + 32 + i] = d * s2 * f32::from(q >> 4 | (high >> 1 & 1) << 4) - dmin * m2;
        }
    }
}

fn q6_k(b: &[u8; 210], o: &mut [f32; 256]) {
    let d = half_at(b, 208);
    for half in 0..2 {
        let (ql, qh, scales) = (&b[64 * half..], &b[128 + 32 * half..], &b[192 + 8 * half..]);
        for i in 0..32 {
            let quads = [ql[i] & 15, ql[i + 32] & 15, ql[i] >> 4, ql[i + 32] >> 4];
            for (k, low) in quads.into_iter().enumerate() {
                let q = i32::from(low | (qh[i] >> (2 * k) & 3) << 4) - 32;
                let scale = scales[i / 16 + 2 * k] as i8;
                o[128 * half + 32 * k + i] = d * f32::from(scale) * q as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    use std::{vec, vec::Vec};

    #[test]
    fn every_f16_keeps_its_value() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (half(bits), half::f16::from_bits(bits).to_f32());
            let same = found == expected && found.is_sign_negative() == expected.is_sign_negative();
            assert!(same || found.is_nan() && expected.is_nan(), "{bits:#x}: {found} {expected}");
        }
    }

    #[test]
    fn every_type_reads_as_candle_reads_it() {
        use GgmlDType::*;
        let values: Vec<f32> =
            (0..1024).map(|i| ((i * 37 % 211) as f32 - 105.0) * 0.013 * (1.0 + (i / 256) as f32)).collect();
        let source = Tensor::from_vec(values, (2, 512), &Device::Cpu).unwrap();
        let theirs = [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K];
        for (dtype, ours) in theirs.into_iter().zip(Storage::ALL) {
            assert_eq!((dtype.block_size(), dtype.type_size()), (ours.block_size(), ours.type_size()), "{dtype:?}");
            if dtype == Q8_1 {
                continue; // candle makes none
            }
            let q = QTensor::quantize(&source, dtype).unwrap();
            let expected: Vec<f32> = q.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let bytes = q.data().unwrap();
            assert_eq!(bytes.len(), ours.bytes_of(1024), "{dtype:?}");
            let mut out = vec![0.0; 1024];
            dequantize(ours, &bytes, &mut out);
            for (i, (a, b)) in out.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-3), "{dtype:?} {i}: {a} {b}");
            }
        }
    }
}
