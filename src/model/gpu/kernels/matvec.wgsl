// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for few rows: four outputs of up to ROWS rows a workgroup, so that a
// weight is read once for all of them. ROWS stands before this text.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs]
@group(0) @binding(4) var<storage, read> x: array<f32>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const THREADS: u32 = 64u;
const OUTPUTS: u32 = 4u;
// [row][thread]: of four outputs
var<workgroup> parts: array<vec4f, THREADS * ROWS>;

// x[r, c .. c + 4], of the last row where there are fewer: nothing reads its sums.
fn input4(r: u32, c: u32) -> vec4f {
    let at = min(r, rows.x - 1u) * matrix.inputs + c;
    if c + 3u < matrix.inputs {
        return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
    }
    let left = matrix.inputs - c;
    return vec4f(x[at], select(0.0, x[at + 1u], left > 1u), select(0.0, x[at + 2u], left > 2u), 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let out0 = group.x * OUTPUTS;
    let row0 = group.y * ROWS;
    // a variable for each row: compilers that guard loops would keep an array that a loop indexes in memory
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    var sum4 = vec4f();
    var sum5 = vec4f();
    var sum6 = vec4f();
    var sum7 = vec4f();
    for (var c = i * 4u; c < matrix.inputs; c += THREADS * 4u) {
        let w = mat4x4f(weight4(out0, c), weight4(out0 + 1u, c), weight4(out0 + 2u, c), weight4(out0 + 3u, c));
        sum0 += input4(row0, c) * w;
        if ROWS > 1u {
            sum1 += input4(row0 + 1u, c) * w;
            sum2 += input4(row0 + 2u, c) * w;
            sum3 += input4(row0 + 3u, c) * w;
        }
        if ROWS > 4u {
            sum4 += input4(row0 + 4u, c) * w;
            sum5 += input4(row0 + 5u, c) * w;
            sum6 += input4(row0 + 6u, c) * w;
            sum7 += input4(row0 + 7u, c) * w;
        }
    }
    parts[i] = sum0;
    if ROWS > 1u {
        parts[i + THREADS] = sum1;
        parts[i + 2u * THREADS] = sum2;
        parts[i + 3u * THREADS] = sum3;
    }
    if ROWS > 4u {
        parts[i + 4u * THREADS] = sum4;
        parts[i + 5u * THREADS] = sum5;
        parts[i + 6u * THREADS] = sum6;
        parts[i + 7u * THREADS] = sum7;
    }
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        for (var n = i; n < half * ROWS; n += THREADS) {
            let to = n / half * THREADS + n % half;
            parts[to] += parts[to + half];
        }
        workgroupBarrier();
    }
    let r = i / OUTPUTS;
    let o = out0 + i % OUTPUTS;
    if r < ROWS && row0 + r < rows.x && o < matrix.outputs {
        let to = (row0 + r) * matrix.all + matrix.first + o;
        y[to] = parts[r * THREADS][i % OUTPUTS] + select(0.0, y[to], matrix.accumulate == 1u);
    }
}
