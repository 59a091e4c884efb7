//! Reads a part column by column, and no more columns than are wanted.

use std::collections::HashSet;
use std::ops::Range;

use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;

use super::GROUP;
use crate::row::Row;

/// One row group's columns by name.
pub struct Columns<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    rows: usize,
}

impl Columns<'_> {
    /// A group's columns.
    pub fn of(reader: Box<dyn RowGroupReader + '_>) -> Result<Columns<'_>, ParquetError> {
        let rows = reader.metadata().num_rows();
        // what a file claims is bounded before there is room for it
        let bounded = usize::try_from(rows).ok().filter(|rows| *rows <= GROUP);
        let rows =
            bounded.ok_or_else(|| ParquetError::General(format!("a group of {rows} rows; {GROUP} is the most")))?;
        Ok(Columns { reader, rows })
    }

    /// Every row with what the tables are made from, and how long its response is.
    pub fn outlines(&self) -> Result<Vec<Row>, ParquetError> {
        let mut rows = vec![Row::default(); self.rows];
        self.texts("unit", &mut rows, |r, v| r.unit = v.unwrap_or_default())?;
        self.texts("error", &mut rows, |r, v| r.error = v)?;
        self.scalars::<DoubleType>("score", &mut rows, |r, v| r.score = v)?;
        self.scalars::<DoubleType>("kl", &mut rows, |r, v| r.kl = v)?;
        self.spans(["row_start", "row_end"], &mut rows, |r, v| r.spans = v)?;
        self.each::<BoolType>("row_user", &mut rows, |r, v| r.row_user = v)?;
        self.each::<BoolType>("row_instruction", &mut rows, |r, v| r.row_instruction = v)?;
        self.each::<DoubleType>("density", &mut rows, |r, v| r.density = v)?;
        self.each::<Int32Type>("response_tokens", &mut rows, |r, v| r.response_tokens = ids(v))?;
        Ok(rows)
    }

    /// Every row with its response besides.
    pub fn responses(&self) -> Result<Vec<Row>, ParquetError> {
        let mut rows = self.outlines()?;
        self.texts("tokenizer", &mut rows, |r, v| r.tokenizer = v.unwrap_or_default())?;
        self.texts("response", &mut rows, |r, v| r.response = v)?;
        Ok(rows)
    }

    /// The rows of `units`, with what a picture is made from.
    pub fn of_units(&self, units: &HashSet<String>) -> Result<Vec<Row>, ParquetError> {
        let mut rows = vec![Row::default(); self.rows];
        self.texts("unit", &mut rows, |r, v| r.unit = v.unwrap_or_default())?;
        if !rows.iter().any(|row| units.contains(&row.unit)) {
            return Ok(Vec::new());
        }
        self.texts("error", &mut rows, |r, v| r.error = v)?;
        self.texts("tokenizer", &mut rows, |r, v| r.tokenizer = v.unwrap_or_default())?;
        self.scalars::<DoubleType>("score", &mut rows, |r, v| r.score = v)?;
        self.scalars::<DoubleType>("seconds", &mut rows, |r, v| r.seconds = v)?;
        self.texts("backend", &mut rows, |r, v| r.backend = v)?;
        self.each::<Int32Type>("prompt_tokens", &mut rows, |r, v| r.prompt_tokens = ids(v))?;
        self.each::<ByteArrayType>("prompt_texts", &mut rows, |r, v| r.prompt_texts = v.iter().map(string).collect())?;
        self.spans(["prompt_start", "prompt_end"], &mut rows, |r, v| r.prompt_spans = v)?;
        self.each::<Int32Type>("response_tokens", &mut rows, |r, v| r.response_tokens = ids(v))?;
        self.each::<ByteArrayType>("response_texts", &mut rows, |r, v| {
            r.response_texts = v.iter().map(string).collect();
        })?;
        self.each::<FloatType>("probability", &mut rows, |r, v| r.probability = v)?;
        self.each::<FloatType>("importance", &mut rows, |r, v| r.importance = v)?;
        rows.retain(|row| units.contains(&row.unit));
        Ok(rows)
    }

    /// Ranges of bytes, from the columns where they start and where they end.
    fn spans(
        &self,
        [start, end]: [&str; 2],
        rows: &mut [Row],
        set: impl Fn(&mut Row, Vec<Range<usize>>),
    ) -> Result<(), ParquetError> {
        let (starts, ends) = (self.lists::<Int32Type>(start)?, self.lists::<Int32Type>(end)?);
        for ((row, starts), ends) in rows.iter_mut().zip(starts).zip(ends) {
            set(row, starts.into_iter().zip(ends).map(|(s, e)| s.max(0) as usize..e.max(0) as usize).collect());
        }
        Ok(())
    }

    /// The reader of a column.
    fn typed<T: DataType>(&self, name: &str) -> Result<ColumnReaderImpl<T>, ParquetError> {
        let columns = self.reader.metadata().columns();
        let at = columns.iter().position(|c| c.column_path().parts().first().is_some_and(|p| p == name));
        let at = at.ok_or_else(|| ParquetError::General(format!("no column {name}")))?;
        Ok(get_typed_column_reader::<T>(self.reader.get_column_reader(at)?))
    }

    fn texts(&self, name: &str, rows: &mut [Row], set: impl Fn(&mut Row, Option<String>)) -> Result<(), ParquetError> {
        self.scalars::<ByteArrayType>(name, rows, |row, v| set(row, v.map(|t| string(&t))))
    }

    fn scalars<T: DataType>(
        &self,
        name: &str,
        rows: &mut [Row],
        set: impl Fn(&mut Row, Option<T::T>),
    ) -> Result<(), ParquetError> {
        let mut reader = self.typed::<T>(name)?;
        let (mut values, mut definition) = (Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.rows {
            let (records, _, _) = reader.read_records(self.rows - read, Some(&mut definition), None, &mut values)?;
            read += self.some(name, records)?;
        }
        let mut values = values.into_iter();
        // a required column has no levels
        let there = |at: usize| definition.get(at).is_none_or(|d| *d == 1);
        for (at, row) in rows.iter_mut().enumerate() {
            set(row, if there(at) { values.next() } else { None });
        }
        Ok(())
    }

    fn each<T: DataType>(
        &self,
        name: &str,
        rows: &mut [Row],
        set: impl Fn(&mut Row, Vec<T::T>),
    ) -> Result<(), ParquetError> {
        rows.iter_mut().zip(self.lists::<T>(name)?).for_each(|(row, list)| set(row, list));
        Ok(())
    }

    fn lists<T: DataType>(&self, name: &str) -> Result<Vec<Vec<T::T>>, ParquetError> {
        let mut reader = self.typed::<T>(name)?;
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.rows {
            let (def, rep) = (Some(&mut definition), Some(&mut repetition));
            let (records, _, _) = reader.read_records(self.rows - read, def, rep, &mut values)?;
            read += self.some(name, records)?;
        }
        let mut lists: Vec<Vec<T::T>> = Vec::with_capacity(self.rows);
        let mut values = values.into_iter();
        for (d, r) in definition.iter().zip(&repetition) {
            if *r == 0 {
                lists.push(Vec::new());
            }
            if let (1, Some(list)) = (*d, lists.last_mut()) {
                list.extend(values.next());
            }
        }
        Ok(lists)
    }

    /// Refuses a column that ends before its rows do.
    fn some(&self, name: &str, records: usize) -> Result<usize, ParquetError> {
        match records {
            0 => Err(ParquetError::General(format!("the column {name} ends before its {} rows", self.rows))),
            n => Ok(n),
        }
    }
}

fn ids(found: Vec<i32>) -> Vec<u32> {
    found.into_iter().map(|v| v as u32).collect()
}

fn string(bytes: &ByteArray) -> String {
    String::from_utf8_lossy(bytes.data()).into_owned()
}
