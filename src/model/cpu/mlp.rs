//! The gated feed-forward activation (Shazeer, 2020): `a = activation(gate) * up`, its jvp and its vjp.

use crate::checkpoint::Activation;
use crate::model::row_plan::RowPlan;

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// silu(x) and its derivative.
fn silu(x: f32) -> (f32, f32) {
    let s = sigmoid(x);
    (x * s, s * (1.0 + x * (1.0 - s)))
}

/// GELU(x) in its tanh approximation, and its derivative (Hendrycks and Gimpel, 2016).
fn gelu(x: f32) -> (f32, f32) {
    const SQRT_2_BY_PI: f32 = 0.797_884_6;
    const CUBIC: f32 = 0.044_715;
    let t = (SQRT_2_BY_PI * (x + CUBIC * x * x * x)).tanh();
    let slope = SQRT_2_BY_PI * (1.0 + 3.0 * CUBIC * x * x);
    (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope)
}

/// The activation and its derivative.
fn activated(activation: Activation, x: f32) -> (f32, f32) {
    match activation {
        Activation::Silu => silu(x),
        Activation::GeluTanh => gelu(x),
    }
}

/// Value of the primal rows and jvp of the tangent rows.
pub(in crate::model) fn forward(activation: Activation, gate: &[f32], up: &[f32], plan: &RowPlan) -> Vec<f32> {
    let width = gate.len() / plan.rows().max(1);
    let mut a = vec![0.0; gate.len()];
    let primal = plan.primal * width;
    // value and derivative of each primal gate, used again by every tangent on the same position
    let gates: Vec<(f32, f32)> = gate[..primal].iter().map(|&g| activated(activation, g)).collect();
    for ((a, (value, _)), up) in a.iter_mut().zip(&gates).zip(up) {
        *a = value * up;
    }
    for (r, p) in plan.pairs() {
        let (row, of) = (r * width..(r + 1) * width, p * width..(p + 1) * width);
        let tangents = gate[row.clone()].iter().zip(&up[row.clone()]);
        let primals = gates[of.clone()].iter().zip(&up[of]);
        for ((a, (dg, du)), ((value, slope), u)) in a[row].iter_mut().zip(tangents).zip(primals) {
            *a = slope * dg * u + value * du;
        }
    }
    a
}

/// The vjp: cotangents of gate and up for cotangent rows `c`; `of` gives each cotangent's primal row.
pub(in crate::model) fn vjp(
    activation: Activation,
    gate: &[f32],
    up: &[f32],
    of: &[usize],
    c: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let width = c.len() / of.len().max(1);
    let (mut dg, mut du) = (vec![0.0; c.len()], vec![0.0; c.len()]);
    let gates: Vec<(f32, f32)> = gate.iter().map(|&g| activated(activation, g)).collect();
    for (i, &p) in of.iter().enumerate() {
        let (row, of) = (i * width..(i + 1) * width, p * width..(p + 1) * width);
        let primals = gates[of.clone()].iter().zip(&up[of]).zip(&c[row.clone()]);
        let outputs = dg[row.clone()].iter_mut().zip(&mut du[row]);
        for ((dg, du), (((value, slope), u), c)) in outputs.zip(primals) {
            *dg = c * u * slope;
            *du = c * value;
        }
    }
    (dg, du)
}
