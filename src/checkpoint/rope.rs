//! Rotary frequencies: the base, and the scalings that llama checkpoints use.

use super::CheckpointError;

/// How a checkpoint stretches its rotary frequencies.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scaling {
    None,
    Linear(f64),
    /// Llama 3.1's: low frequencies divided by `factor`, high ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original_context: f64,
    },
    /// GGUF's `rope_freqs.weight`: a divisor for each frequency.
    Divisors(Vec<f32>),
}

/// Inverse frequencies `theta^(-2i/width)`, scaled: `width / 2` of them.
pub(super) fn inverse_frequencies(theta: f64, width: usize, scaling: &Scaling) -> Result<Vec<f32>, CheckpointError> {
    let half = width / 2;
    if let Scaling::Divisors(d) = scaling
        && d.len() != half
    {
        return Err(CheckpointError::Shape {
            tensor: "rope_freqs.weight".into(),
            expected: vec![half],
            found: vec![d.len()],
        });
    }
    Ok((0..half)
        .map(|i| {
            let frequency = theta.powf(-2.0 * i as f64 / width as f64);
            let scaled = match scaling {
                Scaling::None => frequency,
                Scaling::Linear(factor) => frequency / factor,
                Scaling::Divisors(d) => frequency / f64::from(d[i]),
                Scaling::Llama3 { factor, low, high, original_context } => {
                    llama3(frequency, *factor, *low, *high, *original_context)
                }
            };
            scaled as f32
        })
        .collect())
}

fn llama3(frequency: f64, factor: f64, low: f64, high: f64, context: f64) -> f64 {
    let wavelength = std::f64::consts::TAU / frequency;
    if wavelength < context / high {
        frequency
    } else if wavelength > context / low {
        frequency / factor
    } else {
        let smooth = (context / wavelength - low) / (high - low);
        (1.0 - smooth) * frequency / factor + smooth * frequency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_keeps_high_frequencies_and_divides_low_ones() {
        let scaling = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original_context: 8192.0 };
        let plain = inverse_frequencies(500_000.0, 128, &Scaling::None).unwrap();
        let scaled = inverse_frequencies(500_000.0, 128, &scaling).unwrap();
        assert_eq!(plain[0], scaled[0]);
        assert!((plain[63] / scaled[63] - 8.0).abs() < 1e-4);
        // Published for Llama 3.1 8B (rope_freqs of its GGUF conversions): the ramp lies within dimensions 29..35.
        for i in 0..64 {
            let ratio = plain[i] / scaled[i];
            assert!((0.999..=8.001).contains(&ratio), "{i}: {ratio}");
            assert_eq!(i >= 35, ratio > 7.99, "{i}: {ratio}");
            assert_eq!(i < 29, ratio < 1.01, "{i}: {ratio}");
        }
    }

    #[test]
    fn divisors_must_match_the_head_width() {
        assert!(inverse_frequencies(1e4, 64, &Scaling::Divisors(vec![1.0; 31])).is_err());
    }
}
