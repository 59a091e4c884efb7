//! A checkpoint with its engine: text in, an explained run out. The page's worker and the command line both use it.

use std::ops::ControlFlow;

use super::reader::Reader;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::explain::attribution::{self, Event, Job, Mode};
use crate::explain::{CheckpointInfo, Levels, ModelReport, PromptToken, ResponseToken, Unit, units};
use crate::model::cpu::{CpuEngine, CpuModel, Trace};
use crate::model::{Engine, ModelError, Tick};
use crate::protocol::{Prompt, Run};

/// Alternatives reported for each response token.
const ALTERNATIVES: usize = 5;

/// What a run says while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The prompt as it will be read.
    Started(Vec<PromptToken>, Vec<Unit>),
    /// Prompt tokens read.
    Prefill(Tick),
    /// A response token with its column.
    Token(ResponseToken, Option<Vec<f32>>),
    /// Parts of the reverse pass.
    Reverse(Tick),
}

/// A loaded model.
pub struct Runner {
    reader: Reader,
    engine: CpuEngine,
}

impl Runner {
    /// Reads the weights of `checkpoint`, which came from `file`.
    pub fn load(
        checkpoint: Checkpoint,
        file: &str,
        progress: impl FnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let info = CheckpointInfo::of(&checkpoint, file)?;
        let engine = CpuEngine::new(CpuModel::load(&checkpoint, progress)?);
        Ok(Self { reader: Reader { checkpoint, info }, engine })
    }

    /// What is loaded.
    pub fn info(&self) -> &CheckpointInfo {
        &self.reader.info
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.reader.checkpoint
    }

    /// The engine, for tests and benchmarks.
    pub fn engine(&mut self) -> &mut CpuEngine {
        &mut self.engine
    }

    /// See [`Reader::prepare`].
    pub fn prepare(&self, prompt: &Prompt) -> Result<(Vec<PromptToken>, String), CheckpointError> {
        self.reader.prepare(prompt)
    }

    /// Reads a sequence and keeps what goes on inside.
    pub async fn trace(
        &self,
        ids: &[u32],
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<Trace, ModelError> {
        self.engine.trace(ids, tick).await
    }

    /// Runs and explains. `now` is a clock in seconds; `emit` hears everything and cancels by breaking.
    pub async fn run(
        &mut self,
        run: &Run,
        now: impl Fn() -> f64,
        emit: &mut impl AsyncFnMut(Update) -> ControlFlow<()>,
    ) -> Result<ModelReport, ModelError> {
        let (prompt, text) = self.reader.prepare(&run.prompt)?;
        if matches!(&run.prompt, Prompt::Text { .. }) && text.trim().is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        let units = units(&prompt, &text, run.by);
        let instruction = run.instruction.clone().unwrap_or_else(|| self.reader.instruction(run, &text));
        if emit(Update::Started(prompt.clone(), units.clone())).await.is_break() {
            return Err(ModelError::Cancelled);
        }
        let job = Job {
            prompt: prompt.iter().map(|t| t.id).collect(),
            groups: units.iter().map(|u| u.tokens.clone()).collect(),
            respond: self.reader.respond(&run.response)?,
            target: run.target,
            mode: run.mode,
            alternatives: ALTERNATIVES,
        };
        let Self { reader, engine } = self;
        let mut forward = async |event: Event| {
            emit(match event {
                Event::Prefill(t) => Update::Prefill(t),
                Event::Reverse(t) => Update::Reverse(t),
                Event::Token { id, choice, column } => Update::Token(reader.response_token(id, choice), column),
            })
            .await
        };
        let outcome = attribution::run(engine, &job, now, &mut forward).await;
        engine.begin(&[]).await?; // frees the sequence's caches, also those of a cancelled run
        let outcome = outcome?;
        let response = outcome
            .response
            .iter()
            .zip(outcome.choices)
            .map(|(&id, choice)| reader.response_token(id, choice))
            .collect();
        let mut report = ModelReport {
            checkpoint: reader.info.clone(),
            prompt,
            response,
            units,
            importance: outcome.importance,
            levels: Vec::new(),
            density: Vec::new(),
            instruction_score: None,
            instruction,
            target: run.target,
            by: run.by,
            mode: outcome.mode.name().to_owned(),
            seconds: outcome.seconds,
        };
        if outcome.mode != Mode::Off {
            report.score(Levels::default());
        }
        Ok(report)
    }
}
