//! How parameters move: Muon for the layers' matrices, AdamW (Loshchilov and Hutter, 2019) for embeddings and gains; and
//! their state on disk.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use candle_core::{Device, Error, Result, Tensor, Var, safetensors};

use crate::muon;
use crate::network::Network;
use crate::ops::with;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.98;
const EPS: f32 = 1e-8;
/// Weights shrink by this share of the rate; embeddings and gains do not.
const DECAY: f32 = 0.05;
const ADAM_RATE: f32 = 2e-3;
const MUON_RATE: f32 = 0.02;

/// What is remembered of a parameter's gradients.
enum Memory {
    Muon { momentum: Vec<f32> },
    Adam { first: Vec<f32>, second: Vec<f32> },
}

impl Memory {
    fn new(name: &str, var: &Var) -> Self {
        let zeros = vec![0.0; var.elem_count()];
        match name.starts_with("blk.") && var.rank() == 2 {
            true => Self::Muon { momentum: zeros },
            false => Self::Adam { first: zeros.clone(), second: zeros },
        }
    }

    /// Its parts, named.
    fn parts(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        match self {
            Self::Muon { momentum } => vec![("momentum", momentum)],
            Self::Adam { first, second } => vec![("first", first), ("second", second)],
        }
    }
}

pub struct Optimizer {
    memory: Vec<Memory>,
    pub step: usize,
}

impl Optimizer {
    pub fn new(network: &Network) -> Self {
        Self { memory: network.vars.iter().map(|(name, v)| Memory::new(name, v)).collect(), step: 0 }
    }

    /// Moves every parameter by one step; `rate` is a share of the full rates. The parameters are shared out over the
    /// cores.
    pub fn update(&mut self, network: &Network, gradients: &[Vec<f32>], rate: f32) -> Result<()> {
        self.step += 1;
        let step = self.step as i32;
        let work = Mutex::new(network.vars.iter().zip(&mut self.memory).zip(gradients));
        let next = || work.lock().ok().and_then(|mut left| left.next());
        let worker = || -> Result<()> {
            while let Some((((_, var), memory), gradient)) = next() {
                move_one(var, memory, gradient, rate, step)?;
            }
            Ok(())
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
            let ended = running.into_iter().map(|r| r.join().map_err(|_| Error::Msg("a thread failed".into()))?);
            ended.collect()
        })
    }

    /// Writes parameters, moments and the number of steps; a crash in the middle leaves the earlier file.
    pub fn save(&mut self, network: &Network, path: &Path) -> Result<()> {
        let mut all = HashMap::new();
        for ((name, var), memory) in network.vars.iter().zip(&mut self.memory) {
            all.insert(name.clone(), var.as_tensor().clone());
            for (part, values) in memory.parts() {
                all.insert(format!("{part}.{name}"), Tensor::new(values.as_slice(), &Device::Cpu)?);
            }
        }
        all.insert("step".into(), Tensor::new(&[self.step as u32], &Device::Cpu)?);
        let beside = path.with_extension("part");
        safetensors::save(&all, &beside)?;
        std::fs::rename(beside, path)?;
        Ok(())
    }

    /// Reads what [`Optimizer::save`] wrote.
    pub fn load(network: &Network, path: &Path) -> Result<Self> {
        let all = safetensors::load(path, &Device::Cpu)?;
        let get = |name: &str| all.get(name).ok_or_else(|| Error::Msg(format!("{name} is missing")));
        let mut new = Self::new(network);
        for ((name, var), memory) in network.vars.iter().zip(&mut new.memory) {
            var.set(get(name)?)?;
            for (part, values) in memory.parts() {
                *values = with(get(&format!("{part}.{name}"))?, <[f32]>::to_vec)?;
            }
        }
        new.step = get("step")?.to_vec1::<u32>()?.first().map_or(0, |s| *s as usize);
        Ok(new)
    }
}

fn move_one(var: &Var, memory: &mut Memory, gradient: &[f32], rate: f32, step: i32) -> Result<()> {
    let mut values = with(var.as_tensor(), <[f32]>::to_vec)?;
    match memory {
        Memory::Muon { momentum } => {
            let rate = rate * MUON_RATE;
            let direction = muon::direction(momentum, gradient, var.dims2()?)?;
            values.iter_mut().zip(direction).for_each(|(w, d)| *w = *w * (1.0 - rate * DECAY) - rate * d);
        }
        Memory::Adam { first, second } => {
            let (warm1, warm2) = (1.0 - BETA1.powi(step), 1.0 - BETA2.powi(step));
            for (((w, m), v), g) in values.iter_mut().zip(first).zip(second).zip(gradient) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *w -= rate * ADAM_RATE * (*m / warm1) / ((*v / warm2).sqrt() + EPS);
            }
        }
    }
    var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)
}
