// What the model chose, from a row of logits: the token (given, or the likeliest), its probability and rank, the distribution's
// entropy, and the most probable tokens. One workgroup.

struct Question {
    vocabulary: u32,
    // the token that came, or NONE for the likeliest
    given: u32,
    // 0 probability, 1 its log, 2 logit
    goal: u32,
    // at most MOST
    alternatives: u32,
}

@group(0) @binding(0) var<uniform> question: Question;
// [vocabulary]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// token, probability, rank, entropy, and then tokens and probabilities in turns; floats as their bits
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>;

const NONE: u32 = 0xffffffffu;
const THREADS: u32 = 256u;
const MOST: u32 = 8u;

var<workgroup> values: array<f32, THREADS>;
var<workgroup> places: array<u32, THREADS>;
var<workgroup> sums: array<vec2f, THREADS>;

// Whether logit a at i goes before logit b at j: the larger, of equals the first.
fn before(a: f32, i: u32, b: f32, j: u32) -> bool {
    return a > b || (a == b && i < j);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32) {
    // the likeliest tokens, one after another: each goes after the one before
    var best = array<u32, MOST>();
    var last = 1e30;
    var last_place = 0u;
    for (var k = 0u; k < max(question.alternatives, 1u); k++) {
        var value = -1e30;
        var place = NONE;
        for (var v = i; v < question.vocabulary; v += THREADS) {
            let l = logits[v];
            if (k == 0u || before(last, last_place, l, v)) && before(l, v, value, place) {
                value = l;
                place = v;
            }
        }
        values[i] = value;
        places[i] = place;
        workgroupBarrier();
        for (var n = 0u; n < THREADS; n++) {
            if before(values[n], places[n], value, place) {
                value = values[n];
                place = places[n];
            }
        }
        workgroupBarrier();
        best[k] = place;
        last = value;
        last_place = place;
    }
    let most = logits[best[0]];
    var token = question.given;
    if token == NONE {
        token = best[0];
    }
    let own = logits[token];
    // sum of exp, sum of exp times distance from the largest; how many go before the token
    var sum = vec2f();
    var rank = 0u;
    for (var v = i; v < question.vocabulary; v += THREADS) {
        let l = logits[v];
        let e = exp(l - most);
        sum += e * vec2f(1.0, most - l);
        rank += select(0u, 1u, before(l, v, own, token));
    }
    sums[i] = sum;
    places[i] = rank;
    workgroupBarrier();
    if i != 0u {
        return;
    }
    sum = vec2f();
    rank = 1u;
    for (var n = 0u; n < THREADS; n++) {
        sum += sums[n];
        rank += places[n];
    }
    chosen[0] = token;
    chosen[1] = bitcast<u32>(exp(own - most) / sum.x);
    chosen[2] = rank;
    chosen[3] = bitcast<u32>(log(sum.x) + sum.y / sum.x);
    for (var k = 0u; k < question.alternatives; k++) {
        chosen[4u + 2u * k] = best[k];
        chosen[5u + 2u * k] = bitcast<u32>(exp(logits[best[k]] - most) / sum.x);
    }
}
