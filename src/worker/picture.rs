//! The check of a picture that a run has made.

use std::ops::ControlFlow;

use super::budget::Asked;
use super::by_method::{self, Told};
use super::runner::Runner;
use crate::explain::attribution::{Against, Job, Mode, Respond};
use crate::explain::methods::How;
use crate::explain::methods::faithfulness::Faithfulness;
use crate::explain::{scored_rows, units};
use crate::model::{ModelError, Tick};
use crate::protocol::{Response, Run};

impl Runner {
    /// Checks a picture that a run has made: `run` with the ids of its response and of those that they were set against, the
    /// prompt's ids `as_read` by it, and its `importance`, `[units][response]`. Breaking `tick` cancels. Fails where the prompt
    /// is read otherwise now, as with another chat template.
    pub async fn check(
        &mut self,
        run: &Run,
        as_read: &[u32],
        importance: &[Vec<f32>],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Faithfulness, ModelError> {
        let (prompt, text) = self.reader.prepare(&run.prompt)?;
        let units = units(&prompt, &text, run.by, run.template_row);
        let (response, against) = match (&run.response, &run.how.against) {
            (Response::Ids { ids }, None) => (ids.as_slice(), &[][..]),
            (Response::Ids { ids }, Some(Against::Tokens(others))) => (ids.as_slice(), others.as_slice()),
            _ => return Err(ModelError::OtherPicture),
        };
        let ids: Vec<u32> = prompt.iter().map(|t| t.id).collect();
        let fits = ids == as_read
            && importance.len() == units.len()
            && importance.iter().all(|row| row.len() == response.len());
        if !fits || response.is_empty() {
            return Err(ModelError::OtherPicture);
        }
        let respond = Respond::Forced(response.to_vec());
        let length = self.reader.length(&prompt, &respond);
        if length.over() > 0 {
            return Err(ModelError::TooLong(length));
        }
        let asked = Asked::new(&self.reader.info, (&prompt, &text), &units, run.by, &respond, Mode::Off);
        let job = Job {
            prompt: ids,
            groups: units.iter().map(|u| u.tokens.clone()).collect(),
            respond,
            target: run.target,
            against: run.how.against.clone(),
            mode: Mode::Off,
            alternatives: 0,
        };
        let (told, scored) = (Told::of(response, against, importance), scored_rows(&units, run.by));
        self.switch(&run.how.interventions)?;
        let checked = self.checked((&run.how, &asked), &job, told, &scored, tick).await;
        self.backends.cpu.scale(&[])?;
        checked
    }

    /// Checks the picture that `how` made of `job` on the GPU where there is one that can, else, or where that fails, on the CPU,
    /// if its memory holds what `asked` says. See [`by_method::check`].
    pub(super) async fn checked(
        &mut self,
        (how, asked): (&How, &Asked),
        job: &Job,
        told: Told<'_>,
        scored: &[bool],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Faithfulness, ModelError> {
        let Self { reader, backends, budget, .. } = self;
        let row = reader.baseline_row(&backends.cpu, &how.baseline)?;
        let by = (how, row.as_slice());
        if let Some(gpu) = backends.gpu().filter(|_| !how.is_for_cpu()) {
            match by_method::check(gpu, by, job, told, scored, tick).await {
                Err(ModelError::Gpu(error)) => _ = backends.instead(&error),
                checked => return checked,
            }
        }
        asked.plan(&reader.checkpoint.config, |need| budget.of(need))?;
        by_method::check(&mut backends.cpu, by, job, told, scored, tick).await
    }
}
