//! Both models on the same text: how far apart their distributions are at every token of one response.
//!
//! Both models are forced through the same prompt and response. With `p` the tuned model's distribution of the next token and `q`
//! the base's, over one vocabulary, in nats:
//!
//! `KL(tuned || base) = sum_v p_v log(p_v / q_v)`, and the other way with `p` and `q` exchanged.
//!
//! The first is large where the tuned model favours tokens that the base finds unlikely, the second where the base favours tokens
//! that the tuned model has given up. Each is computed in f64 as `sum_v (p_v log(p_v / q_v) - p_v + q_v)`: the same sum, as both
//! distributions sum to one, but with no negative term, and rounding in the two normalizers changes it to second order only.
//!
//! **Two engines that cannot see each other** (in the page each lives in a worker of its own): [`each_row`] gives one
//! model's log-probabilities row by row, `4 * vocabulary` bytes a token as f32 (196 kB at 49,152 tokens, 9.4 MB for a response of
//! 48), and the other engine compares its own rows with them ([`compare_rows`]). Rows of f16 would be half as large, but a
//! log-probability of -20 would then be off by up to 0.008, and so would the divergence. The result is a few numbers a token.

use serde::{Deserialize, Serialize};

use super::attribution::{FORCED_CHUNK, PREFILL_CHUNK};
use crate::model::head::{Choice, choice};
use crate::model::{Engine, Length, ModelError};

/// Rows `[vocabulary]` of log-probabilities, nats: one for each token of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct LogProbabilities {
    vocabulary: usize,
    values: Vec<f32>,
}

impl LogProbabilities {
    /// From the values of all rows, as they came from another worker. Nothing where they do not make up whole rows.
    pub fn from_values(vocabulary: usize, values: Vec<f32>) -> Option<Self> {
        (vocabulary > 0 && values.len().is_multiple_of(vocabulary)).then_some(Self { vocabulary, values })
    }

    /// How many tokens a row tells of.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// All rows, one after the other, as they go to another worker.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows, from the response's first token on.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.vocabulary)
    }
}

/// Two models at one token of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenDivergence {
    /// The token that comes.
    pub id: u32,
    /// KL(tuned || base), nats.
    pub kl_tuned_base: f64,
    /// KL(base || tuned), nats.
    pub kl_base_tuned: f64,
    /// Its probability and rank under the base model, the entropy there, and what else was probable.
    pub base: Choice,
    /// The same under the tuned model.
    pub tuned: Choice,
}

/// Which of the two models something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The base model.
    Base,
    /// Its tuned child.
    Tuned,
}

/// Log-softmax of a row of logits, its normaliser in f64.
pub fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|l| (f64::from(*l) - most).exp()).sum();
    let normaliser = most + sum.ln();
    logits.iter().map(|l| (f64::from(*l) - normaliser) as f32).collect()
}

/// KL(p || q) in nats, of two rows of log-probabilities.
pub fn kl(p: &[f32], q: &[f32]) -> f64 {
    let term = |(p, q): (&f32, &f32)| {
        let (log_p, log_q) = (f64::from(*p), f64::from(*q));
        let (p, q) = (log_p.exp(), log_q.exp());
        if p == 0.0 { q } else { p * (log_p - log_q) - p + q }
    };
    p.iter().zip(q).map(term).sum()
}

/// Compares two rows of log-probabilities where token `id` comes next, with the `top` most probable tokens of each.
pub fn diverge(base: &[f32], tuned: &[f32], id: u32, top: usize) -> Result<TokenDivergence, ModelError> {
    if base.len() != tuned.len() {
        return Err(ModelError::OtherVocabulary { base: base.len(), tuned: tuned.len() });
    }
    if id as usize >= base.len() {
        return Err(ModelError::UnknownToken { id, vocab: base.len() });
    }
    Ok(TokenDivergence {
        id,
        kl_tuned_base: kl(tuned, base),
        kl_base_tuned: kl(base, tuned),
        // a softmax of log-probabilities gives the probabilities again
        base: choice(base, id, top),
        tuned: choice(tuned, id, top),
    })
}

