// bf16, two a word. Rows are padded with zeros to 32 values.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let at = block_of(row, c) * 16u + c % 32u / 2u;
    let w = vec2u(words[at], words[at + 1u]);
    return bitcast<vec4f>(vec4u(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u));
}
