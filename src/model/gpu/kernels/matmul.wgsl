// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for many rows: 32 x 32 results a workgroup, 4 x 4 a thread.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const TILE: u32 = 32u;
// both [c][row or output]
var<workgroup> xs: array<f32, 1024>;
var<workgroup> ws: array<f32, 1024>;

fn input4(row: u32, c: u32) -> vec4f {
    var v = vec4f();
    if row < rows.x {
        for (var j = 0u; j < 4u; j++) {
            if c + j < matrix.inputs {
                v[j] = x[row * matrix.inputs + c + j];
            }
        }
    }
    return v;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) at: vec3u, @builtin(local_invocation_index) i: u32) {
    let row0 = group.y * TILE;
    let out0 = group.x * TILE;
    var sums = array<vec4f, 4>();
    for (var c0 = 0u; c0 < matrix.inputs; c0 += TILE) {
        for (var n = 0u; n < 4u; n++) {
            let line = (i + 64u * n) / 8u;
            let c = (i % 8u) * 4u;
            let w = weight4(out0 + line, c0 + c);
            let v = input4(row0 + line, c0 + c);
            for (var j = 0u; j < 4u; j++) {
                ws[(c + j) * TILE + line] = w[j];
                xs[(c + j) * TILE + line] = v[j];
            }
        }
        workgroupBarrier();
        for (var c = 0u; c < TILE; c++) {
            let o = c * TILE + at.x * 4u;
            let r = c * TILE + at.y * 4u;
            let w = vec4f(ws[o], ws[o + 1u], ws[o + 2u], ws[o + 3u]);
            sums[0] += xs[r] * w;
            sums[1] += xs[r + 1u] * w;
            sums[2] += xs[r + 2u] * w;
            sums[3] += xs[r + 3u] * w;
        }
        workgroupBarrier();
    }
    for (var j = 0u; j < 4u; j++) {
        let row = row0 + at.y * 4u + j;
        for (var k = 0u; k < 4u; k++) {
            let o = out0 + at.x * 4u + k;
            if row < rows.x && o < matrix.outputs {
                let to = row * matrix.all + matrix.first + o;
                y[to] = sums[j][k] + select(0.0, y[to], matrix.accumulate == 1u);
            }
        }
    }
}
