// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for many rows: 32 x 32 results a workgroup, 4 x 4 a thread. Four slices of
// 64 threads each take a quarter of the inputs, so that a narrow matrix keeps the GPU busy too.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const TILE: u32 = 32u;
const SLICES: u32 = 4u;
// inputs that a slice takes at once
const DEPTH: u32 = 16u;
// both [slice][c][four rows or outputs]
var<workgroup> xs: array<vec4f, 512>;
var<workgroup> ws: array<vec4f, 512>;

fn input4(row: u32, c: u32) -> vec4f {
    var v = vec4f();
    if row < rows.x {
        let at = row * matrix.inputs + c;
        if c + 3u < matrix.inputs {
            return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
        }
        for (var j = 0u; c + j < matrix.inputs; j++) {
            v[j] = x[at + j];
        }
    }
    return v;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row0 = group.y * TILE;
    let out0 = group.x * TILE;
    let slice = i / 64u;
    let across = i % 8u;
    let down = i % 64u / 8u;
    // what the thread loads: four lines, four inputs of each; half of the threads weights, the other half rows of x
    let lines = i % 8u;
    let c = i % 32u / 8u * 4u;
    let is_weight = i % 64u < 32u;
    let to = (slice * DEPTH + c) * 8u + lines;
    var sums = array<vec4f, 4>();
    for (var start = 0u; start < matrix.inputs; start += SLICES * DEPTH) {
        let begin = start + slice * DEPTH + c;
        if is_weight {
            let line = out0 + lines * 4u;
            let m = transpose(mat4x4f(weight4(line, begin), weight4(line + 1u, begin), weight4(line + 2u, begin), weight4(line + 3u, begin)));
            ws[to] = m[0];
            ws[to + 8u] = m[1];
            ws[to + 16u] = m[2];
            ws[to + 24u] = m[3];
        } else {
            let line = row0 + lines * 4u;
            let m = transpose(mat4x4f(input4(line, begin), input4(line + 1u, begin), input4(line + 2u, begin), input4(line + 3u, begin)));
            xs[to] = m[0];
            xs[to + 8u] = m[1];
            xs[to + 16u] = m[2];
            xs[to + 24u] = m[3];
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
            let w = ws[(slice * DEPTH + d) * 8u + across];
            let v = xs[(slice * DEPTH + d) * 8u + down];
            sums[0] += v.x * w;
            sums[1] += v.y * w;
            sums[2] += v.z * w;
            sums[3] += v.w * w;
        }
        workgroupBarrier();
    }
    // the slices' sums, halved twice
    for (var half = SLICES / 2u; half > 0u; half /= 2u) {
        if slice >= half && slice < 2u * half {
            for (var j = 0u; j < 4u; j++) {
                xs[(i - half * 64u) * 4u + j] = sums[j];
            }
        }
        workgroupBarrier();
        if slice < half {
            for (var j = 0u; j < 4u; j++) {
                sums[j] += xs[i * 4u + j];
            }
        }
        workgroupBarrier();
    }
    if slice > 0u {
        return;
    }
    for (var j = 0u; j < 4u; j++) {
        let row = row0 + down * 4u + j;
        for (var k = 0u; k < 4u; k++) {
            let o = out0 + across * 4u + k;
            if row < rows.x && o < matrix.outputs {
                let at = row * matrix.all + matrix.first + o;
                y[at] = sums[j][k] + select(0.0, y[at], matrix.accumulate == 1u);
            }
        }
    }
}
