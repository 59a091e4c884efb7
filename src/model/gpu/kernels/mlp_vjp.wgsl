// The vjp of the gated activation: of the gate c u f'(g), of up c f(g).

// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row of each cotangent
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [positions, 2 width]: gate and then up
@group(0) @binding(3) var<storage, read> gate_up: array<f32>;
// [rows, width]: the cotangent
@group(0) @binding(4) var<storage, read> c: array<f32>;
// [rows, 2 width]: of gate and then of up
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let k = group.x * 64u + i;
    if group.y >= rows.x || k >= gated.width {
        return;
    }
    let own = group.y * gated.width + k;
    let primal = 2u * info[group.y].x * gated.width + k;
    let f = activated(gate_up[primal]);
    let to = 2u * group.y * gated.width + k;
    result[to] = c[own] * gate_up[primal + gated.width] * f.y;
    result[to + gated.width] = c[own] * f.x;
}
