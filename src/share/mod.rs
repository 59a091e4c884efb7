//! What leaves the page: the JSON export.

mod export;

pub use export::{Export, Models, VERSION};
