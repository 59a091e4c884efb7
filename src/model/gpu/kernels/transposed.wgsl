// y[r, c] (+)= sum over o of x[r, first + o] W[o, c]: the vjp of a product. 32 x 32 results a workgroup, 4 x 4 a thread.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, all]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, inputs]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const TILE: u32 = 32u;
// [output][row] and [output][c]
var<workgroup> xs: array<f32, 1024>;
var<workgroup> ws: array<f32, 1024>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) at: vec3u, @builtin(local_invocation_index) i: u32) {
    let row0 = group.y * TILE;
    let c0 = group.x * TILE;
    var sums = array<vec4f, 4>();
    for (var out0 = 0u; out0 < matrix.outputs; out0 += TILE) {
        for (var n = 0u; n < 4u; n++) {
            let line = (i + 64u * n) / 8u;
            let k = (i % 8u) * 4u;
            let w = weight4(out0 + line, c0 + k);
            for (var j = 0u; j < 4u; j++) {
                ws[line * TILE + k + j] = w[j];
                let row = row0 + line;
                let o = out0 + k + j;
                var v = 0.0;
                if row < rows.x && o < matrix.outputs {
                    v = x[row * matrix.all + matrix.first + o];
                }
                xs[(k + j) * TILE + line] = v;
            }
        }
        workgroupBarrier();
        for (var o = 0u; o < TILE; o++) {
            let c = o * TILE + at.x * 4u;
            let r = o * TILE + at.y * 4u;
            let w = vec4f(ws[c], ws[c + 1u], ws[c + 2u], ws[c + 3u]);
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
            let c = c0 + at.x * 4u + k;
            if row < rows.x && c < matrix.inputs {
                let to = row * matrix.inputs + c;
                y[to] = sums[j][k] + select(0.0, y[to], matrix.accumulate == 1u);
            }
        }
    }
}
