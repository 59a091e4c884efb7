// Causal grouped-query attention, value and jvp: a row and a head a workgroup, in one pass over the keys.
//
// With weights w = softmax(s), s_j = q . k_j: o = sum w v. A tangent row has score tangents t_j = dq . k_j + q . dk_j, and
// do = sum w (t - mean t) v + sum w dv. Sums are kept relative to the largest score so far.

// [rows]: primal row, position, where the group's tangents begin or NONE, the group's first position
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [rows, (heads + 2 kv_heads) * head_width]: rotated queries first
@group(0) @binding(2) var<storage, read> projected: array<f32>;
// [capacity, 2 kv_heads * head_width], and each group's from its first position on: a position's keys, then its values; four at once
@group(0) @binding(3) var<storage, read> cache: array<vec4f>;
@group(0) @binding(4) var<storage, read> tangents: array<vec4<Tangent>>;
// [rows, heads * head_width]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

const NONE: u32 = 0xffffffffu;
const THREADS: u32 = 256u;
// the widest head, in vectors of four
const WIDEST: u32 = 64u;

// padded with zeros
var<workgroup> query: array<vec4f, WIDEST>;
var<workgroup> query_tangent: array<vec4f, WIDEST>;
// of the keys at hand: weight, weight times score tangent; at the end of each thread's keys
var<workgroup> weights: array<vec2f, THREADS>;
var<workgroup> largest: array<f32, THREADS>;
// of each thread's keys, four dimensions of: weight times value; weight times score tangent times value, plus weight times dv
var<workgroup> values: array<vec4f, THREADS>;
var<workgroup> value_tangents: array<vec4f, THREADS>;

fn cached(at: u32) -> f32 {
    return cache[at / 4u][at % 4u];
}

fn cached4(at: u32) -> vec4f {
    if at % 4u == 0u {
        return cache[at / 4u];
    }
    return vec4f(cached(at), cached(at + 1u), cached(at + 2u), cached(at + 3u));
}

fn tangent(at: u32) -> f32 {
    return f32(tangents[at / 4u][at % 4u]);
}

fn tangent4(at: u32) -> vec4f {
    if at % 4u == 0u {
        return vec4f(tangents[at / 4u]);
    }
    return vec4f(tangent(at), tangent(at + 1u), tangent(at + 2u), tangent(at + 3u));
}

// Four dimensions of a query, from `d` on, zeros behind the last.
fn query4(at: u32, d: u32) -> vec4f {
    let v = vec4f(projected[at + d], projected[at + d + 1u], projected[at + d + 2u], projected[at + d + 3u]);
    return select(vec4f(), v, vec4u(d, d + 1u, d + 2u, d + 3u) < vec4u(shape.head_width));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let head = group.x;
    let row = info[group.y];
    let width = shape.head_width;
    let kv_width = shape.kv_heads * width;
    let kv = head / (shape.heads / shape.kv_heads) * width;
    let is_tangent = row.z != NONE;
    let stride = (shape.heads + 2u * shape.kv_heads) * width;
    if i < WIDEST {
        query[i] = query4(row.x * stride + head * width, 4u * i);
        query_tangent[i] = query4(group.y * stride + head * width, 4u * i);
    }
    workgroupBarrier();
    // wraps below zero, and back when a position is added
    let group_start = row.z - row.w;
    // each thread sums over every so many keys, for four dimensions
    let quads = (width + 3u) / 4u;
    let shares = THREADS / quads;
    let share = i / quads;
    let quad = 4u * (i % quads);
    var most = -1e30;
    var sum = vec2f();
    var value = vec4f();
    var value_tangent = vec4f();
    for (var start = first_seen(row.y); start <= row.y; start += THREADS) {
        let j = start + i;
        var score = -1e30;
        var slope = 0.0;
        if j <= row.y {
            let at = j * 2u * kv_width + kv;
            var s = 0.0;
            for (var d = 0u; d < quads; d += 2u) {
                let a = cached4(at + 4u * d);
                let b = cached4(at + 4u * d + 4u);
                s += dot(query[d], a) + dot(query[d + 1u], b);
                slope += dot(query_tangent[d], a) + dot(query_tangent[d + 1u], b);
            }
            if is_tangent && j >= row.w {
                let to = (group_start + j) * 2u * kv_width + kv;
                for (var d = 0u; d < quads; d += 2u) {
                    let a = tangent4(to + 4u * d);
                    let b = tangent4(to + 4u * d + 4u);
                    slope += dot(query[d], a) + dot(query[d + 1u], b);
                }
            }
            score = s * shape.scale;
            slope *= shape.scale;
        }
        largest[i] = score;
        workgroupBarrier();
        for (var half = THREADS / 2u; half > 0u; half /= 2u) {
            if i < half {
                largest[i] = max(largest[i], largest[i + half]);
            }
            workgroupBarrier();
        }
        let before = most;
        most = max(most, largest[0]);
        let weight = exp(score - most);
        weights[i] = vec2f(weight, select(0.0, weight * slope, is_tangent));
        workgroupBarrier();
        let fade = exp(before - most);
        sum *= fade;
        value *= fade;
        value_tangent *= fade;
        let count = min(row.y + 1u - start, THREADS);
        for (var n = share; n < count && share < shares; n += shares) {
            let w = weights[n];
            let v = cached4((start + n) * 2u * kv_width + kv_width + kv + quad);
            sum += w;
            value += w.x * v;
            value_tangent += w.y * v;
            if is_tangent && start + n >= row.w {
                value_tangent += w.x * tangent4((group_start + start + n) * 2u * kv_width + kv_width + kv + quad);
            }
        }
        workgroupBarrier();
    }
    weights[i] = sum;
    values[i] = value;
    value_tangents[i] = value_tangent;
    workgroupBarrier();
    if i >= quads {
        return;
    }
    for (var other = 1u; other < shares; other++) {
        sum += weights[other * quads + i];
        value += values[other * quads + i];
        value_tangent += value_tangents[other * quads + i];
    }
    let result = select(value, value_tangent - sum.y / sum.x * value, is_tangent) / sum.x;
    let to = (group.y * shape.heads + head) * width + quad;
    for (var d = 0u; d < 4u && quad + d < width; d++) {
        out[to + d] = result[d];
    }
}
