// y[r, c] (+)= sum over o of x[r, first + o] W[o, c]: the vjp of a product. x is [rows, all], y is [rows, inputs].

fn given(row: u32, o: u32) -> f32 {
    return select(0.0, x[row * matrix.all + matrix.first + o], row < rows.x && o < matrix.outputs);
}

fn put(row: u32, c: u32, value: f32) {
    if row < rows.x && c < matrix.inputs {
        let at = row * matrix.inputs + c;
        y[at] = value + select(0.0, y[at], matrix.accumulate == 1u);
    }
}

// [output][input]
fn weights4x4(c: u32, o: u32) -> mat4x4f {
    return mat4x4f(weight4(o, c), weight4(o + 1u, c), weight4(o + 2u, c), weight4(o + 3u, c));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let row0 = group.y * TILE;
    let left = group.x * TILE;
    let slice = i / 64u;
    let across = i % 8u * 4u;
    let down = i % 64u / 8u * 4u;
    // half of the threads load weights, the other half rows of x: four terms for four lines each
    let is_weight = i % 64u < 32u;
    let term = slice * DEPTH + i % 32u / 8u * 4u;
    let to = term * 8u + i % 8u;
    var sums = mat4x4f();
    for (var start = 0u; start < matrix.outputs; start += SLICES * DEPTH) {
        if is_weight {
            hold_w(to, weights4x4(left + across, start + term));
        } else {
            hold_x(to, given4x4(row0 + across, start + term));
        }
        workgroupBarrier();
        sums = multiply(slice, down / 4u, across / 4u, sums);
        workgroupBarrier();
    }
    sums = of_all_slices(i, sums);
    if slice == 0u {
        put4x4(row0 + down, left + across, sums);
    }
}
