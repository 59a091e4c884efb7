//! Results in Parquet parts: the one schema of every study (docs/studies.md), written and read column by column.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;

use crate::error::StudyError;
use crate::row::Row;

mod columns;

use columns::Columns;

/// What a row holds, in order. Matrices lie row by row.
pub const SCHEMA: &str = "message study {
  optional binary unit (UTF8);
  optional binary settings (UTF8);
  optional binary checkpoint (UTF8);
  optional binary checkpoint_hash (UTF8);
  optional binary tokenizer (UTF8);
  optional binary prompt_set (UTF8);
  required int32 prompt_index;
  optional binary prompt (UTF8);
  optional binary response (UTF8);
  optional binary error (UTF8);
  optional double score;
  optional double kl;
  optional double seconds;
  optional binary backend (UTF8);
  required group prompt_tokens (LIST) { repeated group list { required int32 element; } }
  required group prompt_texts (LIST) { repeated group list { required binary element (UTF8); } }
  required group prompt_start (LIST) { repeated group list { required int32 element; } }
  required group prompt_end (LIST) { repeated group list { required int32 element; } }
  required group response_tokens (LIST) { repeated group list { required int32 element; } }
  required group response_texts (LIST) { repeated group list { required binary element (UTF8); } }
  required group probability (LIST) { repeated group list { required float element; } }
  required group kl_tokens (LIST) { repeated group list { required double element; } }
  required group row_text (LIST) { repeated group list { required binary element (UTF8); } }
  required group row_start (LIST) { repeated group list { required int32 element; } }
  required group row_end (LIST) { repeated group list { required int32 element; } }
  required group row_user (LIST) { repeated group list { required boolean element; } }
  required group row_instruction (LIST) { repeated group list { required boolean element; } }
  required group importance (LIST) { repeated group list { required float element; } }
  required group levels (LIST) { repeated group list { required int32 element (UINT_8); } }
  required group density (LIST) { repeated group list { required double element; } }
}";

/// The most rows of a group: what a reader holds in memory at once.
pub const GROUP: usize = 1024;

/// Why a part gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It is no longer there: another shard has put it together with others.
    #[error("{0} is gone")]
    Gone(PathBuf),
    /// It ends early, or its bytes are not Parquet's.
    #[error("{path} is damaged ({why})")]
    Damaged {
        /// The part.
        path: PathBuf,
        /// The reader's words.
        why: String,
    },
    /// It is a sound Parquet file of something else.
    #[error("{0} holds other columns than a study's. Move it out of the study's folder.")]
    Foreign(PathBuf),
}

/// Read once: a study may have a part for each of its units.
fn schema() -> Result<Arc<Type>, ParquetError> {
    static READ: OnceLock<Arc<Type>> = OnceLock::new();
    match READ.get() {
        Some(schema) => Ok(schema.clone()),
        None => {
            let schema = Arc::new(parse_message_type(SCHEMA)?);
            Ok(READ.get_or_init(|| schema).clone())
        }
    }
}

/// Writes `rows` to `path`: under another name first, so that a killed run leaves a whole part or none.
pub fn write(path: &Path, rows: &[Row]) -> Result<(), StudyError> {
    let bytes = encoded(rows).map_err(|e| StudyError::Encode { path: path.to_owned(), why: e.to_string() })?;
    write_whole(path, &bytes)
}

/// Writes a file whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    let half = beside(path, &format!("{}.half", std::process::id()));
    let written = File::create(&half)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&half, path));
    written.map_err(|source| StudyError::File { path: path.to_owned(), source })
}

/// A neighbour of `path` that readers of its folder leave out: pandas reads every file whose name begins in another way.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    path.with_file_name(format!("_{}.{ending}", name.to_string_lossy()))
}

