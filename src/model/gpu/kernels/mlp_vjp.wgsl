// The vjp of the gated activation: of the gate c u silu'(g), of up c silu(g).

struct Mlp { width: u32 }

@group(0) @binding(0) var<uniform> mlp: Mlp;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row of each cotangent
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [positions, 2 width]: gate and then up
@group(0) @binding(3) var<storage, read> gate_up: array<f32>;
// [rows, width]: the cotangent
@group(0) @binding(4) var<storage, read> c: array<f32>;
// [rows, 2 width]: of gate and then of up
@group(0) @binding(5) var<storage, read_write> pulled: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let k = group.x * 64u + i;
    if group.y >= rows.x || k >= mlp.width {
        return;
    }
    let own = group.y * mlp.width + k;
    let primal = 2u * info[group.y].x * mlp.width + k;
    let g = gate_up[primal];
    let sigmoid = 1.0 / (1.0 + exp(-g));
    let to = 2u * group.y * mlp.width + k;
    pulled[to] = c[own] * gate_up[primal + mlp.width] * sigmoid * (1.0 + g * (1.0 - sigmoid));
    pulled[to + mlp.width] = c[own] * g * sigmoid;
}
