//! What the native tests share: where the reference files are, and small random checkpoints.
#![allow(dead_code)]

pub mod families;
mod huggingface;
pub mod listeners;
mod not_checked;
mod vocabularies;

pub use not_checked::not_checked;

use listeners::{no_clock, quiet};

use std::io::Cursor;
use std::path::PathBuf;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use shiftlens::checkpoint::{Checkpoint, MemoryBytes};
use shiftlens::explain::attribution::{self, Job, Mode, Outcome, Respond};
use shiftlens::model::cpu::{CpuEngine, CpuModel};
use shiftlens::model::gpu::{Gpu, GpuEngine, GpuModel};
use shiftlens::model::head::Target;
use shiftlens::model::{ModelError, block_on};

/// A reference file or folder: PyTorch's values, or the paper's.
pub fn gold(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gold").join(path)
}

/// A large file of `../shared` that no clone has, where it is present. The test that does without it is counted.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if full.exists() {
        return full.canonicalize().ok();
    }
    not_checked(&format!("{path} is not here"));
    None
}

/// A published file or folder of the per-user cache, where `cargo xtask real` has put it. The test that does without it is counted.
pub fn real(name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let found = base.or_else(home).map(|cache| cache.join("shiftlens/real").join(name)).filter(|path| path.exists());
    if found.is_none() {
        not_checked(&format!("{name} is not here (cargo xtask real fetches it)"));
    }
    found
}

/// A seeded stream of numbers in -1..1.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
    fn tensor(&mut self, rows: usize, columns: usize, scale: f32) -> Tensor {
        let values = (0..rows * columns).map(|_| self.next() * scale).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    }
}

/// A random llama's shape.
#[derive(Clone, Copy)]
pub struct Tiny {
    pub dtype: GgmlDType,
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub ffn: usize,
    pub layers: usize,
    pub tied: bool,
    pub context: usize,
    pub seed: u64,
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            dtype: GgmlDType::F32,
            width: 64,
            heads: 4,
            kv_heads: 2,
            ffn: 96,
            layers: 2,
            tied: false,
            context: 256,
            seed: 1,
        }
    }
}

pub const VOCAB: usize = 261;

/// Every storage type that weights are read in.
pub const STORAGE: [GgmlDType; 14] = {
    use GgmlDType::*;
    [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, Q8K]
};

/// The models on which the GPU is held against the CPU: one of every storage type.
pub fn every_storage() -> Vec<Tiny> {
    let one = |dtype: GgmlDType| match dtype.block_size() {
        256 => Tiny { dtype, width: 256, ffn: 256, ..Tiny::default() },
        _ => Tiny { dtype, ..Tiny::default() },
    };
    STORAGE.map(one).into()
}

