//! Small pictures of heads, base beside tuned, on one canvas.

use std::sync::Arc;

use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::app::canvas::{Colours, sized};
use crate::explain::glance::LayerGlance;
use crate::wording::overview as wording;

/// One head in both models, as far as they are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pub layer: usize,
    pub head: usize,
    /// How far the two models' patterns are apart.
    pub apart: Option<f32>,
    /// Its layer, base and tuned.
    pub glances: [Option<Arc<LayerGlance>>; 2],
}

impl Tile {
    /// What goes to the first token, base and tuned.
    pub fn sinks(&self) -> [Option<f32>; 2] {
        self.glances.each_ref().map(|glance| Some(glance.as_ref()?.heads.get(self.head)?.sink))
    }
}

/// The side of a picture, what is between two of a pair, and between pairs; the height of the words beneath: CSS pixels.
const PICTURE: f64 = 30.0;
const BETWEEN: f64 = 2.0;
const GAP: f64 = 12.0;
const WORDS: f64 = 24.0;
const WIDTH: f64 = 2.0 * PICTURE + BETWEEN + GAP;
const HEIGHT: f64 = PICTURE + WORDS + 4.0;

/// Where the pairs stand on a canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// Pairs in a row.
    pub columns: usize,
}

impl Tiles {
    /// On a canvas that is so wide, CSS pixels.
    pub fn of(width: f64) -> Self {
        Self { columns: ((width / WIDTH) as usize).max(1) }
    }

    /// The pair at a point.
    pub fn at(self, x: f64, y: f64) -> Option<usize> {
        let (column, row) = ((x / WIDTH) as usize, (y / HEIGHT) as usize);
        (x >= 0.0 && y >= 0.0 && column < self.columns).then_some(row * self.columns + column)
    }

    /// Where a frame around a pair lies, as the canvas's own frame takes it.
    pub fn frame(self, number: usize) -> String {
        let (x, y) = self.place(number);
        format!(
            "left:{}px;top:{}px;width:{}px;height:{}px",
            x - 3.0,
            y - 2.0,
            2.0 * PICTURE + BETWEEN + 6.0,
            HEIGHT - 1.0
        )
    }

    fn place(self, number: usize) -> (f64, f64) {
        ((number % self.columns) as f64 * WIDTH + GAP / 2.0, (number / self.columns) as f64 * HEIGHT + 2.0)
    }
}

/// Draws `tiles`.
pub fn draw(canvas: &HtmlCanvasElement, layout: Tiles, tiles: &[Tile]) -> Option<()> {
    let colours = Colours::read()?;
    let rows = tiles.len().div_ceil(layout.columns);
    let context = sized(canvas, layout.columns as f64 * WIDTH, (rows as f64 * HEIGHT).max(1.0), &colours)?;
    let both = || tiles.iter().enumerate().flat_map(|(n, tile)| (0..2).map(move |side| (n, side, tile)));
    context.set_fill_style_str(&colours.sunken);
    for (number, side, _) in both() {
        let (x, y) = layout.place(number);
        context.fill_rect(x + side as f64 * (PICTURE + BETWEEN), y, PICTURE, PICTURE);
    }
    // a level after the other: setting a colour costs more than filling with it
    for (level, colour) in colours.levels.iter().enumerate() {
        context.set_fill_style_str(colour);
        for (number, side, tile) in both() {
            let (x, y) = layout.place(number);
            let from = (x + side as f64 * (PICTURE + BETWEEN), y);
            fill(&context, tile, side, level as u8 + 1, from);
        }
    }
    words(&context, &colours, layout, tiles)
}

/// Fills the cells of one level.
fn fill(context: &CanvasRenderingContext2d, tile: &Tile, side: usize, level: u8, (x, y): (f64, f64)) -> Option<()> {
    let glance = tile.glances[side].as_ref()?;
    let cell = PICTURE / glance.side.max(1) as f64;
    for [row, column, count] in glance.heads.get(tile.head)?.cells_of(level, glance.side) {
        context.fill_rect(x + column as f64 * cell, y + row as f64 * cell, count as f64 * cell, cell);
    }
    Some(())
}

/// Layer and head, and what goes to the first token.
fn words(context: &CanvasRenderingContext2d, colours: &Colours, layout: Tiles, tiles: &[Tile]) -> Option<()> {
    context.set_text_baseline("top");
    context.set_text_align("left");
    for (number, tile) in tiles.iter().enumerate() {
        let (x, y) = layout.place(number);
        context.set_font(&format!("600 10px {}", colours.font));
        context.set_fill_style_str(&colours.ink);
        context.fill_text(&wording::place(tile.layer, tile.head), x, y + PICTURE + 2.0).ok()?;
        context.set_font(&format!("10px {}", colours.font));
        context.set_fill_style_str(&colours.soft);
        context.fill_text(&wording::shares(tile.sinks()), x, y + PICTURE + 13.0).ok()?;
    }
    Some(())
}
