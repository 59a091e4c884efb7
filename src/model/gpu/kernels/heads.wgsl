// What every kernel of heads begins with: how many there are, and how wide. Queries, keys and values of a row lie beside each other,
// [rows, (heads + 2 kv_heads) * head_width]; `heads / kv_heads` query heads share a key head.

struct Heads {
    heads: u32,
    kv_heads: u32,
    head_width: u32,
    // 1: a rotated pair is (i, i + half); 0: (2 i, 2 i + 1)
    half_split: u32,
    // of scores
    scale: f32,
    // a query sees so many positions, its own the last
    window: u32,
}

@group(0) @binding(0) var<uniform> shape: Heads;

// The first position that a query at `position` sees.
fn first_seen(position: u32) -> u32 {
    return position + 1u - min(shape.window, position + 1u);
}

// Where the two values of pair k lie within a head.
fn places(k: u32) -> vec2u {
    let first = select(2u * k, k, shape.half_split == 1u);
    return vec2u(first, first + select(1u, shape.head_width / 2u, shape.half_split == 1u));
}
