// The vjp of the gated activation: of the gate c u silu'(g), of up c silu(g).

struct Mlp { width: u32 }

@group(0) @binding(0) var<uniform> mlp: Mlp;
// rows
@group(0) @binding(1) var<uniform> rows: vec4u;
// [rows]: x is the primal row of each cotangent
@group(0) @binding(2) var<storage, read> info: array<vec4u>;
// [positions, width] each
@group(0) @binding(3) var<storage, read> gate: array<f32>;
@group(0) @binding(4) var<storage, read> up: array<f32>;
// [rows, width]: the cotangent; afterwards that of up
@group(0) @binding(5) var<storage, read_write> c: array<f32>;
// [rows, width]
@group(0) @binding(6) var<storage, read_write> of_gate: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let k = group.x * 64u + i;
    if group.y >= rows.x || k >= mlp.width {
        return;
    }
    let own = group.y * mlp.width + k;
    let primal = info[group.y].x * mlp.width + k;
    let g = gate[primal];
    let sigmoid = 1.0 / (1.0 + exp(-g));
    of_gate[own] = c[own] * up[primal] * sigmoid * (1.0 + g * (1.0 - sigmoid));
    c[own] *= g * sigmoid;
}
