//! Runs with a part of the model switched off or scaled, on the CPU.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::reader::Reader;
use super::runner::Runner;
use crate::explain::ResponseToken;
use crate::explain::attribution::{self, Job, Mode, Respond, RunEvent};
use crate::explain::methods::{Intervention, Site};
use crate::explain::weights::concepts::directions;
use crate::model::cpu::{CpuEngine, Scaled, Scaling};
use crate::model::{Engine, ModelError, Tick};

/// Directions that are kept.
const KEPT: usize = 64;

/// Directions of the checkpoint's components, by layer and component: each takes its layer's whole decomposition.
#[derive(Default)]
pub(super) struct Directions(BTreeMap<(usize, usize), Vec<f32>>);

impl Runner {
    /// Has the CPU scale what `interventions` name, and nothing else. Fails where the model does not have it.
    pub(super) fn switch(&mut self, interventions: &[Intervention]) -> Result<(), ModelError> {
        let checkpoint = &self.reader.checkpoint;
        if self.directions.0.len() > KEPT {
            self.directions.0.clear();
        }
        let mut missing: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for one in interventions {
            if let Site::Component(component) = one.site
                && !self.directions.0.contains_key(&(one.layer, component))
            {
                missing.entry(one.layer).or_default().push(component);
            }
        }
        for (layer, components) in missing {
            let found = directions(checkpoint, layer, &components)?;
            self.directions.0.extend(components.iter().map(|component| (layer, *component)).zip(found));
        }
        let scaling = |one: &Intervention| {
            let part = match one.site {
                Site::Head(head) => Scaled::Head(head),
                Site::Component(component) => {
                    Scaled::Direction(self.directions.0.get(&(one.layer, component)).cloned().unwrap_or_default())
                }
            };
            Scaling { layer: one.layer, part, factor: one.factor }
        };
        let scalings: Vec<Scaling> = interventions.iter().map(scaling).collect();
        self.backends.cpu.scale(&scalings)
    }
}

/// What the whole model responds to `job`: from now on nothing is scaled. `tick` hears of the tokens, of those asked for; breaking
/// it cancels.
pub(super) async fn without(
    reader: &Reader,
    engine: &mut CpuEngine,
    job: &Job,
    now: &impl Fn() -> f64,
    tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
) -> Result<Vec<ResponseToken>, ModelError> {
    engine.scale(&[])?;
    let total = match &job.respond {
        Respond::Generate { limit, .. } => *limit,
        Respond::Forced(ids) => ids.len(),
    };
    let mut done = 0;
    let mut emit = async |event: RunEvent| {
        done += usize::from(matches!(event, RunEvent::Token { .. }));
        tick(Tick { done, total }).await
    };
    let plain = Job { mode: Mode::Off, against: None, alternatives: 0, ..job.clone() };
    let outcome = attribution::run(engine, &plain, now, &mut emit).await;
    engine.begin(&[]).await?;
    let outcome = outcome?;
    let tokens = outcome.response.into_iter().zip(outcome.choices);
    Ok(tokens.map(|(id, choice)| reader.response_token(id, choice)).collect())
}
