//! A slope by differences, with as little of their error as can be had.

/// The widest step, and how many there are, each half as wide as the one before.
const WIDEST: f64 = 0.1;
const STEPS: usize = 5;

/// The slope at 0 of the function `at`, by Ridders' method (1982): central differences at ever smaller steps, of which each two
/// neighbours are extrapolated to step 0, and so are these. Of all that comes out, the one that is nearest to the two it was made
/// of, and how far it is from these: wide steps suffer from the curve's bends, narrow ones from rounding.
pub async fn slope_of<E>(mut at: impl AsyncFnMut(f64) -> Result<f64, E>) -> Result<(f64, f64), E> {
    let mut wider: Vec<f64> = Vec::new();
    let (mut best, mut error) = (0.0, f64::INFINITY);
    for halvings in 0..STEPS {
        let step = WIDEST / f64::from(1u32 << halvings);
        let mut row = vec![(at(step).await? - at(-step).await?) / (2.0 * step)];
        for (k, before) in wider.iter().enumerate() {
            // the error of order 2 (k + 1) falls by so much from step to step
            let factor = f64::from(4u32 << (2 * k));
            let better = (factor * row[k] - before) / (factor - 1.0);
            let apart = (better - row[k]).abs().max((better - before).abs());
            if apart < error {
                (best, error) = (better, apart);
            }
            row.push(better);
        }
        wider = row;
    }
    Ok((best, error))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::model::block_on;

    fn found(f: impl Fn(f64) -> f64) -> f64 {
        block_on(slope_of(async |x| Ok::<f64, Infallible>(f(x)))).unwrap_or_else(|never| match never {}).0
    }

    #[test]
    fn slopes_of_bent_and_of_rounded_functions() {
        assert!((found(|x| (3.0 * x).exp()) - 3.0).abs() < 1e-9);
        assert!((found(|x| (20.0 * x).sin()) - 20.0).abs() < 2e-3);
        assert_eq!(found(|_| 2.0), 0.0);
        // rounded as f32 are
        let rounded = |x: f64| f64::from((0.3 + 0.01 * (5.0 * x).tanh()) as f32);
        assert!((found(rounded) - 0.05).abs() < 1e-4, "{}", found(rounded));
    }
}
