//! Input-output attribution: generate or read a response, and trace every token of it to the prompt.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling as Method};
use serde::{Deserialize, Serialize};

use super::report::{Seconds, aggregate};
use crate::model::head::{Choice, Target, choice};
use crate::model::{Engine, Group, Length, ModelError, Next, Seen, Tick};

/// Which exact method computes the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The cheaper of the two.
    #[default]
    Auto,
    /// One tangent per group, streaming with the response.
    Forward,
    /// One cotangent per response token, afterwards.
    Reverse,
    /// The response alone, nothing explained.
    Off,
}

impl Mode {
    /// The name used in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Forward => "forward",
            Self::Reverse => "reverse",
            Self::Off => "off",
        }
    }
}

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    /// Only the k most probable; 0 for all.
    pub top_k: usize,
    /// Only the most probable that together reach this mass; 1 for all.
    pub top_p: f64,
    /// Divides the logits of tokens that occurred; 1 for none.
    pub repeat_penalty: f32,
    /// Seed of the random choice.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, repeat_penalty: 1.0, seed: 1 }
    }
}

impl Sampling {
    /// Whether chance has no part in it, and nothing is held against repeating.
    pub(super) fn is_greedy(&self) -> bool {
        self.temperature <= 1e-6 && self.repeat_penalty == 1.0
    }

    fn processor(&self) -> LogitsProcessor {
        let temperature = self.temperature;
        let method = match (self.top_k, self.top_p) {
            _ if temperature <= 1e-6 => Method::ArgMax,
            (0, p) if p >= 1.0 => Method::All { temperature },
            (0, p) => Method::TopP { p, temperature },
            (k, p) if p >= 1.0 => Method::TopK { k, temperature },
            (k, p) => Method::TopKThenTopP { k, p, temperature },
        };
        LogitsProcessor::from_sampling(self.seed, method)
    }
}

/// The response to explain.
#[derive(Debug, Clone, PartialEq)]
pub enum Respond {
    /// The model's own, up to this many tokens or one of the stop tokens.
    Generate {
        /// Most tokens.
        limit: usize,
        /// How each is chosen.
        sampling: Sampling,
        /// Tokens that end the response; not part of it.
        stops: Vec<u32>,
    },
    /// A given one.
    Forced(Vec<u32>),
}

impl Respond {
    /// Tokens of a given response, or of one that is not asked for.
    pub fn given(&self) -> Option<usize> {
        match self {
            Self::Generate { limit: 0, .. } => Some(0),
            Self::Generate { .. } => None,
            Self::Forced(ids) => Some(ids.len()),
        }
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Job {
    /// The prompt's token ids.
    pub prompt: Vec<u32>,
    /// Token indices of each unit to explain by.
    pub groups: Vec<Vec<usize>>,
    /// The response.
    pub respond: Respond,
    /// What is differentiated.
    pub target: Target,
    /// Which method.
    pub mode: Mode,
    /// How many of the most probable alternatives to report for each token.
    pub alternatives: usize,
}

/// What a run says while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Prompt tokens read.
    Prefill(Tick),
    /// A response token, with its column `[groups]` in forward mode.
    Token {
        /// Its id.
        id: u32,
        /// How the model saw it.
        choice: Choice,
        /// Its importance for every group.
        column: Option<Vec<f32>>,
    },
    /// Reverse mode's parts done.
    Reverse(Tick),
}

/// What a run leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The response's token ids.
    pub response: Vec<u32>,
    /// How the model saw each.
    pub choices: Vec<Choice>,
    /// Signed importance `[groups][response]`; empty if the mode was off.
    pub importance: Vec<Vec<f32>>,
    /// The mode that ran.
    pub mode: Mode,
    /// Where the time went.
    pub seconds: Seconds,
}

/// Rows of linear-layer work in forward and in reverse mode, for N prompt tokens, M response tokens and the first
/// token of each group (METHODS.md, section 1).
pub fn cost(n: usize, m: usize, firsts: &[usize]) -> (usize, usize) {
    let tangents: usize = firsts.iter().map(|&first| n.saturating_sub(first)).sum();
    let forward = n + tangents + m * (1 + firsts.len());
    // plain forward, one forward pass to keep each layer's input, its recomputation, then the cotangents
    let reverse = 3 * (n + m) + m * n + m * m / 2;
    (forward, reverse)
}

/// Tokens read at once: enough to use the kernels well, few enough to stop soon.
pub(super) const PREFILL_CHUNK: usize = 16;
pub(super) const FORCED_CHUNK: usize = 8;

