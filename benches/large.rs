//! A model of seven billion parameters as Q4_K_M on the CPU: `cargo bench --bench large`. Its weights are random, and its shape is
//! Llama 2 7B's. The file, 4.1 GB, is written into target/ first, by another process, as this one's memory is measured.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use candle_core::Device;
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::attribution::{Mode, Sampling};
use shiftlens::explain::{By, ModelReport};
use shiftlens::protocol::{Prompt, Response, Run, Template};
use shiftlens::worker::{Runner, Update};

const WIDTH: usize = 4096;
const FFN: usize = 11008;
const LAYERS: usize = 32;
const HEADS: usize = 32;
const VOCAB: usize = 32000;
/// Each byte is a token, and a space is three.
const PROMPT: &str = "tell us more about those two";
const RESPONSE: usize = 8;

/// SplitMix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A matrix of blocks with random quants, whose weights have a standard deviation of about 0.02.
    fn matrix(&mut self, rows: usize, columns: usize, dtype: GgmlDType) -> Result<QTensor, candle_core::Error> {
        let block = dtype.type_size();
        let mut bytes = vec![0u8; rows * columns / dtype.block_size() * block];
        for eight in bytes.chunks_mut(8) {
            eight.copy_from_slice(&self.next().to_le_bytes()[..eight.len()]);
        }
        let half = |value: f32| half::f16::from_f32(value).to_le_bytes();
        for block in bytes.chunks_exact_mut(block) {
            match dtype {
                // scale and minimum, of 6 bits each, before 4 bits
                GgmlDType::Q4K => {
                    block[..2].copy_from_slice(&half(1.2e-4));
                    block[2..4].copy_from_slice(&half(9e-4));
                }
                // 8-bit scales before 6 bits, and their own scale last
                _ => block[208..].copy_from_slice(&half(1.5e-5)),
            }
        }
        let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, dtype)?;
        QTensor::new(storage, (rows, columns))
    }
}

/// Layers whose value and down projections llama.cpp stores in more bits for Q4_K_M.
fn in_more_bits(layer: usize) -> bool {
    let middle = LAYERS / 8..7 * LAYERS / 8;
    !middle.contains(&layer) || (layer - middle.start) % 3 == 2
}

fn write(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut noise = Noise(7);
    let (q4, q6) = (GgmlDType::Q4K, GgmlDType::Q6K);
    let ones =
        || QTensor::quantize(&candle_core::Tensor::ones(WIDTH, candle_core::DType::F32, &Device::Cpu)?, GgmlDType::F32);
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), noise.matrix(VOCAB, WIDTH, q4)?),
        ("output.weight".to_owned(), noise.matrix(VOCAB, WIDTH, q6)?),
        ("output_norm.weight".to_owned(), ones()?),
    ];
    for layer in 0..LAYERS {
        let more = if in_more_bits(layer) { q6 } else { q4 };
        for name in ["attn_norm", "ffn_norm"] {
            tensors.push((format!("blk.{layer}.{name}.weight"), ones()?));
        }
        for (name, rows, columns, dtype) in [
            ("attn_q", WIDTH, WIDTH, q4),
            ("attn_k", WIDTH, WIDTH, q4),
            ("attn_v", WIDTH, WIDTH, more),
            ("attn_output", WIDTH, WIDTH, q4),
            ("ffn_gate", FFN, WIDTH, q4),
            ("ffn_up", FFN, WIDTH, q4),
            ("ffn_down", WIDTH, FFN, more),
        ] {
            tensors.push((format!("blk.{layer}.{name}.weight"), noise.matrix(rows, columns, dtype)?));
        }
    }
    let metadata = metadata();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(name, value)| (*name, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let half = path.with_extension("half");
    let mut file = BufWriter::new(File::create(&half)?);
    gguf_file::write(&mut file, &metadata, &tensors)?;
    drop(file.into_inner()?);
    Ok(std::fs::rename(half, path)?)
}

