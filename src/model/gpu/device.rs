//! A GPU: its device and queue, buffers, read-backs, and what goes wrong with them.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wgpu::{Buffer, BufferUsages};

use super::cache::TangentType;

/// Why the GPU could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum GpuError {
    /// No adapter, or none that gives a device.
    #[error("No GPU can be used here: {0}")]
    Unavailable(String),
    /// The device went away, as after a driver's crash.
    #[error("The GPU was lost: {0}")]
    Lost(String),
    /// No memory left on it.
    #[error("The GPU has not enough memory.")]
    OutOfMemory,
    /// The model asks for more than the adapter offers.
    #[error("This model does not fit the GPU: {0}")]
    TooLarge(String),
    /// A wrong result of the self-test.
    #[error("The GPU computes wrong values ({0}).")]
    Wrong(String),
    /// A refused command: a defect of ours, or of the driver.
    #[error("The GPU refused a command: {0}")]
    Refused(String),
}

type Fault = Arc<Mutex<Option<GpuError>>>;

fn note(fault: &Fault, error: GpuError) {
    fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

/// Commands that were handed over.
pub(super) struct Submitted {
    index: wgpu::SubmissionIndex,
    heard: oneshot::Receiver<()>,
}

/// An open device.
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    name: String,
    software: bool,
    /// The first thing that went wrong.
    fault: Fault,
    /// Bytes that one binding can hold.
    binding: Cell<usize>,
    tangents: Cell<TangentType>,
}

impl Gpu {
    /// Opens the machine's fastest adapter. Fails with [`GpuError::Unavailable`] where there is none.
    pub async fn open() -> Result<Self, GpuError> {
        let unavailable = |e: &dyn std::fmt::Display| GpuError::Unavailable(e.to_string());
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance
            .request_adapter(&options)
            .await
            .map_err(|_| unavailable(&"neither the browser nor a driver offers one."))?;
        let offered = adapter.limits();
        // the least that WebGPU promises, but for sizes of buffers
        let limits = wgpu::Limits {
            max_buffer_size: offered.max_buffer_size,
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            ..wgpu::Limits::downlevel_defaults().using_resolution(offered)
        };
        let limits = wgpu::Limits {
            max_storage_buffers_per_shader_stage: 8,
            max_compute_workgroup_storage_size: 16_384,
            ..limits
        };
        let half = adapter.features() & wgpu::Features::SHADER_F16;
        let wanted =
            wgpu::DeviceDescriptor { required_limits: limits.clone(), required_features: half, ..Default::default() };
        let (device, queue) = adapter.request_device(&wanted).await.map_err(|e| unavailable(&e))?;
        let fault = Fault::default();
        let (errors, losses) = (fault.clone(), fault.clone());
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            note(
                &errors,
                match e {
                    wgpu::Error::OutOfMemory { .. } => GpuError::OutOfMemory,
                    other => GpuError::Refused(other.to_string()),
                },
            );
        }));
        device.set_device_lost_callback(move |_, message| note(&losses, GpuError::Lost(message)));
        let info = adapter.get_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let name = if info.name.is_empty() { info.device_type_name() } else { info.name };
        let binding = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size) as usize;
        let tangents = if half.is_empty() { TangentType::F32 } else { TangentType::F16 };
        Ok(Self { device, queue, name, software, fault, binding: Cell::new(binding), tangents: Cell::new(tangents) })
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the processor only pretends to be one.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// Bytes that one binding can hold.
    pub(super) fn binding_limit(&self) -> usize {
        self.binding.get()
    }

    /// As if one binding held no more than `bytes`, as tests do.
    pub fn limit_bindings(&self, bytes: usize) {
        self.binding.set(bytes);
    }

    /// How tangents of keys and values are stored.
    pub(super) fn tangent_type(&self) -> TangentType {
        self.tangents.get()
    }

    /// Whether tangents of keys and values are kept in f16.
    pub fn has_f16_tangents(&self) -> bool {
        self.tangents.get() == TangentType::F16
    }

    /// As if the device did not compute in f16: for a model whose tangents f16 cannot hold, and in tests. Before a sequence
    /// begins.
    pub fn keep_tangents_in_f32(&self) {
        self.tangents.set(TangentType::F32);
    }

    /// The first thing that went wrong so far, if anything did.
    pub fn check(&self) -> Result<(), GpuError> {
        match &*self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Gives the device up: everything after fails with [`GpuError::Lost`].
    pub fn destroy(&self) {
        self.device.destroy();
        note(&self.fault, GpuError::Lost("it was given up".into()));
    }

    /// As if the driver had reported `error`, as tests do: everything after fails with it.
    pub fn fail(&self, error: GpuError) {
        note(&self.fault, error);
    }

    /// Bytes a second that the GPU's memory moves, read and written, by copying within it. `now` is a clock in seconds.
    pub async fn bandwidth(&self, now: impl Fn() -> f64) -> Result<f64, GpuError> {
        const BYTES: u64 = 64 << 20;
        const COPIES: u64 = 16;
        let (from, to) = (self.storage(BYTES as usize / 4), self.storage(BYTES as usize / 4));
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let mut encoder = self.device.create_command_encoder(&Default::default());
            (0..COPIES).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, Some(BYTES)));
            let started = now();
            self.queue.submit([encoder.finish()]);
            self.finished().await?;
            best = best.min(now() - started);
        }
        Ok((2 * BYTES * COPIES) as f64 / best)
    }

    /// A storage buffer of `count` words, zeroed.
    #[track_caller]
    pub(super) fn storage(&self, count: usize) -> Buffer {
        self.buffer(count, BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST)
    }

    /// Errors name a buffer by the line that made it.
    #[track_caller]
    fn buffer(&self, words: usize, usage: BufferUsages) -> Buffer {
        let label = std::panic::Location::caller().to_string();
        // whole vectors of four words: some kernels read so
        let size = (words.max(1).next_multiple_of(4) * 4) as u64;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(&label),
            size,
            usage,
            mapped_at_creation: false,
        })
    }

    /// A storage buffer with these values.
    #[track_caller]
    pub(super) fn filled<T: bytemuck::NoUninit>(&self, values: &[T]) -> Buffer {
        let buffer = self.storage(size_of_val(values).div_ceil(4));
        self.write(&buffer, values);
        buffer
    }

    /// A uniform buffer with this value, of a multiple of 16 bytes.
    #[track_caller]
    pub(super) fn uniform<T: bytemuck::NoUninit>(&self, value: &T) -> Buffer {
        let words = size_of::<T>().div_ceil(16) * 4;
        let buffer = self.buffer(words, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        self.write(&buffer, std::slice::from_ref(value));
        buffer
    }

    pub(super) fn write<T: bytemuck::NoUninit>(&self, to: &Buffer, values: &[T]) {
        self.queue.write_buffer(to, 0, bytemuck::cast_slice(values));
    }

    /// A buffer that results are copied to.
    #[track_caller]
    pub(super) fn staging(&self, words: usize) -> Buffer {
        self.buffer(words, BufferUsages::MAP_READ | BufferUsages::COPY_DST)
    }

    /// Hands these commands over; what is given back can be waited for.
    pub(super) fn submit(&self, commands: Option<wgpu::CommandBuffer>) -> Submitted {
        let index = self.queue.submit(commands);
        let (done, heard) = oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = done.send(()); // nobody waits any more
        });
        Submitted { index, heard }
    }

    /// Awaits these commands, and all that were handed over before them.
    pub(super) async fn reached(&self, submitted: Submitted) -> Result<(), GpuError> {
        let Submitted { index, heard } = submitted;
        // in the browser the answer comes by itself
        let polled = self.device.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None });
        self.check()?;
        polled.map_err(|e| GpuError::Lost(e.to_string()))?;
        heard.await.map_err(|e| GpuError::Lost(e.to_string()))?;
        self.check()
    }

    /// Awaits everything submitted so far.
    pub(super) async fn finished(&self) -> Result<(), GpuError> {
        self.reached(self.submit(None)).await
    }

    /// Awaits the first `count` values of a staging buffer that submitted commands write.
    pub(super) async fn read(&self, staging: &Buffer, count: usize) -> Result<Vec<f32>, GpuError> {
        let (done, mapped) = oneshot::channel();
        let range = 0..(count * 4) as u64;
        staging.map_async(wgpu::MapMode::Read, range.clone(), move |outcome| {
            let _ = done.send(outcome); // nobody waits any more
        });
        // in the browser the answer comes by itself
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled.map_err(|e| GpuError::Lost(e.to_string()))?;
        let outcome = mapped.await.map_err(|e| GpuError::Lost(e.to_string()))?;
        self.check()?;
        outcome.map_err(|e| GpuError::Lost(e.to_string()))?;
        let view = staging.get_mapped_range(range).map_err(|e| GpuError::Refused(e.to_string()))?;
        let values = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        Ok(values)
    }
}

