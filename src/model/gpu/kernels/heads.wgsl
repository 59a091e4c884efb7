// What every kernel of heads begins with: how many there are, and how wide. Queries, keys and values of a row lie beside each other,
// [rows, (heads + 2 kv_heads) * head_width]; `heads / kv_heads` query heads share a key head.

struct Heads {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    // positions that each cache holds
    capacity: u32,
    // 1: a turned pair is (i, i + half); 0: (2 i, 2 i + 1)
    half_split: u32,
    // of scores: 1 / sqrt(head_width)
    scale: f32,
}

@group(0) @binding(0) var<uniform> shape: Heads;

// Where the two values of pair k lie within a head.
fn places(k: u32) -> vec2u {
    let first = select(2u * k, k, shape.half_split == 1u);
    return vec2u(first, first + select(1u, shape.head_width / 2u, shape.half_split == 1u));
}