/// The same in two files: in one, the matrices that are
/// multiplied together are of one type, and each such group of another; in the other, each matrix is of another.
pub fn every_storage_mixed() -> [(&'static str, Vec<u8>); 2] {
    let matrices = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
    let groups = [0, 0, 0, 1, 2, 2, 3];
    let file = |layers: usize, places: [usize; 7]| {
        let each = places[6] + 1;
        let dtype = move |name: &str| {
            let mut parts = name.split('.').skip(1);
            let (layer, matrix) = (parts.next().and_then(|l| l.parse::<usize>().ok()), parts.next());
            let place = matrix.and_then(|m| matrices.iter().position(|of| *of == m));
            match layer.zip(place) {
                Some((layer, place)) => STORAGE[(layer * each + places[place]) % STORAGE.len()],
                None => GgmlDType::Q8_0, // the embedding and the head
            }
        };
        Tiny { width: 256, ffn: 256, layers, ..Tiny::default() }.gguf_stored(&dtype)
    };
    [("groups.gguf", file(4, groups)), ("matrices.gguf", file(2, [0, 1, 2, 3, 4, 5, 6]))]
}

/// The largest difference relative to the largest value.
pub fn relative_error(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let most = a.iter().fold(1e-12f32, |m, v| m.max(v.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / most
}

impl Tiny {
    /// The bytes of a GGUF file with byte tokens.
    pub fn gguf(&self) -> Vec<u8> {
        self.gguf_edited(&|_, t| t)
    }

    /// The same with every tensor as `edit` makes it of its name and value.
    pub fn gguf_edited(&self, edit: &dyn Fn(&str, Tensor) -> Tensor) -> Vec<u8> {
        self.gguf_of(VOCAB, &Self::byte_tokens(), edit, &|_| self.dtype)
    }

    /// The same with every matrix of the type that `dtype` gives for its name.
    pub fn gguf_stored(&self, dtype: &dyn Fn(&str) -> GgmlDType) -> Vec<u8> {
        self.gguf_of(VOCAB, &Self::byte_tokens(), &|_, t| t, dtype)
    }

    /// A tokenizer whose tokens are bytes.
    fn byte_tokens() -> [(&'static str, Value); 7] {
        let s = |v: &str| Value::String(v.into());
        let tokens: Vec<Value> = byte_alphabet()
            .into_iter()
            .chain(["<s>", "</s>", "<u>", "<a>", "he"].map(String::from))
            .map(Value::String)
            .collect();
        let kinds = (0..VOCAB).map(|i| Value::I32(if (256..260).contains(&i) { 3 } else { 1 })).collect();
        [
            ("tokenizer.ggml.model", s("gpt2")),
            ("tokenizer.ggml.pre", s("gpt2")),
            ("tokenizer.ggml.tokens", Value::Array(tokens)),
            ("tokenizer.ggml.token_type", Value::Array(kinds)),
            ("tokenizer.ggml.merges", Value::Array(vec![s("h e")])),
            ("tokenizer.ggml.bos_token_id", Value::U32(256)),
            ("tokenizer.ggml.eos_token_id", Value::U32(257)),
        ]
    }

    /// The bytes of a GGUF file with the given tokenizer metadata.
    pub fn gguf_with(&self, vocab: usize, tokenizer: &[(&str, Value)]) -> Vec<u8> {
        self.gguf_of(vocab, tokenizer, &|_, t| t, &|_| self.dtype)
    }

    fn gguf_of(
        &self,
        vocab: usize,
        tokenizer: &[(&str, Value)],
        edit: &dyn Fn(&str, Tensor) -> Tensor,
        stored: &dyn Fn(&str) -> GgmlDType,
    ) -> Vec<u8> {
        let n = |v: usize| Value::U32(v as u32);
        let s = |v: &str| Value::String(v.into());
        let metadata = [
            ("general.architecture", s("llama")),
            ("general.name", s("Tiny random")),
            ("llama.block_count", n(self.layers)),
            ("llama.context_length", n(self.context)),
            ("llama.embedding_length", n(self.width)),
            ("llama.feed_forward_length", n(self.ffn)),
            ("llama.attention.head_count", n(self.heads)),
            ("llama.attention.head_count_kv", n(self.kv_heads)),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
            ("llama.rope.freq_base", Value::F32(10_000.0)),
            ("llama.rope.dimension_count", n(self.width / self.heads)),
        ];
        let mut file = Cursor::new(Vec::new());
        let metadata: Vec<(&str, &Value)> = metadata.iter().chain(tokenizer).map(|(k, v)| (*k, v)).collect();
        let quantized = |(name, t): (String, Tensor)| {
            let t = edit(&name, t);
            let dtype = if t.rank() == 1 { GgmlDType::F32 } else { stored(&name) };
            (name, QTensor::quantize(&t, dtype).unwrap())
        };
        let tensors: Vec<(String, QTensor)> = self.tensors(vocab).into_iter().map(quantized).collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        gguf_file::write(&mut file, &metadata, &tensors).unwrap();
        file.into_inner()
    }

    /// The weights under their GGUF names.
    fn tensors(&self, vocab: usize) -> Vec<(String, Tensor)> {
        let mut noise = Noise(self.seed);
        let (d, kv) = (self.width, self.width / self.heads * self.kv_heads);
        let mut tensors = Vec::new();
        let mut add = |name: String, t: Tensor| tensors.push((name, t));
        add("token_embd.weight".into(), noise.tensor(vocab, d, 0.6));
        if !self.tied {
            add("output.weight".into(), noise.tensor(vocab, d, 0.4));
        }
        let gain = |noise: &mut Noise| (noise.tensor(1, d, 0.3).squeeze(0).unwrap() + 1.0).unwrap();
        add("output_norm.weight".into(), gain(&mut noise));
        for i in 0..self.layers {
            for name in ["attn_norm", "ffn_norm"] {
                add(format!("blk.{i}.{name}.weight"), gain(&mut noise));
            }
            for (name, rows, columns) in [
                ("attn_q", d, d),
                ("attn_k", kv, d),
                ("attn_v", kv, d),
                ("attn_output", d, d),
                ("ffn_gate", self.ffn, d),
                ("ffn_up", self.ffn, d),
                ("ffn_down", d, self.ffn),
            ] {
                let scale = 2.0 / (columns as f32).sqrt();
                add(format!("blk.{i}.{name}.weight"), noise.tensor(rows, columns, scale));
            }
        }
        tensors
    }

    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint_edited(&|_, t| t)
    }

    pub fn checkpoint_edited(&self, edit: &dyn Fn(&str, Tensor) -> Tensor) -> Checkpoint {
        Checkpoint::open(vec![Box::new(MemoryBytes::new("tiny.gguf", self.gguf_edited(edit)))]).unwrap()
    }

    pub fn engine(&self) -> CpuEngine {
        engine(&self.checkpoint())
    }
}

/// GPT-2's printable stand-ins for the 256 bytes.
fn byte_alphabet() -> Vec<String> {
    let printable = |b: u32| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256;
    (0..256)
        .map(|b| {
            let code = if printable(b) {
                b
            } else {
                next += 1;
                next - 1
            };
            char::from_u32(code).unwrap().to_string()
        })
        .collect()
}

pub fn engine(checkpoint: &Checkpoint) -> CpuEngine {
    CpuEngine::new(block_on(CpuModel::load(checkpoint, None, &mut async |_, _| Ok(()))).unwrap())
}

/// A run over given ids by `groups` of the prompt.
pub fn run<E: shiftlens::model::Engine>(
    engine: &mut E,
    prompt: &[u32],
    groups: Vec<Vec<usize>>,
    respond: Respond,
    target: Target,
    mode: Mode,
) -> Result<Outcome, ModelError> {
    let job = Job { prompt: prompt.to_vec(), groups, respond, target, mode, alternatives: 3, against: None };
    block_on(attribution::run(engine, &job, no_clock, &mut quiet))
}

pub fn singles(n: usize) -> Vec<Vec<usize>> {
    (0..n).map(|i| vec![i]).collect()
}

pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-30)
}

/// A device, or nothing where none is needed.
pub fn gpu() -> Option<Gpu> {
    match block_on(Gpu::open()) {
        Ok(gpu) => {
            println!("on {}", gpu.name());
            Some(gpu)
        }
        Err(e) if std::env::var("SHIFTLENS_GPU").as_deref() == Ok("required") => panic!("{e}"),
        Err(e) => {
            not_checked(&e.to_string());
            None
        }
    }
}

pub fn on_gpu(gpu: Gpu, checkpoint: &Checkpoint) -> GpuEngine {
    GpuEngine::new(block_on(GpuModel::load(gpu, checkpoint, &mut async |_, _| Ok(()))).unwrap()).unwrap()
}
