// Three bits, and a pair of scales (a, b) for 32 values: a word of high bits before two words of low ones. a (q - 4) in the
// block's first half, b (q - 4) in its second.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let block = block_of(row, c);
    let i = c % 32u;
    let s = scales[block];
    let w = words[block * 3u + 1u + i / 16u] >> (i % 16u * 2u);
    let high = words[block * 3u] >> i;
    let q = ((vec4u(w) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) | (((vec4u(high) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) << vec4u(2u));
    return (vec4f(q) - 4.0) * select(s.y, s.x, i < 16u);
}
