//! How parameters move: AdamW (Loshchilov and Hutter, 2019) whose decay leads back to the base; and their state on disk.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use candle_core::{Device, Error, Result, Tensor, Var, safetensors};

use crate::network::{Network, Weights};
use crate::ops::with;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.98;
const EPS: f32 = 1e-8;
/// Gradients longer than this, all together, are shortened to it.
const LONGEST: f32 = 1.0;

/// How far parameters move in a step, at most.
#[derive(Clone, Copy)]
pub struct Rates {
    /// The layers and the gains.
    pub layers: f32,
    /// The embeddings, which are the head too: a tuning that leaves them alone leaves the words' meanings alone.
    pub embeddings: f32,
    /// What is taken away of a parameter's distance from the base, as a share of its rate (L2-SP: Li, Grandvalet and
    /// Davoine, 2018).
    pub back: f32,
}

/// What moves in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    /// The attention's matrices: which words are looked at, and what is taken from them.
    Attention,
}

impl Part {
    fn has(self, name: &str) -> bool {
        self == Self::All || name.contains(".attn_")
    }
}

impl Rates {
    fn of(&self, name: &str) -> f32 {
        if name.starts_with("token_embd") { self.embeddings } else { self.layers }
    }
}

/// What is remembered of a parameter: where the base has it, and the moments of its gradients.
struct Memory {
    base: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

pub struct Optimizer {
    rates: Rates,
    memory: Vec<Memory>,
    pub step: usize,
}

impl Optimizer {
    pub fn new(base: &Weights, rates: Rates) -> Self {
        let zeros = |n: usize| vec![0.0; n];
        let memory = base.tensors.iter().map(|(_, m)| Memory {
            base: m.data.clone(),
            first: zeros(m.data.len()),
            second: zeros(m.data.len()),
        });
        Self { rates, memory: memory.collect(), step: 0 }
    }

    /// Moves every parameter of `part` by one step; `share` is that of the full rates. The parameters are shared out over
    /// the cores.
    pub fn update(&mut self, network: &Network, gradients: &[Vec<f32>], share: f32, part: Part) -> Result<()> {
        self.step += 1;
        let step = self.step as i32;
        let length = gradients.iter().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() as f32;
        let shorter = (LONGEST / length.max(1e-12)).min(1.0);
        let rates = self.rates;
        let all = network.vars.iter().zip(&mut self.memory).zip(gradients);
        let work = Mutex::new(all.filter(|(((name, _), _), _)| part.has(name)));
        let next = || work.lock().ok().and_then(|mut left| left.next());
        let worker = || -> Result<()> {
            while let Some((((name, var), memory), gradient)) = next() {
                memory.move_one(var, gradient, shorter, share * rates.of(name), rates.back, step)?;
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
    pub fn save(&self, network: &Network, path: &Path) -> Result<()> {
        let mut all = HashMap::new();
        for ((name, var), memory) in network.vars.iter().zip(&self.memory) {
            all.insert(name.clone(), var.as_tensor().clone());
            for (part, values) in [("first", &memory.first), ("second", &memory.second)] {
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
    pub fn load(&mut self, network: &Network, path: &Path) -> Result<()> {
        let all = safetensors::load(path, &Device::Cpu)?;
        let get = |name: &str| all.get(name).ok_or_else(|| Error::Msg(format!("{name} is missing")));
        for ((name, var), memory) in network.vars.iter().zip(&mut self.memory) {
            var.set(get(name)?)?;
            for (part, values) in [("first", &mut memory.first), ("second", &mut memory.second)] {
                *values = with(get(&format!("{part}.{name}"))?, <[f32]>::to_vec)?;
            }
        }
        self.step = get("step")?.to_vec1::<u32>()?.first().map_or(0, |s| *s as usize);
        Ok(())
    }
}

impl Memory {
    /// One step of a parameter against its gradient (`shorter` is what clipping leaves of it), and a little back.
    fn move_one(&mut self, var: &Var, gradient: &[f32], shorter: f32, rate: f32, back: f32, step: i32) -> Result<()> {
        let mut values = with(var.as_tensor(), <[f32]>::to_vec)?;
        let (warm1, warm2) = (1.0 - BETA1.powi(step), 1.0 - BETA2.powi(step));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (((w, base), (m, v)), g) in values.iter_mut().zip(&self.base).zip(moments).zip(gradient) {
            let g = g * shorter;
            *m = BETA1 * *m + (1.0 - BETA1) * g;
            *v = BETA2 * *v + (1.0 - BETA2) * g * g;
            *w -= rate * ((*m / warm1) / ((*v / warm2).sqrt() + EPS) + back * (*w - base));
        }
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)
    }
}
