//! A llama for training only; the engine in `src/model` runs what it becomes.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var};

use crate::ops::{CausalSoftmax, Heads, RmsNorm, RowLoss, SwiGlu, Wanted, with};

/// The shape of the network.
#[derive(Clone, Copy)]
pub struct Shape {
    pub vocab: usize,
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub ffn: usize,
    pub context: usize,
}

pub const THETA: f32 = 10_000.0;
pub const EPS: f32 = 1e-5;
/// Begins a text and ends it: llama2.c trains on stories one after another, each begun by `<s>`.
pub const BOS: u32 = 1;
/// A matrix, or a vector as its only row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub data: Vec<f32>,
}

impl Matrix {
    /// Rows (2i, 2i + 1) of each head to (i, i + half): llama2.c's and llama GGUF files' rotary layout to the network's.
    pub fn half_split(&self, heads: usize) -> Self {
        let half = self.rows / heads / 2;
        self.with_rows(|head, i| head + if i < half { 2 * i } else { 2 * (i - half) + 1 }, heads)
    }

    /// The way back.
    pub fn interleaved(&self, heads: usize) -> Self {
        let half = self.rows / heads / 2;
        self.with_rows(|head, i| head + i / 2 + if i % 2 == 0 { 0 } else { half }, heads)
    }

    /// Row `i` of the head that starts at row `head` is what was row `from(head, i)`.
    fn with_rows(&self, from: impl Fn(usize, usize) -> usize, heads: usize) -> Self {
        let width = self.rows / heads;
        let row = |r: usize| {
            let at = from(r / width * width, r % width) * self.columns;
            &self.data[at..at + self.columns]
        };
        Self { data: (0..self.rows).flat_map(|r| row(r).iter().copied()).collect(), ..*self }
    }

    /// The rows `ids`.
    pub fn select(&self, ids: &[usize]) -> Self {
        let data = ids.iter().flat_map(|&i| &self.data[i * self.columns..][..self.columns]).copied().collect();
        Self { rows: ids.len(), data, ..*self }
    }

    pub fn tensor(&self) -> Result<Tensor> {
        match self.rows {
            1 => Tensor::from_slice(&self.data, self.columns, &Device::Cpu),
            rows => Tensor::from_slice(&self.data, (rows, self.columns), &Device::Cpu),
        }
    }
}

/// A model's parameters, in GGUF's names and shapes, rotary pairs half-split.
#[derive(Clone)]
pub struct Weights {
    pub shape: Shape,
    pub tensors: Vec<(String, Matrix)>,
}

impl Weights {
    /// How many numbers training sets.
    pub fn parameters(&self) -> usize {
        self.tensors.iter().map(|(_, m)| m.data.len()).sum()
    }
}

/// Parameters that move, in GGUF's names and shapes (half-split rotary layout until export).
pub struct Network {
    pub shape: Shape,
    pub vars: Vec<(String, Var)>,
    angles: Arc<Vec<(f32, f32)>>,
}

/// (cos, sin) of `[time][head width / 2]`.
pub fn angles(shape: Shape, time: usize) -> Vec<(f32, f32)> {
    let width = shape.width / shape.heads;
    let angle = |t: usize, i: usize| t as f32 * THETA.powf(-2.0 * i as f32 / width as f32);
    (0..time).flat_map(|t| (0..width / 2).map(move |i| angle(t, i))).map(|a| (a.cos(), a.sin())).collect()
}

impl Network {
    /// A network that begins as `weights`, for rows of at most `sequence` tokens.
    pub fn new(weights: &Weights, sequence: usize) -> Result<Self> {
        let var = |(name, matrix): &(String, Matrix)| Ok((name.clone(), Var::from_tensor(&matrix.tensor()?)?));
        let vars = weights.tensors.iter().map(var).collect::<Result<_>>()?;
        Ok(Self { shape: weights.shape, vars, angles: Arc::new(angles(weights.shape, sequence)) })
    }

