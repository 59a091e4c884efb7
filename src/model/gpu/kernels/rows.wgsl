// What products of few rows begin with: four outputs of up to ROWS rows a workgroup, so that a weight is read once for all of
// them. ROWS stands before this text, and each line with a row's number in braces stands once for each row: a variable for each,
// as compilers that guard loops would keep an array that a loop indexes in memory.

// rows in x
@group(0) @binding(3) var<uniform> rows: vec4u;
// [rows, inputs], four at once
@group(0) @binding(4) var<storage, read> x: array<vec4f>;
// [rows, all]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const THREADS: u32 = 64u;
const OUTPUTS: u32 = 4u;
// inputs that the workgroup takes at once, and again before the first are used: loads wait for each other's answers otherwise
const SPAN: u32 = THREADS * 4u;
// [row][thread]: of four outputs
var<workgroup> parts: array<vec4f, THREADS * ROWS>;

fn element(at: u32) -> f32 {
    return x[at / 4u][at % 4u];
}

// x[r, c .. c + 4], zeros behind the last input; of the last row where there are fewer: nothing reads its sums.
fn input4(r: u32, c: u32) -> vec4f {
    let at = min(r, rows.x - 1u) * matrix.inputs + c;
    if matrix.inputs % 4u == 0u {
        return select(vec4f(), x[at / 4u], c < matrix.inputs);
    }
    let v = vec4f(element(at), element(at + 1u), element(at + 2u), element(at + 3u));
    return select(vec4f(), v, vec4u(c, c + 1u, c + 2u, c + 3u) < vec4u(matrix.inputs));
}

// [output][input]
fn weights4x4(o: u32, c: u32) -> mat4x4f {
    return mat4x4f(weight4(o, c), weight4(o + 1u, c), weight4(o + 2u, c), weight4(o + 3u, c));
}

// All threads' sums, in the first thread's place of each row.
fn gather_parts(i: u32) {
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        for (var n = i; n < half * ROWS; n += THREADS) {
            let to = n / half * THREADS + n % half;
            parts[to] += parts[to + half];
        }
        workgroupBarrier();
    }
}

fn put_parts(i: u32, out0: u32, row0: u32) {
    let r = i / OUTPUTS;
    let o = out0 + i % OUTPUTS;
    if r < ROWS && row0 + r < rows.x && o < matrix.outputs {
        let to = (row0 + r) * matrix.all + matrix.first + o;
        y[to] = parts[r * THREADS][i % OUTPUTS] + select(0.0, y[to], matrix.accumulate == 1u);
    }
}