/// Runs `job`. `now` is a clock in seconds; `emit` hears every event and cancels by breaking.
pub async fn run<E: Engine>(
    engine: &mut E,
    job: &Job,
    now: impl Fn() -> f64,
    emit: &mut impl AsyncFnMut(Event) -> ControlFlow<()>,
) -> Result<Outcome, ModelError> {
    let started = now();
    let planned = match &job.respond {
        Respond::Generate { limit, .. } => *limit,
        Respond::Forced(ids) => ids.len(),
    };
    check(engine, job)?;
    let firsts: Vec<usize> = job.groups.iter().filter_map(|g| g.first().copied()).collect();
    let auto = || cheaper(job.prompt.len(), planned, &firsts);
    let mode = if job.mode == Mode::Auto { auto() } else { job.mode };
    let groups: Vec<Group> = match mode {
        Mode::Forward => job.groups.iter().map(|g| Group { positions: g.clone() }).collect(),
        _ => Vec::new(),
    };
    engine.begin(&groups).await?;
    let mut index = 0;
    let mut read = 0;
    for chunk in job.prompt.chunks(PREFILL_CHUNK) {
        engine.advance(chunk).await?;
        index = chunk.len() - 1;
        read += chunk.len();
        go_on(emit(Event::Prefill(Tick { done: read, total: job.prompt.len() })).await)?;
    }
    let prefilled = now();
    let mut run = Run { engine, job, mode, emit, response: Vec::new(), choices: Vec::new(), columns: Vec::new() };
    match &job.respond {
        Respond::Generate { limit, sampling, stops } => run.generate(index, *limit, sampling, stops).await?,
        Respond::Forced(ids) => run.force(index, ids).await?,
    }
    let Run { engine, emit, response, choices, columns, .. } = run;
    let responded = now();
    let importance = match mode {
        Mode::Reverse => {
            let tokens: Vec<u32> = job.prompt.iter().chain(&response).copied().collect();
            let mut tick = async |t: Tick| emit(Event::Reverse(t)).await;
            engine.begin(&[]).await?; // the caches have served
            let columns = engine.reverse(&tokens, job.prompt.len(), job.target, &mut tick).await?;
            columns.iter().try_for_each(|column| finite(column))?;
            aggregate(&transpose(&columns, job.prompt.len()), &job.groups)
        }
        Mode::Forward => transpose(&columns, job.groups.len()),
        _ => Vec::new(),
    };
    let seconds = Seconds {
        prefill: prefilled - started,
        response: responded - prefilled,
        reverse: if mode == Mode::Reverse { now() - responded } else { 0.0 },
        total: now() - started,
    };
    Ok(Outcome { response, choices, importance, mode, seconds })
}

fn check<E: Engine>(engine: &E, job: &Job) -> Result<(), ModelError> {
    let (context, vocab) = (engine.config().context, engine.config().vocab);
    if job.prompt.is_empty() {
        return Err(ModelError::EmptyPrompt);
    }
    // A generated response may stop early; only a prompt that leaves no room, or a given text, is refused up front.
    let length = Length { prompt: job.prompt.len(), template: 0, response: job.respond.given(), context };
    if length.over() > 0 {
        return Err(ModelError::TooLong(length));
    }
    let forced = match &job.respond {
        Respond::Forced(ids) => ids.as_slice(),
        Respond::Generate { .. } => &[],
    };
    match job.prompt.iter().chain(forced).find(|id| **id as usize >= vocab) {
        Some(&id) => Err(ModelError::UnknownToken { id, vocab }),
        None => Ok(()),
    }
}

/// The method that is cheaper in work.
pub(super) fn cheaper(n: usize, m: usize, firsts: &[usize]) -> Mode {
    let (forward, reverse) = cost(n, m, firsts);
    if forward <= reverse { Mode::Forward } else { Mode::Reverse }
}

fn go_on(flow: ControlFlow<()>) -> Result<(), ModelError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ModelError::Cancelled),
    }
}

/// A column of numbers, and nothing else: JSON would carry the rest as null.
fn finite(column: &[f32]) -> Result<(), ModelError> {
    if column.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(ModelError::NotANumber) }
}

/// `[columns][rows]` to `[rows][columns]`.
fn transpose(columns: &[Vec<f32>], rows: usize) -> Vec<Vec<f32>> {
    (0..rows).map(|r| columns.iter().map(|c| c[r]).collect()).collect()
}