trait TypeName {
    fn device_type_name(&self) -> String;
}

impl TypeName for wgpu::AdapterInfo {
    fn device_type_name(&self) -> String {
        match self.device_type {
            wgpu::DeviceType::IntegratedGpu => "integrated GPU".into(),
            wgpu::DeviceType::DiscreteGpu => "GPU".into(),
            wgpu::DeviceType::Cpu => "software GPU".into(),
            _ => "GPU".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block_on;
    use crate::testing::not_checked;

    /// Set in the process that fills its memory.
    const CHILD: &str = "SHIFTLENS_FILL_GPU";

    /// In a process of its own: an emulated GPU's memory is the process's.
    #[test]
    fn a_gpu_without_memory_says_so() {
        if std::env::var(CHILD).is_err() {
            let this = std::env::current_exe().unwrap();
            let name = "model::gpu::device::tests::a_gpu_without_memory_says_so";
            let child =
                std::process::Command::new(this).args(["--exact", name, "--nocapture"]).env(CHILD, "1").output();
            let child = child.unwrap();
            let said = String::from_utf8_lossy(&child.stdout);
            assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
            return; // what the child left out, it has noted
        }
        let gpu = match block_on(Gpu::open()) {
            Ok(gpu) => gpu,
            Err(e) if std::env::var("SHIFTLENS_GPU").as_deref() == Ok("required") => panic!("{e}"),
            Err(e) => return not_checked(&e.to_string()),
        };
        let largest = (gpu.device.limits().max_buffer_size / 16 * 4) as usize;
        let mut held = Vec::new();
        while gpu.check().is_ok() && held.len() < 200_000 {
            held.push(gpu.storage(largest));
        }
        match gpu.check() {
            Ok(()) => not_checked(&format!("{} gives out memory without end", gpu.name())),
            Err(e) => assert_eq!(e, GpuError::OutOfMemory),
        }
    }
}
