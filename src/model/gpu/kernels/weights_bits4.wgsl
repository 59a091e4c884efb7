// Four bits, eight a word, and a pair of scales (a, b) for 32 values: a q + b.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let block = block_of(row, c);
    let s = scales[block];
    let w = words[block * 4u + c % 32u / 8u] >> (c % 8u * 4u);
    return s.x * vec4f((vec4u(w) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) + s.y;
}
