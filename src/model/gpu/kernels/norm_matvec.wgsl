// y[r, first + o] = sum over c of h[r, c] W[o, c], where h is the RMSNorm (norm.wgsl) of x, for few rows: every workgroup norms them
// again, which takes less time than a dispatch of its own.

// [inputs], four at once
@group(0) @binding(6) var<storage, read> gain: array<vec4f>;
// [rows]: x is the primal row that each belongs to
@group(0) @binding(7) var<storage, read> info: array<vec4u>;

// of each row's norm: what its own values are multiplied by, and what is subtracted of its primal row's
var<workgroup> factors: array<vec2f, ROWS>;

fn gain4(c: u32) -> vec4f {
    if matrix.inputs % 4u == 0u {
        return gain[c / 4u];
    }
    return vec4f(gain[c / 4u][c % 4u], gain[(c + 1u) / 4u][(c + 1u) % 4u], gain[(c + 2u) / 4u][(c + 2u) % 4u], gain[(c + 3u) / 4u][(c + 3u) % 4u]);
}

// Of a primal row x and a row v: their products' share of this thread.
fn products(x: vec4f, v: vec4f) -> vec2f {
    return vec2f(dot(x, x), dot(x, v));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let out0 = group.x * OUTPUTS;
    let row0 = group.y * ROWS;
    let primal{r} = info[min(row0 + {r}u, rows.x - 1u)].x;
    var both{r} = vec2f();
    for (var c = i * 4u; c < matrix.inputs; c += SPAN) {
        both{r} += products(input4(primal{r}, c), input4(row0 + {r}u, c));
    }
    parts[i + {r}u * THREADS] = vec4f(both{r}, 0.0, 0.0);
    gather_parts(i);
    if i < ROWS {
        let both = parts[i * THREADS].xy / f32(matrix.inputs);
        let row = min(row0 + i, rows.x - 1u);
        let s = inverseSqrt(both.x + matrix.eps);
        factors[i] = s * vec2f(1.0, select(both.y * s * s, 0.0, info[row].x == row));
    }
    workgroupBarrier();
    let factor{r} = factors[{r}u];
    var sum{r} = vec4f();
    for (var c = i * 4u; c < matrix.inputs; c += SPAN) {
        let w = weights4x4(out0, c);
        let g = gain4(c);
        sum{r} += (g * (factor{r}.x * input4(row0 + {r}u, c) - factor{r}.y * input4(primal{r}, c))) * w;
    }
    workgroupBarrier();
    parts[i + {r}u * THREADS] = sum{r};
    gather_parts(i);
    put_parts(i, out0, row0);
}
