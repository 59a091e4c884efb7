//! A set of files opened as one checkpoint: what it is, and its tensors one by one.

use std::collections::HashMap;
use std::sync::Mutex;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};

use super::blocks;
use super::bytes::{ByteSource, InPlace, read_text};
use super::gguf::{self, Header, Value};
use super::slots::{self, Naming};
use super::{ChatTemplate, CheckpointError, ModelConfig, Tokenizer, quantization, safetensors};

/// Where a tensor lies.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorEntry {
    /// Index of the file in the set.
    pub file: usize,
    /// Storage type.
    pub dtype: GgmlDType,
    /// Rows first.
    pub shape: Vec<usize>,
    /// Offset from the file's start.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: usize,
}

/// An opened checkpoint; weights are read tensor by tensor, when asked for.
pub struct Checkpoint {
    /// The model's own name, or the file's.
    pub name: String,
    /// The architecture.
    pub config: ModelConfig,
    /// The mixture of storage types that a GGUF file says it is.
    file_type: Option<&'static str>,
    tokenizer: Option<Tokenizer>,
    /// The chat template that came with it, if any.
    pub chat_template: Option<ChatTemplate>,
    files: Vec<Box<dyn ByteSource>>,
    tensors: HashMap<String, TensorEntry>,
    /// Hashes of the tensors that have been read, by name.
    hashes: Mutex<HashMap<String, [u8; 32]>>,
}

/// About how many bytes of a matrix are read at once when not all of it is to be in memory.
const WINDOW: usize = 4 << 20;

impl Checkpoint {
    /// Opens one GGUF file, or safetensors with config.json and tokenizer.json (in any order; other files are ignored).
    pub fn open(files: Vec<Box<dyn ByteSource>>) -> Result<Self, CheckpointError> {
        let first = files.iter().find(|f| f.name().ends_with(".gguf")).or(files.first());
        let Some(first) = first else {
            return Err(CheckpointError::MissingFile("a .gguf or .safetensors file".into()));
        };
        let mut magic = [0; 4];
        let is_gguf = first.size() >= 4 && first.read_at(0, &mut magic).is_ok() && &magic == gguf::MAGIC;
        if is_gguf {
            let index = files.iter().position(|f| f.name() == first.name()).unwrap_or(0);
            Self::open_gguf(files, index)
        } else if files.iter().any(|f| f.name().ends_with(".safetensors")) {
            Self::open_safetensors(files)
        } else {
            Err(CheckpointError::NotACheckpoint(first.name().to_owned()))
        }
    }

    fn open_gguf(files: Vec<Box<dyn ByteSource>>, index: usize) -> Result<Self, CheckpointError> {
        let Header { metadata, tensors } = Header::read(files[index].as_ref(), index)?;
        ModelConfig::family(&metadata)?; // named before any tensor is missed
        let divisors = match tensors.get("rope_freqs.weight") {
            Some(entry) => Some(floats(&files, entry, "rope_freqs.weight")?),
            None => None,
        };
        let config = ModelConfig::from_gguf(&metadata, embedding_rows(&tensors)?, divisors)?;
        let tokenizer = Tokenizer::from_gguf(&metadata, find(&files, "tokenizer.json"))?;
        let chat_template = match metadata.get("tokenizer.chat_template") {
            Some(Value::Str(s)) => Some(ChatTemplate::new(s.clone())),
            _ => None,
        };
        let name = match metadata.get("general.name") {
            Some(Value::Str(s)) if !s.trim().is_empty() => s.trim().to_owned(),
            _ => stem(files[index].name()),
        };
        let tensors = slots::resolve(&config, Naming::Gguf, &tensors)?;
        let file_type = quantization::file_type(&metadata);
        Ok(Self { name, file_type, config, tokenizer, chat_template, files, tensors, hashes: Mutex::default() })
    }

