// Causal grouped-query attention, value and jvp: a row and a head a workgroup, in one pass over the keys.
//
// With weights w = softmax(s), s_j = q . k_j: o = sum w v. A tangent row has slopes t_j = dq . k_j + q . dk_j, and
// do = sum w (t - mean t) v + sum w dv. Sums are kept relative to the largest score so far.

// [rows]: primal row, position, where the group's tangents begin or NONE, the group's first position
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [rows, (heads + 2 kv_heads) * head_width]: turned queries first
@group(0) @binding(2) var<storage, read> projected: array<f32>;
// [capacity, kv_heads * head_width], and each group's from its first position on: key and value side by side
@group(0) @binding(3) var<storage, read> cache: array<vec2f>;
@group(0) @binding(4) var<storage, read> tangents: array<vec2f>;
// [rows, heads * head_width]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

const NONE: u32 = 0xffffffffu;
const THREADS: u32 = 64u;
const WIDEST: u32 = 256u;

var<workgroup> query: array<f32, WIDEST>;
var<workgroup> slope_query: array<f32, WIDEST>;
// of 64 keys: the scores, and then the weights
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> slopes: array<f32, THREADS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let head = group.x;
    let row = info[group.y];
    let width = shape.head_width;
    let kv_width = shape.kv_heads * width;
    let kv = head / (shape.heads / shape.kv_heads) * width;
    let is_tangent = row.z != NONE;
    let stride = shape.heads + 2u * shape.kv_heads;
    let own = (group.y * stride + head) * width;
    let primal = (row.x * stride + head) * width;
    for (var d = i; d < width; d += THREADS) {
        query[d] = projected[primal + d];
        slope_query[d] = projected[own + d];
    }
    workgroupBarrier();
    // wraps below zero, and back when a position is added
    let group_start = row.z - row.w;
    var most = -1e30;
    // over all keys: of the weights, of weight times slope
    var sum = vec2f();
    // per dimension of this thread: weight times value; weight times slope times value, plus weight times dv
    var values = array<vec2f, 4>();
    for (var start = first_seen(row.y); start <= row.y; start += THREADS) {
        let j = start + i;
        var score = -1e30;
        var slope = 0.0;
        if j <= row.y {
            let at = j * kv_width + kv;
            var s = 0.0;
            for (var d = 0u; d < width; d++) {
                let key = cache[at + d].x;
                s += query[d] * key;
                slope += slope_query[d] * key;
            }
            if is_tangent && j >= row.w {
                let to = (group_start + j) * kv_width + kv;
                for (var d = 0u; d < width; d++) {
                    slope += query[d] * tangents[to + d].x;
                }
            }
            score = s * shape.scale;
            slope *= shape.scale;
        }
        scores[i] = score;
        slopes[i] = select(0.0, slope, is_tangent);
        workgroupBarrier();
        let count = min(row.y + 1u - start, THREADS);
        var largest = most;
        for (var n = 0u; n < count; n++) {
            largest = max(largest, scores[n]);
        }
        let fade = exp(most - largest);
        most = largest;
        workgroupBarrier();
        // weights from here on
        scores[i] = exp(score - most);
        workgroupBarrier();
        sum *= fade;
        for (var n = 0u; n < count; n++) {
            sum += scores[n] * vec2f(1.0, slopes[n]);
        }
        for (var part = 0u; part < 4u; part++) {
            let d = i + part * THREADS;
            if d < width {
                var v = values[part] * fade;
                for (var n = 0u; n < count; n++) {
                    let w = scores[n];
                    let value = cache[(start + n) * kv_width + kv + d].y;
                    v += w * value * vec2f(1.0, slopes[n]);
                    if is_tangent && start + n >= row.w {
                        v.y += w * tangents[(group_start + start + n) * kv_width + kv + d].y;
                    }
                }
                values[part] = v;
            }
        }
        workgroupBarrier();
    }
    let mean = sum.y / sum.x;
    let to = (group.y * shape.heads + head) * width;
    for (var part = 0u; part < 4u; part++) {
        let d = i + part * THREADS;
        if d < width {
            let v = values[part] / sum.x;
            out[to + d] = select(v.x, v.y - mean * v.x, is_tangent);
        }
    }
}
