// Rotates new queries and keys by their positions: queries in place, keys with their values into the cache, tangents into their
// group's.

// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: primal row, position, where the group's tangents begin or NONE, the group's first position
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [primal rows, head_width / 2]: cosine and sine
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
// [rows, (heads + 2 kv_heads) * head_width]: queries, keys, values; queries rotated afterwards
@group(0) @binding(4) var<storage, read_write> projected: array<f32>;
// [capacity, 2 kv_width], and each group's from its first position on: a position's keys, then its values
@group(0) @binding(5) var<storage, read_write> cache: array<f32>;
@group(0) @binding(6) var<storage, read_write> tangents: array<Tangent>;

const NONE: u32 = 0xffffffffu;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let half = shape.head_width / 2u;
    let pair = group.x * 64u + i;
    let heads = shape.heads + shape.kv_heads;
    if group.y >= rows.x || pair >= heads * half {
        return;
    }
    let row = info[group.y];
    let head = pair / half;
    let k = pair % half;
    let angle = angles[row.x * half + k];
    let a = places(k).x;
    let b = places(k).y;
    let kv_width = shape.kv_heads * shape.head_width;
    let source = group.y * (heads * shape.head_width + kv_width) + head * shape.head_width;
    let given = vec2f(projected[source + a], projected[source + b]);
    let rotated = vec2f(given.x * angle.x - given.y * angle.y, given.x * angle.y + given.y * angle.x);
    if head < shape.heads {
        projected[source + a] = rotated.x;
        projected[source + b] = rotated.y;
        return;
    }
    // a head's value lies as far behind its key as all keys are wide
    let first = projected[source + kv_width + a];
    let second = projected[source + kv_width + b];
    let within = (head - shape.heads) * shape.head_width;
    if row.z == NONE {
        let to = row.y * 2u * kv_width + within;
        cache[to + a] = rotated.x;
        cache[to + b] = rotated.y;
        cache[to + kv_width + a] = first;
        cache[to + kv_width + b] = second;
    } else {
        let to = (row.z + row.y - row.w) * 2u * kv_width + within;
        tangents[to + a] = Tangent(rotated.x);
        tangents[to + b] = Tangent(rotated.y);
        tangents[to + kv_width + a] = Tangent(first);
        tangents[to + kv_width + b] = Tangent(second);
    }
}
