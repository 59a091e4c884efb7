//! What leaves the page or comes with it: links, the JSON export, reports of studies, and the prompts whose finished results ship.

mod collection;
mod compare;
mod csv;
mod export;
pub mod figure;
pub mod graph;
pub mod heads;
pub mod link;
mod one_page;
pub mod presets;
pub mod screen;
pub mod sheet;
mod spec;
pub mod study;
pub mod table;
pub mod thumbnail;
pub mod window;

pub use self::csv::csv;
pub use collection::Collection;
pub use compare::{Match, compare};
pub use export::{Export, FileError, Models, VERSION};
pub use one_page::one_page;
pub use spec::RunSpec;
pub use study::Study;
