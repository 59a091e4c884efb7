// f32, a word each. Rows are padded with zeros to 32 values.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let at = block_of(row, c) * 32u + c % 32u;
    return bitcast<vec4f>(vec4u(words[at], words[at + 1u], words[at + 2u], words[at + 3u]));
}
