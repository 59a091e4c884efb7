//! Stories drawn from the base, many at once.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::network::{BOS, EPS, Weights, angles};
use crate::train::rng;

/// Stories that are drawn side by side.
const BATCH: usize = 64;
/// Stories that are kept at once.
const CHUNK: usize = 512;
pub const TEMPERATURE: f32 = 0.8;
/// Only so many of the likeliest tokens are drawn from.
pub const TOP: usize = 60;

/// A text that the base wrote, from its beginning to its end.
#[derive(Serialize, Deserialize, Clone)]
pub struct Story {
    /// Ids in the published vocabulary, without BOS.
    pub ids: Vec<u32>,
}

/// `count` drawn texts, of which those that came to an end within the context are given. They are kept in `path`, and an
/// interrupted drawing goes on there.
pub fn stories(
    weights: &Weights,
    seed: u64,
    count: usize,
    path: &Path,
) -> std::result::Result<Vec<Story>, Box<dyn Error>> {
    let chunks = count.div_ceil(CHUNK);
    let mut done: Vec<Vec<Story>> = match std::fs::read_to_string(path) {
        // A line that an interruption cut short is drawn again.
        Ok(text) => text.lines().map_while(|line| serde_json::from_str(line).ok()).collect(),
        Err(_) => Vec::new(),
    };
    done.truncate(chunks);
    let mut file = std::fs::File::create(path)?;
    for chunk in &done {
        writeln!(file, "{}", serde_json::to_string(chunk)?)?;
    }
    let sampler = Sampler::new(weights)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    while done.len() < chunks {
        let next: Vec<usize> = (done.len()..chunks).take(cores).collect();
        let drawn: Vec<_> = std::thread::scope(|scope| {
            let draw = |chunk: usize| sampler.draw(seed, chunk);
            let running: Vec<_> = next.iter().map(|&chunk| scope.spawn(move || draw(chunk))).collect();
            running.into_iter().map(|r| r.join()).collect()
        });
        for chunk in drawn {
            let chunk = chunk.map_err(|_| "a sampling thread failed")??;
            writeln!(file, "{}", serde_json::to_string(&chunk)?)?;
            done.push(chunk);
        }
        println!("stories: {} of {} drawn", done.len() * CHUNK, chunks * CHUNK);
    }
    Ok(done.into_iter().flatten().collect())
}

/// The base, ready to continue many texts by one token each.
struct Sampler<'a> {
    weights: &'a Weights,
    /// Transposed products' right sides, in the order of the weights' tensors.
    tensors: Vec<Tensor>,
    angles: Vec<(f32, f32)>,
}

/// One text on its way: its keys and values `[layer][position][width]`, and its ids.
struct Text {
    rng: StdRng,
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    ids: Vec<u32>,
}

impl<'a> Sampler<'a> {
    fn new(weights: &'a Weights) -> Result<Self> {
        let tensors = weights.tensors.iter().map(|(_, m)| m.tensor()).collect::<Result<_>>()?;
        Ok(Self { weights, tensors, angles: angles(weights.shape, weights.shape.context) })
    }

    fn tensor(&self, name: &str) -> Result<&Tensor> {
        let at = self.weights.tensors.iter().position(|(n, _)| n == name);
        at.map(|i| &self.tensors[i]).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }

    fn gain(&self, name: &str) -> Result<&[f32]> {
        let found = self.weights.tensors.iter().find(|(n, _)| n == name);
        found.map(|(_, m)| &m.data[..]).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }

    /// A chunk of texts; those that reach the end of the context unfinished are left out. Each has a generator of its
    /// own, and where one ends the next begins, so that the batch stays full.
    fn draw(&self, seed: u64, chunk: usize) -> Result<Vec<Story>> {
        let s = self.weights.shape;
        let new = |i: usize| Text {
            rng: rng(seed, &format!("story {}", chunk * CHUNK + i)),
            keys: vec![vec![]; s.layers],
            values: vec![vec![]; s.layers],
            ids: vec![BOS],
        };
        let mut waiting = (0..CHUNK).map(new);
        let mut alive: Vec<Text> = waiting.by_ref().take(BATCH).collect();
        let mut finished = Vec::new();
        while !alive.is_empty() {
            let logits = self.step(&mut alive)?;
            let mut going = Vec::with_capacity(alive.len());
            for (mut text, logits) in alive.into_iter().zip(logits.chunks(s.vocab)) {
                let id = drawn(&mut text.rng, logits);
                if id > 2 && text.ids.len() + 1 < s.context {
                    text.ids.push(id);
                    going.push(text);
                    continue;
                }
                if id <= 2 {
                    finished.push(Story { ids: text.ids[1..].to_vec() });
                }
                going.extend(waiting.next());
            }
            alive = going;
        }
        Ok(finished)
    }

