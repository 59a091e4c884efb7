//! What leaves the page or comes with it: the JSON export, and the prompts whose finished results ship.

mod export;
pub mod presets;

pub use export::{Export, Models, VERSION};
