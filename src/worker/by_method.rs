//! Runs by other methods than gradient x input, and the check of a picture: both change a prompt's embedding rows, on the CPU.

use std::ops::ControlFlow;

use super::reader::Reader;
use crate::explain::attribution::{Job, Mode, Outcome, RunEvent};
use crate::explain::methods::faithfulness::{self, Faithfulness, Picture};
use crate::explain::methods::{self, Explained, How, Method, Passage};
use crate::model::cpu::CpuEngine;
use crate::model::{Engine, ModelError, Tick};
use crate::protocol::Run;

/// Whether another method than gradient x input explains `run`.
pub fn is(run: &Run) -> bool {
    run.how.method != Method::GradientInput && run.mode != Mode::Off
}

/// The mode that takes as much memory as `run`.
pub fn mode(run: &Run) -> Mode {
    match run.how.method {
        _ if run.mode == Mode::Off => Mode::Off,
        Method::GradientInput => run.mode,
        Method::GradientNorm | Method::IntegratedGradients => Mode::Reverse,
        Method::Occlusion => Mode::Off,
    }
}

/// Runs `job` as `how` says, and frees what the engine held for it. `now` is a clock in seconds; `emit` hears every event and
/// cancels by breaking.
pub async fn explain(
    reader: &Reader,
    engine: &mut CpuEngine,
    how: &How,
    job: &Job,
    now: &impl Fn() -> f64,
    emit: &mut impl AsyncFnMut(RunEvent) -> ControlFlow<()>,
) -> Result<Explained, ModelError> {
    let row = reader.baseline_row(engine, &how.baseline)?;
    let explained = methods::run(engine, job, how, &row, now, emit).await;
    engine.begin(&[]).await?;
    explained
}

/// Checks the picture that `how` made of `job`, and frees what the engine held for it. `scored` tells which units are ranked.
/// Breaking `tick` cancels.
pub async fn check(
    reader: &Reader,
    engine: &mut CpuEngine,
    how: &How,
    job: &Job,
    outcome: &Outcome,
    scored: &[bool],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Faithfulness, ModelError> {
    let row = reader.baseline_row(engine, &how.baseline)?;
    let picture = Picture { method: how.method, groups: &job.groups, scored, importance: &outcome.importance };
    let mut passage = Passage::new(engine, &job.prompt, &outcome.response, job.target, &outcome.against).await?;
    let checked = faithfulness::check(&mut passage, picture, (&how.baseline, &row), tick).await;
    engine.begin(&[]).await?;
    checked
}
