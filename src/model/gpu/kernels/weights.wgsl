// What every kernel that reads a weight matrix begins with: W [outputs, inputs], stored in one of eight ways.
//
// FORMAT 0: f32, a word each. 1: f16, two a word. 5: bf16, two a word. Rows are padded with zeros to 32 values.
// The others hold blocks of 32 values of a row, with a pair of scales (a, b) for each block:
// 2: 4 bits, eight a word: a q + b.   3: 5 bits, a word of high bits before four words of low ones: a q + b.
// 4: 8 bits signed, four a word: a q in the block's first half, b q in its second.
// 6: 3 bits, a word of high bits before two words of low ones: a (q - 4) in the first half, b (q - 4) in the second.
// 7: 2 bits, sixteen a word, and a pair of scales for each half: a q + b.
override FORMAT: u32 = 0u;

struct Matrix {
    // rows of W here, and its columns
    outputs: u32,
    inputs: u32,
    // of the whole matrix that this one is a part of: its rows, and the first that is here
    all: u32,
    first: u32,
    // 1 where the result is added to what is there
    accumulate: u32,
    // of looked-up rows
    scale: f32,
    // of the norm before the product
    eps: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> matrix: Matrix;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<vec2f>;

// W[row, c .. c + 4]; c is a multiple of 4. Behind the last row or column it is some weight or other, without a branch that loads
// would wait for: what it is multiplied by is zero, or the sum is not kept.
fn weight4(row: u32, c: u32) -> vec4f {
    let blocks = (matrix.inputs + 31u) / 32u;
    let block = min(row, matrix.outputs - 1u) * blocks + min(c / 32u, blocks - 1u);
    let i = c % 32u;
    if FORMAT == 0u {
        let at = block * 32u + i;
        return bitcast<vec4f>(vec4u(words[at], words[at + 1u], words[at + 2u], words[at + 3u]));
    }
    if FORMAT == 1u {
        let at = block * 16u + i / 2u;
        return vec4f(unpack2x16float(words[at]), unpack2x16float(words[at + 1u]));
    }
    if FORMAT == 5u {
        let at = block * 16u + i / 2u;
        let w = vec2u(words[at], words[at + 1u]);
        return bitcast<vec4f>(vec4u(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
    }
    if FORMAT == 7u {
        let w = words[block * 2u + i / 16u] >> (i % 16u * 2u);
        let s = scales[block * 2u + i / 16u];
        return s.x * vec4f((vec4u(w) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) + s.y;
    }
    let s = scales[block];
    if FORMAT == 6u {
        let w = words[block * 3u + 1u + i / 16u] >> (i % 16u * 2u);
        let high = words[block * 3u] >> i;
        let q = ((vec4u(w) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) | (((vec4u(high) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) << vec4u(2u));
        return (vec4f(q) - 4.0) * select(s.y, s.x, i < 16u);
    }
    if FORMAT == 4u {
        let w = i32(words[block * 8u + i / 4u]);
        let q = vec4f(vec4i(extractBits(w, 0u, 8u), extractBits(w, 8u, 8u), extractBits(w, 16u, 8u), extractBits(w, 24u, 8u)));
        return q * select(s.y, s.x, i < 16u);
    }
    let shift = i % 8u * 4u;
    var q: vec4u;
    if FORMAT == 2u {
        let w = words[block * 4u + i / 8u] >> shift;
        q = (vec4u(w) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u);
    } else {
        let w = words[block * 5u + 1u + i / 8u] >> shift;
        let high = words[block * 5u] >> i;
        q = ((vec4u(w) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) | (((vec4u(high) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) << vec4u(4u));
    }
    return s.x * vec4f(q) + s.y;
}
