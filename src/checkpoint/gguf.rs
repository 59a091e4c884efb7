//! The GGUF header (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>), read within bounds.
//!
//! candle's own reader allocates what the header claims; here every count and length is held against the bytes that
//! are left in the file before anything is allocated, so memory stays within a small multiple of the file's size.

use std::collections::HashMap;

use super::bytes::{ByteSource, addressable, check_range};
use super::{CheckpointError, TensorEntry};
use candle_core::quantized::GgmlDType;

/// The first four bytes of every GGUF file.
pub const MAGIC: &[u8; 4] = b"GGUF";

const BUFFER: usize = 64 << 10;
const MAX_DIMS: u32 = 4;

/// A metadata value. Integers of every width are one kind, arrays are kept packed.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any integer type.
    Int(i64),
    /// f32 or f64.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Str(String),
    /// An array of strings.
    Strings(Vec<String>),
    /// An array of integers or booleans.
    Ints(Vec<i32>),
    /// An array of floats.
    Floats(Vec<f32>),
    /// An array of arrays: read past, not kept.
    Nested,
}

/// A GGUF header: metadata, and where each tensor lies in the file.
#[derive(Debug)]
pub struct Header {
    /// Key to value.
    pub metadata: HashMap<String, Value>,
    /// Tensor name to its place; the offset counts from the file's start.
    pub tensors: HashMap<String, TensorEntry>,
}

impl Header {
    /// Reads the header of `source`, which is file number `file` of its set.
    pub fn read(source: &dyn ByteSource, file: usize) -> Result<Self, CheckpointError> {
        let mut r = Reader::new(source);
        if &r.array::<4>("the header")? != MAGIC {
            return Err(CheckpointError::NotACheckpoint(source.name().to_owned()));
        }
        let version = r.u32("the header")?;
        if !(2..=3).contains(&version) {
            return Err(CheckpointError::GgufVersion(version));
        }
        // Least sizes: a tensor takes name length, dimension count, type and offset; a pair, key length, type and a byte.
        let n_tensors = r.count("the number of tensors", 24)?;
        let n_pairs = r.count("the number of metadata entries", 13)?;
        let mut metadata = HashMap::with_capacity(n_pairs.min(4096));
        for _ in 0..n_pairs {
            let key = r.string("a metadata key")?;
            let kind = r.u32("a metadata type")?;
            let value = r.value(&key, kind, 0)?;
            metadata.insert(key, value);
        }
        let mut infos = Vec::with_capacity(n_tensors.min(4096));
        for _ in 0..n_tensors {
            infos.push(r.tensor_info()?);
        }
        let alignment = match metadata.get("general.alignment") {
            None => 32,
            Some(Value::Int(n)) if (1..=65_536).contains(n) && (*n as u64).is_power_of_two() => *n as u64,
            Some(other) => return Err(CheckpointError::Damaged(format!("its alignment is {other:?}"))),
        };
        let start = r.position.next_multiple_of(alignment);
        let mut tensors = HashMap::with_capacity(infos.len());
        for info in infos {
            let entry = info.place(start, file, source.size())?;
            if tensors.insert(info.name.clone(), entry).is_some() {
                return Err(CheckpointError::Damaged(format!("tensor “{}” appears twice", info.name)));
            }
        }
        Ok(Self { metadata, tensors })
    }
}

