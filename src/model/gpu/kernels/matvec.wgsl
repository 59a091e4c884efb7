// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for few rows: four outputs of up to ROWS rows a workgroup, so that a
// weight is read once for all of them. ROWS stands before this text: a bound that is known keeps the sums in registers.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const THREADS: u32 = 64u;
const OUTPUTS: u32 = 4u;
// [thread][row]: of four outputs
var<workgroup> parts: array<vec4f, THREADS * ROWS>;

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
    var sums = array<vec4f, ROWS>();
    for (var c = i * 4u; c < matrix.inputs; c += THREADS * 4u) {
        let w = mat4x4f(weight4(out0, c), weight4(out0 + 1u, c), weight4(out0 + 2u, c), weight4(out0 + 3u, c));
        for (var r = 0u; r < ROWS; r++) {
            // the last row again where there is none: nothing reads its sums
            let row = min(row0 + r, rows.x - 1u);
            sums[r] += input4(row * matrix.inputs + c, c) * w;
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        parts[i * ROWS + r] = sums[r];
    }
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        for (var n = i; n < half * ROWS; n += THREADS) {
            parts[n] += parts[n + half * ROWS];
        }
        workgroupBarrier();
    }
    let r = i / OUTPUTS;
    let o = out0 + i % OUTPUTS;
    if r < ROWS && row0 + r < rows.x && o < matrix.outputs {
        let to = (row0 + r) * matrix.all + matrix.first + o;
        y[to] = parts[r][i % OUTPUTS] + select(0.0, y[to], matrix.accumulate == 1u);
    }
}