fn encoded(rows: &[Row]) -> Result<Vec<u8>, ParquetError> {
    let how = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(how))?;
    for rows in rows.chunks(GROUP) {
        let mut group = file.next_row_group()?;
        write_group(&mut group, rows)?;
        group.close()?;
    }
    file.into_inner()
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// The columns in the schema's order.
fn write_group(group: &mut Group, rows: &[Row]) -> Result<(), ParquetError> {
    let text = |t: &str| ByteArray::from(t);
    let some = |t: &String| Some(text(t));
    let int = |v: usize| i32::try_from(v).unwrap_or(i32::MAX);
    let id = |v: &u32| *v as i32;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.unit))?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.settings))?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.checkpoint))?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.checkpoint_hash))?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.tokenizer))?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.prompt_set))?;
    let index: Vec<i32> = rows.iter().map(|r| int(r.prompt_index)).collect();
    column::<Int32Type>(group, &index, None, None)?;
    scalars::<ByteArrayType>(group, rows, |r| some(&r.prompt))?;
    scalars::<ByteArrayType>(group, rows, |r| r.response.as_deref().map(text))?;
    scalars::<ByteArrayType>(group, rows, |r| r.error.as_deref().map(text))?;
    scalars::<DoubleType>(group, rows, |r| r.score)?;
    scalars::<DoubleType>(group, rows, |r| r.kl)?;
    scalars::<DoubleType>(group, rows, |r| r.seconds)?;
    scalars::<ByteArrayType>(group, rows, |r| r.backend.as_deref().map(text))?;
    lists::<Int32Type>(group, rows, |r| r.prompt_tokens.iter().map(id).collect())?;
    lists::<ByteArrayType>(group, rows, |r| r.prompt_texts.iter().map(|t| text(t)).collect())?;
    lists::<Int32Type>(group, rows, |r| r.prompt_spans.iter().map(|s| int(s.start)).collect())?;
    lists::<Int32Type>(group, rows, |r| r.prompt_spans.iter().map(|s| int(s.end)).collect())?;
    lists::<Int32Type>(group, rows, |r| r.response_tokens.iter().map(id).collect())?;
    lists::<ByteArrayType>(group, rows, |r| r.response_texts.iter().map(|t| text(t)).collect())?;
    lists::<FloatType>(group, rows, |r| r.probability.clone())?;
    lists::<DoubleType>(group, rows, |r| r.kl_tokens.clone())?;
    lists::<ByteArrayType>(group, rows, |r| r.row_text.iter().map(|t| text(t)).collect())?;
    lists::<Int32Type>(group, rows, |r| r.spans.iter().map(|s| int(s.start)).collect())?;
    lists::<Int32Type>(group, rows, |r| r.spans.iter().map(|s| int(s.end)).collect())?;
    lists::<BoolType>(group, rows, |r| r.row_user.clone())?;
    lists::<BoolType>(group, rows, |r| r.row_instruction.clone())?;
    lists::<FloatType>(group, rows, |r| r.importance.clone())?;
    lists::<Int32Type>(group, rows, |r| r.levels.iter().map(|l| i32::from(*l)).collect())?;
    lists::<DoubleType>(group, rows, |r| r.density.clone())
}

fn column<T: DataType>(
    group: &mut Group,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("more columns than the schema has".into());
    let mut writer = group.next_column()?.ok_or_else(missing)?;
    writer.typed::<T>().write_batch(values, definition, repetition)?;
    writer.close()
}

/// A column of at most one value a row.
fn scalars<T: DataType>(
    group: &mut Group,
    rows: &[Row],
    of: impl Fn(&Row) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = rows.iter().map(of).collect();
    let definition: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column::<T>(group, &values, Some(&definition), None)
}

/// A column of lists. A list's first value has repetition level 0, its others 1; an empty list has definition level 0.
fn lists<T: DataType>(group: &mut Group, rows: &[Row], of: impl Fn(&Row) -> Vec<T::T>) -> Result<(), ParquetError> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for list in rows.iter().map(of) {
        definition.extend(std::iter::repeat_n(i16::from(!list.is_empty()), list.len().max(1)));
        repetition.extend((0..list.len().max(1)).map(|at| i16::from(at > 0)));
        values.extend(list);
    }
    column::<T>(group, &values, Some(&definition), Some(&repetition))
}

/// A part that is open.
pub struct Part {
    path: PathBuf,
    reader: SerializedFileReader<File>,
}

impl Part {
    /// Opens a part and checks that it is one of a study's.
    pub fn open(path: &Path) -> Result<Self, PartError> {
        let damaged = |why: String| PartError::Damaged { path: path.to_owned(), why };
        let file = File::open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => PartError::Gone(path.to_owned()),
            _ => damaged(e.to_string()),
        })?;
        let reader = SerializedFileReader::new(file).map_err(|e| damaged(e.to_string()))?;
        let expected = schema().map_err(|e| damaged(e.to_string()))?;
        if reader.metadata().file_metadata().schema() != &*expected {
            return Err(PartError::Foreign(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), reader })
    }

    /// What `read` gives of the part at `path`. The reader of Parquet panics at some bytes that are not Parquet's: such a part is
    /// damaged, too.
    pub fn read_from<T>(path: &Path, read: impl Fn(&Self) -> Result<T, PartError>) -> Result<T, PartError> {
        // what is left half read goes with the part
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| Self::open(path).and_then(|part| read(&part))));
        read.unwrap_or_else(|_| {
            Err(PartError::Damaged { path: path.to_owned(), why: "its bytes are not Parquet's".into() })
        })
    }

    /// Every row with what the tables are made from.
    pub fn outlines(&self) -> Result<Vec<Row>, PartError> {
        self.read(|group| group.outlines())
    }

    /// Every row with its response besides: what units to come need. Matrices are not read.
    pub fn responses(&self) -> Result<Vec<Row>, PartError> {
        self.read(|group| group.responses())
    }

    /// The rows of `units`, with what a picture is made from.
    pub fn of_units(&self, units: &HashSet<String>) -> Result<Vec<Row>, PartError> {
        self.read(|group| group.of_units(units))
    }

    /// Reads row group after row group.
    fn read(&self, read: impl Fn(&Columns) -> Result<Vec<Row>, ParquetError>) -> Result<Vec<Row>, PartError> {
        let mut rows = Vec::new();
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).and_then(Columns::of);
            rows.extend(group.and_then(|group| read(&group)).map_err(|e| self.damaged(e))?);
        }
        Ok(rows)
    }

    fn damaged(&self, e: ParquetError) -> PartError {
        PartError::Damaged { path: self.path.clone(), why: e.to_string() }
    }
}

#[cfg(test)]
mod tests;