    fn open_safetensors(files: Vec<Box<dyn ByteSource>>) -> Result<Self, CheckpointError> {
        let json = |name: &str| -> Result<Option<serde_json::Value>, CheckpointError> {
            let Some(file) = find(&files, name) else { return Ok(None) };
            serde_json::from_str(&read_text(file)?)
                .map(Some)
                .map_err(|e| CheckpointError::Damaged(format!("“{name}” is not valid JSON: {e}")))
        };
        let config = json("config.json")?.ok_or_else(|| CheckpointError::MissingFile("config.json".into()))?;
        if let Some(index) = json("model.safetensors.index.json")? {
            for shard in index["weight_map"].as_object().into_iter().flat_map(|m| m.values()).filter_map(|v| v.as_str())
            {
                if find(&files, shard).is_none() {
                    return Err(CheckpointError::MissingFile(shard.to_owned()));
                }
            }
        }
        let model = ModelConfig::from_json(&config)?;
        let mut tensors = HashMap::new();
        for (index, file) in files.iter().enumerate().filter(|(_, f)| f.name().ends_with(".safetensors")) {
            tensors.extend(safetensors::read_header(file.as_ref(), index)?);
        }
        if config["tie_word_embeddings"].as_bool() == Some(true) {
            tensors.remove("lm_head.weight");
        }
        // the tokenizer's tables are as long as the vocabulary, which is held against the embedding here
        let tensors = slots::resolve(&model, Naming::HuggingFace, &tensors)?;
        let tokenizer_config = json("tokenizer_config.json")?.unwrap_or_default();
        let tokenizer = match find(&files, "tokenizer.json") {
            Some(file) => Some(Tokenizer::from_json(&read_text(file)?, &config, &tokenizer_config, Some(model.vocab))?),
            None => None,
        };
        let template_file = find(&files, "chat_template.jinja").map(read_text).transpose()?;
        let chat_template =
            template_file.or_else(|| template_of(&tokenizer_config["chat_template"])).map(ChatTemplate::new);
        let name = config["_name_or_path"].as_str().filter(|s| !s.is_empty()).map(str::to_owned);
        let weights = files.iter().find(|f| f.name().ends_with(".safetensors"));
        let name = name.unwrap_or_else(|| stem(weights.map_or("model", |f| f.name())));
        Ok(Self {
            name,
            file_type: None,
            config: model,
            tokenizer,
            chat_template,
            files,
            tensors,
            hashes: Mutex::default(),
        })
    }

    /// The tokenizer that came with it. A checkpoint without one can only be given token ids.
    pub fn tokenizer(&self) -> Result<&Tokenizer, CheckpointError> {
        self.tokenizer.as_ref().ok_or(CheckpointError::MissingTokenizer)
    }

    fn entry(&self, name: &str) -> Result<&TensorEntry, CheckpointError> {
        self.tensors.get(name).ok_or_else(|| CheckpointError::MissingTensor(name.to_owned()))
    }

    /// Whether a tensor of this (GGUF) name exists.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// One tensor as it is stored, `[rows, columns]`.
    pub fn tensor(&self, name: &str) -> Result<QTensor, CheckpointError> {
        let entry = self.entry(name)?;
        let read = |into: &mut [u8]| self.files[entry.file].read_at(entry.offset, into);
        let storage = blocks::storage(entry.dtype, entry.bytes, read)?;
        let damaged = |e| CheckpointError::Damaged(format!("tensor “{name}”: {e}"));
        let tensor = QTensor::new(storage, entry.shape.clone()).map_err(damaged)?;
        self.note_hash(name, &tensor.data().map_err(damaged)?);
        Ok(tensor)
    }

    /// A tensor's storage type and shape.
    pub fn stored(&self, name: &str) -> Result<(GgmlDType, &[usize]), CheckpointError> {
        self.entry(name).map(|entry| (entry.dtype, &entry.shape[..]))
    }

    /// Gives a tensor's bytes to `take` piece by piece, each a whole number of `unit` bytes but for the last, without taking all
    /// of it into memory.
    pub fn pieces<E: From<CheckpointError>>(
        &self,
        name: &str,
        unit: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let entry = self.entry(name)?;
        let size = (WINDOW / unit.max(1)).max(1) * unit.max(1);
        if let Some(bytes) = self.in_place(name)? {
            return bytes.chunks(size).try_for_each(take);
        }
        let (mut hash, mut piece) = (Sha256::new(), vec![0; size.min(entry.bytes)]);
        for at in (0..entry.bytes).step_by(size) {
            piece.truncate(entry.bytes - at);
            self.files[entry.file].read_at(entry.offset + at as u64, &mut piece)?;
            hash.update(&piece);
            take(&piece)?;
        }
        if let Ok(mut hashes) = self.hashes.lock() {
            hashes.insert(name.to_owned(), hash.finalize().into());
        }
        Ok(())
    }

