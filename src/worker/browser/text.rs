//! Both models on one text, and one token of it layer by layer. Computed on the CPU, whose engine has all of it.

use std::ops::ControlFlow;
use std::rc::Rc;

use js_sys::Float32Array;

use super::{EngineState, jobs, post};
use crate::explain::contributions::Contributions;
use crate::explain::divergence::{Side, TokenDivergence, compare_rows, each_row};
use crate::explain::lens::Lens;
use crate::model::head::Choice;
use crate::model::{ModelError, Tick};
use crate::protocol::text::{Answer, Question, Spelled};
use crate::protocol::{Event, Failure, JobId, Stage};
use crate::worker::Runner;

/// Answers `question`.
pub async fn answer(engine: &Rc<EngineState>, job: JobId, question: Question) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    // taken for the job's length: jobs run one at a time
    let mut runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    runner.engine().set_pause(Some(jobs::pause(engine, job)));
    let answer = match &question {
        Question::Rows { before, response } => rows(engine, &mut runner, job, (before, response)).await,
        Question::Divergence { side, before, response, top } => {
            divergence(engine, &mut runner, job, *side, (before, response), *top).await
        }
        Question::Lens { before, token, top } => lens(engine, &mut runner, job, before, *token, *top).await,
    };
    runner.engine().set_pause(None);
    *engine.runner.borrow_mut() = Some(runner);
    Ok(Event::Text { job, answer: Box::new(answer?) })
}

/// Says how far it is, lets messages in, and stops the job if one of them says so.
async fn done(engine: &EngineState, job: JobId, stage: Stage, done: usize, total: usize) -> Result<(), ModelError> {
    post(Event::Progress { job, stage, done: done as u64, total: total as u64 });
    engine.yield_now(job).await.map_err(|_| ModelError::Cancelled)
}

/// The rows are left beside the job's answer. They are collected outside of this engine's own memory, which would never shrink
/// again.
async fn rows(
    engine: &EngineState,
    runner: &mut Runner,
    job: JobId,
    (before, response): (&[u32], &[u32]),
) -> Result<Answer, ModelError> {
    runner.check_reading(before.len(), response)?;
    let vocabulary = runner.checkpoint().config.vocab;
    let size = |rows: usize| u32::try_from(rows * vocabulary).unwrap_or(u32::MAX);
    let all = Float32Array::new_with_length(size(response.len()));
    let mut each = async |number: usize, row: Vec<f32>| {
        all.subarray(size(number), size(number + 1)).copy_from(&row);
        done(engine, job, Stage::Response, number + 1, response.len()).await
    };
    each_row(runner.engine(), before, response, &mut each).await?;
    engine.rows.borrow_mut().insert(job, all.buffer());
    Ok(Answer::Rows { vocabulary })
}

async fn divergence(
    engine: &EngineState,
    runner: &mut Runner,
    job: JobId,
    side: Side,
    (before, response): (&[u32], &[u32]),
    top: usize,
) -> Result<Answer, ModelError> {
    runner.check_reading(before.len(), response)?;
    let buffer = engine.rows.borrow_mut().remove(&job);
    let theirs = buffer.map(|b| Float32Array::new(&b)).unwrap_or_else(|| Float32Array::new_with_length(0));
    let vocabulary = runner.checkpoint().config.vocab;
    let (numbers, tokens) = (theirs.length() as usize, response.len());
    if numbers != tokens * vocabulary {
        return Err(ModelError::OtherResponse { rows: numbers / vocabulary.max(1), tokens });
    }
    let mut row = |number: usize| {
        let size = |rows: usize| u32::try_from(rows * vocabulary).unwrap_or(u32::MAX);
        theirs.subarray(size(number), size(number + 1)).to_vec()
    };
    let mut count = 0;
    let mut each = async |token: &TokenDivergence| {
        // JSON knows no infinity
        if !(token.kl_tuned_base.is_finite() && token.kl_base_tuned.is_finite()) {
            return Err(ModelError::NotANumber);
        }
        count += 1;
        done(engine, job, Stage::Response, count, tokens).await
    };
    let tokens = compare_rows(runner.engine(), side, (before, response), &mut row, top, &mut each).await?;
    let spelled = spelled(runner, tokens.iter().flat_map(|t| [&t.base, &t.tuned]));
    Ok(Answer::Divergence { tokens, spelled })
}

async fn lens(
    engine: &EngineState,
    runner: &mut Runner,
    job: JobId,
    before: &[u32],
    token: u32,
    top: usize,
) -> Result<Answer, ModelError> {
    runner.check_sequence(before.len())?;
    let mut tick = async |t: Tick| match done(engine, job, Stage::Layers, t.done, t.total).await {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let cpu = runner.engine();
    let residual = cpu.residual(before, &mut tick).await?;
    let lens = Lens::of(cpu, &residual, token, top)?;
    let contributions = Contributions::of(cpu, &residual, token, None)?;
    let spelled = spelled(runner, lens.readings.iter());
    Ok(Answer::Lens { lens, contributions, spelled })
}

/// How the listed tokens are spelled, each once.
fn spelled<'a>(runner: &Runner, choices: impl Iterator<Item = &'a Choice>) -> Spelled {
    let mut ids: Vec<u32> = choices.flat_map(|choice| choice.top.iter().map(|c| c.id)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| (id, runner.spell(id))).collect()
}