struct Info {
    name: String,
    shape: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl Info {
    fn place(&self, start: u64, file: usize, size: u64) -> Result<TensorEntry, CheckpointError> {
        let dtype = dtype_of(self.kind).ok_or_else(|| CheckpointError::UnknownTensorType {
            tensor: self.name.clone(),
            found: type_name(self.kind).map_or_else(|| format!("type {}", self.kind), str::to_owned),
            instead: match self.kind {
                24..=28 => "convert the model again, to F16",
                _ => "fetch the same model's Q4_K_M file instead, or its Q8_0",
            }
            .into(),
        })?;
        let absurd = || CheckpointError::Absurd {
            what: format!("the size of tensor “{}”", self.name),
            value: self.shape.iter().fold(1u64, |a, &b| a.saturating_mul(b)),
            limit: size,
        };
        let elements = self.shape.iter().try_fold(1u64, |a, &b| a.checked_mul(b)).ok_or_else(absurd)?;
        let row = self.shape.last().copied().unwrap_or(1);
        if elements == 0 || row % dtype.block_size() as u64 != 0 {
            return Err(CheckpointError::Damaged(format!(
                "tensor “{}” has shape {:?}, which {dtype:?} cannot store",
                self.name, self.shape
            )));
        }
        let bytes = (elements / dtype.block_size() as u64).checked_mul(dtype.type_size() as u64).ok_or_else(absurd)?;
        let offset = start.checked_add(self.offset).ok_or_else(absurd)?;
        check_range(&format!("tensor “{}”", self.name), offset, bytes, size)?;
        Ok(TensorEntry {
            file,
            dtype,
            shape: self.shape.iter().map(|&d| addressable(&self.name, d)).collect::<Result<_, _>>()?,
            offset,
            bytes: addressable(&format!("the size of tensor “{}”", self.name), bytes)?,
        })
    }
}

/// ggml's type codes that candle can hold.
fn dtype_of(code: u32) -> Option<GgmlDType> {
    use GgmlDType::*;
    Some(match code {
        0 => F32,
        1 => F16,
        2 => Q4_0,
        3 => Q4_1,
        6 => Q5_0,
        7 => Q5_1,
        8 => Q8_0,
        10 => Q2K,
        11 => Q3K,
        12 => Q4K,
        13 => Q5K,
        14 => Q6K,
        15 => Q8K,
        30 => BF16,
        _ => return None,
    })
}

/// What ggml calls the types that candle cannot hold. IQ4_NL also stands in files called Q2_K or Q3_K, where a model's width
/// is no multiple of 256; in Q4_K_M files Q5_0 takes its place.
fn type_name(code: u32) -> Option<&'static str> {
    Some(match code {
        4 => "Q4_2",
        5 => "Q4_3",
        9 => "Q8_1",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        31 => "Q4_0_4_4",
        32 => "Q4_0_4_8",
        33 => "Q4_0_8_8",
        34 => "TQ1_0",
        35 => "TQ2_0",
        36 => "IQ4_NL_4_4",
        37 => "IQ4_NL_4_8",
        38 => "IQ4_NL_8_8",
        39 => "MXFP4",
        40 => "NVFP4",
        41 => "Q1_0",
        42 => "Q2_0",
        _ => return None,
    })
}

