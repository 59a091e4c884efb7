//! What goes on inside the loaded model on one sequence. The sequence is read layer by layer, as far as is asked.

use std::ops::ControlFlow;

use super::weights::with_shelf;
use super::{EngineState, post};
use crate::explain::local::{LayerAttention, LayerFiring};
use crate::model::cpu::Trace;
use crate::model::{ModelError, Tick};
use crate::protocol::{Event, Failure, JobId, Stage};
use crate::worker::Runner;

/// The trace of `ids`, read up to `layer`: the one at hand if it is of these.
async fn trace(
    engine: &EngineState,
    runner: &Runner,
    job: JobId,
    ids: &[u32],
    layer: usize,
) -> Result<Trace, ModelError> {
    let known = engine.trace.borrow_mut().take().filter(|t| t.tokens() == ids);
    let mut trace = known.map_or_else(|| runner.trace(ids), Ok)?;
    let mut tick = async |t: Tick| {
        post(Event::Progress { job, stage: Stage::Layers, done: t.done as u64, total: t.total as u64 });
        match engine.yield_now(job).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    runner.read_to(&mut trace, layer, &mut tick).await?;
    Ok(trace)
}

/// Layer `layer`'s attention.
pub async fn attention(engine: &EngineState, job: JobId, ids: &[u32], layer: usize) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    // taken for the job's length: jobs run one at a time
    let runner = engine.runner.borrow_mut().take().ok_or(Failure::NotLoaded)?;
    let trace = match runner.check_attention(ids.len()) {
        Ok(()) => trace(engine, &runner, job, ids, layer).await,
        Err(refused) => Err(refused),
    };
    *engine.runner.borrow_mut() = Some(runner);
    let trace = trace?;
    let attention = LayerAttention::of(&trace, layer);
    *engine.trace.borrow_mut() = Some(trace);
    Ok(Event::Attention { job, attention: Box::new(attention?) })
}

/// Which of layer `layer`'s components fire.
pub async fn firing(engine: &EngineState, job: JobId, ids: &[u32], layer: usize) -> Result<Event, Failure> {
    engine.yield_now(job).await?;
    let firing = with_shelf(engine, async |runner, shelf| {
        let directions = shelf.concepts(runner, layer).await?.matrix()?;
        let trace = trace(engine, runner, job, ids, layer).await?;
        let firing = LayerFiring::of(&trace, layer, &directions);
        *engine.trace.borrow_mut() = Some(trace);
        Ok(firing?)
    });
    Ok(Event::Firing { job, firing: Box::new(firing.await?) })
}
