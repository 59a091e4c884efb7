//! How a run's importance is found where it is not plain gradient x input, and whether a picture can be trusted.
//!
//! The methods change a prompt's embedding rows ([`crate::model::RowEngine`]).

pub mod faithfulness;
mod gradient_norm;
mod how;
mod integrated;
pub mod intervention;
mod occlusion;
mod passage;
mod quadrature;

use std::ops::ControlFlow;

pub use how::{Baseline, How, MOST_STEPS, Method, is_default};
pub use integrated::GAP;
pub use intervention::{Intervention, Of, Site};
pub use passage::Passage;

use crate::explain::attribution::{self, Job, Mode, Outcome, RunEvent, finite};
use crate::model::cpu::CpuEngine;
use crate::model::{Engine, ModelError, RowEngine, Tick};

/// A run by a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Response and importance.
    pub outcome: Outcome,
    /// The completeness gap of each response token, as a share; empty where the method promises no sum.
    pub completeness: Vec<f32>,
    /// Nodes of integrated gradients.
    pub steps: Option<usize>,
}

impl From<Outcome> for Explained {
    /// By gradient x input, which has neither.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, completeness: Vec::new(), steps: None }
    }
}

/// Runs `job` by the method of `how`: first the response, then its importance. `baseline` is the row `[width]` that stands in a
/// token's place. `now` is a clock in seconds; `emit` hears every event and cancels by breaking.
pub async fn run(
    engine: &mut impl RowEngine,
    job: &Job,
    how: &How,
    baseline: &[f32],
    now: impl Fn() -> f64,
    emit: &mut impl AsyncFnMut(RunEvent) -> ControlFlow<()>,
) -> Result<Explained, ModelError> {
    if how.method == Method::GradientInput {
        return Ok(attribution::run(engine, job, now, emit).await?.into());
    }
    let started = now();
    let outcome = attribution::run(engine, &Job { mode: Mode::Off, ..job.clone() }, &now, emit).await?;
    let responded = now();
    let mut explained = Explained::from(outcome);
    let mut tick = async |t: Tick| emit(RunEvent::Reverse(t)).await;
    explain(engine, job, how, baseline, &mut explained, &mut tick).await?;
    let Outcome { importance, mode, seconds, .. } = &mut explained.outcome;
    importance.iter().try_for_each(|row| finite(row))?;
    *mode = if how.method == Method::Occlusion { Mode::Forward } else { Mode::Reverse };
    (seconds.reverse, seconds.total) = (now() - responded, now() - started);
    Ok(explained)
}

/// Fills in the importance of the response.
async fn explain(
    engine: &mut impl RowEngine,
    job: &Job,
    how: &How,
    baseline: &[f32],
    explained: &mut Explained,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<(), ModelError> {
    let Outcome { response, against, importance, .. } = &mut explained.outcome;
    if response.is_empty() {
        *importance = vec![Vec::new(); job.groups.len()];
        return Ok(());
    }
    let mut passage = Passage::new(engine, &job.prompt, response, job.target, against).await?;
    *importance = match how.method {
        Method::GradientInput => return Ok(()),
        Method::GradientNorm => gradient_norm::gradient_norm(&passage, &job.groups, tick).await?,
        Method::Occlusion => occlusion::occlusion(&mut passage, &job.groups, baseline, tick).await?,
        Method::IntegratedGradients => {
            let found = integrated::integrated(&mut passage, &job.groups, baseline, how.steps, tick).await?;
            (explained.completeness, explained.steps) = (found.gaps, Some(found.steps));
            found.importance
        }
    };
    Ok(())
}

/// The row `[width]` of a baseline; `padding` are the token ids of its text. Fails where a text has none.
pub fn baseline_row(engine: &CpuEngine, baseline: &Baseline, padding: &[u32]) -> Result<Vec<f32>, ModelError> {
    match baseline {
        Baseline::Mean => engine.mean_embedding(),
        Baseline::Zero => Ok(vec![0.0; engine.config().width]),
        Baseline::Text(_) if padding.is_empty() => Err(ModelError::EmptyBaseline),
        Baseline::Text(_) => engine.mean_of(padding),
    }
}
