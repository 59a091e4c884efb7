// What both halves of a choice begin with. A choice is what the model takes from a row of logits: the token (given, or the
// likeliest), its probability and rank, the distribution's entropy, and the most probable tokens.

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
// [PARTS, SAID]: sum of exp relative to the part's largest, the same times the distance from it, how many go before a given token,
// and the likeliest tokens with their logits in turns; floats as their bits
@group(0) @binding(2) var<storage, read_write> parts: array<u32>;

const NONE: u32 = 0xffffffffu;
const THREADS: u32 = 256u;
// of the vocabulary, one for each workgroup
const PARTS: u32 = 64u;
const MOST: u32 = 8u;
const SAID: u32 = 3u + 2u * MOST;
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

fn forget() {
    for (var k = 0u; k < MOST; k++) {
        top_values[k] = LEAST;
        top_places[k] = NONE;
    }
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

// The best of what all threads still hold, its logit in `values[0]`; the thread that held it lets it go.
fn take(i: u32) -> u32 {
    workgroupBarrier();
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

// All threads' sums, in the first places of `sums` and `places`.
fn add_up(i: u32, sum: vec2f, count: u32) {
    workgroupBarrier();
    sums[i] = sum;
    places[i] = count;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if i < half {
            sums[i] += sums[i + half];
            places[i] += places[i + half];
        }
        workgroupBarrier();
    }
}
