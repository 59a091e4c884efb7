// The vjp of attention for queries: a cotangent row and a head a workgroup. With c the cotangent of what the head puts out and
// its products with the values t_j = c . v_j: dq = scale sum w (t - mean t) k. Leaves what the other kernel needs of every row.

// [rows]: x is the position of each cotangent row
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [positions, (heads + 2 kv_heads) * head_width]: rotated queries first
@group(0) @binding(2) var<storage, read> projected: array<f32>;
// [capacity, 2 kv_heads * head_width]: a position's keys, then its values
@group(0) @binding(3) var<storage, read> cache: array<f32>;
// [rows, heads * head_width]
@group(0) @binding(4) var<storage, read> c: array<f32>;
// [rows, (heads + 2 kv_heads) * head_width]: of queries first
@group(0) @binding(5) var<storage, read_write> dq: array<f32>;
// [rows, heads]: log of the sum of exp of scores, mean score tangent
@group(0) @binding(6) var<storage, read_write> statistics: array<vec2f>;

const THREADS: u32 = 64u;
const WIDEST: u32 = 256u;

var<workgroup> query: array<f32, WIDEST>;
var<workgroup> cotangent: array<f32, WIDEST>;
// of 64 keys: the scores, and then the weights
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> score_tangents: array<f32, THREADS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let head = group.x;
    let position = info[group.y].x;
    let width = shape.head_width;
    let kv_width = shape.kv_heads * width;
    let kv = head / (shape.heads / shape.kv_heads) * width;
    let own = (group.y * shape.heads + head) * width;
    let stride = shape.heads + 2u * shape.kv_heads;
    let primal = (position * stride + head) * width;
    for (var d = i; d < width; d += THREADS) {
        query[d] = projected[primal + d];
        cotangent[d] = c[own + d];
    }
    workgroupBarrier();
    var most = -1e30;
    var sum = vec2f();
    // per dimension of this thread: weight times key; weight times score tangent times key
    var keys = array<vec2f, 4>();
    for (var start = first_seen(position); start <= position; start += THREADS) {
        let j = start + i;
        var score = -1e30;
        var score_tangent = 0.0;
        if j <= position {
            let at = j * 2u * kv_width + kv;
            var s = 0.0;
            for (var d = 0u; d < width; d++) {
                s += query[d] * cache[at + d];
                score_tangent += cotangent[d] * cache[at + kv_width + d];
            }
            score = s * shape.scale;
        }
        scores[i] = score;
        score_tangents[i] = score_tangent;
        workgroupBarrier();
        let count = min(position + 1u - start, THREADS);
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
            sum += scores[n] * vec2f(1.0, score_tangents[n]);
        }
        for (var part = 0u; part < 4u; part++) {
            let d = i + part * THREADS;
            if d < width {
                var v = keys[part] * fade;
                for (var n = 0u; n < count; n++) {
                    let key = cache[(start + n) * 2u * kv_width + kv + d];
                    v += scores[n] * key * vec2f(1.0, score_tangents[n]);
                }
                keys[part] = v;
            }
        }
        workgroupBarrier();
    }
    let mean = sum.y / sum.x;
    let to = (group.y * stride + head) * width;
    for (var part = 0u; part < 4u; part++) {
        let d = i + part * THREADS;
        if d < width {
            let v = keys[part] / sum.x;
            dq[to + d] = shape.scale * (v.y - mean * v.x);
        }
    }
    if i == 0u {
        statistics[group.y * shape.heads + head] = vec2f(most + log(sum.x), mean);
    }
}
