// The gated activation a = silu(gate) up. Tangent rows: silu'(g) dg u + silu(g) du.

struct Mlp { width: u32 }

@group(0) @binding(0) var<uniform> mlp: Mlp;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [rows, width] each
@group(0) @binding(3) var<storage, read> gate: array<f32>;
@group(0) @binding(4) var<storage, read> up: array<f32>;
@group(0) @binding(5) var<storage, read_write> a: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let c = group.x * 64u + i;
    if group.y >= rows.x || c >= mlp.width {
        return;
    }
    let own = group.y * mlp.width + c;
    let primal = info[group.y].x * mlp.width + c;
    let g = gate[primal];
    let sigmoid = 1.0 / (1.0 + exp(-g));
    let value = g * sigmoid;
    if own == primal {
        a[own] = value * up[own];
    } else {
        let slope = sigmoid * (1.0 + g * (1.0 - sigmoid));
        a[own] = slope * gate[own] * up[primal] + value * up[own];
    }
}
