//! Runs that only the CPU computes, and the check of a picture: other methods than gradient x input change a prompt's embedding
//! rows, interventions the model.

use std::ops::ControlFlow;

use super::reader::Reader;
use crate::explain::attribution::{Job, RunEvent};
use crate::explain::methods::faithfulness::{self, Faithfulness, Picture};
use crate::explain::methods::{self, Explained, How, Passage};
use crate::model::cpu::CpuEngine;
use crate::model::{Engine, ModelError, Tick};

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
    let row = match how.method.has_baseline() {
        true => reader.baseline_row(engine, &how.baseline)?,
        false => Vec::new(),
    };
    let explained = methods::run(engine, job, how, &row, now, emit).await;
    engine.begin(&[]).await?;
    explained
}

/// A response as it was explained.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Its token ids.
    pub response: &'a [u32],
    /// What each was set against; empty where they were not.
    pub against: &'a [u32],
    /// `[groups][response]`.
    pub importance: &'a [Vec<f32>],
}

impl<'a> Told<'a> {
    /// Of its parts.
    pub fn of(response: &'a [u32], against: &'a [u32], importance: &'a [Vec<f32>]) -> Self {
        Self { response, against, importance }
    }
}

/// Checks the picture that `how` made of `job`, and frees what the engine held for it. `scored` tells which units are ranked.
/// Breaking `tick` cancels.
pub async fn check(
    reader: &Reader,
    engine: &mut CpuEngine,
    how: &How,
    job: &Job,
    told: Told<'_>,
    scored: &[bool],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Faithfulness, ModelError> {
    let row = reader.baseline_row(engine, &how.baseline)?;
    let picture = Picture { method: how.method, groups: &job.groups, scored, importance: told.importance };
    let mut passage = Passage::new(engine, &job.prompt, told.response, job.target, told.against).await?;
    let checked = faithfulness::check(&mut passage, picture, (&how.baseline, &row), tick).await;
    engine.begin(&[]).await?;
    checked
}
