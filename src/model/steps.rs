//! A decoder layer as a list of steps: the only place that knows their order. Each backend folds the list forwards for
//! values and tangents, and backwards for cotangents.

use crate::checkpoint::{Activation, LayerSpec, Norms, Part, QkNorm};

/// Where activations are between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The residual stream, `[rows, width]`.
    Stream,
    /// What a block reads.
    Input,
    Queries,
    Keys,
    Values,
    /// What attention's heads put out.
    Attended,
    Gate,
    Up,
    /// The gated activation.
    Hidden,
    /// What a block is about to add to the stream.
    Branch,
}

impl Place {
    /// How many there are.
    pub const COUNT: usize = 10;
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// RMSNorm of every row.
    Norm { from: Place, to: Place, gain: Part },
    /// RMSNorm of every head of every row, in place.
    NormHeads { of: Place, gain: Part },
    /// A copy.
    Copy { from: Place, to: Place },
    /// A linear map.
    Linear { from: Place, to: Place, weight: Part },
    /// Queries or keys turn to their positions by this table of frequencies.
    Rope { of: Place, table: usize },
    /// Causal attention of the queries over keys and values, which are kept for positions to come.
    Attend(Attend),
    /// `Hidden = activation(Gate) * Up`.
    Gate(Activation),
    /// `Stream += scale * Branch`.
    Add { scale: f32 },
}

/// How attention weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attend {
    /// What a query's product with a key is multiplied by.
    pub scale: f32,
    /// A query sees so many positions, its own the last.
    pub window: Option<usize>,
}

impl Attend {
    /// A layer's.
    pub fn of(spec: &LayerSpec) -> Self {
        Self { scale: spec.attention_scale, window: spec.window }
    }
}

/// The steps of a layer.
pub(crate) fn steps(spec: &LayerSpec) -> Vec<Step> {
    use Place::{Attended, Branch, Gate, Hidden, Input, Keys, Queries, Up, Values};
    let linear = |from, to, weight| Step::Linear { from, to, weight };
    let mut all = vec![reads(spec.attention_norms, Part::AttnNorm)];
    all.extend([
        linear(Input, Queries, Part::Queries),
        linear(Input, Keys, Part::Keys),
        linear(Input, Values, Part::Values),
    ]);
    for (of, gain) in [(Queries, Part::QueryNorm), (Keys, Part::KeyNorm)] {
        match spec.qk_norm {
            QkNorm::None => {}
            QkNorm::Head => all.push(Step::NormHeads { of, gain }),
            QkNorm::Whole => all.push(Step::Norm { from: of, to: of, gain }),
        }
    }
    all.extend(spec.rope.into_iter().flat_map(|table| [Queries, Keys].map(|of| Step::Rope { of, table })));
    all.push(Step::Attend(Attend::of(spec)));
    all.push(linear(Attended, Branch, Part::Output));
    all.extend(adds(spec.attention_norms, Part::AttnPostNorm, spec.residual_scale));
    all.push(reads(spec.ffn_norms, Part::FfnNorm));
    all.extend([linear(Input, Gate, Part::Gate), linear(Input, Up, Part::Up)]);
    all.push(Step::Gate(spec.activation));
    all.push(linear(Hidden, Branch, Part::Down));
    all.extend(adds(spec.ffn_norms, Part::FfnPostNorm, spec.residual_scale));
    all
}

/// How a block reads the stream.
fn reads(norms: Norms, gain: Part) -> Step {
    let (from, to) = (Place::Stream, Place::Input);
    if norms.before { Step::Norm { from, to, gain } } else { Step::Copy { from, to } }
}

/// How the stream takes in what a block gives.
fn adds(norms: Norms, gain: Part, scale: f32) -> Vec<Step> {
    let normed = norms.after.then_some(Step::Norm { from: Place::Branch, to: Place::Branch, gain });
    normed.into_iter().chain([Step::Add { scale }]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_uses_exactly_the_tensors_that_it_has() {
        let norms = [(true, false), (true, true), (false, true)].map(|(before, after)| Norms { before, after });
        for (attention_norms, qk_norm) in
            norms.into_iter().flat_map(|n| [QkNorm::None, QkNorm::Head, QkNorm::Whole].map(|q| (n, q)))
        {
            let spec = LayerSpec { attention_norms, ffn_norms: attention_norms, qk_norm, ..LayerSpec::llama(64) };
            let used: Vec<Part> = steps(&spec)
                .into_iter()
                .filter_map(|step| match step {
                    Step::Norm { gain, .. } | Step::NormHeads { gain, .. } => Some(gain),
                    Step::Linear { weight, .. } => Some(weight),
                    Step::Copy { .. } | Step::Rope { .. } | Step::Attend(_) | Step::Gate(_) | Step::Add { .. } => None,
                })
                .collect();
            let has: Vec<Part> = Part::ALL.into_iter().filter(|part| part.is_in(&spec)).collect();
            assert_eq!(used, has);
        }
    }
}
