//! A run by the method that is asked for, and the check of a picture, on either backend.

use std::ops::ControlFlow;

use crate::explain::attribution::{Job, RunEvent};
use crate::explain::methods::faithfulness::{self, Faithfulness, Picture};
use crate::explain::methods::{self, Explained, How, Passage};
use crate::model::{ModelError, RowEngine, Tick};

/// Runs `job` as `how` says, with this row in place of what is taken away, and frees what the engine held for it, also for a
/// cancelled run. `now` is a clock in seconds; `emit` hears every event and cancels by breaking.
pub async fn explain(
    engine: &mut impl RowEngine,
    (how, row): (&How, &[f32]),
    job: &Job,
    now: &impl Fn() -> f64,
    emit: &mut impl AsyncFnMut(RunEvent) -> ControlFlow<()>,
) -> Result<Explained, ModelError> {
    let explained = methods::run(engine, job, how, row, now, emit).await;
    let freed = engine.begin(&[]).await;
    let explained = explained?;
    freed.map(|()| explained)
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

/// Checks the picture that `how` made of `job`, with this row in place of what is taken away, and frees what the engine held for
/// it, also for a cancelled check. `scored` tells which units are ranked. Breaking `tick` cancels.
pub async fn check(
    engine: &mut impl RowEngine,
    (how, row): (&How, &[f32]),
    job: &Job,
    told: Told<'_>,
    scored: &[bool],
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Faithfulness, ModelError> {
    let picture = Picture { method: how.method, groups: &job.groups, scored, importance: told.importance };
    let checked = match Passage::new(engine, &job.prompt, told.response, job.target, told.against).await {
        Ok(mut passage) => faithfulness::check(&mut passage, picture, (&how.baseline, row), tick).await,
        Err(error) => Err(error),
    };
    let freed = engine.begin(&[]).await;
    let checked = checked?;
    freed.map(|()| checked)
}
