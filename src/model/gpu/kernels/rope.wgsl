// Turns every head of every row to its position, in place; the vjp turns back.

struct Rope {
    heads: u32,
    head_width: u32,
    // 1: the pair is (i, i + half); 0: (2 i, 2 i + 1)
    half_split: u32,
    // 1 or -1
    direction: f32,
}

@group(0) @binding(0) var<uniform> rope: Rope;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the row of `angles`
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [primal rows, head_width / 2]: cosine and sine
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
// [rows, heads * head_width]
@group(0) @binding(4) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let half = rope.head_width / 2u;
    let pair = group.x * 64u + i;
    if group.y >= rows.x || pair >= rope.heads * half {
        return;
    }
    let k = pair % half;
    let angle = angles[info[group.y].x * half + k];
    let head = (group.y * rope.heads + pair / half) * rope.head_width;
    let a = head + select(2u * k, k, rope.half_split == 1u);
    let b = a + select(1u, half, rope.half_split == 1u);
    let sine = angle.y * rope.direction;
    let turned = vec2f(values[a] * angle.x - values[b] * sine, values[a] * sine + values[b] * angle.x);
    values[a] = turned.x;
    values[b] = turned.y;
}
