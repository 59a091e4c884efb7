//! A checkpoint with its engine: text in, an explained run out. The page's worker and the command line both use it.

use std::ops::ControlFlow;

use super::backends::Backends;
use super::reader::Reader;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::explain::attribution::{self, Event, Job, Mode, Outcome};
use crate::explain::{CheckpointInfo, Levels, ModelReport, PromptToken, ResponseToken, Unit, units};
use crate::model::cpu::{CpuEngine, CpuModel, Trace};
use crate::model::gpu::{GpuEngine, GpuModel};
use crate::model::{Engine, Length, ModelError, Tick};
use crate::protocol::{Backend, BackendReport, Choice, Prompt, Response, Run, Why};

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
    /// The GPU has failed: the run starts again on the CPU.
    Backend(BackendReport),
}

/// A loaded model.
pub struct Runner {
    reader: Reader,
    backends: Backends,
}

impl Runner {
    /// Reads the weights of `checkpoint`, which came from `file`; `progress` is awaited with the tensors done of tensors in
    /// all, and may stop it by an error.
    pub async fn load(
        checkpoint: Checkpoint,
        file: &str,
        progress: &mut impl AsyncFnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let backends = Backends::new(CpuEngine::new(CpuModel::load(&checkpoint, progress).await?));
        let info = CheckpointInfo::of(&checkpoint, file)?; // after the weights were read, which names them
        Ok(Self { reader: Reader { checkpoint, info }, backends })
    }

    /// The same where nobody waits for a sign of life.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_at_once(checkpoint: Checkpoint, file: &str) -> Result<Self, ModelError> {
        crate::model::block_on(Self::load(checkpoint, file, &mut async |_, _| Ok(())))
    }

    /// What is loaded.
    pub fn info(&self) -> &CheckpointInfo {
        &self.reader.info
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.reader.checkpoint
    }

    /// The CPU's engine, for tests and benchmarks.
    pub fn engine(&mut self) -> &mut CpuEngine {
        &mut self.backends.cpu
    }

    /// See [`Backends::race_software`].
    pub fn race_software(&mut self) {
        self.backends.race_software();
    }

    /// Decides what computes from now on, by the user's choice, a known answer and a race. `now` is a clock in seconds;
    /// `go_on` is awaited while weights are sent to the GPU, and may stop it by an error: the CPU computes then.
    pub async fn settle(
        &mut self,
        choice: Choice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> BackendReport {
        self.backends.settle(&self.reader.checkpoint, choice, now, go_on).await.clone()
    }

    /// What to say while [`Runner::settle`] works.
    pub fn trying(&self) -> BackendReport {
        let bytes = GpuModel::need(&self.reader.checkpoint);
        BackendReport { used: Backend::Cpu, gpu: None, why: Why::Trying { bytes } }
    }

    /// What computes, and why.
    pub fn backend(&self) -> &BackendReport {
        self.backends.report()
    }

    /// The GPU's engine, if it is the one to use, for tests and benchmarks.
    pub fn gpu(&mut self) -> Option<&mut GpuEngine> {
        self.backends.gpu()
    }

    /// What a run of `prompt`, prepared, and `response` takes of the model's context.
    pub fn length(&self, prompt: &[PromptToken], response: &Response) -> Result<Length, CheckpointError> {
        Ok(self.reader.length(prompt, &self.reader.respond(response)?))
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
        self.backends.cpu.trace(ids, tick).await
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
        let respond = self.reader.respond(&run.response)?;
        let length = self.reader.length(&prompt, &respond);
        if length.over() > 0 {
            return Err(ModelError::TooLong(length));
        }
        let units = units(&prompt, &text, run.by);
        let instruction = run.instruction.clone().unwrap_or_else(|| self.reader.instruction(run, &text));
        if emit(Update::Started(prompt.clone(), units.clone())).await.is_break() {
            return Err(ModelError::Cancelled);
        }
        let job = Job {
            prompt: prompt.iter().map(|t| t.id).collect(),
            groups: units.iter().map(|u| u.tokens.clone()).collect(),
            respond,
            target: run.target,
            mode: run.mode,
            alternatives: ALTERNATIVES,
        };
        let Self { reader, backends } = self;
        let mut forward = async |event: Event| emit(update(reader, event)).await;
        let mut on_gpu = None;
        if let Some(gpu) = backends.gpu() {
            on_gpu = Some(finish(gpu, &job, &now, &mut forward).await);
        }
        let outcome = match on_gpu {
            Some(Err(ModelError::Gpu(error))) => {
                backends.fall_back(&error);
                let _ = emit(Update::Backend(backends.report().clone())).await; // a stop is heard at the next word
                if emit(Update::Started(prompt.clone(), units.clone())).await.is_break() {
                    return Err(ModelError::Cancelled);
                }
                let mut forward = async |event: Event| emit(update(reader, event)).await;
                finish(&mut backends.cpu, &job, &now, &mut forward).await?
            }
            Some(outcome) => outcome?,
            None => finish(&mut backends.cpu, &job, &now, &mut forward).await?,
        };
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
            backend: backends.report().name(),
            seconds: outcome.seconds,
        };
        if outcome.mode != Mode::Off {
            report.score(Levels::default());
        }
        Ok(report)
    }
}

fn update(reader: &Reader, event: Event) -> Update {
    match event {
        Event::Prefill(t) => Update::Prefill(t),
        Event::Reverse(t) => Update::Reverse(t),
        Event::Token { id, choice, column } => Update::Token(reader.response_token(id, choice), column),
    }
}

/// Runs `job` to its end and frees the sequence's caches, also those of a cancelled run.
async fn finish<E: Engine>(
    engine: &mut E,
    job: &Job,
    now: &impl Fn() -> f64,
    emit: &mut impl AsyncFnMut(Event) -> ControlFlow<()>,
) -> Result<Outcome, ModelError> {
    let outcome = attribution::run(engine, job, now, emit).await;
    let freed = engine.begin(&[]).await;
    let outcome = outcome?;
    freed.map(|()| outcome)
}
