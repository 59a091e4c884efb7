//! One model's matrix, as a picture and as a table.

pub const POINT_OR_WALK: &str = "Point at a cell, or walk with the arrow keys, to read its value.";
pub const AS_A_TABLE: &str = "The matrix as a table";
pub const LEVELS: &str = "levels";
pub const SIGNED_VALUES: &str = "signed values";

pub fn picture_of(side: &str) -> String {
    format!("Matrix of the {side} model: prompt rows, response columns. Arrow keys move, Enter chooses.")
}

pub fn table_of(side: &str) -> String {
    format!("Matrix of the {side} model as a table")
}

/// The table's caption; `values` is [`LEVELS`] or [`SIGNED_VALUES`].
pub fn caption(side: &str, values: &str) -> String {
    format!("{side} model, {values}: influence of each prompt word (rows) on each response word (columns)")
}

/// A cell's level and value.
pub fn level_and_value(level: u8, value: &str) -> String {
    format!("level {level}, {value}")
}
