// A column of importance from the logits and their tangents, a group a workgroup (METHODS.md, section 1):
// of p(y) it is p(y) sum_v p(v) (l'(y) - l'(v)), of log p(y) the sum alone, of the logit l'(y). Where y is set against another
// token, the other's is taken off.

// vocabulary, -, target (0 probability, 1 its log, 2 logit), -; the token that y is set against, or NONE
@group(0) @binding(0) var<uniform> question: array<vec4u, 2>;
// [1 + groups, vocabulary]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// [groups]
@group(0) @binding(2) var<storage, read_write> column: array<f32>;
// the token y first
@group(0) @binding(3) var<storage, read> chosen: array<u32>;

const THREADS: u32 = 256u;
const LEAST: f32 = -1e30;
const NONE: u32 = 0xffffffffu;
// the sum of exponents; the same times how far y's tangent, and the other's, is above each token's
var<workgroup> parts: array<vec3f, THREADS>;

// Four of a thread's logits, or of their tangents in the row that begins at `row`, loaded before the first is looked at.
fn load(row: u32, v: u32, otherwise: f32) -> vec4f {
    return vec4f(
        select(otherwise, logits[row + v], v < question[0].x),
        select(otherwise, logits[row + v + THREADS], v + THREADS < question[0].x),
        select(otherwise, logits[row + v + 2u * THREADS], v + 2u * THREADS < question[0].x),
        select(otherwise, logits[row + v + 3u * THREADS], v + 3u * THREADS < question[0].x),
    );
}

// A token's own column: `own` is the tangent of its logit, `slope` how far that is above the mean's.
fn of_token(token: u32, own: f32, slope: f32, most: f32, sum: f32) -> f32 {
    let goal = question[0].z;
    let p = exp(logits[token] - most) / sum;
    return select(select(p * slope, slope, goal == 1u), own, goal == 2u);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let vocabulary = question[0].x;
    let tangent = (group.x + 1u) * vocabulary;
    var most = LEAST;
    for (var start = i; start < vocabulary; start += 4u * THREADS) {
        let l = load(0u, start, LEAST);
        most = max(most, max(max(l.x, l.y), max(l.z, l.w)));
    }
    parts[i] = vec3f(most, 0.0, 0.0);
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if i < half {
            parts[i].x = max(parts[i].x, parts[i + half].x);
        }
        workgroupBarrier();
    }
    most = parts[0].x;
    workgroupBarrier();
    let y = chosen[0];
    let own = logits[tangent + y];
    let against = question[1].x;
    let other = logits[tangent + select(against, y, against == NONE)];
    var sum = vec3f();
    for (var start = i; start < vocabulary; start += 4u * THREADS) {
        let e = exp(load(0u, start, LEAST) - most);
        let moved = load(tangent, start, own); // behind the vocabulary e is 0
        // taken off before they are added up: nothing cancels where the model is sure of a token
        sum += vec3f(dot(e, vec4f(1.0)), dot(e, own - moved), dot(e, other - moved));
    }
    parts[i] = sum;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if i < half {
            parts[i] += parts[i + half];
        }
        workgroupBarrier();
    }
    if i == 0u {
        let total = parts[0];
        var value = of_token(y, own, total.y / total.x, most, total.x);
        if against != NONE {
            value -= of_token(against, other, total.z / total.x, most, total.x);
        }
        column[group.x] = value;
    }
}
