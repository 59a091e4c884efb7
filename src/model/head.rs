//! What is read off a row of logits: the target's cotangent, and how the model ranked its choices.

use serde::{Deserialize, Serialize};

/// What is differentiated for a response token y (METHODS.md, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// p(y): the paper's choice.
    #[default]
    Prob,
    /// log p(y).
    Logprob,
    /// y's logit.
    Logit,
}

impl Target {
    /// The name used in exports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prob => "prob",
            Self::Logprob => "logprob",
            Self::Logit => "logit",
        }
    }
}

/// The softmax of `logits`, as f64 so that 1 - p keeps its digits, and the log of its normaliser.
fn softmax(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut p: Vec<f64> = logits.iter().map(|&l| f64::from(l - max).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
    p
}

/// d target / d logits, `[vocab]`. For the logit it is one at `token`, zero elsewhere.
pub fn cotangent(logits: &[f32], token: u32, target: Target) -> Vec<f32> {
    let y = token as usize;
    if target == Target::Logit {
        let mut c = vec![0.0; logits.len()];
        c[y] = 1.0;
        return c;
    }
    let p = softmax(logits);
    let scale = if target == Target::Prob { p[y] } else { 1.0 };
    // 1 - p(y) as the sum of the others: no cancellation where the model is sure.
    let others: f64 = p.iter().enumerate().filter(|(v, _)| *v != y).map(|(_, p)| p).sum();
    let mut c: Vec<f32> = p.iter().map(|p| (-p * scale) as f32).collect();
    c[y] = (others * scale) as f32;
    c
}

/// A token the model considered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// Its probability.
    pub probability: f32,
}

/// How the model saw the token that came next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Probability of the token that came.
    pub probability: f32,
    /// 1 for the most probable.
    pub rank: usize,
    /// Entropy of the distribution, nats.
    pub entropy: f32,
    /// The most probable tokens, best first.
    pub top: Vec<Candidate>,
}

/// Describes `token` within the distribution of `logits`, with the `top` most probable alternatives.
pub fn choice(logits: &[f32], token: u32, top: usize) -> Choice {
    let p = softmax(logits);
    let y = p[token as usize];
    let entropy = -p.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>();
    let rank = 1 + p.iter().enumerate().filter(|&(v, &q)| q > y || (q == y && v < token as usize)).count();
    let mut best: Vec<Candidate> = Vec::with_capacity(top + 1);
    for (id, &q) in p.iter().enumerate() {
        if best.len() == top && best.last().is_none_or(|b| f64::from(b.probability) >= q) {
            continue;
        }
        let at = best.partition_point(|b| f64::from(b.probability) >= f64::from(q as f32));
        best.insert(at, Candidate { id: id as u32, probability: q as f32 });
        best.truncate(top);
    }
    Choice { probability: y as f32, rank, entropy: entropy as f32, top: best }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 4] = [0.5, 2.0, -1.0, 1.25];

    fn value(logits: &[f32], target: Target) -> f64 {
        let p = softmax(logits);
        match target {
            Target::Prob => p[3],
            Target::Logprob => p[3].ln(),
            Target::Logit => f64::from(logits[3]),
        }
    }

    #[test]
    fn cotangents_are_the_targets_derivatives() {
        for target in [Target::Prob, Target::Logprob, Target::Logit] {
            let c = cotangent(&LOGITS, 3, target);
            for (v, c) in c.iter().enumerate() {
                let (mut up, mut down) = (LOGITS, LOGITS);
                up[v] += 1e-2;
                down[v] -= 1e-2;
                let slope = (value(&up, target) - value(&down, target)) / 2e-2;
                assert!((slope - f64::from(*c)).abs() < 1e-4, "{target:?} {v}: {slope} {c}");
            }
        }
    }

    #[test]
    fn a_sure_model_keeps_its_small_derivative() {
        let c = cotangent(&[30.0, 0.0], 0, Target::Prob);
        assert!((f64::from(c[0]) / (-30f64).exp() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn choices_are_ranked() {
        let c = choice(&LOGITS, 3, 2);
        assert_eq!((c.rank, c.top[0].id, c.top[1].id, c.top.len()), (2, 1, 3, 2));
        assert_eq!(c.top[1].probability, c.probability);
        let uniform = choice(&[0.0; 8], 5, 3);
        assert!((uniform.entropy - 8f32.ln()).abs() < 1e-6);
        assert_eq!(uniform.rank, 6);
    }
}
