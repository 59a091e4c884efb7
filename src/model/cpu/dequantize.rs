//! Quantized blocks to f32, for every storage type of ggml that candle holds.
//!
//! Layouts follow ggml's `block_*` structs. Written as plain loops over fixed-size chunks, which vectorise.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

/// Bytes that hold `elements` values of `dtype`; `elements` is a multiple of the block size.
pub(super) fn bytes_of(dtype: GgmlDType, elements: usize) -> usize {
    elements / dtype.block_size() * dtype.type_size()
}

/// Dequantizes `bytes` into `out`, whose length is a multiple of the block size.
pub(crate) fn dequantize(dtype: GgmlDType, bytes: &[u8], out: &mut [f32]) {
    match dtype {
        GgmlDType::F32 => each::<4, 1>(bytes, out, |b, o| o[0] = f32::from_le_bytes(*b)),
        GgmlDType::F16 => each::<2, 1>(bytes, out, |b, o| o[0] = f16::from_le_bytes(*b).to_f32()),
        GgmlDType::BF16 => each::<2, 1>(bytes, out, |b, o| o[0] = bf16::from_le_bytes(*b).to_f32()),
        GgmlDType::Q4_0 => each::<18, 32>(bytes, out, q4_0),
        GgmlDType::Q4_1 => each::<20, 32>(bytes, out, q4_1),
        GgmlDType::Q5_0 => each::<22, 32>(bytes, out, q5_0),
        GgmlDType::Q5_1 => each::<24, 32>(bytes, out, q5_1),
        GgmlDType::Q8_0 => each::<34, 32>(bytes, out, q8_0),
        GgmlDType::Q8_1 => each::<36, 32>(bytes, out, |b, o| int8(half_at(b, 0), &b[4..], o)),
        GgmlDType::Q2K => each::<84, 256>(bytes, out, q2_k),
        GgmlDType::Q3K => each::<110, 256>(bytes, out, q3_k),
        GgmlDType::Q4K => each::<144, 256>(bytes, out, q4_k),
        GgmlDType::Q5K => each::<176, 256>(bytes, out, q5_k),
        GgmlDType::Q6K => each::<210, 256>(bytes, out, q6_k),
        GgmlDType::Q8K => each::<292, 256>(bytes, out, |b, o| {
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

#[inline(always)]
fn half_at(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
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
    let (scales, qs) = (&b[..16], &b[16..80]);
    let (d, dmin) = (half_at(b, 80), half_at(b, 82));
    for (i, o) in o.iter_mut().enumerate() {
        let q = qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        let s = scales[i / 16];
        *o = d * f32::from(s & 15) * f32::from(q) - dmin * f32::from(s >> 4);
    }
}

fn q3_k(b: &[u8; 110], o: &mut [f32; 256]) {
    let (mask, qs, packed) = (&b[..32], &b[32..96], &b[96..108]);
    let d = half_at(b, 108);
    for (i, o) in o.iter_mut().enumerate() {
        let q = qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        let high = mask[i % 32] >> (i / 32) & 1;
        let s = i / 16;
        let low = if s < 8 { packed[s] & 15 } else { packed[s - 8] >> 4 };
        let top = packed[8 + s % 4] >> (s / 4 * 2) & 3;
        let scale = i32::from(low | top << 4) - 32;
        *o = d * scale as f32 * (f32::from(q) - if high == 1 { 0.0 } else { 4.0 });
    }
}

/// The six-bit scale and minimum number `j` of a Q4_K or Q5_K block.
#[inline(always)]
fn scale_min(j: usize, s: &[u8]) -> (f32, f32) {
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
    use candle_core::quantized::QTensor;
    use candle_core::{Device, Tensor};

    #[test]
    fn every_type_reads_as_candle_reads_it() {
        use GgmlDType::*;
        let values: Vec<f32> =
            (0..1024).map(|i| ((i * 37 % 211) as f32 - 105.0) * 0.013 * (1.0 + (i / 256) as f32)).collect();
        let source = Tensor::from_vec(values, (2, 512), &Device::Cpu).unwrap();
        for dtype in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K] {
            let q = QTensor::quantize(&source, dtype).unwrap();
            let expected: Vec<f32> = q.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let bytes = q.data().unwrap();
            assert_eq!(bytes.len(), bytes_of(dtype, 1024), "{dtype:?}");
            let mut out = vec![0.0; 1024];
            dequantize(dtype, &bytes, &mut out);
            for (i, (a, b)) in out.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-3), "{dtype:?} {i}: {a} {b}");
            }
        }
    }
}
