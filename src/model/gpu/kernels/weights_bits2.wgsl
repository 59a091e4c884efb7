// Two bits, sixteen a word, and a pair of scales (a, b) for 16 values: a q + b.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let half = block_of(row, c) * 2u + c % 32u / 16u;
    let w = words[half] >> (c % 16u * 2u);
    let s = scales[half];
    return s.x * vec4f((vec4u(w) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) + s.y;
}
