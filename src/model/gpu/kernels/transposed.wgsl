// y[r, c] (+)= sum over o of x[r, first + o] W[o, c]: the vjp of a product. 32 x 32 results a workgroup, 4 x 4 a thread. Four
// slices of 64 threads each take a quarter of the outputs.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, all]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, inputs]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const TILE: u32 = 32u;
const SLICES: u32 = 4u;
// outputs that a slice takes at once
const DEPTH: u32 = 16u;
// [slice][output][four rows] and [slice][output][four inputs]
var<workgroup> xs: array<vec4f, 512>;
var<workgroup> ws: array<vec4f, 512>;

fn cotangent(row: u32, o: u32) -> f32 {
    return select(0.0, x[row * matrix.all + matrix.first + o], row < rows.x && o < matrix.outputs);
}

fn cotangent4(row: u32, o: u32) -> vec4f {
    return vec4f(cotangent(row, o), cotangent(row, o + 1u), cotangent(row, o + 2u), cotangent(row, o + 3u));
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

fn put(row: u32, c: u32, value: f32) {
    if row < rows.x && c < matrix.inputs {
        let at = row * matrix.inputs + c;
        y[at] = value + select(0.0, y[at], matrix.accumulate == 1u);
    }
}

fn put4(row: u32, c: u32, value: vec4f) {
    put(row, c, value.x);
    put(row, c + 1u, value.y);
    put(row, c + 2u, value.z);
    put(row, c + 3u, value.w);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row0 = group.y * TILE;
    let c0 = group.x * TILE;
    let slice = i / 64u;
    let across = i % 8u;
    let down = i % 64u / 8u;
    // what the thread loads: four outputs, of four inputs or of four rows
    let lines = i % 8u;
    let o = i % 32u / 8u * 4u;
    let is_weight = i % 64u < 32u;
    let to = (slice * DEPTH + o) * 8u + lines;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var start = 0u; start < matrix.outputs; start += SLICES * DEPTH) {
        let begin = start + slice * DEPTH + o;
        if is_weight {
            let column = c0 + lines * 4u;
            ws[to] = weight4(begin, column);
            ws[to + 8u] = weight4(begin + 1u, column);
            ws[to + 16u] = weight4(begin + 2u, column);
            ws[to + 24u] = weight4(begin + 3u, column);
        } else {
            let line = row0 + lines * 4u;
            let m = transpose(mat4x4f(cotangent4(line, begin), cotangent4(line + 1u, begin), cotangent4(line + 2u, begin), cotangent4(line + 3u, begin)));
            xs[to] = m[0];
            xs[to + 8u] = m[1];
            xs[to + 16u] = m[2];
            xs[to + 24u] = m[3];
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d += 4u) {
            // unrolled by hand: a loop that a compiler guards keeps its sums out of the registers
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
        workgroupBarrier();
    }
    // the slices' sums: of four two, of two one
    if slice >= 2u {
        keep(i - 128u, mat4x4f(sum0, sum1, sum2, sum3));
    }
    workgroupBarrier();
    var sums = mat4x4f(sum0, sum1, sum2, sum3);
    if slice < 2u {
        sums += kept(i);
    }
    workgroupBarrier();
    if slice == 1u {
        keep(i - 64u, sums);
    }
    workgroupBarrier();
    if slice > 0u {
        return;
    }
    sums += kept(i);
    let row = row0 + down * 4u;
    let left = c0 + across * 4u;
    put4(row, left, sums[0]);
    put4(row + 1u, left, sums[1]);
    put4(row + 2u, left, sums[2]);
    put4(row + 3u, left, sums[3]);
}
