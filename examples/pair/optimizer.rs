//! AdamW (Loshchilov and Hutter, 2019) with the gradient's length held below one, and its state on disk.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Result, Tensor, safetensors};

use crate::network::Network;
use crate::ops::with;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.98;
const EPS: f32 = 1e-8;
const DECAY: f32 = 0.05;
/// The longest gradient that is followed at its own length.
const LONGEST: f32 = 1.0;

/// First and second moments of every parameter.
pub struct AdamW {
    moments: Vec<(Vec<f32>, Vec<f32>)>,
    pub step: usize,
}

impl AdamW {
    pub fn new(network: &Network) -> Self {
        let zeros = |n: usize| (vec![0.0; n], vec![0.0; n]);
        Self { moments: network.vars.iter().map(|(_, v)| zeros(v.elem_count())).collect(), step: 0 }
    }

    /// Moves every parameter by one step at learning rate `rate`.
    pub fn update(&mut self, network: &Network, gradients: &[Vec<f32>], rate: f32) -> Result<()> {
        self.step += 1;
        let square = |g: &Vec<f32>| g.iter().map(|g| g * g).sum::<f32>();
        let clip = (LONGEST / gradients.iter().map(square).sum::<f32>().sqrt()).min(1.0);
        let (warm1, warm2) = (1.0 - BETA1.powi(self.step as i32), 1.0 - BETA2.powi(self.step as i32));
        for (((_, var), (first, second)), gradient) in network.vars.iter().zip(&mut self.moments).zip(gradients) {
            let mut values = with(var.as_tensor(), <[f32]>::to_vec)?;
            let decay = if var.rank() == 2 { 1.0 - rate * DECAY } else { 1.0 };
            for (((w, m), v), g) in values.iter_mut().zip(first).zip(second).zip(gradient) {
                let g = g * clip;
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *w = *w * decay - rate * (*m / warm1) / ((*v / warm2).sqrt() + EPS);
            }
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// Writes parameters, moments and the number of steps; a crash in the middle leaves the earlier file.
    pub fn save(&self, network: &Network, path: &Path) -> Result<()> {
        let mut all = HashMap::new();
        for ((name, var), (first, second)) in network.vars.iter().zip(&self.moments) {
            all.insert(name.clone(), var.as_tensor().clone());
            all.insert(format!("first.{name}"), Tensor::new(first.as_slice(), &Device::Cpu)?);
            all.insert(format!("second.{name}"), Tensor::new(second.as_slice(), &Device::Cpu)?);
        }
        all.insert("step".into(), Tensor::new(&[self.step as u32], &Device::Cpu)?);
        let beside = path.with_extension("part");
        safetensors::save(&all, &beside)?;
        std::fs::rename(beside, path)?;
        Ok(())
    }

    /// Reads what [`AdamW::save`] wrote.
    pub fn load(network: &Network, path: &Path) -> Result<Self> {
        let all = safetensors::load(path, &Device::Cpu)?;
        let get = |name: &str| all.get(name).ok_or_else(|| candle_core::Error::Msg(format!("{name} is missing")));
        let mut moments = Vec::new();
        for (name, var) in &network.vars {
            var.set(get(name)?)?;
            let moment = |kind: &str| with(get(&format!("{kind}.{name}"))?, <[f32]>::to_vec);
            moments.push((moment("first")?, moment("second")?));
        }
        Ok(Self { moments, step: get("step")?.to_vec1::<u32>()?[0] as usize })
    }
}
