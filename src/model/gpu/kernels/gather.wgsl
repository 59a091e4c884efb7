// y[r] = x[source[r]], or its scatter y[source[r]] = x[r].

struct Gather {
    width: u32,
    // 1: scatter
    scatter: u32,
}

@group(0) @binding(0) var<uniform> gather: Gather;
// [rows]
@group(0) @binding(1) var<storage, read> source: array<u32>;
// [.., width] both
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let c = group.x * 64u + i;
    if c >= gather.width {
        return;
    }
    let here = group.y * gather.width + c;
    let there = source[group.y] * gather.width + c;
    if gather.scatter == 1u {
        y[there] = x[here];
    } else {
        y[here] = x[there];
    }
}
