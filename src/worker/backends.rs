//! A model's engines: the CPU's always, the GPU's where one was opened and has proved itself.

use crate::checkpoint::Checkpoint;
use crate::model::cpu::CpuEngine;
use crate::model::gpu::{Gpu, GpuEngine, GpuError, GpuModel};
use crate::model::head::Target;
use crate::model::{Engine, Group, ModelError};
use crate::protocol::{Backend, BackendReport, Choice, Why};

/// Tokens of the known answer, and of the race after them.
const KNOWN: usize = 12;
const RACE: usize = 4;
/// Tangents in both.
const GROUPS: usize = 6;
/// A read-back that takes so many seconds is not waited for after every token.
const SLOW_READ: f64 = 0.02;
/// How far the GPU may be from the CPU, whose products with quantized weights round activations themselves.
const APART: f32 = 2e-2;

/// The engines.
pub struct Backends {
    /// Answers what only it can (attention patterns), and whenever there is no GPU.
    pub cpu: CpuEngine,
    gpu: Option<GpuEngine>,
    report: BackendReport,
    /// Whether an emulated GPU is raced too.
    race_software: bool,
}

impl Backends {
    /// The CPU alone.
    pub fn new(cpu: CpuEngine) -> Self {
        Self {
            cpu,
            gpu: None,
            report: BackendReport { used: Backend::Cpu, gpu: None, why: Why::Asked },
            race_software: false,
        }
    }

    /// Races an emulated GPU too, as tests do where there is no other.
    pub fn race_software(&mut self) {
        self.race_software = true;
    }

    /// What computes, and why.
    pub fn report(&self) -> &BackendReport {
        &self.report
    }

    /// The GPU's engine, if it is the one to use.
    pub fn gpu(&mut self) -> Option<&mut GpuEngine> {
        self.gpu.as_mut().filter(|_| self.report.used == Backend::Gpu)
    }

    /// The GPU has failed: from now on the CPU computes.
    pub fn fall_back(&mut self, error: &GpuError) {
        self.gpu = None;
        self.report.used = Backend::Cpu;
        let what = format!("{error} The CPU computes instead.");
        self.report.why = match error {
            GpuError::Unavailable(_) => Why::Missing { what },
            _ => Why::Failed { what },
        };
    }

