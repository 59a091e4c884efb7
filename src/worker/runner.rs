//! A checkpoint with its engine: text in, an explained run out. The page's worker and the command line both use it.

use std::ops::ControlFlow;
use std::rc::Rc;

use super::backends::Backends;
use super::budget::{Asked, Budget};
use super::by_method::{self, Told};
use super::intervention::{self, Directions};
use super::reader::Reader;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::explain::attribution::{Job, Mode, Respond, RunEvent};
use crate::explain::memory;
use crate::explain::methods::{Explained, How};
use crate::explain::{By, CheckpointInfo, Levels, ModelReport, PromptToken, ResponseToken, Unit, scored_rows, units};
use crate::model::cpu::{Cores, CpuEngine, CpuModel, Trace};
use crate::model::gpu::{GpuEngine, GpuModel};
use crate::model::{Length, ModelError, Shortage, Tick};
use crate::protocol::{Backend, BackendChoice, BackendReport, Need, Prompt, Response, Run, Why};

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
    /// Parts of what comes after the response: the reverse pass, a method's own, or the check of the picture.
    Reverse(Tick),
    /// Tokens of the response with nothing switched off or scaled, of those asked for.
    Without(Tick),
    /// The GPU has failed: the run starts again on the CPU.
    Backend(BackendReport),
}

/// A loaded model.
pub struct Runner {
    pub(super) reader: Reader,
    pub(super) backends: Backends,
    pub(super) budget: Budget,
    pub(super) directions: Directions,
}

impl Runner {
    /// Reads the weights of `checkpoint`, which came from `file`, for `cores` to share if there are any; `progress` is awaited with the tensors done of tensors in
    /// all, and may stop it by an error.
    pub async fn load(
        checkpoint: Checkpoint,
        file: &str,
        cores: Option<&Rc<dyn Cores>>,
        progress: &mut impl AsyncFnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        let backends = Backends::new(CpuEngine::new(CpuModel::load(&checkpoint, cores, progress).await?));
        let info = CheckpointInfo::of(&checkpoint, file)?; // after the weights were read, which names them
        Ok(Self {
            reader: Reader { checkpoint, info },
            backends,
            budget: Budget::endless(),
            directions: Directions::default(),
        })
    }

