// The first half of a choice: what each part of the vocabulary holds, a part a workgroup. `choose.wgsl` joins them.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let each = (question.vocabulary + PARTS - 1u) / PARTS;
    let end = min((group.x + 1u) * each, question.vocabulary);
    forget();
    for (var v = group.x * each + i; v < end; v += THREADS) {
        meet(logits[v], v);
    }
    let to = group.x * SAID;
    var most = LEAST;
    for (var k = 0u; k < max(question.alternatives, 1u); k++) {
        let place = take(i);
        let value = values[0];
        most = max(most, value);
        if i == 0u {
            parts[to + 3u + 2u * k] = place;
            parts[to + 4u + 2u * k] = bitcast<u32>(value);
        }
    }
    // sum of exp, sum of exp times distance from the largest; how many go before a given token
    var sum = vec2f();
    var rank = 0u;
    let own = logits[min(question.given, question.vocabulary - 1u)];
    for (var v = group.x * each + i; v < end; v += THREADS) {
        let e = exp(logits[v] - most);
        sum += vec2f(e, e * (most - logits[v]));
        rank += u32(before(logits[v], v, own, question.given));
    }
    add_up(i, sum, rank);
    if i == 0u {
        parts[to] = bitcast<u32>(sums[0].x);
        parts[to + 1u] = bitcast<u32>(sums[0].y);
        parts[to + 2u] = places[0];
    }
}