/// Runs `engine` over `prompt` and `response`, and gives `each` the log-probabilities before every token of the response, with the
/// token's number; an error from `each` stops it. The sequence's caches are freed, also where it was stopped.
pub async fn each_row<E: Engine>(
    engine: &mut E,
    prompt: &[u32],
    response: &[u32],
    each: &mut impl AsyncFnMut(usize, Vec<f32>) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    if prompt.is_empty() {
        return Err(ModelError::EmptyPrompt);
    }
    let (context, vocab) = (engine.config().context, engine.config().vocab);
    let length = Length { prompt: prompt.len(), template: 0, response: Some(response.len()), context };
    if length.over() > 0 {
        return Err(ModelError::TooLong(length));
    }
    if let Some(&id) = prompt.iter().chain(response).find(|id| **id as usize >= vocab) {
        return Err(ModelError::UnknownToken { id, vocab });
    }
    engine.begin(&[]).await?;
    let done = force(engine, prompt, response, each).await;
    let freed = engine.begin(&[]).await;
    done.and(freed)
}

async fn force<E: Engine>(
    engine: &mut E,
    prompt: &[u32],
    response: &[u32],
    each: &mut impl AsyncFnMut(usize, Vec<f32>) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let Some((_, read)) = response.split_last() else { return Ok(()) };
    let mut last = 0;
    for chunk in prompt.chunks(PREFILL_CHUNK) {
        engine.advance(chunk).await?;
        last = chunk.len() - 1;
    }
    each(0, log_softmax(&engine.logits(last).await?)).await?;
    let mut number = 1;
    for chunk in read.chunks(FORCED_CHUNK) {
        engine.advance(chunk).await?;
        for index in 0..chunk.len() {
            each(number, log_softmax(&engine.logits(index).await?)).await?;
            number += 1;
        }
    }
    Ok(())
}

/// All rows of a response: `4 * vocabulary` bytes a token.
pub async fn log_probabilities<E: Engine>(
    engine: &mut E,
    prompt: &[u32],
    response: &[u32],
) -> Result<LogProbabilities, ModelError> {
    let vocabulary = engine.config().vocab;
    let mut values = Vec::with_capacity(response.len() * vocabulary);
    let mut collect = async |_: usize, row: Vec<f32>| {
        values.extend(row);
        Ok(())
    };
    each_row(engine, prompt, response, &mut collect).await?;
    Ok(LogProbabilities { vocabulary, values })
}

/// Compares `engine`, which is the model `side`, with the other model's rows for the same prompt and response, which `other` gives
/// by the token's number. `each` hears of every token as it is done; an error from it stops the comparison.
pub async fn compare_rows<E: Engine>(
    engine: &mut E,
    side: Side,
    (prompt, response): (&[u32], &[u32]),
    other: &mut impl FnMut(usize) -> Vec<f32>,
    top: usize,
    each: &mut impl AsyncFnMut(&TokenDivergence) -> Result<(), ModelError>,
) -> Result<Vec<TokenDivergence>, ModelError> {
    let mut tokens = Vec::with_capacity(response.len());
    let mut add = async |number: usize, row: Vec<f32>| {
        let theirs = other(number);
        let (base, tuned) = match side {
            Side::Base => (&row, &theirs),
            Side::Tuned => (&theirs, &row),
        };
        let token = diverge(base, tuned, response[number], top)?;
        each(&token).await?;
        tokens.push(token);
        Ok(())
    };
    each_row(engine, prompt, response, &mut add).await?;
    Ok(tokens)
}

/// The same with all rows of the `other` model at hand.
pub async fn compare_with<E: Engine>(
    engine: &mut E,
    side: Side,
    (prompt, response): (&[u32], &[u32]),
    other: &LogProbabilities,
    top: usize,
    each: &mut impl AsyncFnMut(&TokenDivergence) -> Result<(), ModelError>,
) -> Result<Vec<TokenDivergence>, ModelError> {
    let rows: Vec<&[f32]> = other.rows().collect();
    if rows.len() != response.len() {
        return Err(ModelError::OtherResponse { rows: rows.len(), tokens: response.len() });
    }
    compare_rows(engine, side, (prompt, response), &mut |number| rows[number].to_vec(), top, each).await
}

