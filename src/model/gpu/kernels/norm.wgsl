// RMSNorm, a vector a workgroup. Primal rows: y = g x s, s = 1 / rms(x). Tangent rows: y = g s (dx - x (x . dx) s^2 / width).

// [rows]: of x the primal row that each belongs to
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [rows, stride]
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [width]
@group(0) @binding(3) var<storage, read> gain: array<f32>;
// [rows, stride]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> parts: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let own = place(group.x, group.y);
    let primal = place(info[group.x].x, group.y);
    var sum = vec2f();
    for (var c = i; c < norm.width; c += 64u) {
        let v = x[primal + c];
        sum += v * vec2f(v, x[own + c]);
    }
    parts[i] = sum;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if i < half {
            parts[i] += parts[i + half];
        }
        workgroupBarrier();
    }
    sum = parts[0];
    let s = inverseSqrt(sum.x / f32(norm.width) + norm.eps);
    let along = select(sum.y * s * s / f32(norm.width), 0.0, own == primal);
    for (var c = i; c < norm.width; c += 64u) {
        if norm.plain == 1u {
            y[own + c] = x[own + c];
        } else {
            y[own + c] = gain[c] * s * (x[own + c] - x[primal + c] * along);
        }
    }
}
