//! Input-output attribution: generate or read a response, and trace every token of it to the prompt.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};

pub use super::job::{Against, Job, Mode, Respond, Sampling};
use super::report::{Seconds, aggregate};
use crate::model::head::{Choice, Goal, Target, choice, likeliest};
use crate::model::{Engine, Group, Length, ModelError, Next, Seen, Tick};

/// What a run says while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
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
    /// Parts done of what comes after the response: the reverse pass, or a method's own.
    Reverse(Tick),
}

/// What a run leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The response's token ids.
    pub response: Vec<u32>,
    /// How the model saw each.
    pub choices: Vec<Choice>,
    /// What each was set against; empty where they were not.
    pub against: Vec<u32>,
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
    emit: &mut impl AsyncFnMut(RunEvent) -> ControlFlow<()>,
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
        go_on(emit(RunEvent::Prefill(Tick { done: read, total: job.prompt.len() })).await)?;
    }
    let prefilled = now();
    let mut run = Run::new(engine, job, mode, emit);
    match &job.respond {
        Respond::Generate { limit, sampling, stops } => run.generate(index, *limit, sampling, stops).await?,
        Respond::Forced(ids) => run.force(index, ids).await?,
    }
    let Run { engine, emit, response, choices, against, columns, .. } = run;
    job.against.as_ref().map_or(Ok(()), |named| named.check(response.len()))?;
    let responded = now();
    let importance = match mode {
        Mode::Reverse => {
            let tokens: Vec<u32> = job.prompt.iter().chain(&response).copied().collect();
            let mut tick = async |t: Tick| emit(RunEvent::Reverse(t)).await;
            engine.begin(&[]).await?; // the caches have served
            let columns = engine.reverse(&tokens, job.prompt.len(), job.target, &against, &mut tick).await?;
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
    Ok(Outcome { response, choices, against, importance, mode, seconds })
}

pub(super) fn check<E: Engine>(engine: &E, job: &Job) -> Result<(), ModelError> {
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
    let named = match &job.against {
        Some(Against::Tokens(ids)) => ids.as_slice(),
        _ => &[],
    };
    if let (Some(named), Some(tokens)) = (&job.against, job.respond.given()) {
        named.check(tokens)?;
    }
    match job.prompt.iter().chain(forced).chain(named).find(|id| **id as usize >= vocab) {
        Some(&id) => Err(ModelError::UnknownToken { id, vocab }),
        None => Ok(()),
    }
}

/// The method that is cheaper in work.
pub(super) fn cheaper(n: usize, m: usize, firsts: &[usize]) -> Mode {
    let (forward, reverse) = cost(n, m, firsts);
    if forward <= reverse { Mode::Forward } else { Mode::Reverse }
}

pub(super) fn go_on(flow: ControlFlow<()>) -> Result<(), ModelError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ModelError::Cancelled),
    }
}

/// A column of numbers, and nothing else: JSON would carry the rest as null.
pub(super) fn finite(column: &[f32]) -> Result<(), ModelError> {
    if column.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(ModelError::NotANumber) }
}

/// `[columns][rows]` to `[rows][columns]`.
pub(super) fn transpose(columns: &[Vec<f32>], rows: usize) -> Vec<Vec<f32>> {
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
    against: Vec<u32>,
    columns: Vec<Vec<f32>>,
}

impl<'a, E: Engine, F: AsyncFnMut(RunEvent) -> ControlFlow<()>> Run<'a, E, F> {
    fn new(engine: &'a mut E, job: &'a Job, mode: Mode, emit: &'a mut F) -> Self {
        let (response, choices, against, columns) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { engine, job, mode, emit, response, choices, against, columns }
    }

    /// The target of columns, if there are to be any.
    fn target(&self) -> Option<Target> {
        (self.mode == Mode::Forward).then_some(self.job.target)
    }

    /// Token `id`, which was given, after token `index` of the last step.
    async fn see(&mut self, index: usize, id: u32) -> Result<Seen, ModelError> {
        if self.job.against.is_none() {
            return self.engine.see(index, Next::Given(id), self.target(), self.job.alternatives).await;
        }
        let logits = self.engine.logits(index).await?;
        self.explain(index, &logits, id).await
    }

    /// Token `id`, which follows token `index` of the last step, from its logits.
    async fn explain(&mut self, index: usize, logits: &[f32], id: u32) -> Result<Seen, ModelError> {
        let m = self.response.len();
        let against = self.job.against.as_ref().map(|named| named.at(m, id, logits)).transpose()?;
        self.against.extend(against);
        let column = match self.target() {
            Some(target) => {
                let goal = Goal { target, token: id, against };
                Some(self.engine.column(index, logits, goal).await?)
            }
            None => None,
        };
        Ok(Seen { id, choice: choice(logits, id, self.job.alternatives), column })
    }

    /// Notes a token of the response.
    async fn note(&mut self, Seen { id, choice, column }: Seen) -> Result<(), ModelError> {
        column.as_deref().map_or(Ok(()), finite)?;
        self.response.push(id);
        self.choices.push(choice.clone());
        self.columns.extend(column.clone());
        go_on((self.emit)(RunEvent::Token { id, choice, column }).await)
    }

    async fn generate(
        &mut self,
        mut index: usize,
        limit: usize,
        sampling: &Sampling,
        stops: &[u32],
    ) -> Result<(), ModelError> {
        if sampling.is_greedy() && self.job.against.is_none() {
            return self.generate_likeliest(index, limit, stops).await;
        }
        let mut processor = sampling.processor();
        let context = self.engine.config().context;
        let limit = limit.min(context - self.job.prompt.len());
        while self.response.len() < limit {
            let logits = self.engine.logits(index).await?;
            let id = match sampling.is_greedy() {
                true => likeliest(&logits),
                false => processor.sample(&self.penalised(&logits, sampling.repeat_penalty)?)?,
            };
            if stops.contains(&id) {
                break;
            }
            let seen = self.explain(index, &logits, id).await?;
            self.note(seen).await?;
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
        let seen = self.see(index, first).await?;
        self.note(seen).await?;
        // Each chunk is read one token behind the tokens it predicts.
        for (chunk, next) in ids[..rest.len()].chunks(FORCED_CHUNK).zip(rest.chunks(FORCED_CHUNK)) {
            self.engine.advance(chunk).await?;
            for (i, &id) in next.iter().enumerate() {
                let seen = self.see(i, id).await?;
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
