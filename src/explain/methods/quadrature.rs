//! Gauss and Legendre's rule: the integral over 0..1 as a weighted sum, exact for polynomials of degree 2 n - 1.

/// The places of `nodes` nodes within 0..1, ascending, and their weights, which sum to 1.
pub fn gauss_legendre(nodes: usize) -> Vec<(f64, f64)> {
    (1..=nodes).rev().map(|k| node(nodes, k)).collect()
}

/// Root number `k` of the Legendre polynomial of degree `n`, by Newton's method from Tricomi's estimate.
fn node(n: usize, k: usize) -> (f64, f64) {
    let mut x = (std::f64::consts::PI * (k as f64 - 0.25) / (n as f64 + 0.5)).cos();
    for _ in 0..20 {
        let (value, slope) = legendre(n, x);
        let step = value / slope;
        x -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    let (_, slope) = legendre(n, x);
    ((1.0 + x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
}

/// P_n(x) by its recurrence, and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut now) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
    }
    (now, n as f64 * (x * now - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for nodes in [1, 2, 3, 8, 16, 255, 256] {
            let rule = gauss_legendre(nodes);
            assert!(rule.windows(2).all(|pair| pair[0].0 < pair[1].0) && rule[0].0 > 0.0 && rule[nodes - 1].0 < 1.0);
            for degree in (0..2 * nodes.min(20)).step_by(3).chain([2 * nodes - 1]) {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
                let exact = 1.0 / (degree as f64 + 1.0);
                assert!((sum / exact - 1.0).abs() < 1e-11, "{nodes} nodes, degree {degree}: {sum} {exact}");
            }
        }
        let [(a, _), (b, _)] = gauss_legendre(2)[..] else { panic!() };
        assert!((b - a - 1.0 / 3f64.sqrt()).abs() < 1e-15);
    }
}
