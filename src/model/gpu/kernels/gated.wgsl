// What both kernels of the gated activation begin with.

struct Gated {
    width: u32,
    // 0: silu; 1: GELU in its tanh approximation
    activation: u32,
}

@group(0) @binding(0) var<uniform> gated: Gated;

// The activation of a gate, and its slope.
fn activated(g: f32) -> vec2f {
    if gated.activation == 0u {
        let sigmoid = 1.0 / (1.0 + exp(-g));
        return vec2f(g * sigmoid, sigmoid * (1.0 + g * (1.0 - sigmoid)));
    }
    let bend = 0.7978846 * (g + 0.044715 * g * g * g);
    let t = tanh(clamp(bend, -15.0, 15.0)); // some drivers' tanh overflows beyond
    let slope = 0.7978846 * (1.0 + 3.0 * 0.044715 * g * g);
    return vec2f(0.5 * g * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * g * (1.0 - t * t) * slope);
}
