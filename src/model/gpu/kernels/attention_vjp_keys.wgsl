// The vjp of attention for keys and values: for a row (as the key j of its cotangent) and a key head a workgroup, over the rows
// i >= j of the same cotangent and the query heads that share the key head:
// dk = scale sum w_ij (t_ij - mean_i) q_i, dv = sum w_ij c_i.

// [rows]: position, and z rows of the same cotangent follow from this one on, itself included
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [positions, (heads + 2 kv_heads) * head_width]: rotated queries first
@group(0) @binding(2) var<storage, read> projected: array<f32>;
// [capacity, 2 kv_heads * head_width]: a position's keys, then its values
@group(0) @binding(3) var<storage, read> cache: array<f32>;
// [rows, heads * head_width]
@group(0) @binding(4) var<storage, read> c: array<f32>;
// [rows, heads]: log of the sum of exp of scores, mean slope
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
// [rows, (heads + 2 kv_heads) * head_width]: of keys and values behind those of queries
@group(0) @binding(6) var<storage, read_write> dkv: array<f32>;

const THREADS: u32 = 64u;
const WIDEST: u32 = 256u;

// key and value
var<workgroup> key: array<vec2f, WIDEST>;
// of the queries of a chunk: weight times centred slope, weight
var<workgroup> weights: array<vec2f, THREADS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let width = shape.head_width;
    let kv_width = shape.kv_heads * width;
    let group_size = shape.heads / shape.kv_heads;
    let stride = shape.heads + 2u * shape.kv_heads;
    let position = info[group.y].x;
    // no query sees a key that is further away than its window
    let following = min(info[group.y].z, shape.window);
    let source = position * 2u * kv_width + group.x * width;
    for (var d = i; d < width; d += THREADS) {
        key[d] = vec2f(cache[source + d], cache[source + kv_width + d]);
    }
    workgroupBarrier();
    var sums = array<vec2f, 4>();
    for (var start = 0u; start < following * group_size; start += THREADS) {
        let n = start + i;
        var weight = vec2f();
        if n < following * group_size {
            let row = group.y + n / group_size;
            let head = group.x * group_size + n % group_size;
            let q = ((position + n / group_size) * stride + head) * width;
            let o = (row * shape.heads + head) * width;
            var score = 0.0;
            var slope = 0.0;
            for (var d = 0u; d < width; d++) {
                score += projected[q + d] * key[d].x;
                slope += c[o + d] * key[d].y;
            }
            let known = statistics[row * shape.heads + head];
            let w = exp(score * shape.scale - known.x);
            weight = vec2f(w * (slope - known.y) * shape.scale, w);
        }
        weights[i] = weight;
        workgroupBarrier();
        let count = min(following * group_size - start, THREADS);
        for (var part = 0u; part < 4u; part++) {
            let d = i + part * THREADS;
            if d < width {
                for (var m = 0u; m < count; m++) {
                    let step = (start + m) / group_size;
                    let head = group.x * group_size + (start + m) % group_size;
                    let q = ((position + step) * stride + head) * width + d;
                    let o = ((group.y + step) * shape.heads + head) * width + d;
                    sums[part] += weights[m] * vec2f(projected[q], c[o]);
                }
            }
        }
        workgroupBarrier();
    }
    let to = (group.y * stride + shape.heads + group.x) * width;
    for (var part = 0u; part < 4u; part++) {
        let d = i + part * THREADS;
        if d < width {
            dkv[to + d] = sums[part].x;
            dkv[to + kv_width + d] = sums[part].y;
        }
    }
}
