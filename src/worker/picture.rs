//! The check of a picture that a run has made.

use std::ops::ControlFlow;

use super::budget::Asked;
use super::by_method::{self, Told};
use super::runner::Runner;
use crate::explain::attribution::{Against, Job, Mode, Respond};
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
        asked.plan(&self.reader.checkpoint.config, |need| self.budget.of(need))?;
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
        let cpu = &mut self.backends.cpu;
        let checked = by_method::check(&self.reader, cpu, &run.how, &job, told, &scored, tick).await;
        cpu.scale(&[])?;
        checked
    }
}
