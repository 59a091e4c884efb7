// The second half of a choice: what the parts of the vocabulary hold, joined. One workgroup.

// token, probability, rank, entropy, and then tokens and probabilities in turns; floats as their bits
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;

// A part's word as a number.
fn number(at: u32) -> f32 {
    return bitcast<f32>(parts[at]);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32) {
    let own = i * SAID;
    forget();
    let count = max(question.alternatives, 1u);
    if i < PARTS {
        for (var k = 0u; k < count; k++) {
            meet(number(own + 4u + 2u * k), parts[own + 3u + 2u * k]);
        }
    }
    // the part's largest
    let largest = top_values[0];
    var best = array<u32, MOST>();
    var most = LEAST;
    for (var k = 0u; k < count; k++) {
        best[k] = take(i);
        most = max(most, values[0]);
    }
    var sum = vec2f();
    var rank = 0u;
    if i < PARTS {
        let fade = exp(largest - most);
        let exps = number(own);
        sum = fade * vec2f(exps, number(own + 1u) + exps * (most - largest));
        rank = parts[own + 2u];
    }
    add_up(i, sum, rank);
    if i != 0u {
        return;
    }
    sum = sums[0];
    var token = question.given;
    if token == NONE {
        token = best[0];
    }
    chosen[0] = token;
    chosen[1] = bitcast<u32>(exp(logits[token] - most) / sum.x);
    // nothing goes before the likeliest
    chosen[2] = select(places[0], 0u, question.given == NONE) + 1u;
    chosen[3] = bitcast<u32>(log(sum.x) + sum.y / sum.x);
    for (var k = 0u; k < question.alternatives; k++) {
        chosen[4u + 2u * k] = best[k];
        chosen[5u + 2u * k] = bitcast<u32>(exp(logits[best[k]] - most) / sum.x);
    }
}
