// What both kernels of RMSNorm begin with. A row holds one vector, or several that are normed each for itself, as the heads of a
// query.

struct Norm {
    // of a vector
    width: u32,
    eps: f32,
    // from a row to the next, and from its beginning to its first vector
    stride: u32,
    offset: u32,
    // 1 where vectors are only copied
    plain: u32,
    // of the vjp: 1 where it is added to what is there
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> norm: Norm;

// Where vector `vector` of row `row` begins.
fn place(row: u32, vector: u32) -> u32 {
    return row * norm.stride + norm.offset + vector * norm.width;
}
