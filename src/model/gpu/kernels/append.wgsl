// Turns new keys to their positions and puts keys and values into the cache, tangents into their group's.

struct Append {
    kv_width: u32,
    head_width: u32,
    // 1: the pair is (i, i + half); 0: (2 i, 2 i + 1)
    half_split: u32,
    // positions that each cache holds
    capacity: u32,
}

@group(0) @binding(0) var<uniform> append: Append;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: primal row, position, group or NONE, the group's first position
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [primal rows, head_width / 2]: cosine and sine
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
// [rows, kv_width] each: keys before the turn, values
@group(0) @binding(4) var<storage, read> new_keys: array<f32>;
@group(0) @binding(5) var<storage, read> new_values: array<f32>;
// [capacity, kv_width] and then [groups, capacity, kv_width], key and value side by side
@group(0) @binding(6) var<storage, read_write> cache: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> tangents: array<vec2f>;

const NONE: u32 = 0xffffffffu;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let half = append.head_width / 2u;
    let pair = group.x * 64u + i;
    if group.y >= rows.x || pair >= append.kv_width / 2u {
        return;
    }
    let row = info[group.y];
    let k = pair % half;
    let angle = angles[row.x * half + k];
    let head = pair / half * append.head_width;
    let a = head + select(2u * k, k, append.half_split == 1u);
    let b = a + select(1u, half, append.half_split == 1u);
    let source = group.y * append.kv_width;
    let key = vec2f(new_keys[source + a], new_keys[source + b]);
    let turned = vec2f(key.x * angle.x - key.y * angle.y, key.x * angle.y + key.y * angle.x);
    let first = vec2f(turned.x, new_values[source + a]);
    let second = vec2f(turned.y, new_values[source + b]);
    if row.z == NONE {
        let to = row.y * append.kv_width;
        cache[to + a] = first;
        cache[to + b] = second;
    } else {
        let to = (row.z * append.capacity + row.y) * append.kv_width;
        tangents[to + a] = first;
        tangents[to + b] = second;
    }
}
