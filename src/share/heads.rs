//! Heads on one text as a picture of its own: of each its attention in both models, side by side, and words beneath.

use std::fmt::Write;

use super::sheet::{FAINT, FONT, INK, LEVELS, Legend, caption, escaped};
use crate::explain::glance::{HeadGlance, LayerGlance};

/// Heads in a row.
const COLUMNS: usize = 12;
/// The side of a head's picture, what is between two of a pair and between pairs, and what the words beneath take.
const PICTURE: f32 = 48.0;
const BETWEEN: f32 = 3.0;
const GAP: f32 = 18.0;
const WORDS: f32 = 34.0;
const MARGIN: f32 = 16.0;
const TOP: f32 = 40.0;
/// The ground of a picture, on which nothing is drawn where there is no weight.
const GROUND: &str = "#f3f2ee";

/// One head.
pub struct Head<'a> {
    /// Its number in its layer.
    pub head: usize,
    /// Its layer in the base and in the tuned model, as far as it was read.
    pub glances: [Option<&'a LayerGlance>; 2],
    /// The two lines beneath it.
    pub words: [String; 2],
}

/// What is drawn.
pub struct Heads<'a> {
    /// Its heading.
    pub title: String,
    /// In their order.
    pub heads: Vec<Head<'a>>,
    /// What the colours mean.
    pub legend: Legend<'a>,
    /// What it is, in sentences.
    pub caption: String,
}

impl Heads<'_> {
    fn below(&self) -> f32 {
        TOP + self.heads.len().div_ceil(COLUMNS) as f32 * (PICTURE + WORDS)
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        let width = COLUMNS as f32 * (2.0 * PICTURE + BETWEEN + GAP) - GAP + 2.0 * MARGIN;
        (width, self.below() + 40.0 + caption(&self.caption, width, 0.0).1)
    }

    /// The SVG, on white.
    pub fn svg(&self) -> String {
        let ((width, height), below) = (self.size(), self.below());
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" {FONT}>\
             <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
             <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            escaped(&self.caption),
            escaped(&self.title)
        );
        self.heads.iter().enumerate().for_each(|(number, head)| draw(&mut out, head, place(number)));
        self.legend.draw(&mut out, (160.0, below));
        out + &caption(&self.caption, width, below + 34.0).0 + "</svg>"
    }
}

/// Where a head stands.
fn place(number: usize) -> (f32, f32) {
    let (column, row) = ((number % COLUMNS) as f32, (number / COLUMNS) as f32);
    (MARGIN + column * (2.0 * PICTURE + BETWEEN + GAP), TOP + row * (PICTURE + WORDS))
}

fn draw(out: &mut String, head: &Head, (x, y): (f32, f32)) {
    for (side, glance) in head.glances.iter().enumerate() {
        let x = x + side as f32 * (PICTURE + BETWEEN);
        let _ = write!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{PICTURE}\" height=\"{PICTURE}\" fill=\"{GROUND}\"/>");
        let Some(glance) = glance else { continue };
        let Some(picture) = glance.heads.get(head.head) else { continue };
        for (level, colour) in (1..).zip(LEVELS) {
            let path = path(picture, glance.side, level, (x, y));
            if !path.is_empty() {
                let _ = write!(out, "<path fill=\"{colour}\" d=\"{path}\"/>");
            }
        }
    }
    for (line, (words, colour)) in head.words.iter().zip([INK, FAINT]).enumerate() {
        let y = y + PICTURE + 12.0 + 12.0 * line as f32;
        let _ = write!(out, "<text x=\"{x}\" y=\"{y}\" font-size=\"10.5\" fill=\"{colour}\">{}</text>", escaped(words));
    }
}

/// The cells of one level.
fn path(picture: &HeadGlance, side: usize, level: u8, (x, y): (f32, f32)) -> String {
    let cell = PICTURE / side.max(1) as f32;
    let part = |[row, column, count]: [usize; 3]| {
        let (left, top, wide) = (x + column as f32 * cell, y + row as f32 * cell, count as f32 * cell);
        format!("M{left:.2} {top:.2}h{wide:.2}v{cell:.2}h-{wide:.2}z")
    };
    picture.cells_of(level, side).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance(levels: Vec<u8>) -> LayerGlance {
        LayerGlance { side: 2, heads: vec![HeadGlance { levels, sink: 0.5 }] }
    }

    fn heads<'a>(glances: [Option<&'a LayerGlance>; 2], count: usize) -> Heads<'a> {
        let head = |n: usize| Head { head: 0, glances, words: [format!("0.{n}"), "<1→2>".into()] };
        Heads {
            title: "All heads".into(),
            heads: (0..count).map(head).collect(),
            legend: Legend::Levels("least", "most"),
            caption: "A text.".into(),
        }
    }

    #[test]
    fn cells_of_one_level_are_one_path() {
        let of = |level: u8| path(&glance(vec![10, 3, 3]).heads[0], 2, level, (1.0, 0.0));
        assert_eq!(of(3), "M1.00 24.00h48.00v24.00h-48.00z");
        assert_eq!(of(10), "M1.00 0.00h24.00v24.00h-24.00z");
        assert_eq!(of(1), "");
    }

    #[test]
    fn a_head_is_drawn_for_each_model_that_has_read_it() {
        let (base, tuned) = (glance(vec![10, 5, 5]), glance(vec![10, 0, 10]));
        let both = heads([Some(&base), Some(&tuned)], 1).svg();
        assert_eq!(both.matches("<path").count(), 3);
        assert!(both.contains("&lt;1→2&gt;") && both.contains("A text.") && both.ends_with("</svg>"));
        assert_eq!(heads([Some(&base), None], 1).svg().matches("<path").count(), 2);
        let missing = LayerGlance { side: 2, heads: Vec::new() };
        assert!(!heads([Some(&missing), None], 1).svg().contains("<path"));
    }

    #[test]
    fn rows_are_filled_and_the_picture_holds_them_all() {
        let all = heads([None, None], COLUMNS + 1);
        assert_eq!(place(COLUMNS).0, place(0).0);
        let ((_, height), (_, last)) = (all.size(), place(COLUMNS));
        assert!(last + PICTURE + WORDS < height);
    }
}