    /// A tensor's bytes where they are, without a copy; nothing where they have to be read.
    pub fn in_place(&self, name: &str) -> Result<Option<InPlace>, CheckpointError> {
        let entry = self.entry(name)?;
        let bytes = self.files[entry.file].in_place(entry.offset, entry.bytes)?;
        bytes.iter().for_each(|bytes| self.note_hash(name, bytes));
        Ok(bytes)
    }

    /// Every tensor is hashed when it is first read: to name the weights then costs no reading of its own.
    fn note_hash(&self, name: &str, bytes: &[u8]) {
        if let Ok(mut hashes) = self.hashes.lock()
            && !hashes.contains_key(name)
        {
            hashes.insert(name.to_owned(), Sha256::digest(bytes).into());
        }
    }

    /// The gain of a norm, as it multiplies.
    pub fn gain(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let damaged = |e| CheckpointError::Damaged(format!("tensor “{name}”: {e}"));
        let mut gain: Vec<f32> = self.floats(name)?.to_vec1().map_err(damaged)?;
        gain.iter_mut().for_each(|g| *g += self.config.gain_offset);
        Ok(gain)
    }

    /// One tensor as f32, for norms and biases.
    pub fn floats(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let damaged = |e| CheckpointError::Damaged(format!("tensor “{name}”: {e}"));
        self.tensor(name)?.dequantize(&Device::Cpu).map_err(damaged)
    }

    /// Some rows of a matrix as f32, `[ids, columns]`, without taking the whole matrix into memory.
    pub fn rows(&self, name: &str, ids: &[u32]) -> Result<Tensor, CheckpointError> {
        let entry = self.entry(name)?;
        let [rows, columns] = entry.shape[..] else {
            return Err(CheckpointError::Damaged(format!("tensor “{name}” is no matrix")));
        };
        if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
            return Err(CheckpointError::Damaged(format!("tensor “{name}” has no row {id}")));
        }
        let row = entry.bytes / rows.max(1);
        let mut chosen = vec![0u64; (row * ids.len()).div_ceil(8)];
        let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut chosen)[..row * ids.len()];
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|i| ids[*i]);
        // Files are slow to ask and quick to read: rows that lie close together come in one piece.
        let mut window: (usize, Vec<u8>) = Default::default();
        for i in order {
            let at = ids[i] as usize * row;
            if at < window.0 || at + row > window.0 + window.1.len() {
                window = (at, vec![0; (entry.bytes - at).min(WINDOW.max(row))]);
                self.files[entry.file].read_at(entry.offset + at as u64, &mut window.1)?;
            }
            bytes[i * row..][..row].copy_from_slice(&window.1[at - window.0..][..row]);
        }
        let of = TensorEntry { shape: vec![ids.len(), columns], ..entry.clone() };
        dequantized(bytes, &of).map_err(|e| CheckpointError::Damaged(format!("tensor “{name}”: {e}")))
    }

    /// Names the model: the same for the same file wherever it comes from, another for any other (a hash of every
    /// tensor's name, type, shape and bytes, and of the tokenizer). What has not been read yet is read for it.
    pub fn fingerprint(&self) -> Result<String, CheckpointError> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, _)| *name);
        let mut hash = Sha256::new();
        for (name, entry) in tensors {
            hash.update(format!("{name} {:?} {:?}", entry.dtype, entry.shape));
            let known = self.hashes.lock().ok().and_then(|hashes| hashes.get(name).copied());
            match known {
                Some(of_tensor) => hash.update(of_tensor),
                None => {
                    let of_tensor = match self.files[entry.file].in_place(entry.offset, entry.bytes)? {
                        Some(bytes) => Sha256::digest(&*bytes),
                        None => Sha256::digest(Bytes::read(&self.files, entry)?.get()),
                    };
                    hash.update(of_tensor);
                    if let Ok(mut hashes) = self.hashes.lock() {
                        hashes.insert(name.clone(), of_tensor.into());
                    }
                }
            }
        }
        if let Some(tokenizer) = &self.tokenizer {
            hash.update(&tokenizer.fingerprint);
        }
        Ok(hash.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect())
    }

    /// Storage type and shape of every tensor, in no order.
    pub fn tensors(&self) -> impl Iterator<Item = (GgmlDType, &[usize])> {
        self.tensors.values().map(|t| (t.dtype, &t.shape[..]))
    }

    /// The storage types of its matrices, each once.
    pub fn matrix_types(&self) -> Vec<GgmlDType> {
        let mut types = Vec::new();
        for (dtype, _) in self.tensors().filter(|(_, shape)| shape.len() == 2) {
            if !types.contains(&dtype) {
                types.push(dtype);
            }
        }
        types
    }

    /// Bytes of all tensors, as the files store them.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.values().map(|t| t.bytes as u64).sum()
    }

    /// Whether the head is the embedding.
    pub fn tied(&self) -> bool {
        !self.tensors.contains_key("output.weight")
    }

    /// How the weights are stored, as people name files by it ("Q4_1", "Q4_K_M", "F16").
    pub fn quantization(&self) -> String {
        let matrices = self.tensors.values().filter(|t| t.shape.len() == 2);
        quantization::name(matrices.map(|t| (t.dtype, t.shape.iter().product())), self.file_type)
    }
}

