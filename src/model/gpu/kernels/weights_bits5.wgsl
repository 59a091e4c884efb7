// Five bits, and a pair of scales (a, b) for 32 values: a word of high bits before four words of low ones. a q + b.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let block = block_of(row, c);
    let i = c % 32u;
    let s = scales[block];
    let w = words[block * 5u + 1u + i / 8u] >> (i % 8u * 4u);
    let high = words[block * 5u] >> i;
    let q = ((vec4u(w) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) | (((vec4u(high) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) << vec4u(4u));
    return s.x * vec4f(q) + s.y;
}
