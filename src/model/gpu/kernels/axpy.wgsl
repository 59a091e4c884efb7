// y = scale x, or y += scale x.

struct Axpy {
    width: u32,
    scale: f32,
    // 1 where the result is added to what is there
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> axpy: Axpy;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows, width]
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [rows, width]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let c = group.x * 64u + i;
    if group.y >= rows.x || c >= axpy.width {
        return;
    }
    let at = group.y * axpy.width + c;
    let added = select(0.0, y[at], axpy.accumulate == 1u);
    y[at] = added + axpy.scale * x[at];
}
