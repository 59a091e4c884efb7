// The gated activation a = silu(gate) up. Tangent rows: silu'(g) dg u + silu(g) du.

struct Mlp { width: u32 }

@group(0) @binding(0) var<uniform> mlp: Mlp;
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
    if group.y >= rows.x || c >= mlp.width {
        return;
    }
    let to = group.y * mlp.width + c;
    let own = 2u * group.y * mlp.width + c;
    let primal = 2u * info[group.y].x * mlp.width + c;
    let g = gate_up[primal];
    let sigmoid = 1.0 / (1.0 + exp(-g));
    let value = g * sigmoid;
    if own == primal {
        a[to] = value * gate_up[own + mlp.width];
    } else {
        let slope = sigmoid * (1.0 + g * (1.0 - sigmoid));
        a[to] = slope * gate_up[own] * gate_up[primal + mlp.width] + value * gate_up[own + mlp.width];
    }
}
