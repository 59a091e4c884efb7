//! What is read off a row of logits: the target's cotangent, and how the model ranked its choices.

use serde::{Deserialize, Serialize};

use super::ModelError;

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
    /// In the words of a caption.
    pub fn words(self) -> &'static str {
        match self {
            Self::Prob => "probability",
            Self::Logprob => "log-probability",
            Self::Logit => "logit",
        }
    }

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

/// What is differentiated at one place of a response: the target of a token, or how far it is above that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    /// Probability, its logarithm, or the logit.
    pub target: Target,
    /// The token that comes, y.
    pub token: u32,
    /// The token it is set against: t(y) - t(against).
    pub against: Option<u32>,
}

impl Goal {
    /// The target of `token` alone.
    pub fn of(target: Target, token: u32) -> Self {
        Self { target, token, against: None }
    }

    /// Fails where the vocabulary lacks one of its tokens.
    pub fn check(self, vocab: usize) -> Result<(), ModelError> {
        match [Some(self.token), self.against].into_iter().flatten().find(|id| *id as usize >= vocab) {
            Some(id) => Err(ModelError::UnknownToken { id, vocab }),
            None => Ok(()),
        }
    }

    /// Its value where these are the logits, `[vocab]`. The logit difference is what the log-probabilities differ by, too.
    pub fn value(self, logits: &[f32]) -> f64 {
        let of = |token: u32| f64::from(logits[token as usize]);
        match (self.target, self.against) {
            (Target::Logit, None) => of(self.token),
            (Target::Logit | Target::Logprob, Some(against)) => of(self.token) - of(against),
            (Target::Logprob, None) => of(self.token) - log_sum(logits),
            (Target::Prob, against) => {
                let sum = log_sum(logits);
                (of(self.token) - sum).exp() - against.map_or(0.0, |against| (of(against) - sum).exp())
            }
        }
    }
}

/// What is differentiated at every token of `response`, each set against one of `against` if there are any. Fails where these
/// are not as many.
pub fn goals(response: &[u32], target: Target, against: &[u32]) -> Result<Vec<Goal>, ModelError> {
    if !against.is_empty() && against.len() != response.len() {
        return Err(ModelError::OtherCount { ids: against.len(), tokens: response.len() });
    }
    let one = |(m, &token): (usize, &u32)| Goal { target, token, against: against.get(m).copied() };
    Ok(response.iter().enumerate().map(one).collect())
}

/// The log of the sum of the logits' exponentials.
fn log_sum(logits: &[f32]) -> f64 {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    most + logits.iter().map(|l| (f64::from(*l) - most).exp()).sum::<f64>().ln()
}

/// The token with the largest logit; of equals the first.
pub fn likeliest(logits: &[f32]) -> u32 {
    largest(logits, |_| true).unwrap_or_default()
}

/// The token other than `token` with the largest logit; of equals the first. None where there is no other.
pub fn strongest_other(logits: &[f32], token: u32) -> Option<u32> {
    largest(logits, |v| v != token)
}

fn largest(logits: &[f32], among: impl Fn(u32) -> bool) -> Option<u32> {
    let of = |v: u32| logits[v as usize];
    (0..logits.len() as u32).rev().filter(|v| among(*v)).max_by(|a, b| of(*a).total_cmp(&of(*b)))
}

/// d goal / d logits, `[vocab]`. Of a logit it is one at the token, zero elsewhere; a contrast's is the difference of two.
pub fn cotangent(logits: &[f32], goal: Goal) -> Vec<f32> {
    let Goal { target, token, against } = goal;
    let y = token as usize;
    if target == Target::Logit || (target == Target::Logprob && against.is_some()) {
        let mut c = vec![0.0; logits.len()];
        c[y] = 1.0;
        if let Some(against) = against {
            c[against as usize] -= 1.0;
        }
        return c;
    }
    let p = softmax(logits);
    // 1 - p as the sum of the others: no cancellation where the model is sure
    let without = |token: usize| p.iter().enumerate().filter(|(v, _)| *v != token).map(|(_, p)| p).sum::<f64>();
    let all = |scale: f64| p.iter().map(|p| (-p * scale) as f32).collect::<Vec<f32>>();
    if target == Target::Logprob {
        let mut c = all(1.0);
        c[y] = without(y) as f32;
        return c;
    }
    let Some(a) = against.map(|a| a as usize) else {
        let mut c = all(p[y]);
        c[y] = (p[y] * without(y)) as f32;
        return c;
    };
    if a == y {
        return vec![0.0; p.len()];
    }
    let mut c = all(p[y] - p[a]);
    c[y] = (p[y] * (without(y) + p[a])) as f32;
    c[a] = (-p[a] * (without(a) + p[y])) as f32;
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

    const TARGETS: [Target; 3] = [Target::Prob, Target::Logprob, Target::Logit];

    #[test]
    fn cotangents_are_the_goals_derivatives() {
        for (target, against) in TARGETS.into_iter().flat_map(|t| [None, Some(1), Some(2)].map(|a| (t, a))) {
            let goal = Goal { target, token: 3, against };
            let c = cotangent(&LOGITS, goal);
            for (v, c) in c.iter().enumerate() {
                let (mut up, mut down) = (LOGITS, LOGITS);
                up[v] += 1e-2;
                down[v] -= 1e-2;
                let slope = (goal.value(&up) - goal.value(&down)) / 2e-2;
                assert!((slope - f64::from(*c)).abs() < 1e-4, "{goal:?} {v}: {slope} {c}");
            }
        }
    }

    #[test]
    fn a_contrast_is_the_difference_of_two() {
        for target in TARGETS {
            let one = |token| cotangent(&LOGITS, Goal::of(target, token));
            let contrast = Goal { target, token: 3, against: Some(1) };
            for ((a, b), c) in one(3).iter().zip(one(1)).zip(cotangent(&LOGITS, contrast)) {
                assert!((a - b - c).abs() < 1e-6, "{target:?}");
            }
            let value = Goal::of(target, 3).value(&LOGITS) - Goal::of(target, 1).value(&LOGITS);
            assert!((contrast.value(&LOGITS) - value).abs() < 1e-12);
            let itself = Goal { target, token: 3, against: Some(3) };
            assert_eq!((itself.value(&LOGITS), cotangent(&LOGITS, itself)), (0.0, vec![0.0; 4]));
        }
        assert_eq!((strongest_other(&LOGITS, 3), strongest_other(&LOGITS, 1)), (Some(1), Some(3)));
        assert_eq!((strongest_other(&[0.0; 3], 0), strongest_other(&[0.0], 0)), (Some(1), None));
    }

    #[test]
    fn a_sure_model_keeps_its_small_derivative() {
        let c = cotangent(&[30.0, 0.0], Goal::of(Target::Prob, 0));
        assert!((f64::from(c[0]) / (-30f64).exp() - 1.0).abs() < 1e-3);
        // both p(y) and 1 - p(a) are e^-30, and twice their product is what a moves
        let c = cotangent(&[30.0, 0.0], Goal { target: Target::Prob, token: 1, against: Some(0) });
        assert!((f64::from(c[0]) / (-2.0 * (-30f64).exp()) - 1.0).abs() < 1e-3 && c[1] == -c[0]);
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