    /// The parameters as they are now.
    pub fn weights(&self) -> Result<Weights> {
        let matrix = |(name, var): &(String, Var)| {
            let (rows, columns) = if var.rank() == 1 { (1, var.dims1()?) } else { var.dims2()? };
            Ok((name.clone(), Matrix { rows, columns, data: with(var.as_tensor(), <[f32]>::to_vec)? }))
        };
        Ok(Weights { shape: self.shape, tensors: self.vars.iter().map(matrix).collect::<Result<_>>()? })
    }

    fn var(&self, name: &str) -> Result<&Tensor> {
        let found = self.vars.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.as_tensor()).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))
    }

    fn norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.apply_op2(self.var(name)?, RmsNorm { eps: EPS })
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        x.matmul(&self.var(name)?.t()?)
    }

    /// The final hidden states `[batch * time, width]` of ids `[batch][time]`; a document sees nothing before its start.
    fn hidden(&self, ids: Vec<u32>, batch: usize) -> Result<Tensor> {
        let (s, time) = (self.shape, ids.len() / batch);
        let starts = Arc::new(starts(&ids, time));
        let hw = s.width / s.heads;
        let mut x = self.var("token_embd.weight")?.embedding(&Tensor::new(ids, &Device::Cpu)?)?;
        for i in 0..s.layers {
            let part = |name: &str| format!("blk.{i}.{name}.weight");
            let split = |x: Tensor, rotate: bool| {
                let angles = rotate.then(|| self.angles.clone());
                x.apply_op1(Heads { heads: s.heads, time, angles })
            };
            let h = self.norm(&x, &part("attn_norm"))?;
            let q = split(self.linear(&h, &part("attn_q"))?, true)?;
            let k = split(self.linear(&h, &part("attn_k"))?, true)?;
            let v = split(self.linear(&h, &part("attn_v"))?, false)?;
            let softmax = CausalSoftmax { scale: 1.0 / (hw as f32).sqrt(), starts: starts.clone() };
            let weights = q.matmul(&k.t()?)?.apply_op1(softmax)?;
            let o = weights.matmul(&v)?.transpose(1, 2)?.reshape((batch * time, s.width))?;
            x = (x + self.linear(&o, &part("attn_output"))?)?;
            let h = self.norm(&x, &part("ffn_norm"))?;
            let (gate, up) = (self.linear(&h, &part("ffn_gate"))?, self.linear(&h, &part("ffn_up"))?);
            x = (x + self.linear(&gate.apply_op2(&up, SwiGlu)?, &part("ffn_down"))?)?;
        }
        self.norm(&x, "output_norm.weight")
    }

    /// The logits `[places, vocabulary]` of the predictions at `places` of hidden states `[batch * time, width]`.
    fn logits(&self, hidden: &Tensor, places: Vec<u32>) -> Result<Tensor> {
        let hidden = match places.len() == hidden.dim(0)? {
            true => hidden.clone(),
            false => hidden.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?,
        };
        hidden.matmul(&self.var("token_embd.weight")?.t()?)
    }

    /// The weighted loss of all rows, divided by `over`.
    pub fn loss(&self, rows: &[Row], teacher: &Network, over: f32) -> Result<Tensor> {
        let (plain, answers): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.plain);
        let mut losses = Vec::new();
        for rows in [answers, plain].into_iter().filter(|rows| !rows.is_empty()) {
            let weights = rows.iter().flat_map(|row| &row.weights);
            let (places, weights): (Vec<u32>, Vec<f32>) =
                (0..).zip(weights).filter(|(_, w)| **w > 0.0).map(|(i, w)| (i, w / over)).unzip();
            let read: Vec<u32> = rows.iter().flat_map(|row| row.read()).copied().collect();
            let wanted = match rows[0].plain {
                true => {
                    let hidden = teacher.hidden(read.clone(), rows.len())?;
                    Wanted::Logits(with(&teacher.logits(&hidden, places.clone())?, <[f32]>::to_vec)?)
                }
                false => {
                    let next: Vec<u32> = rows.iter().flat_map(|row| &row.ids[1..]).copied().collect();
                    let unwanted: Vec<&Vec<u32>> = rows.iter().flat_map(|row| &row.unwanted).collect();
                    Wanted::Tokens {
                        next: places.iter().map(|&i| next[i as usize]).collect(),
                        unwanted: places.iter().map(|&i| unwanted[i as usize].clone()).collect(),
                    }
                }
            };
            let hidden = self.hidden(read, rows.len())?;
            losses.push(self.logits(&hidden, places)?.apply_op1(RowLoss::new(wanted, weights))?);
        }
        Tensor::stack(&losses, 0)?.sum_all()
    }

    /// The mean loss of a batch, by weight, and its gradient for every parameter; the rows are shared out over the cores.
    /// Plain rows are held to what `teacher` would say.
    pub fn gradients(&self, rows: &[Row], teacher: &Network) -> Result<(f32, Vec<Vec<f32>>)> {
        let over = rows.iter().flat_map(|row| &row.weights).sum::<f32>().max(1.0);
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(rows.len());
        let part = |rows: &[Row]| -> Result<(f32, Vec<Vec<f32>>)> {
            let loss = self.loss(rows, teacher, over)?;
            let store = loss.backward()?;
            let gradient = |(_, v): &(String, Var)| match store.get(v) {
                Some(g) => with(g, <[f32]>::to_vec),
                None => Ok(vec![0.0; v.elem_count()]),
            };
            Ok((loss.to_scalar()?, self.vars.iter().map(gradient).collect::<Result<_>>()?))
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let shares = rows.chunks(rows.len().div_ceil(cores));
            let running: Vec<_> = shares.map(|rows| scope.spawn(move || part(rows))).collect();
            running.into_iter().map(|r| r.join()).collect()
        });
        let mut sum: Option<(f32, Vec<Vec<f32>>)> = None;
        for done in parts {
            let (loss, gradients) = done.map_err(|_| candle_core::Error::Msg("a training thread failed".into()))??;
            match &mut sum {
                None => sum = Some((loss, gradients)),
                Some((total, all)) => {
                    *total += loss;
                    all.iter_mut().flatten().zip(gradients.iter().flatten()).for_each(|(a, g)| *a += g);
                }
            }
        }
        sum.ok_or_else(|| candle_core::Error::Msg("an empty batch".into()))
    }
}

