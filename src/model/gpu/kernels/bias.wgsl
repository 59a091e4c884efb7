// y[r] += b in primal rows: a tangent is mapped by the matrix alone.

// width
@group(0) @binding(0) var<uniform> shape: vec4u;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [width]
@group(0) @binding(3) var<storage, read> b: array<f32>;
// [rows, width]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let c = group.x * 64u + i;
    if group.y < rows.x && info[group.y].x == group.y && c < shape.x {
        y[group.y * shape.x + c] += b[c];
    }
}