/// A forward reader with a small buffer; `position` counts the bytes taken.
struct Reader<'a> {
    source: &'a dyn ByteSource,
    size: u64,
    position: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl<'a> Reader<'a> {
    fn new(source: &'a dyn ByteSource) -> Self {
        Self { source, size: source.size(), position: 0, buffer: Vec::new(), buffer_at: 0 }
    }

    fn left(&self) -> u64 {
        self.size - self.position
    }

    fn fill(&mut self, what: &str, into: &mut [u8]) -> Result<(), CheckpointError> {
        let len = into.len() as u64;
        check_range(what, self.position, len, self.size)?;
        if into.len() > BUFFER {
            self.source.read_at(self.position, into)?;
        } else {
            let within =
                self.position >= self.buffer_at && self.position + len <= self.buffer_at + self.buffer.len() as u64;
            if !within {
                self.buffer.resize(usize::try_from(self.left()).map_or(BUFFER, |left| left.min(BUFFER)), 0);
                self.buffer_at = self.position;
                self.source.read_at(self.position, &mut self.buffer)?;
            }
            let at = (self.position - self.buffer_at) as usize;
            into.copy_from_slice(&self.buffer[at..at + into.len()]);
        }
        self.position += len;
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], CheckpointError> {
        let mut bytes = [0; N];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self, what: &str) -> Result<u32, CheckpointError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64, CheckpointError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A count of things that take at least `least` bytes each, held against what is left of the file.
    fn count(&mut self, what: &str, least: u64) -> Result<usize, CheckpointError> {
        let value = self.u64(what)?;
        let limit = self.left() / least;
        if value > limit {
            return Err(CheckpointError::Absurd { what: what.to_owned(), value, limit });
        }
        addressable(what, value)
    }

    fn string(&mut self, what: &str) -> Result<String, CheckpointError> {
        let len = self.count(what, 1)?;
        let mut bytes = vec![0; len];
        self.fill(what, &mut bytes)?;
        // Vocabularies in the wild hold broken UTF-8 in single tokens; a lossy reading keeps the rest usable.
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn value(&mut self, key: &str, kind: u32, depth: u32) -> Result<Value, CheckpointError> {
        Ok(match kind {
            0 => Value::Int(self.array::<1>(key)?[0].into()),
            1 => Value::Int((self.array::<1>(key)?[0] as i8).into()),
            2 => Value::Int(u16::from_le_bytes(self.array(key)?).into()),
            3 => Value::Int(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Int(self.u32(key)?.into()),
            5 => Value::Int((self.u32(key)? as i32).into()),
            6 => Value::Float(f32::from_le_bytes(self.array(key)?).into()),
            7 => Value::Bool(self.array::<1>(key)?[0] != 0),
            8 => Value::Str(self.string(key)?),
            9 => self.array_value(key, depth)?,
            10 => Value::Int(i64::try_from(self.u64(key)?).unwrap_or(i64::MAX)),
            11 => Value::Int(self.u64(key)? as i64),
            12 => Value::Float(f64::from_le_bytes(self.array(key)?)),
            other => return Err(CheckpointError::Damaged(format!("metadata “{key}” has type {other}"))),
        })
    }

    fn array_value(&mut self, key: &str, depth: u32) -> Result<Value, CheckpointError> {
        if depth > 2 {
            return Err(CheckpointError::Damaged(format!("metadata “{key}” nests arrays too deeply")));
        }
        let kind = self.u32(key)?;
        let least = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => 12,
            other => return Err(CheckpointError::Damaged(format!("metadata “{key}” is an array of type {other}"))),
        };
        let len = self.count(&format!("the length of “{key}”"), least)?;
        match kind {
            8 => (0..len).map(|_| self.string(key)).collect::<Result<_, _>>().map(Value::Strings),
            6 | 12 => (0..len)
                .map(|_| match self.value(key, kind, depth)? {
                    Value::Float(f) => Ok(f as f32),
                    _ => Ok(0.0),
                })
                .collect::<Result<_, _>>()
                .map(Value::Floats),
            9 => {
                for _ in 0..len {
                    self.array_value(key, depth + 1)?;
                }
                Ok(Value::Nested)
            }
            _ => (0..len)
                .map(|_| match self.value(key, kind, depth)? {
                    Value::Int(i) => Ok(i.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
                    Value::Bool(b) => Ok(b.into()),
                    _ => Ok(0),
                })
                .collect::<Result<_, _>>()
                .map(Value::Ints),
        }
    }

    fn tensor_info(&mut self) -> Result<Info, CheckpointError> {
        let name = self.string("a tensor's name")?;
        let n_dims = self.u32("a tensor's dimensions")?;
        if n_dims > MAX_DIMS {
            return Err(CheckpointError::Absurd {
                what: format!("the number of dimensions of “{name}”"),
                value: n_dims.into(),
                limit: MAX_DIMS.into(),
            });
        }
        let mut shape = Vec::with_capacity(n_dims as usize);
        for _ in 0..n_dims {
            shape.push(self.u64("a tensor's dimensions")?);
        }
        shape.reverse(); // GGUF lists the fastest dimension first
        Ok(Info { kind: self.u32("a tensor's type")?, offset: self.u64("a tensor's offset")?, name, shape })
    }
}