    /// Reads the last id of every text; gives their logits `[texts][vocabulary]`.
    fn step(&self, texts: &mut [Text]) -> Result<Vec<f32>> {
        let s = self.weights.shape;
        let embedding = &self.weights.tensors[0].1;
        let positions: Vec<usize> = texts.iter().map(|t| t.ids.len() - 1).collect();
        let last = texts.iter().filter_map(|t| t.ids.last()).map(|id| *id as usize);
        let mut x: Vec<f32> = last.flat_map(|id| &embedding.data[id * s.width..][..s.width]).copied().collect();
        for layer in 0..s.layers {
            let part = |name: &str| format!("blk.{layer}.{name}.weight");
            let h = normed(&x, self.gain(&part("attn_norm"))?);
            let (mut q, mut k) = (self.linear(&h, &part("attn_q"))?, self.linear(&h, &part("attn_k"))?);
            let v = self.linear(&h, &part("attn_v"))?;
            self.rotate(&mut q, &positions);
            self.rotate(&mut k, &positions);
            let mut o = vec![0.0; q.len()];
            let rows = texts.iter_mut().zip(q.chunks(s.width)).zip(k.chunks(s.width).zip(v.chunks(s.width)));
            for (((text, q), (k, v)), o) in rows.zip(o.chunks_mut(s.width)) {
                text.keys[layer].extend_from_slice(k);
                text.values[layer].extend_from_slice(v);
                attend(q, &text.keys[layer], &text.values[layer], s.heads, o);
            }
            add(&mut x, &self.linear(&o, &part("attn_output"))?);
            let h = normed(&x, self.gain(&part("ffn_norm"))?);
            let (gate, up) = (self.linear(&h, &part("ffn_gate"))?, self.linear(&h, &part("ffn_up"))?);
            let inner: Vec<f32> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            add(&mut x, &self.linear(&inner, &part("ffn_down"))?);
        }
        self.linear(&normed(&x, self.gain("output_norm.weight")?), "token_embd.weight")
    }

    fn linear(&self, x: &[f32], name: &str) -> Result<Vec<f32>> {
        let w = self.tensor(name)?;
        let columns = w.dims2()?.1;
        let x = Tensor::from_slice(x, (x.len() / columns, columns), &Device::Cpu)?;
        crate::ops::with(&x.matmul(&w.t()?)?, <[f32]>::to_vec)
    }

    /// Turns every head of every row to the row's position.
    fn rotate(&self, rows: &mut [f32], positions: &[usize]) {
        let (width, half) = (self.weights.shape.width, self.weights.shape.width / self.weights.shape.heads / 2);
        for (row, position) in rows.chunks_mut(width).zip(positions) {
            for head in row.chunks_mut(2 * half) {
                let (first, second) = head.split_at_mut(half);
                for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(&self.angles[position * half..]) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// RMSNorm of every row.
fn normed(x: &[f32], gain: &[f32]) -> Vec<f32> {
    let row = |x: &[f32]| {
        let inverse = 1.0 / (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32 + EPS).sqrt();
        x.iter().zip(gain).map(|(x, g)| x * inverse * g).collect::<Vec<f32>>()
    };
    x.chunks(gain.len()).flat_map(row).collect()
}

/// Attention of one row's heads over all positions so far, added to `o`.
fn attend(q: &[f32], keys: &[f32], values: &[f32], heads: usize, o: &mut [f32]) {
    let (width, head) = (q.len(), q.len() / heads);
    let scale = 1.0 / (head as f32).sqrt();
    for h in (0..width).step_by(head) {
        let own = h..h + head;
        let score = |k: &[f32]| k[own.clone()].iter().zip(&q[own.clone()]).map(|(k, q)| k * q).sum::<f32>() * scale;
        let mut weights: Vec<f32> = keys.chunks(width).map(score).collect();
        let largest = weights.iter().copied().fold(f32::MIN, f32::max);
        weights.iter_mut().for_each(|w| *w = (*w - largest).exp());
        let total: f32 = weights.iter().sum();
        for (w, v) in weights.iter().zip(values.chunks(width)) {
            o[own.clone()].iter_mut().zip(&v[own.clone()]).for_each(|(o, v)| *o += w / total * v);
        }
    }
}

/// What is so much less likely than the likeliest (by a factor of e^20 after the temperature) is never drawn.
const FAR: f32 = 20.0 * TEMPERATURE;

/// One of the `TOP` likeliest ids, at `TEMPERATURE`.
fn drawn(rng: &mut StdRng, logits: &[f32]) -> u32 {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let likely = logits.iter().enumerate().filter(|(_, l)| **l > largest - FAR);
    let mut likely: Vec<(u32, f32)> = likely.map(|(id, l)| (id as u32, *l)).collect();
    likely.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    likely.truncate(TOP);
    let weight = |logit: f32| ((logit - largest) / TEMPERATURE).exp();
    let mut left = rng.random::<f32>() * likely.iter().map(|(_, l)| weight(*l)).sum::<f32>();
    for (id, logit) in &likely {
        left -= weight(*logit);
        if left <= 0.0 {
            return *id;
        }
    }
    likely.first().map_or(0, |(id, _)| *id)
}
