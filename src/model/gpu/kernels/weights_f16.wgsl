// f16, two a word. Rows are padded with zeros to 32 values.

// W[row, c .. c + 4]; c is a multiple of 4.
fn weight4(row: u32, c: u32) -> vec4f {
    let at = block_of(row, c) * 16u + c % 32u / 2u;
    return vec4f(unpack2x16float(words[at]), unpack2x16float(words[at + 1u]));
}
