//! A layer's steps as the GPU takes them: several in one product, sums taken by the product that makes them.

use crate::checkpoint::{Activation, LayerSpec, Part};
use crate::model::steps::{Attend, Place, Step, steps};

/// One or several steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fused {
    /// The block's input is the stream, normed.
    Norm { gain: Part },
    /// The block's input is the stream itself.
    Bare,
    /// Queries, keys and values in one product.
    Qkv,
    /// Queries and keys normed, each head for itself or all at once.
    QkNorm { whole: bool },
    /// Queries and keys turn by this table, or stay; keys and values go to the cache.
    Append { table: Option<usize> },
    /// Attention over the cache.
    Attend(Attend),
    /// Gate and up in one product.
    GateUp,
    /// The gated activation.
    Gate(Activation),
    /// A product that is added to the stream.
    Into { from: Place, weight: Part },
    /// A product that the stream takes in later.
    Out { from: Place, weight: Part },
    /// That product, normed.
    PostNorm { gain: Part },
    /// The stream takes it in.
    Add { scale: f32 },
}

/// The steps of a layer of this kind. Fails with a step that has no place here.
pub(super) fn fuse(spec: &LayerSpec) -> Result<Vec<Fused>, Step> {
    use Place::{Branch, Gate, Input, Keys, Queries, Stream, Up, Values};
    let all = steps(spec);
    let (mut left, mut fused) = (&all[..], Vec::new());
    while let Some(first) = left.first() {
        let (one, count) = match *left {
            [Step::Norm { from: Stream, to: Input, gain }, ..] => (Fused::Norm { gain }, 1),
            [Step::Copy { from: Stream, to: Input }, ..] => (Fused::Bare, 1),
            [
                Step::Linear { from: Input, to: Queries, .. },
                Step::Linear { from: Input, to: Keys, .. },
                Step::Linear { from: Input, to: Values, .. },
                ..,
            ] => (Fused::Qkv, 3),
            [Step::NormHeads { of: Queries, .. }, Step::NormHeads { of: Keys, .. }, ..] => {
                (Fused::QkNorm { whole: false }, 2)
            }
            [Step::Norm { from: Queries, to: Queries, .. }, Step::Norm { from: Keys, to: Keys, .. }, ..] => {
                (Fused::QkNorm { whole: true }, 2)
            }
            [Step::Rope { of: Queries, table }, Step::Rope { of: Keys, .. }, Step::Attend(_), ..] => {
                (Fused::Append { table: Some(table) }, 2)
            }
            [Step::Attend(attend), ..] => {
                if !matches!(fused.last(), Some(Fused::Append { .. })) {
                    fused.push(Fused::Append { table: None });
                }
                (Fused::Attend(attend), 1)
            }
            [Step::Linear { from: Input, to: Gate, .. }, Step::Linear { from: Input, to: Up, .. }, ..] => {
                (Fused::GateUp, 2)
            }
            [Step::Gate(activation), ..] => (Fused::Gate(activation), 1),
            [Step::Linear { from, to: Branch, weight }, Step::Add { scale: 1.0 }, ..] => {
                (Fused::Into { from, weight }, 2)
            }
            [Step::Linear { from, to: Branch, weight }, ..] => (Fused::Out { from, weight }, 1),
            [Step::Norm { from: Branch, to: Branch, gain }, ..] => (Fused::PostNorm { gain }, 1),
            [Step::Add { scale }, ..] => (Fused::Add { scale }, 1),
            _ => return Err(*first),
        };
        fused.push(one);
        left = &left[count..];
    }
    Ok(fused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Norms, QkNorm};

    #[test]
    fn a_llama_layer_takes_eight_steps() {
        let fused = fuse(&LayerSpec::llama(64)).unwrap();
        let (hidden, attended) = (Place::Hidden, Place::Attended);
        let attend = Attend { scale: 0.125, window: None };
        let expected = [
            Fused::Norm { gain: Part::AttnNorm },
            Fused::Qkv,
            Fused::Append { table: Some(0) },
            Fused::Attend(attend),
            Fused::Into { from: attended, weight: Part::Output },
            Fused::Norm { gain: Part::FfnNorm },
            Fused::GateUp,
            Fused::Gate(Activation::Silu),
            Fused::Into { from: hidden, weight: Part::Down },
        ];
        assert_eq!(fused, expected);
    }

    #[test]
    fn every_kind_of_layer_has_a_place() {
        for (before, after) in [(true, false), (true, true), (false, true)] {
            for qk_norm in [QkNorm::None, QkNorm::Head, QkNorm::Whole] {
                for (rope, residual_scale) in [(None, 1.0), (Some(0), 0.6)] {
                    let norms = Norms { before, after };
                    let (attention_norms, ffn_norms) = (norms, norms);
                    let llama = LayerSpec::llama(64);
                    let spec = LayerSpec { attention_norms, ffn_norms, qk_norm, rope, residual_scale, ..llama };
                    let fused = fuse(&spec).unwrap();
                    assert_eq!(fused.iter().filter(|f| matches!(f, Fused::Append { .. })).count(), 1);
                }
            }
        }
    }
}
