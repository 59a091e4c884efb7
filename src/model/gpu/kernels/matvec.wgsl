// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for few rows: four outputs of up to eight rows a workgroup, so that a
// weight is read once for all eight.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const THREADS: u32 = 64u;
const OUTPUTS: u32 = 4u;
const ROWS: u32 = 8u;
// [output and row][thread]
var<workgroup> parts: array<f32, 2048>;

fn input4(at: u32, c: u32) -> vec4f {
    if c + 3u < matrix.inputs {
        return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
    }
    var v = vec4f();
    for (var j = 0u; c + j < matrix.inputs; j++) {
        v[j] = x[at + j];
    }
    return v;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let out0 = group.x * OUTPUTS;
    let row0 = group.y * ROWS;
    let count = min(rows.x - row0, ROWS);
    var sums = array<f32, 32>();
    for (var c = i * 4u; c < matrix.inputs; c += THREADS * 4u) {
        var w = array<vec4f, 4>();
        for (var o = 0u; o < OUTPUTS; o++) {
            w[o] = weight4(out0 + o, c);
        }
        for (var r = 0u; r < count; r++) {
            let v = input4((row0 + r) * matrix.inputs + c, c);
            for (var o = 0u; o < OUTPUTS; o++) {
                sums[r * OUTPUTS + o] += dot(w[o], v);
            }
        }
    }
    for (var n = 0u; n < count * OUTPUTS; n++) {
        parts[n * THREADS + i] = sums[n];
    }
    workgroupBarrier();
    if i < count * OUTPUTS {
        var sum = 0.0;
        for (var n = 0u; n < THREADS; n++) {
            sum += parts[i * THREADS + n];
        }
        let o = out0 + i % OUTPUTS;
        if o < matrix.outputs {
            let to = (row0 + i / OUTPUTS) * matrix.all + matrix.first + o;
            y[to] = sum + select(0.0, y[to], matrix.accumulate == 1u);
        }
    }
}