/// The response as it grows.
struct Run<'a, E, F> {
    engine: &'a mut E,
    job: &'a Job,
    mode: Mode,
    emit: &'a mut F,
    response: Vec<u32>,
    choices: Vec<Choice>,
    columns: Vec<Vec<f32>>,
}

impl<E: Engine, F: AsyncFnMut(Event) -> ControlFlow<()>> Run<'_, E, F> {
    /// The target of columns, if there are to be any.
    fn target(&self) -> Option<Target> {
        (self.mode == Mode::Forward).then_some(self.job.target)
    }

    /// What follows token `index` of the last step.
    async fn see(&mut self, index: usize, next: Next) -> Result<Seen, ModelError> {
        let target = self.target();
        self.engine.see(index, next, target, self.job.alternatives).await
    }

    /// Notes a token of the response.
    async fn note(&mut self, Seen { id, choice, column }: Seen) -> Result<(), ModelError> {
        column.as_deref().map_or(Ok(()), finite)?;
        self.response.push(id);
        self.choices.push(choice.clone());
        self.columns.extend(column.clone());
        go_on((self.emit)(Event::Token { id, choice, column }).await)
    }

    async fn generate(
        &mut self,
        mut index: usize,
        limit: usize,
        sampling: &Sampling,
        stops: &[u32],
    ) -> Result<(), ModelError> {
        if sampling.is_greedy() {
            return self.generate_likeliest(index, limit, stops).await;
        }
        let mut processor = sampling.processor();
        let context = self.engine.config().context;
        let limit = limit.min(context - self.job.prompt.len());
        while self.response.len() < limit {
            let logits = self.engine.logits(index).await?;
            let id = processor.sample(&self.penalised(&logits, sampling.repeat_penalty)?)?;
            if stops.contains(&id) {
                break;
            }
            let column = match self.target() {
                Some(target) => Some(self.engine.column(index, &logits, id, target).await?),
                None => None,
            };
            let choice = choice(&logits, id, self.job.alternatives);
            self.note(Seen { id, choice, column }).await?;
            if self.response.len() < limit {
                self.engine.advance(&[id]).await?;
                index = 0;
            }
        }
        Ok(())
    }

    /// Without chance: the backend itself picks the likeliest.
    async fn generate_likeliest(&mut self, mut index: usize, limit: usize, stops: &[u32]) -> Result<(), ModelError> {
        let limit = limit.min(self.engine.config().context - self.job.prompt.len());
        while self.response.len() < limit {
            let (target, most) = (self.target(), limit - self.response.len());
            let next = self.engine.follow(index, target, self.job.alternatives, most).await?;
            let mut last = None;
            for seen in next {
                if stops.contains(&seen.id) {
                    return Ok(());
                }
                last = Some(seen.id);
                self.note(seen).await?;
            }
            if let Some(id) = last.filter(|_| self.response.len() < limit) {
                self.engine.advance(&[id]).await?;
                index = 0;
            }
        }
        Ok(())
    }

    fn penalised(&self, logits: &[f32], penalty: f32) -> Result<Tensor, ModelError> {
        let logits = Tensor::from_slice(logits, logits.len(), &Device::Cpu)?;
        if penalty == 1.0 {
            return Ok(logits);
        }
        let seen = &self.response[self.response.len().saturating_sub(64)..];
        Ok(candle_transformers::utils::apply_repeat_penalty(&logits, penalty, seen)?)
    }

    async fn force(&mut self, index: usize, ids: &[u32]) -> Result<(), ModelError> {
        let Some((&first, rest)) = ids.split_first() else { return Ok(()) };
        let seen = self.see(index, Next::Given(first)).await?;
        self.note(seen).await?;
        // Each chunk is read one token behind the tokens it predicts.
        for (chunk, next) in ids[..rest.len()].chunks(FORCED_CHUNK).zip(rest.chunks(FORCED_CHUNK)) {
            self.engine.advance(chunk).await?;
            for (i, &id) in next.iter().enumerate() {
                let seen = self.see(i, Next::Given(id)).await?;
                self.note(seen).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_words_stream_and_many_tokens_go_back() {
        let by_word: Vec<usize> = (10..17).collect();
        let (forward, reverse) = cost(37, 48, &by_word);
        assert!(forward < reverse);
        let by_token: Vec<usize> = (0..600).collect();
        let (forward, reverse) = cost(600, 20, &by_token);
        assert!(reverse < forward);
    }
}
