//! A model's engines: the CPU's always, the GPU's where one was opened and has proved itself.

use super::proof::{APART, Answers, race, race_gpu};
use crate::checkpoint::Checkpoint;
use crate::model::ModelError;
use crate::model::cpu::CpuEngine;
use crate::model::gpu::{Gpu, GpuEngine, GpuError, GpuModel};
use crate::protocol::{Backend, BackendChoice, BackendReport, Why};

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
        Self { cpu, gpu: None, report: BackendReport::cpu(), race_software: false }
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
    fn fall_back(&mut self, error: &GpuError) {
        self.gpu = None;
        self.report.used = Backend::Cpu;
        let what = format!("{error} The CPU computes instead.");
        self.report.why = match error {
            GpuError::Unavailable(_) => Why::Missing { what },
            _ => Why::Failed { what },
        };
    }

    /// The GPU has failed within a run, which the CPU does instead. A prompt that the GPU has no room for says nothing against
    /// the next one; after any other failure the CPU computes from now on. Gives what computes this run.
    pub fn instead(&mut self, error: &GpuError) -> BackendReport {
        match error {
            GpuError::TooLarge(_) => {
                let what = format!("{error} The CPU computes this run; a shorter one can use the GPU.");
                BackendReport { used: Backend::Cpu, gpu: None, why: Why::Failed { what } }
            }
            _ => {
                self.fall_back(error);
                self.report.clone()
            }
        }
    }

    /// Decides by the user's `choice`, a known answer and a short race. `now` is a clock in seconds; `go_on` is awaited while
    /// weights are sent to the GPU, and may stop it by an error: the CPU computes then.
    pub async fn select_backend(
        &mut self,
        checkpoint: &Checkpoint,
        choice: BackendChoice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> &BackendReport {
        if choice == BackendChoice::Cpu {
            self.gpu = None;
            self.report = BackendReport::cpu();
            return &self.report;
        }
        match self.prove(checkpoint, choice, now, go_on).await {
            Ok(report) => self.report = report,
            Err(ModelError::Cancelled) => {}
            Err(ModelError::Gpu(error)) => self.fall_back(&error),
            // the CPU could not answer either: that is the checkpoint's fault, and a run will say so
            Err(error) => {
                let what = format!("The GPU could not be checked, so the CPU computes. {error}");
                self.report = BackendReport { used: Backend::Cpu, gpu: None, why: Why::Failed { what } };
            }
        }
        &self.report
    }

    async fn prove(
        &mut self,
        checkpoint: &Checkpoint,
        choice: BackendChoice,
        now: impl Fn() -> f64,
        go_on: &mut impl AsyncFnMut() -> Result<(), ModelError>,
    ) -> Result<BackendReport, ModelError> {
        let kept = self.gpu.take();
        let device = match &kept {
            Some(_) => None,
            None => Some(Gpu::open().await?),
        };
        let opened = kept.as_ref().map(GpuEngine::gpu).or(device.as_ref());
        if let Some(emulated) =
            opened.filter(|d| d.is_software() && choice == BackendChoice::Auto && !self.race_software)
        {
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
        let found = Answers::of(&mut gpu, None).await?;
        let distance = found.relative_error(&Answers::of(&mut self.cpu, Some(&found)).await?);
        if distance > APART {
            let how = match distance {
                ..10.0 => format!("{:.1} % off on a known answer", distance * 100.0),
                _ => "far off on a known answer".to_owned(),
            };
            return Err(GpuError::Wrong(how).into());
        }
        let name = Some(gpu.gpu().name().to_owned());
        let (used, why) = self.timed(&mut gpu, choice, &now).await?;
        self.gpu = Some(gpu);
        Ok(BackendReport { used, gpu: name, why })
    }

    /// Which engine to use, from how fast each is. A GPU in hardware is timed even where the user has chosen it: that also decides
    /// how far it computes ahead, which one in software, slow as it is, never does.
    async fn timed(
        &mut self,
        gpu: &mut GpuEngine,
        choice: BackendChoice,
        now: &impl Fn() -> f64,
    ) -> Result<(Backend, Why), ModelError> {
        if choice == BackendChoice::Gpu {
            if !gpu.gpu().is_software() {
                race_gpu(gpu, now).await?;
            }
            return Ok((Backend::Gpu, Why::Asked));
        }
        let on_gpu = race_gpu(gpu, now).await?;
        let on_cpu = race(&mut self.cpu, now).await?;
        let used = if on_gpu < on_cpu { Backend::Gpu } else { Backend::Cpu };
        Ok((used, Why::Raced { cpu: on_cpu * 1e3, gpu: on_gpu * 1e3 }))
    }
}
