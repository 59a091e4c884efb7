// d target / d logits in place of the logits, a row a workgroup. 1 - p(y) is the sum of the others: no cancellation where the
// model is sure.

// vocabulary, target (0 probability, 1 its log, 2 logit)
@group(0) @binding(0) var<uniform> question: vec4u;
// [rows]
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
// [rows, vocabulary]
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;

const THREADS: u32 = 256u;
var<workgroup> parts: array<f32, THREADS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let vocabulary = question.x;
    let row = group.x * vocabulary;
    let y = tokens[group.x];
    var most = -1e30;
    for (var v = i; v < vocabulary; v += THREADS) {
        most = max(most, logits[row + v]);
    }
    parts[i] = most;
    workgroupBarrier();
    for (var n = 0u; n < THREADS; n++) {
        most = max(most, parts[n]);
    }
    workgroupBarrier();
    let own = exp(logits[row + y] - most);
    var others = 0.0;
    for (var v = i; v < vocabulary; v += THREADS) {
        others += select(exp(logits[row + v] - most), 0.0, v == y);
    }
    parts[i] = others;
    workgroupBarrier();
    others = 0.0;
    for (var n = 0u; n < THREADS; n++) {
        others += parts[n];
    }
    let sum = own + others;
    let scale = select(1.0, own / sum, question.y == 0u);
    for (var v = i; v < vocabulary; v += THREADS) {
        let p = exp(logits[row + v] - most) / sum;
        let c = select(-p, others / sum, v == y) * scale;
        logits[row + v] = select(c, select(0.0, 1.0, v == y), question.y == 2u);
    }
}
