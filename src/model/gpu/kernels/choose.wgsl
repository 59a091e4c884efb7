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
const LEAST: f32 = -1e30;

var<workgroup> values: array<f32, THREADS>;
var<workgroup> places: array<u32, THREADS>;
var<workgroup> sums: array<vec2f, THREADS>;
// the likeliest tokens that this thread has met, the best first
var<private> top_values: array<f32, MOST>;
var<private> top_places: array<u32, MOST>;

// Whether logit a at i goes before logit b at j: the larger, of equals the first.
fn before(a: f32, i: u32, b: f32, j: u32) -> bool {
    return a > b || (a == b && i < j);
}

fn logit(v: u32) -> f32 {
    return select(LEAST, logits[v], v < question.vocabulary);
}

// Four of a thread's logits, loaded before the first of them is looked at.
fn load(v: u32) -> vec4f {
    return vec4f(logit(v), logit(v + THREADS), logit(v + 2u * THREADS), logit(v + 3u * THREADS));
}

fn meet(value: f32, place: u32) {
    if value <= LEAST || !before(value, place, top_values[MOST - 1u], top_places[MOST - 1u]) {
        return;
    }
    top_values[MOST - 1u] = value;
    top_places[MOST - 1u] = place;
    for (var k = MOST - 1u; k > 0u; k--) {
        if before(top_values[k], top_places[k], top_values[k - 1u], top_places[k - 1u]) {
            let v = top_values[k];
            let p = top_places[k];
            top_values[k] = top_values[k - 1u];
            top_places[k] = top_places[k - 1u];
            top_values[k - 1u] = v;
            top_places[k - 1u] = p;
        }
    }
}

// The best of what all threads still hold; the thread that held it lets it go.
fn take(i: u32) -> u32 {
    values[i] = top_values[0];
    places[i] = top_places[0];
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if i < half && before(values[i + half], places[i + half], values[i], places[i]) {
            values[i] = values[i + half];
            places[i] = places[i + half];
        }
        workgroupBarrier();
    }
    let place = places[0];
    workgroupBarrier();
    if place == top_places[0] {
        for (var k = 1u; k < MOST; k++) {
            top_values[k - 1u] = top_values[k];
            top_places[k - 1u] = top_places[k];
        }
        top_values[MOST - 1u] = LEAST;
        top_places[MOST - 1u] = NONE;
    }
    return place;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32) {
    for (var k = 0u; k < MOST; k++) {
        top_values[k] = LEAST;
        top_places[k] = NONE;
    }
    for (var start = i; start < question.vocabulary; start += 4u * THREADS) {
        let l = load(start);
        if any(l >= vec4f(top_values[MOST - 1u])) {
            meet(l.x, start);
            meet(l.y, start + THREADS);
            meet(l.z, start + 2u * THREADS);
            meet(l.w, start + 3u * THREADS);
        }
    }
    var best = array<u32, MOST>();
    for (var k = 0u; k < clamp(question.alternatives, 1u, MOST); k++) {
        best[k] = take(i);
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
    for (var start = i; start < question.vocabulary; start += 4u * THREADS) {
        let l = load(start);
        let e = exp(l - most);
        sum += vec2f(dot(e, vec4f(1.0)), dot(e, most - l));
        rank += u32(before(l.x, start, own, token)) + u32(before(l.y, start + THREADS, own, token))
            + u32(before(l.z, start + 2u * THREADS, own, token)) + u32(before(l.w, start + 3u * THREADS, own, token));
    }
    sums[i] = sum;
    places[i] = rank;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if i < half {
            sums[i] += sums[i + half];
            places[i] += places[i + half];
        }
        workgroupBarrier();
    }
    if i != 0u {
        return;
    }
    sum = sums[0];
    chosen[0] = token;
    chosen[1] = bitcast<u32>(exp(own - most) / sum.x);
    chosen[2] = places[0] + 1u;
    chosen[3] = bitcast<u32>(log(sum.x) + sum.y / sum.x);
    for (var k = 0u; k < question.alternatives; k++) {
        chosen[4u + 2u * k] = best[k];
        chosen[5u + 2u * k] = bitcast<u32>(exp(logits[best[k]] - most) / sum.x);
    }
}
