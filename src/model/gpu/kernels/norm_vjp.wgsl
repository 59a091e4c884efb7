// The vjp of RMSNorm, a cotangent vector a workgroup: s (g c - x (x . g c) s^2 / width).

// [rows]: x is the row of the input that each cotangent belongs to
@group(0) @binding(1) var<storage, read> info: array<vec4u>;
// [positions, stride]
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [width]
@group(0) @binding(3) var<storage, read> gain: array<f32>;
// [rows, stride]
@group(0) @binding(4) var<storage, read> c: array<f32>;
// [rows, stride]
@group(0) @binding(5) var<storage, read_write> into: array<f32>;

var<workgroup> parts: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let own = place(group.x, group.y);
    let primal = place(info[group.x].x, group.y);
    var sum = vec2f();
    for (var k = i; k < norm.width && norm.plain == 0u; k += 64u) {
        let v = x[primal + k];
        sum += v * vec2f(v, gain[k] * c[own + k]);
    }
    parts[i] = sum;
    workgroupBarrier();
    sum = vec2f();
    for (var n = 0u; n < 64u; n++) {
        sum += parts[n];
    }
    let s = inverseSqrt(sum.x / f32(norm.width) + norm.eps);
    let along = sum.y * s * s / f32(norm.width);
    for (var k = i; k < norm.width; k += 64u) {
        var cotangent = c[own + k];
        if norm.plain == 0u {
            cotangent = s * (gain[k] * cotangent - x[primal + k] * along);
        }
        if norm.accumulate == 1u {
            cotangent += into[own + k];
        }
        into[own + k] = cotangent;
    }
}
