use super::scales::{eight_halves, lane};
use std::vec;
use std::vec::Vec;

use super::*;
use crate::dequantize::dequantize;
use crate::tile::applies;

#[test]
fn every_f16_scale_keeps_its_value() {
    for bits in 0..=u16::MAX {
        // beside numbers of the usual kind, in every place
        let mut eight = [half::f16::from_f32(-0.75).to_bits(); GROUP];
        eight[lane(usize::from(bits) % GROUP)] = bits;
        let found: [f32; GROUP] = cast(eight_halves(&cast(eight)));
        for (o, found) in found.into_iter().enumerate() {
            let expected = half::f16::from_bits(eight[lane(o)]).to_f32();
            let same = found == expected && found.is_sign_negative() == expected.is_sign_negative();
            assert!(same || found.is_nan() && expected.is_nan(), "{bits:#x}: {found} {expected}");
        }
    }
}

/// Whatever bytes a file may hold, with scales near one.
#[test]
fn what_is_packed_holds_what_its_bytes_mean() {
    use Storage::*;
    // where each type's f16 scales lie
    let types: [(Storage, &[usize]); 10] = [
        (Q4_0, &[0]),
        (Q4_1, &[0, 2]),
        (Q5_0, &[0]),
        (Q5_1, &[0, 2]),
        (Q8_0, &[0]),
        (Q3K, &[108]),
        (Q4K, &[0, 2]),
        (Q5K, &[0, 2]),
        (Q6K, &[208]),
        (Q8K, &[]),
    ];
    let mut state = 1u32;
    let (mut affine, mut tile) = (Affine::default(), Tile::default());
    for (dtype, scales) in types {
        assert!(applies(dtype, 2 * dtype.block_size()) && !applies(dtype, dtype.block_size() / 2));
        // eleven rows: a whole group and a part of one
        let (size, inputs, rows) = (dtype.type_size(), 2 * dtype.block_size(), 11);
        let count = 2 * rows;
        let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(size * count)
        .collect();
        for block in bytes.chunks_exact_mut(size) {
            for &at in scales {
                block[at + 1] = block[at + 1] & 0x83 | 0x38;
            }
            if dtype == Q8K {
                block[..4].copy_from_slice(&0.013f32.to_le_bytes());
            }
        }
        let [mut found, mut expected] = [0, 1].map(|_| vec![0.0; rows * inputs]);
        let packed = pack(dtype, &bytes, inputs);
        assert_eq!(packed.len(), 2 * group_bytes(dtype, inputs));
        unpack(dtype, inputs, &packed, 0..rows, 0..inputs / BLOCK, &mut affine, &mut tile);
        tile.expand(&mut found);
        dequantize(dtype, &bytes, &mut expected);
        let largest = expected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
            assert!((a - b).abs() <= 1e-6 * largest, "{dtype:?} {i}: {a} {b}");
        }
        assert!(tile.q.iter().flatten().all(|q| i32::from(*q).abs() <= tile.most), "{dtype:?}");
        // the same by a few rows and columns
        let (rows, half) = (5..10, inputs / 2);
        unpack(dtype, inputs, &packed, rows.clone(), half / BLOCK..inputs / BLOCK, &mut affine, &mut tile);
        let mut part = vec![0.0; rows.len() * half];
        tile.expand(&mut part);
        for (part, row) in part.chunks_exact(half).zip(found.chunks_exact(inputs).skip(rows.start)) {
            assert_eq!(part, &row[half..], "{dtype:?}");
        }
    }
}
