// y[r] = c[r] . x[of r], a row a workgroup: gradient x input.

// width
@group(0) @binding(0) var<uniform> shape: vec4u;
// [rows]: x is the row of the input
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [rows, width]
@group(0) @binding(2) var<storage, read> c: array<f32>;
// [positions, width]
@group(0) @binding(3) var<storage, read> x: array<f32>;
// [rows]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> parts: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    var sum = 0.0;
    for (var k = i; k < shape.x; k += 64u) {
        sum += c[group.x * shape.x + k] * x[info[group.x].x * shape.x + k];
    }
    parts[i] = sum;
    workgroupBarrier();
    if i == 0u {
        sum = 0.0;
        for (var n = 0u; n < 64u; n++) {
            sum += parts[n];
        }
        y[group.x] = sum;
    }
}