    /// Decides by the user's `choice`, a known answer and a short race. `now` is a clock in seconds; `go_on` is awaited while
    /// weights are sent to the GPU, and may stop it by an error: the CPU computes then.
    pub async fn settle(
        &mut self,
        checkpoint: &Checkpoint,
        choice: Choice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> &BackendReport {
        if choice == Choice::Cpu {
            self.gpu = None;
            self.report = BackendReport { used: Backend::Cpu, gpu: None, why: Why::Asked };
            return &self.report;
        }
        match self.prove(checkpoint, choice, now, go_on).await {
            Ok(report) => self.report = report,
            Err(ModelError::Cancelled) => {}
            Err(ModelError::Gpu(error)) => self.fall_back(&error),
            Err(error) => self.fall_back(&GpuError::Wrong(error.to_string())),
        }
        &self.report
    }

    async fn prove(
        &mut self,
        checkpoint: &Checkpoint,
        choice: Choice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> Result<BackendReport, ModelError> {
        let kept = self.gpu.take();
        let device = match &kept {
            Some(_) => None,
            None => Some(Gpu::open().await?),
        };
        let opened = kept.as_ref().map(GpuEngine::gpu).or(device.as_ref());
        if let Some(emulated) = opened.filter(|d| d.is_software() && choice == Choice::Auto && !self.race_software) {
            let gpu = Some(emulated.name().to_owned());
            return Ok(BackendReport { used: Backend::Cpu, gpu, why: Why::Software });
        }
        let mut gpu = match (kept, device) {
            (Some(gpu), _) => gpu,
            (None, Some(device)) => {
                let model = GpuModel::load(device, checkpoint, &mut async |_, _| go_on().await).await?;
                GpuEngine::new(model)?
            }
            (None, None) => return Err(GpuError::Unavailable("it was not opened".into()).into()),
        };
        let (expected, found) = (known_answer(&mut self.cpu).await?, known_answer(&mut gpu).await?);
        let distance = apart(&expected, &found);
        if distance.is_nan() || distance > APART {
            return Err(GpuError::Wrong(format!("{:.1} % off on a known answer", distance * 100.0)).into());
        }
        let name = Some(gpu.gpu().name().to_owned());
        let on_gpu = race(&mut gpu, &now).await?;
        let ahead = ahead(&mut gpu, on_gpu, &now).await?;
        gpu.set_ahead(ahead);
        let (used, why) = match choice {
            Choice::Gpu => (Backend::Gpu, Why::Asked),
            _ => {
                let on_cpu = race(&mut self.cpu, &now).await?;
                let used = if on_gpu < on_cpu { Backend::Gpu } else { Backend::Cpu };
                (used, Why::Raced { cpu: on_cpu * 1e3, gpu: on_gpu * 1e3 })
            }
        };
        self.cpu.begin(&[]).await?;
        gpu.begin(&[]).await?;
        self.gpu = Some(gpu);
        Ok(BackendReport { used, gpu: name, why })
    }
}

/// Tokens spread over the vocabulary.
fn tokens<E: Engine>(engine: &E) -> Vec<u32> {
    let vocab = engine.config().vocab;
    (0..KNOWN + RACE).map(|i| ((i * i * 37 + 11) % vocab) as u32).collect()
}

async fn begin<E: Engine>(engine: &mut E) -> Result<Vec<u32>, ModelError> {
    let groups: Vec<Group> = (0..GROUPS).map(|g| Group { positions: vec![2 * g, 2 * g + 1] }).collect();
    let tokens = tokens(engine);
    engine.begin(&groups).await?;
    engine.advance(&tokens[..KNOWN]).await?;
    Ok(tokens)
}

/// Logits and a column of importance, each relative to its own largest value.
async fn known_answer<E: Engine>(engine: &mut E) -> Result<Vec<f32>, ModelError> {
    let tokens = begin(engine).await?;
    let logits = engine.logits(KNOWN - 1).await?;
    let column = engine.column(KNOWN - 1, &logits, tokens[KNOWN], Target::Logit).await?;
    let relative = |values: Vec<f32>| {
        let most = values.iter().fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
        values.into_iter().map(move |v| v / most)
    };
    Ok(relative(logits).chain(relative(column)).collect())
}

/// The largest difference.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
}

/// Tokens to compute before their results are waited for, from the seconds of the race: where the browser looks for results
/// only now and then, as many as it could compute meanwhile.
async fn ahead(gpu: &mut GpuEngine, race: f64, now: &impl Fn() -> f64) -> Result<usize, ModelError> {
    let mut read = f64::INFINITY;
    for _ in 0..3 {
        let started = now();
        gpu.read_nothing().await?;
        read = read.min(now() - started);
    }
    if read < SLOW_READ {
        return Ok(1);
    }
    // the race waits for two results a token
    let computing = (race / (RACE - 1) as f64 - 2.0 * read).max(1e-3);
    Ok((read / computing).ceil() as usize)
}

/// Seconds for a few tokens with their columns, after a warm-up.
async fn race<E: Engine>(engine: &mut E, now: &impl Fn() -> f64) -> Result<f64, ModelError> {
    let tokens = begin(engine).await?;
    let mut started = now();
    for (i, &token) in tokens[KNOWN..].iter().enumerate() {
        if i == 1 {
            started = now();
        }
        engine.advance(&[token]).await?;
        let logits = engine.logits(0).await?;
        engine.column(0, &logits, token, Target::Prob).await?;
    }
    Ok(now() - started)
}