fn embedding_rows(tensors: &HashMap<String, TensorEntry>) -> Result<usize, CheckpointError> {
    let name = "token_embd.weight";
    let entry = tensors.get(name).ok_or_else(|| CheckpointError::MissingTensor(name.into()))?;
    Ok(entry.shape.first().copied().unwrap_or(0))
}

/// A tensor's bytes. candle casts them to blocks: u64s keep them aligned.
struct Bytes {
    words: Vec<u64>,
    length: usize,
}

impl Bytes {
    fn read(files: &[Box<dyn ByteSource>], entry: &TensorEntry) -> Result<Self, CheckpointError> {
        let mut words = vec![0u64; entry.bytes.div_ceil(8)];
        files[entry.file].read_at(entry.offset, &mut bytemuck::cast_slice_mut(&mut words)[..entry.bytes])?;
        Ok(Self { words, length: entry.bytes })
    }

    fn get(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    fn tensor(&self, entry: &TensorEntry) -> Result<QTensor, CheckpointError> {
        quantized(self.get(), entry).map_err(|e| CheckpointError::Damaged(e.to_string()))
    }
}

/// `bytes`, aligned to eight, as a tensor of the entry's type and shape.
fn quantized(bytes: &[u8], entry: &TensorEntry) -> candle_core::Result<QTensor> {
    QTensor::new(QStorage::from_data(bytes.into(), &Device::Cpu, entry.dtype)?, entry.shape.clone())
}

fn dequantized(bytes: &[u8], entry: &TensorEntry) -> candle_core::Result<Tensor> {
    quantized(bytes, entry)?.dequantize(&Device::Cpu)
}

fn floats(files: &[Box<dyn ByteSource>], entry: &TensorEntry, name: &str) -> Result<Vec<f32>, CheckpointError> {
    Bytes::read(files, entry)?
        .tensor(entry)?
        .dequantize(&Device::Cpu)
        .and_then(|t| t.flatten_all()?.to_vec1())
        .map_err(|e| CheckpointError::Damaged(format!("tensor “{name}”: {e}")))
}

fn find<'a>(files: &'a [Box<dyn ByteSource>], name: &str) -> Option<&'a dyn ByteSource> {
    files.iter().find(|f| f.name() == name).map(|f| f.as_ref())
}

fn stem(file: &str) -> String {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned()
}

/// tokenizer_config.json holds one template, or a list of named ones.
fn template_of(value: &serde_json::Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| {
        let list = value.as_array()?;
        let chosen = list.iter().find(|t| t["name"] == "default").or(list.first())?;
        chosen["template"].as_str().map(str::to_owned)
    })
}