/// Both models at hand, on the same prompt and response.
pub async fn compare<B: Engine, T: Engine>(
    base: &mut B,
    tuned: &mut T,
    prompt: &[u32],
    response: &[u32],
    top: usize,
) -> Result<Vec<TokenDivergence>, ModelError> {
    let (ours, theirs) = (base.config().vocab, tuned.config().vocab);
    if ours != theirs {
        return Err(ModelError::OtherVocabulary { base: ours, tuned: theirs });
    }
    let rows = log_probabilities(base, prompt, response).await?;
    compare_with(tuned, Side::Tuned, (prompt, response), &rows, top, &mut async |_| Ok(())).await
}

/// Where two greedy answers to one prompt part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// How many tokens they share: the number of the first that differs.
    pub at: usize,
    /// The base model's answer from there on; empty if it ends.
    pub base: Vec<u32>,
    /// The tuned model's answer from there on; empty if it ends.
    pub tuned: Vec<u32>,
}

/// Where two answers part; none if they are the same. Both have to be greedy answers to one prompt: then each continuation is what
/// its model says after the shared tokens.
pub fn parting(base: &[u32], tuned: &[u32]) -> Option<Parting> {
    let at = base.iter().zip(tuned).take_while(|(b, t)| b == t).count();
    let rest = |answer: &[u32]| answer[at..].to_vec();
    (base != tuned).then(|| Parting { at, base: rest(base), tuned: rest(tuned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(p: [f32; 3]) -> Vec<f32> {
        p.map(f32::ln).to_vec()
    }

    /// By hand: p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2).
    #[test]
    fn a_vocabulary_of_three_words() {
        let (base, tuned) = (logs([0.25, 0.25, 0.5]), logs([0.5, 0.25, 0.25]));
        // 1/2 log 2 + 1/4 log 1 + 1/4 log 1/2 = 1/4 log 2, both ways
        let by_hand = 0.25 * 2f64.ln();
        let d = diverge(&base, &tuned, 0, 2).unwrap();
        assert!((d.kl_tuned_base - by_hand).abs() < 1e-7 && (d.kl_base_tuned - by_hand).abs() < 1e-7);
        assert_eq!((d.tuned.rank, d.base.rank, d.tuned.top[0].id, d.base.top[0].id), (1, 2, 0, 2));
        assert!((f64::from(d.tuned.entropy) - 1.5 * 2f64.ln()).abs() < 1e-6);
        // p = (1/2, 1/2, 0), q = (1/4, 1/4, 1/2): log 2 one way, without end the other
        let sure = logs([0.5, 0.5, 0.0]);
        assert!((kl(&sure, &base) - 2f64.ln()).abs() < 1e-7);
        assert_eq!(kl(&base, &sure), f64::INFINITY);
    }

    #[test]
    fn a_divergence_is_never_negative_and_zero_for_equals() {
        let row = |seed: f32| log_softmax(&(0..1000).map(|i| (i as f32 * seed).sin() * 9.0).collect::<Vec<_>>());
        let (a, b) = (row(0.37), row(0.37001));
        assert_eq!(kl(&a, &a), 0.0);
        assert!(kl(&a, &b) > 0.0 && kl(&a, &b) < 1e-3, "{}", kl(&a, &b));
        let total: f64 = a.iter().map(|l| f64::from(*l).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6);
    }

    #[test]
    fn rows_of_two_vocabularies_are_refused() {
        let refused = diverge(&[-1.0; 3], &[-1.0; 4], 0, 1);
        assert_eq!(refused, Err(ModelError::OtherVocabulary { base: 3, tuned: 4 }));
        assert_eq!(diverge(&[-1.0; 3], &[-1.0; 3], 3, 1), Err(ModelError::UnknownToken { id: 3, vocab: 3 }));
        assert_eq!(LogProbabilities::from_values(3, vec![0.0; 4]), None);
        assert_eq!(LogProbabilities::from_values(0, Vec::new()), None);
    }

    #[test]
    fn answers_part_at_their_first_difference() {
        let rest = |at, base: &[u32], tuned: &[u32]| Some(Parting { at, base: base.into(), tuned: tuned.into() });
        assert_eq!(parting(&[1, 2, 3], &[1, 5]), rest(1, &[2, 3], &[5]));
        assert_eq!(parting(&[1, 2], &[1, 2, 3]), rest(2, &[], &[3]), "one stops, the other goes on");
        assert_eq!(parting(&[1, 2], &[1, 2]), None);
    }
}
