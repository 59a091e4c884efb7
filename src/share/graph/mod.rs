//! Attribution as a graph: prompt words on the left, response words on the right, a ribbon wherever one influenced the
//! other. `ribbons.rs` says which ribbons there are, `layout.rs` where everything lies, `measure.rs` how
//! wide words are; `drawing.rs` makes SVG of it for the page and for files, `poster.rs` a file with heading and caption.

mod drawing;
mod layout;
mod measure;
mod poster;
mod ribbons;

pub use drawing::{Colours, Pointed, drawing, emphasis, swatch};
pub use layout::{Layout, Place, Step, Strip, Word};
pub use poster::{Key, Panel, Poster};
pub use ribbons::{Graph, MOST, Ribbon, unit};

#[cfg(test)]
mod tests;
