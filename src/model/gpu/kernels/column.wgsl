// A column of importance from the logits and their tangents, a group a workgroup (METHODS.md, section 1):
// of p(y) it is p(y) sum_v p(v) (l'(y) - l'(v)), of log p(y) the sum alone, of the logit l'(y).

// vocabulary, -, target (0 probability, 1 its log, 2 logit)
@group(0) @binding(0) var<uniform> question: vec4u;
// [1 + groups, vocabulary]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// [groups]
@group(0) @binding(2) var<storage, read_write> column: array<f32>;
// the token y first
@group(0) @binding(3) var<storage, read> chosen: array<u32>;

const THREADS: u32 = 256u;
var<workgroup> parts: array<vec2f, THREADS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let vocabulary = question.x;
    let tangent = (group.x + 1u) * vocabulary;
    var most = -1e30;
    for (var v = i; v < vocabulary; v += THREADS) {
        most = max(most, logits[v]);
    }
    parts[i] = vec2f(most, 0.0);
    workgroupBarrier();
    for (var n = 0u; n < THREADS; n++) {
        most = max(most, parts[n].x);
    }
    workgroupBarrier();
    let y = chosen[0];
    let own = logits[tangent + y];
    var sum = vec2f();
    for (var v = i; v < vocabulary; v += THREADS) {
        sum += exp(logits[v] - most) * vec2f(1.0, own - logits[tangent + v]);
    }
    parts[i] = sum;
    workgroupBarrier();
    if i == 0u {
        sum = vec2f();
        for (var n = 0u; n < THREADS; n++) {
            sum += parts[n];
        }
        let slope = sum.y / sum.x;
        let p = exp(logits[y] - most) / sum.x;
        column[group.x] = select(select(p * slope, slope, question.z == 1u), own, question.z == 2u);
    }
}
