// y[r] = scale W[tokens[r]], or zeros where a row has no token (tangents outside their group). Parts of a split matrix fill in
// their own tokens' rows.

const NONE: u32 = 0xffffffffu;

// [rows]
@group(0) @binding(3) var<storage, read> tokens: array<u32>;
// [rows, inputs]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row = group.x;
    let token = tokens[row];
    let here = token >= matrix.first && token < matrix.first + matrix.outputs;
    if !here && !(token == NONE && matrix.first == 0u) {
        return;
    }
    for (var c = i * 4u; c < matrix.inputs; c += 256u) {
        var w = vec4f();
        if here {
            w = matrix.scale * weight4(token - matrix.first, c);
        }
        for (var j = 0u; j < 4u && c + j < matrix.inputs; j++) {
            y[row * matrix.inputs + c + j] = w[j];
        }
    }
}
