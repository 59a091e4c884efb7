// The gated activation a = f(gate) up. Tangent rows: f'(g) dg u + f(g) du.

// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [rows, 2 width]: gate and then up
@group(0) @binding(3) var<storage, read> gate_up: array<f32>;
// [rows, width]
@group(0) @binding(4) var<storage, read_write> a: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let c = group.x * 64u + i;
    if group.y >= rows.x || c >= gated.width {
        return;
    }
    let to = group.y * gated.width + c;
    let own = 2u * group.y * gated.width + c;
    let primal = 2u * info[group.y].x * gated.width + c;
    let f = activated(gate_up[primal]);
    if own == primal {
        a[to] = f.x * gate_up[own + gated.width];
    } else {
        a[to] = f.y * gate_up[own] * gate_up[primal + gated.width] + f.x * gate_up[own + gated.width];
    }
}