/// The shape, and a vocabulary of 256 bytes and of words that no prompt has.
fn metadata() -> Vec<(&'static str, Value)> {
    let n = |v: usize| Value::U32(v as u32);
    let s = |v: &str| Value::String(v.into());
    let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
    let tokens = ["<unk>", "<s>", "</s>"].map(String::from).into_iter().chain(bytes);
    let tokens: Vec<Value> = tokens.chain((259..VOCAB).map(|i| format!("word{i}"))).map(Value::String).collect();
    let kinds = (0..VOCAB).map(|i| {
        Value::I32(match i {
            0 => 2,
            1 | 2 => 3,
            3..=258 => 6,
            _ => 1,
        })
    });
    vec![
        ("general.architecture", s("llama")),
        ("general.name", s("Seven billion random parameters")),
        ("llama.block_count", n(LAYERS)),
        ("llama.context_length", n(4096)),
        ("llama.embedding_length", n(WIDTH)),
        ("llama.feed_forward_length", n(FFN)),
        ("llama.attention.head_count", n(HEADS)),
        ("llama.attention.head_count_kv", n(HEADS)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.freq_base", Value::F32(10_000.0)),
        ("llama.rope.dimension_count", n(WIDTH / HEADS)),
        ("tokenizer.ggml.model", s("llama")),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
        ("tokenizer.ggml.scores", Value::Array((0..VOCAB).map(|_| Value::F32(0.0)).collect())),
        ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
    ]
}

/// A line of /proc/self/status, in GiB; 0 where there is no such file.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.trim_start_matches(':').split_whitespace().next());
    found.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / f64::from(1 << 20)
}

fn run(runner: &mut Runner, mode: Mode, by: By, limit: usize) -> Result<ModelReport, Box<dyn Error>> {
    let prompt = Prompt::text(PROMPT, Template::Off);
    let run = Run { by, mode, ..Run::by_token(prompt, Response::Own { limit, sampling: Sampling::default() }) };
    let clock = Instant::now();
    let mut quiet = async |_: Update| ControlFlow::Continue(());
    Ok(shiftlens::model::block_on(runner.run(&run, || clock.elapsed().as_secs_f64(), &mut quiet))?)
}

fn measure(path: &Path) -> Result<(), Box<dyn Error>> {
    let file = std::fs::metadata(path)?.len() as f64 / f64::from(1 << 30);
    let started = Instant::now();
    let mut runner = Runner::load_at_once(Checkpoint::open(FileBytes::open_set(path)?)?, "7b")?;
    let (loading, loaded) = (started.elapsed().as_secs_f64(), memory("RssAnon"));
    let billions = runner.info().parameters as f64 / 1e9;
    println!(
        "{billions:.2} billion parameters, {file:.2} GiB; loaded in {loading:.0} s, {loaded:.2} GiB of memory of its own"
    );
    let first = run(&mut runner, Mode::Off, By::Sentence, 1)?;
    let tokens = first.prompt.len();
    println!("prompt: {tokens} tokens, {:.2} tokens a second", tokens as f64 / first.seconds.total);
    let plain = run(&mut runner, Mode::Off, By::Sentence, RESPONSE)?;
    let steps = plain.response.len() - 1;
    println!("generating: {:.2} tokens a second", steps as f64 / (plain.seconds.total - first.seconds.total));
    for (what, mode, by) in
        [("by word, with the response", Mode::Forward, By::Word), ("by token, in reverse", Mode::Reverse, By::Token)]
    {
        let report = run(&mut runner, mode, by, RESPONSE)?;
        let (units, seconds) = (report.units.len(), report.seconds.total);
        println!("attribution {what}: {units} units, {} tokens, {seconds:.0} s", report.response.len());
        println!(
            "  the most memory so far: {:.2} GiB, with the file's own pages {:.2} GiB",
            memory("RssAnon"),
            memory("VmHWM")
        );
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/large/7b-q4_k_m.gguf");
    if std::env::args().any(|a| a == "--write") {
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        return write(&path);
    }
    if !path.exists() {
        println!("Writing {}", path.display());
        let written = Command::new(std::env::current_exe()?).arg("--write").status()?;
        if !written.success() {
            return Err("the file could not be written".into());
        }
    }
    measure(&path)
}