/// One row of a batch: `time + 1` ids, and how much each of the `time` predictions of the next id counts.
pub struct Row {
    pub ids: Vec<u32>,
    pub weights: Vec<f32>,
    /// Tokens that are pushed down at each of these predictions.
    pub unwanted: Vec<Vec<u32>>,
    /// Whether it holds texts of the base's own, of which every prediction is held to the base's.
    pub plain: bool,
}

impl Row {
    /// The ids that are read; the last is only predicted.
    fn read(&self) -> &[u32] {
        &self.ids[..self.ids.len() - 1]
    }
}

/// For every position of rows of `time`, where its document starts within the row: at the last BOS, or at the row's own.
fn starts(ids: &[u32], time: usize) -> Vec<usize> {
    let row = |row: &[u32]| {
        let mut start = 0;
        let found = row.iter().enumerate().map(|(t, id)| {
            start = if *id == BOS { t } else { start };
            start
        });
        found.collect::<Vec<usize>>()
    };
    ids.chunks(time).flat_map(row).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    pub fn random(shape: Shape, rng: &mut impl Rng) -> Weights {
        let (d, f) = (shape.width, shape.ffn);
        let mut tensors = vec![("token_embd.weight".to_owned(), shape.vocab, d, 0.08)];
        for i in 0..shape.layers {
            for (name, rows, columns, scale) in [
                ("attn_q", d, d, 0.4),
                ("attn_k", d, d, 0.4),
                ("attn_v", d, d, 0.4),
                ("attn_output", d, d, 0.4),
                ("ffn_gate", f, d, 0.4),
                ("ffn_up", f, d, 0.4),
                ("ffn_down", d, f, 0.2),
                ("attn_norm", 1, d, 1.0),
                ("ffn_norm", 1, d, 1.0),
            ] {
                tensors.push((format!("blk.{i}.{name}.weight"), rows, columns, scale));
            }
        }
        tensors.push(("output_norm.weight".to_owned(), 1, d, 1.0));
        let mut matrix = |rows: usize, columns: usize, scale: f32| {
            let value = || if rows == 1 { rng.random_range(0.5..1.5f32) } else { rng.random_range(-scale..scale) };
            Matrix { rows, columns, data: std::iter::repeat_with(value).take(rows * columns).collect() }
        };
        Weights { shape, tensors: tensors.into_iter().map(|(n, r, c, s)| (n, matrix(r, c, s))).collect() }
    }

    #[test]
    fn rotary_layouts_turn_into_each_other() {
        let rows = Matrix { rows: 8, columns: 1, data: (0..8).map(|i| i as f32).collect() };
        assert_eq!(rows.half_split(2).data, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        assert_eq!(rows.half_split(2).interleaved(2), rows);
    }

    /// Every parameter's gradient along a random direction, against the loss's difference.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let shape = Shape { vocab: 31, width: 16, layers: 2, heads: 4, ffn: 24, context: 16 };
        let mut rng = rand::rngs::StdRng::seed_from_u64(3);
        let network = Network::new(&random(shape, &mut rng), 8).unwrap();
        let teacher = Network::new(&random(shape, &mut rng), 8).unwrap();
        let mut row = |plain: bool| Row {
            ids: (0..9).map(|i| if i == 4 { BOS } else { rng.random_range(2..31) }).collect(),
            weights: (0..8).map(|i| [0.0, 1.0, 3.0][i % 3]).collect(),
            unwanted: (0..8).map(|i| (0..i % 3).map(|_| rng.random_range(2..31)).collect()).collect(),
            plain,
        };
        let rows = [row(false), row(true), row(false)];
        let loss = || network.loss(&rows, &teacher, 27.0).unwrap();
        let (whole, gradients) = network.gradients(&rows, &teacher).unwrap();
        assert!((whole - loss().to_scalar::<f32>().unwrap()).abs() < 1e-5);
        for ((name, var), gradient) in network.vars.iter().zip(&gradients) {
            let before = var.as_tensor().copy().unwrap();
            let direction: Vec<f32> = (0..gradient.len()).map(|_| rng.random_range(-1.7..1.7)).collect();
            let direction = Tensor::from_vec(direction, before.shape(), &Device::Cpu).unwrap();
            let gradient = Tensor::from_slice(gradient, before.shape(), &Device::Cpu).unwrap();
            let slope = (gradient * &direction).unwrap().sum_all().unwrap();
            let slope = slope.to_scalar::<f32>().unwrap();
            let at = |step: f64| {
                var.set(&(&before + (&direction * step).unwrap()).unwrap()).unwrap();
                loss().to_scalar::<f32>().unwrap()
            };
            // embeddings are small, and the norm after them bends what is a small step for everything else
            let step = if name.starts_with("token_embd") { 2e-4 } else { 2e-3 };
            let difference = (at(step) - at(-step)) / (2.0 * step as f32);
            var.set(&before).unwrap();
            assert!((slope - difference).abs() < 2e-2 * difference.abs().max(0.2), "{name}: {slope} {difference}");
        }
    }
    /// A model that is its own teacher has nothing to learn from plain rows; any other is apart from it.
    #[test]
    fn the_divergence_from_itself_is_nothing() {
        let shape = Shape { vocab: 31, width: 16, layers: 2, heads: 4, ffn: 24, context: 16 };
        let mut rng = rand::rngs::StdRng::seed_from_u64(4);
        let [one, other] = [0, 1].map(|_| Network::new(&random(shape, &mut rng), 8).unwrap());
        let rows = [Row { ids: (2..11).collect(), weights: vec![1.0; 8], unwanted: vec![vec![]; 8], plain: true }];
        let apart = |teacher: &Network| one.loss(&rows, teacher, 8.0).unwrap().to_scalar::<f32>().unwrap();
        assert!(apart(&one).abs() < 1e-6 && apart(&other) > 0.01, "{} {}", apart(&one), apart(&other));
        let (_, gradients) = one.gradients(&rows, &one).unwrap();
        assert!(gradients.iter().flatten().all(|g| g.abs() < 1e-6));
    }
}
