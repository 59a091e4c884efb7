// Signed bytes, four a word, and a pair of scales (a, b) for 32 values: a q in the block's first half, b q in its second.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let block = block_of(row, c);
    let i = c % 32u;
    let s = scales[block];
    let w = i32(words[block * 8u + i / 4u]);
    let q = vec4f(vec4i(extractBits(w, 0u, 8u), extractBits(w, 8u, 8u), extractBits(w, 16u, 8u), extractBits(w, 24u, 8u)));
    return q * select(s.y, s.x, i < 16u);
}
