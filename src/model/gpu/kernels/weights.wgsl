// What every kernel that reads a weight matrix begins with: W [outputs, inputs], stored in one of eight ways. The file of that way
// (weights_*.wgsl) follows: it has `weight4(row, c)`, W[row, c .. c + 4], where c is a multiple of 4. Each kernel is compiled with
// the one way that it reads: compilers take several times as long for all eight, and some keep what can never be reached.

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

// Where a row's block of 32 values is that holds column c. Behind the last row or column it is some block or other, without a branch
// that loads would wait for: what it is multiplied by is zero, or the sum is not kept.
fn block_of(row: u32, c: u32) -> u32 {
    let blocks = (matrix.inputs + 31u) / 32u;
    return min(row, matrix.outputs - 1u) * blocks + min(c / 32u, blocks - 1u);
}
