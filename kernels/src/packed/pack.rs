//! Rows of a file, rearranged in groups.

use alloc::vec;
use alloc::vec::Vec;

use super::scales::lane;
use super::{Eight, Field, Fields, Five, Form, Four, GROUP, SUPER, VECTOR, group_bytes};
use crate::dequantize::q3_scale;
use crate::storage::Storage;
use crate::tile::{self, BLOCK, Quants};

/// The rows of a file, `[outputs, inputs]` of a type that [`tile::applies`] to, in groups.
pub fn pack(storage: Storage, bytes: &[u8], inputs: usize) -> Vec<u8> {
    let (form, blocks, row) = (Form::of(storage), inputs / BLOCK, storage.bytes_of(inputs));
    let size = group_bytes(storage, inputs);
    let mut packed = vec![0; (bytes.len() / row).div_ceil(GROUP) * size];
    let mut quants = vec![[0; BLOCK]; blocks];
    for (rows, group) in bytes.chunks(GROUP * row).zip(packed.chunks_exact_mut(size)) {
        for (o, row) in rows.chunks_exact(row).enumerate() {
            tile::read(storage, row, &mut quants);
            let [.., from, to] = form.ends(blocks);
            let room = &mut group[from..to];
            match form.fields {
                Fields::Four => put::<Four>(&quants, o, form.centre, room),
                Fields::Five => put::<Five>(&quants, o, form.centre, room),
                Fields::Eight => put::<Eight>(&quants, o, form.centre, room),
            }
            put_scales(storage, row, o, form, blocks, group);
        }
    }
    packed
}

/// Puts the integers of row `o` into the lanes of its group.
fn put<F: Field>(quants: &[Quants], o: usize, centre: i16, group: &mut [u8]) {
    let mask = (1 << F::BITS) - 1;
    for (q, group) in quants.iter().zip(group.as_chunks_mut::<VECTOR>().0.chunks_exact_mut(2 * F::VECTORS)) {
        let vectors = &mut group[o / 4 * F::VECTORS..][..F::VECTORS];
        for (f, pairs) in q.as_chunks::<2>().0.chunks(F::VECTORS).enumerate() {
            for (pair, vector) in pairs.iter().zip(&mut *vectors) {
                let [a, b] = pair.map(|q| u32::from((q + centre) as u16 & mask));
                let lanes = &mut vector.as_chunks_mut::<4>().0[o % 4];
                *lanes = (u32::from_le_bytes(*lanes) | (a | b << 16) << (F::BITS * f)).to_le_bytes();
            }
        }
    }
}

/// Puts the scales of row `o` of a group where they belong.
fn put_scales(storage: Storage, row: &[u8], o: usize, form: Form, blocks: usize, group: &mut [u8]) {
    let [steps, small, scales, ..] = form.ends(blocks);
    for (i, block) in row.chunks_exact(storage.type_size()).enumerate() {
        let mut put = |region: usize, at: usize, value: &[u8]| {
            let o = if value.len() < 4 { lane(o) } else { o };
            let at = region + (at * GROUP + o) * value.len();
            group[at..at + value.len()].copy_from_slice(value);
        };
        match storage {
            Storage::Q4_0 | Storage::Q5_0 | Storage::Q8_0 => put(small, i, &block[..2]),
            Storage::Q4_1 | Storage::Q5_1 => {
                put(small, i, &block[..2]);
                put(scales, i, &block[2..4]);
            }
            Storage::Q4K | Storage::Q5K => {
                put(small, i, &block[..2]);
                put(scales, i, &block[2..4]);
                for j in 0..SUPER {
                    let (step, minimum) = crate::dequantize::scale_min(j, &block[4..16]);
                    put(0, SUPER * i + j, &[step as u8]);
                    put(steps, SUPER * i + j, &[minimum as u8]);
                }
            }
            Storage::Q3K => {
                put(small, i, &block[108..110]);
                for j in 0..2 * SUPER {
                    put(0, 2 * SUPER * i + j, &[q3_scale(j, &block[96..108]) as u8]);
                }
            }
            Storage::Q6K => {
                put(small, i, &block[208..210]);
                for j in 0..2 * SUPER {
                    put(0, 2 * SUPER * i + j, &[block[192 + j]]);
                }
            }
            _ => put(small, i, &block[..4]), // Q8_K
        }
    }
}
