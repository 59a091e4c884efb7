// What products of many rows begin with: 32 x 32 results a workgroup, 4 x 4 a thread. Each of four slices of 64 threads sums over
// its own part, so that a narrow matrix keeps the GPU busy too. The kernel says what is summed: `given` reads x, `put` writes y.
//
// Sums have a variable each, and the loop over them is unrolled by hand: compilers that guard loops (naga does) would keep
// arrays that a loop indexes in memory.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
@group(0) @binding(4) var<storage, read> x: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const TILE: u32 = 32u;
const SLICES: u32 = 4u;
// terms that a slice takes at once
const DEPTH: u32 = 16u;
// both [slice][term][four of the tile's rows or columns]
var<workgroup> xs: array<vec4f, 512>;
var<workgroup> ws: array<vec4f, 512>;

// Four terms, from i on, of four rows of x: [term][row].
fn given4x4(row: u32, i: u32) -> mat4x4f {
    return transpose(mat4x4f(given4(row, i), given4(row + 1u, i), given4(row + 2u, i), given4(row + 3u, i)));
}

fn given4(row: u32, i: u32) -> vec4f {
    return vec4f(given(row, i), given(row, i + 1u), given(row, i + 2u), given(row, i + 3u));
}

fn hold_x(to: u32, terms: mat4x4f) {
    xs[to] = terms[0];
    xs[to + 8u] = terms[1];
    xs[to + 16u] = terms[2];
    xs[to + 24u] = terms[3];
}

fn hold_w(to: u32, terms: mat4x4f) {
    ws[to] = terms[0];
    ws[to + 8u] = terms[1];
    ws[to + 16u] = terms[2];
    ws[to + 24u] = terms[3];
}

// The sums and the products of the terms held for a slice: [row][column].
fn multiply(slice: u32, down: u32, across: u32, sums: mat4x4f) -> mat4x4f {
    var sum0 = sums[0];
    var sum1 = sums[1];
    var sum2 = sums[2];
    var sum3 = sums[3];
    for (var d = 0u; d < DEPTH; d += 4u) {
        let w = (slice * DEPTH + d) * 8u + across;
        let v = (slice * DEPTH + d) * 8u + down;
        let wa = ws[w];
        let wb = ws[w + 8u];
        let wc = ws[w + 16u];
        let wd = ws[w + 24u];
        let va = xs[v];
        let vb = xs[v + 8u];
        let vc = xs[v + 16u];
        let vd = xs[v + 24u];
        sum0 += va.x * wa + vb.x * wb + vc.x * wc + vd.x * wd;
        sum1 += va.y * wa + vb.y * wb + vc.y * wc + vd.y * wd;
        sum2 += va.z * wa + vb.z * wb + vc.z * wc + vd.z * wd;
        sum3 += va.w * wa + vb.w * wb + vc.w * wc + vd.w * wd;
    }
    return mat4x4f(sum0, sum1, sum2, sum3);
}

fn keep(i: u32, sums: mat4x4f) {
    xs[i] = sums[0];
    xs[i + 128u] = sums[1];
    xs[i + 256u] = sums[2];
    xs[i + 384u] = sums[3];
}

fn kept(i: u32) -> mat4x4f {
    return mat4x4f(xs[i], xs[i + 128u], xs[i + 256u], xs[i + 384u]);
}

// All slices' sums, in the first slice's threads: of four two, of two one.
fn of_all_slices(i: u32, own: mat4x4f) -> mat4x4f {
    let slice = i / 64u;
    var sums = own;
    if slice >= 2u {
        keep(i - 128u, sums);
    }
    workgroupBarrier();
    if slice < 2u {
        sums += kept(i);
    }
    workgroupBarrier();
    if slice == 1u {
        keep(i - 64u, sums);
    }
    workgroupBarrier();
    if slice == 0u {
        sums += kept(i);
    }
    return sums;
}

fn put4x4(row: u32, column: u32, sums: mat4x4f) {
    put4(row, column, sums[0]);
    put4(row + 1u, column, sums[1]);
    put4(row + 2u, column, sums[2]);
    put4(row + 3u, column, sums[3]);
}

fn put4(row: u32, column: u32, sums: vec4f) {
    put(row, column, sums.x);
    put(row, column + 1u, sums.y);
    put(row, column + 2u, sums.z);
    put(row, column + 3u, sums.w);
}
