// d target / d logits in place of the logits, a row a workgroup. Where a row's y is set against another token a, the difference
// of the two. 1 - p is the sum of the others: no cancellation where the model is sure.

// vocabulary, target (0 probability, 1 its log, 2 logit)
@group(0) @binding(0) var<uniform> question: vec4u;
// [rows]: y, and a or NONE
@group(0) @binding(1) var<storage, read> tokens: array<vec2u>;
// [rows, vocabulary]
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;

const NONE: u32 = 0xffffffffu;
const THREADS: u32 = 256u;
var<workgroup> parts: array<vec2f, THREADS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let vocabulary = question.x;
    let row = group.x * vocabulary;
    let y = tokens[group.x].x;
    let a = tokens[group.x].y;
    var most = -1e30;
    for (var v = i; v < vocabulary; v += THREADS) {
        most = max(most, logits[row + v]);
    }
    parts[i].x = most;
    workgroupBarrier();
    for (var n = 0u; n < THREADS; n++) {
        most = max(most, parts[n].x);
    }
    workgroupBarrier();
    let own = exp(logits[row + y] - most);
    // without an a, y is read again: an index has to lie within
    let other = select(exp(logits[row + select(a, y, a == NONE)] - most), 0.0, a == NONE);
    // all tokens but y, all but a
    var others = vec2f();
    for (var v = i; v < vocabulary; v += THREADS) {
        others += select(vec2f(exp(logits[row + v] - most)), vec2f(), vec2u(v) == vec2u(y, a));
    }
    parts[i] = others;
    workgroupBarrier();
    others = vec2f();
    for (var n = 0u; n < THREADS; n++) {
        others += parts[n];
    }
    let sum = own + others.x;
    // of p(y) - p(a): p(y) (1 - p(y) + p(a)) at y, -p(a) (1 - p(a) + p(y)) at a, and its share of the difference elsewhere
    let scale = select(1.0, (own - other) / sum, question.y == 0u);
    let up = select(others.x / sum, own / sum * ((others.x + other) / sum), question.y == 0u);
    let down = -(other / sum) * ((others.y + own) / sum);
    let bare = question.y == 2u || (question.y == 1u && a != NONE);
    for (var v = i; v < vocabulary; v += THREADS) {
        let p = exp(logits[row + v] - most) / sum;
        let spread = select(select(-p * scale, up, v == y), down, v == a);
        let single = select(0.0, 1.0, v == y) - select(0.0, 1.0, v == a);
        logits[row + v] = select(select(spread, 0.0, y == a), single, bare);
    }
}
