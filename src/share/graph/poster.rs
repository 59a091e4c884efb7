//! A graph, or several side by side, as a picture of its own: heading, graphs, legend, caption.

use std::fmt::Write;

use super::drawing::{Colours, drawing, swatch};
use super::layout::Layout;
use crate::explain::weights::graph::Origin;
use crate::share::sheet::{FONT, INK, caption, escaped};

/// Around everything, and between two graphs.
const MARGIN: f32 = 16.0;
const BETWEEN: f32 = 44.0;
/// What a heading takes, and a line of the legend.
const HEADING: f32 = 26.0;
const LEGEND: f32 = 20.0;

/// One graph of a poster.
pub struct Panel<'a> {
    /// What stands over it; nothing if it is empty.
    pub heading: String,
    /// Its words and ribbons.
    pub layout: &'a Layout,
}

/// A kind of ribbon in the legend: whose, whether it lowers, whether it is one of a difference; and what it means.
pub type Key<'a> = ((Origin, bool, bool), &'a str);

/// What is drawn.
pub struct Poster<'a> {
    /// Its heading; nothing if it is empty.
    pub title: String,
    /// The graphs, from left to right.
    pub panels: Vec<Panel<'a>>,
    /// What the ribbons mean.
    pub legend: Vec<Key<'a>>,
    /// Whether they are of a difference.
    pub differs: bool,
    /// What it is, in sentences; nothing if it is empty.
    pub caption: String,
}

impl Poster<'_> {
    fn width(&self) -> f32 {
        let graphs: f32 = self.panels.iter().map(|p| p.layout.size.0).sum();
        graphs + BETWEEN * self.panels.len().saturating_sub(1) as f32 + 2.0 * MARGIN
    }

    /// Where the graphs begin, the legend and the caption, from above.
    fn rows(&self) -> [f32; 3] {
        let title = if self.title.is_empty() { 0.0 } else { HEADING };
        let headings = if self.panels.iter().all(|p| p.heading.is_empty()) { 0.0 } else { HEADING };
        let graphs = MARGIN + title + headings;
        let legend = graphs + self.panels.iter().map(|p| p.layout.size.1).fold(0.0, f32::max) + 10.0;
        [graphs, legend, legend + LEGEND * self.legend.len() as f32 + 14.0]
    }

    fn caption(&self, y: f32) -> (String, f32) {
        if self.caption.is_empty() { (String::new(), 0.0) } else { caption(&self.caption, self.width(), y) }
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        let [_, _, below] = self.rows();
        (self.width(), below + self.caption(0.0).1 + 4.0)
    }

    /// The SVG, on white.
    pub fn svg(&self) -> String {
        let ((width, height), [top, legend, below]) = (self.size(), self.rows());
        let name = [&self.title, &self.caption].into_iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" {FONT}>\
             <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
            escaped(&name.join(". "))
        );
        let heading = |out: &mut String, (x, y): (f32, f32), size: u32, text: &str| {
            let _ = write!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
                escaped(text)
            );
        };
        if !self.title.is_empty() {
            heading(&mut out, (MARGIN, MARGIN + 12.0), 15, &self.title);
        }
        let mut x = MARGIN;
        for panel in &self.panels {
            if !panel.heading.is_empty() {
                heading(&mut out, (x, top - 10.0), 13, &panel.heading);
            }
            let _ = write!(out, "<g transform=\"translate({x} {top})\">");
            out += &drawing(panel.layout, &Colours::PRINT, self.differs);
            out += "</g>";
            x += panel.layout.size.0 + BETWEEN;
        }
        for (at, (kind, words)) in self.legend.iter().enumerate() {
            let y = legend + LEGEND * at as f32;
            out += &swatch((MARGIN, y), *kind, &Colours::PRINT);
            let _ = write!(
                out,
                "<text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"{INK}\">{}</text>",
                MARGIN + 38.0,
                y + 10.0,
                escaped(words)
            );
        }
        out + &self.caption(below + 10.0).0 + "</svg>"
    }
}
