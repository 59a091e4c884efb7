// y[r, first + o] (+)= sum over c of x[r, c] W[o, c], for few rows.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
    let out0 = group.x * OUTPUTS;
    let row0 = group.y * ROWS;
    var sum{r} = vec4f();
    for (var c = i * 4u; c < matrix.inputs; c += 2u * SPAN) {
        let w = weights4x4(out0, c);
        let after = weights4x4(out0, c + SPAN);
        sum{r} += input4(row0 + {r}u, c) * w + input4(row0 + {r}u, c + SPAN) * after;
    }
    parts[i + {r}u * THREADS] = sum{r};
    gather_parts(i);
    put_parts(i, out0, row0);
}