    /// The same where nobody waits for a sign of life.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_at_once(checkpoint: Checkpoint, file: &str) -> Result<Self, ModelError> {
        crate::model::block_on(Self::load(checkpoint, file, None, &mut async |_, _| Ok(())))
    }

    /// What is loaded.
    pub fn info(&self) -> &CheckpointInfo {
        &self.reader.info
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.reader.checkpoint
    }

    /// The CPU's engine.
    pub fn engine(&mut self) -> &mut CpuEngine {
        &mut self.backends.cpu
    }

    /// See [`Backends::race_software`].
    pub fn race_software(&mut self) {
        self.backends.race_software();
    }

    /// Decides what computes from now on, by the user's choice, a known answer and a race. `now` is a clock in seconds;
    /// `go_on` is awaited while weights are sent to the GPU, and may stop it by an error: the CPU computes then.
    pub async fn select_backend(
        &mut self,
        choice: BackendChoice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> BackendReport {
        self.backends.select_backend(&self.reader.checkpoint, choice, now, go_on).await.clone()
    }

    /// What to say while [`Runner::select_backend`] works.
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

    /// Runs and views may take this much memory on the CPU.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// What a run of `prompt`, prepared, with the text that is explained, will take of memory in `mode` and by the method of `how`;
    /// nothing where the GPU computes, which does not say how much it has, or where the context does not hold it.
    pub fn need(
        &self,
        (prompt, text): (&[PromptToken], &str),
        response: &Response,
        by: By,
        (mode, how): (Mode, &How),
    ) -> Result<Option<Need>, CheckpointError> {
        let respond = self.reader.respond(response)?;
        let on_gpu = self.backend().used == Backend::Gpu && !how.is_for_cpu();
        if on_gpu || self.reader.length(prompt, &respond).over() > 0 {
            return Ok(None);
        }
        let units = units(prompt, text, by, true); // the template may make up a row
        let asked = Asked::new(&self.reader.info, (prompt, text), &units, by, &respond, how.mode(mode));
        Ok(Some(match asked.plan(&self.reader.checkpoint.config, |need| need.min(self.budget.bytes)) {
            Ok(plan) => Need { bytes: plan.bytes, refused: None },
            Err(shortage) => Need { bytes: shortage.need, refused: Some(shortage) },
        }))
    }

    /// See [`Reader::prepare`].
    pub fn prepare(&self, prompt: &Prompt) -> Result<(Vec<PromptToken>, String), CheckpointError> {
        self.reader.prepare(prompt)
    }

    /// Begins to read a sequence for what goes on inside. Fails where memory cannot hold it.
    pub fn trace(&self, ids: &[u32]) -> Result<Trace, ModelError> {
        memory::check_sequence(&self.reader.checkpoint.config, ids.len(), |need| self.budget.of(need))?;
        self.backends.cpu.trace(ids)
    }

    /// See [`CpuEngine::read_to`].
    pub async fn read_to(
        &self,
        trace: &mut Trace,
        layer: usize,
        tick: &mut impl AsyncFnMut(Tick) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        self.backends.cpu.read_to(trace, layer, tick).await
    }

    /// Fails where memory cannot hold a layer's attention on so many tokens.
    pub fn check_attention(&self, tokens: usize) -> Result<(), ModelError> {
        Ok(memory::check_attention(&self.reader.checkpoint.config, tokens, |need| self.budget.of(need))?)
    }

    /// Fails where memory cannot hold a sequence that is read through all layers for its last token.
    pub fn check_sequence(&self, tokens: usize) -> Result<(), ModelError> {
        Ok(memory::check_sequence(&self.reader.checkpoint.config, tokens, |need| self.budget.of(need))?)
    }

    /// Fails where memory cannot hold a run that reads `response` after `before` and explains nothing.
    pub fn check_reading(&self, before: usize, response: &[u32]) -> Result<(), ModelError> {
        let config = &self.reader.checkpoint.config;
        let sizes = memory::Sizes::new(before, &[], &Respond::Forced(response.to_vec()), config.context);
        Ok(memory::plan(config, &sizes, Mode::Off, None, |need| self.budget.of(need)).map(|_| ())?)
    }

    /// A token's text.
    pub fn spell(&self, id: u32) -> String {
        self.reader.spell(id).0
    }

    /// Runs and explains. `now` is a clock in seconds; `emit` hears everything and cancels by breaking.
    pub async fn run(
        &mut self,
        run: &Run,
        now: impl Fn() -> f64,
        emit: &mut impl AsyncFnMut(Update) -> ControlFlow<()>,
    ) -> Result<ModelReport, ModelError> {
        self.switch(&run.how.interventions)?;
        let report = self.explain(run, now, emit).await;
        self.backends.cpu.scale(&[])?; // everything else is asked of the whole model
        report
    }

    async fn explain(
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
        let units = units(&prompt, &text, run.by, run.template_row);
        let asked = |mode| Asked::new(&self.reader.info, (&prompt, &text), &units, run.by, &respond, mode);
        let (run_asks, check_asks) = (asked(run.how.mode(run.mode)), asked(Mode::Off));
        let budget = self.budget;
        let plan = |asked: &Asked, reader: &Reader| {
            asked.plan(&reader.checkpoint.config, |need| budget.of(need)).map(|plan| plan.mode)
        };
        let on_gpu = !run.how.is_for_cpu() && self.backends.gpu().is_some();
        // the GPU has memory of its own
        let mode = if on_gpu { run.mode } else { plan(&run_asks, &self.reader)? };
        let instruction = run.instruction.clone().unwrap_or_else(|| self.reader.instruction(run, &text));
        if emit(Update::Started(prompt.clone(), units.clone())).await.is_break() {
            return Err(ModelError::Cancelled);
        }
        let job = Job {
            prompt: prompt.iter().map(|t| t.id).collect(),
            groups: units.iter().map(|u| u.tokens.clone()).collect(),
            respond,
            target: run.target,
            against: run.how.against.clone(),
            mode,
            alternatives: ALTERNATIVES,
        };
        let started = Update::Started(prompt.clone(), units.clone());
        let on_cpu = |reader: &Reader| plan(&run_asks, reader);
        let how = run.how.in_mode(run.mode);
        let (explained, used) = self.attributed(&how, job.clone(), started, on_cpu, &now, emit).await?;
        let Explained { mut outcome, completeness, steps } = explained;
        let checked = run.how.check && outcome.mode != Mode::Off && !outcome.response.is_empty();
        let faithfulness = if checked {
            let (before, scored) = (now(), scored_rows(&units, run.by));
            let mut tick = async |t: Tick| emit(Update::Reverse(t)).await;
            let told = Told::of(&outcome.response, &outcome.against, &outcome.importance);
            let used = self.backend().clone();
            let found = self.checked((&run.how, &check_asks), &job, told, &scored, &mut tick).await?;
            if *self.backend() != used {
                let _ = emit(Update::Backend(self.backend().clone())).await; // the run has ended
            }
            outcome.seconds.total += now() - before;
            Some(found)
        } else {
            None
        };
        let Self { reader, backends, .. } = self;
        let without = match run.how.interventions.is_empty() {
            true => Vec::new(),
            false => {
                let before = now();
                let mut tick = async |t: Tick| emit(Update::Without(t)).await;
                let without = intervention::without(reader, &mut backends.cpu, &job, &now, &mut tick).await?;
                outcome.seconds.total += now() - before;
                without
            }
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
            method: run.how.method,
            baseline: run.how.method.has_baseline().then(|| run.how.baseline.clone()),
            steps,
            completeness,
            faithfulness,
            against_text: reader.others(&outcome.response, &outcome.against),
            against: outcome.against,
            interventions: run.how.interventions.clone(),
            without,
            by: run.by,
            mode: outcome.mode.name().to_owned(),
            backend: used.name(),
            seconds: outcome.seconds,
        };
        if outcome.mode != Mode::Off {
            report.score(Levels::default());
        }
        Ok(report)
    }

    /// The tokens of `text` as the model would say it, each with its text.
    pub fn tokens(&self, text: &str) -> Result<Vec<(u32, String)>, CheckpointError> {
        self.reader.tokens(text)
    }

    /// Runs `job` as `how` says, on the GPU where there is one that can. Where that fails, the run starts again on the CPU, which
    /// emits `started` once more, in the mode that `on_cpu` finds. Gives what computed it, too.
    async fn attributed(
        &mut self,
        how: &How,
        job: Job,
        started: Update,
        on_cpu: impl Fn(&Reader) -> Result<Mode, Shortage>,
        now: &impl Fn() -> f64,
        emit: &mut impl AsyncFnMut(Update) -> ControlFlow<()>,
    ) -> Result<(Explained, BackendReport), ModelError> {
        let Self { reader, backends, .. } = self;
        let row = match how.method.has_baseline() {
            true => reader.baseline_row(&backends.cpu, &how.baseline)?,
            false => Vec::new(),
        };
        let asked = (how, row.as_slice());
        let mut forward = async |event: RunEvent| emit(update(reader, event)).await;
        if how.is_for_cpu() {
            let explained = by_method::explain(&mut backends.cpu, asked, &job, now, &mut forward).await?;
            return Ok((explained, BackendReport::cpu()));
        }
        let mut used = backends.report().clone();
        let explained = match backends.gpu() {
            Some(gpu) => by_method::explain(gpu, asked, &job, now, &mut forward).await,
            None => by_method::explain(&mut backends.cpu, asked, &job, now, &mut forward).await,
        };
        let explained = match explained {
            Err(ModelError::Gpu(error)) => {
                used = backends.instead(&error);
                let _ = emit(Update::Backend(used.clone())).await; // a stop is heard at the next word
                match (emit(started).await, on_cpu(reader)) {
                    (ControlFlow::Break(()), _) => Err(ModelError::Cancelled),
                    (ControlFlow::Continue(()), Ok(mode)) => {
                        let mut forward = async |event: RunEvent| emit(update(reader, event)).await;
                        let job = Job { mode, ..job };
                        by_method::explain(&mut backends.cpu, asked, &job, now, &mut forward).await
                    }
                    (ControlFlow::Continue(()), Err(shortage)) => Err(shortage.into()),
                }
            }
            explained => explained,
        };
        if used != *backends.report() {
            let _ = emit(Update::Backend(backends.report().clone())).await; // the run has ended
        }
        Ok((explained?, used))
    }
}

fn update(reader: &Reader, event: RunEvent) -> Update {
    match event {
        RunEvent::Prefill(t) => Update::Prefill(t),
        RunEvent::Reverse(t) => Update::Reverse(t),
        RunEvent::Token { id, choice, column } => Update::Token(reader.response_token(id, choice), column),
    }
}
