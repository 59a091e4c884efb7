// The vjp of turning queries and keys to their positions: rotates their cotangents back, in place.

// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the row of `angles`
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [positions, head_width / 2]: cosine and sine
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
// [rows, (heads + 2 kv_heads) * head_width]: cotangents of queries, keys, values
@group(0) @binding(4) var<storage, read_write> projected: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let half = shape.head_width / 2u;
    let pair = group.x * 64u + i;
    let turning = shape.heads + shape.kv_heads;
    if group.y >= rows.x || pair >= turning * half {
        return;
    }
    let k = pair % half;
    let angle = angles[info[group.y].x * half + k];
    let head = (group.y * (turning + shape.kv_heads) + pair / half) * shape.head_width;
    let a = head + places(k).x;
    let b = head + places(k).y;
    let given = vec2f(projected[a], projected[b]);
    projected[a] = given.x * angle.x + given.y * angle.y;
    projected[b] = given.y * angle.x - given.x * angle.y;
}
