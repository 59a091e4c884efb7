//! Where the time of a step goes, kernel by kernel: for the benchmark.

use super::device::GpuError;
use super::engine::GpuEngine;
use super::ops::{self, Op};

/// What one kernel takes of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Its file's name.
    pub kernel: String,
    /// How often it is started.
    pub dispatches: usize,
    /// Seconds of all of them.
    pub seconds: f64,
}

/// Where the time of the last step goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Primal rows and tangents.
    pub rows: usize,
    /// By kernel, in the order of their first use.
    pub kernels: Vec<Spent>,
    /// All dispatches in their order, in seconds.
    pub step: f64,
    /// The same, encoded and handed over but not waited for.
    pub encoding: f64,
}

/// How often a kernel's dispatches are repeated in one submission, so that handing over does not count.
const TIMES: usize = 20;
/// The quickest of so many counts.
const TRIES: usize = 3;

impl GpuEngine {
    /// Times the kernels of the last step, each on its own and repeated, and of the question for its last token. The
    /// sequence cannot go on after it. `now` is a clock in seconds. Fails if the GPU does.
    pub async fn profile(&mut self, now: impl Fn() -> f64) -> Result<Profile, GpuError> {
        let gpu = self.gpu();
        let (rows, ops) = self.step();
        let mut kinds: Vec<_> = Vec::new();
        for op in ops.iter().filter(|(op, rows)| op.when.contains(rows)) {
            if !kinds.contains(&op.0.call.kernel) {
                kinds.push(op.0.call.kernel);
            }
        }
        let time = async |ops: &[(&Op, usize)], times: usize| -> Result<(usize, f64, f64), GpuError> {
            let (mut dispatches, mut encoding, mut all) = (0, f64::INFINITY, f64::INFINITY);
            for _ in 0..TRIES {
                let started = now();
                let mut encoder = gpu.device.create_command_encoder(&Default::default());
                let mut pass = ops::pass(&mut encoder, "profile");
                dispatches = 0;
                for _ in 0..times {
                    dispatches += ops.iter().map(|(op, rows)| op.encode(&mut pass, *rows)).sum::<usize>();
                }
                drop(pass);
                gpu.queue.submit([encoder.finish()]);
                encoding = encoding.min(now() - started);
                gpu.finished().await?;
                all = all.min(now() - started);
            }
            Ok((dispatches / times, encoding, all / times as f64))
        };
        let mut kernels = Vec::new();
        for kind in kinds {
            let own: Vec<_> = ops.iter().copied().filter(|(op, _)| op.call.kernel == kind).collect();
            let (dispatches, _, seconds) = time(&own, TIMES).await?;
            kernels.push(Spent { kernel: kind.name(), dispatches, seconds });
        }
        let (_, encoding, step) = time(&ops, 1).await?;
        Ok(Profile { rows, kernels, step, encoding })
    }
}
