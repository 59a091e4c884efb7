//! The gated feed-forward activation (SwiGLU; Shazeer, 2020): `a = silu(gate) * up`, its jvp and its vjp.

use candle_core::Tensor;

use super::rows;
use crate::model::ModelError;
use crate::model::row_plan::RowPlan;

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// silu(x) and its derivative.
fn silu(x: f32) -> (f32, f32) {
    let s = sigmoid(x);
    (x * s, s * (1.0 + x * (1.0 - s)))
}

/// Value of the primal rows and jvp of the tangent rows.
pub(in crate::model) fn forward(gate: &Tensor, up: &Tensor, plan: &RowPlan) -> Result<Tensor, ModelError> {
    let width = gate.dim(1)?;
    let a = rows::with2(gate, up, |gate, up| {
        let mut a = vec![0.0; gate.len()];
        let primal = plan.primal * width;
        // silu and its derivative of each primal gate, used again by every tangent on the same position
        let gates: Vec<(f32, f32)> = gate[..primal].iter().map(|&g| silu(g)).collect();
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
    })?;
    rows::from_vec(a, width)
}

/// The vjp: cotangents of gate and up for cotangent rows `c`; `of` gives each cotangent's primal row.
pub(in crate::model) fn vjp(
    gate: &Tensor,
    up: &Tensor,
    of: &[usize],
    c: &Tensor,
) -> Result<(Tensor, Tensor), ModelError> {
    let width = gate.dim(1)?;
    let (dg, du) = rows::with3(gate, up, c, |gate, up, c| {
        let (mut dg, mut du) = (vec![0.0; c.len()], vec![0.0; c.len()]);
        let gates: Vec<(f32, f32)> = gate.iter().map(|&g| silu(g)).collect();
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
    })?;
    Ok((rows::from_vec(dg, width)?, rows::from_vec(du, width)?))
}
