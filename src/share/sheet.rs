//! Any matrix with words at its sides as SVG: text stays text, the legend is in words, the caption beneath.

use std::fmt::Write;

use crate::explain::Role;
use crate::explain::view::Label;

/// The page's own colours, light (`public/style.css`), as print asks for them.
pub(super) const LEVELS: [&str; 10] =
    ["#eef1fb", "#dfe5f8", "#cdd7f4", "#b8c6ef", "#a0b3e8", "#859ddf", "#6a86d3", "#506ec3", "#3856ae", "#243f92"];
const RAISED: [f32; 3] = [196.0, 96.0, 26.0];
const LOWERED: [f32; 3] = [33.0, 102.0, 172.0];
pub(super) const INK: &str = "#1b1d21";
pub(super) const FAINT: &str = "#565b64";
const LINE: &str = "#e0dfda";

const CELL: (f32, f32) = (26.0, 18.0);
const LEFT: f32 = 120.0;
const TOP: f32 = 96.0;
pub(super) const FONT: &str = "font-family=\"Inter,Helvetica,Arial,sans-serif\"";

/// What the colours mean: words for their ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Legend<'a> {
    /// From least to most.
    Levels(&'a str, &'a str),
    /// From the most negative to the most positive.
    Signed(&'a str, &'a str),
}

/// A matrix to draw.
pub struct Sheet<'a> {
    /// Its heading.
    pub title: String,
    /// Words on the left.
    pub rows: &'a [Label],
    /// Words above.
    pub columns: &'a [Label],
    /// A cell's colour, if it has one.
    pub fill: &'a dyn Fn(usize, usize) -> Option<String>,
    /// What a cell says when pointed at, after its words.
    pub tip: &'a dyn Fn(usize, usize) -> String,
    /// What the colours mean.
    pub legend: Legend<'a>,
    /// What it is, in sentences.
    pub caption: String,
}

/// The colour of a share from 0 to 1, none for nothing.
pub fn level_colour(share: f32) -> Option<String> {
    let step = (share * 10.0 - 1e-4).ceil(); // a tenth is a tenth, however it was rounded
    (step >= 1.0).then(|| LEVELS[step.min(10.0) as usize - 1].to_owned())
}

/// The colour of a signed share, -1 to 1, none for next to nothing.
pub fn signed_colour(share: f32) -> Option<String> {
    let strength = share.abs().min(1.0).sqrt() * 0.85;
    let hue = if share > 0.0 { RAISED } else { LOWERED };
    let mixed = hue.map(|c| (255.0 + (c - 255.0) * strength).round());
    (strength > 0.02).then(|| format!("rgb({},{},{})", mixed[0], mixed[1], mixed[2]))
}

/// Text within markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('⏎'),
            // what XML does not know
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn shorter(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// `text` in lines of at most so many characters, broken between words.
pub fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > most {
            lines.push(word.to_owned());
        } else {
            let gap = if lines[last].is_empty() { "" } else { " " };
            let _ = write!(lines[last], "{gap}{word}");
        }
    }
    lines
}

/// A caption's lines as SVG, from `y` down, in a picture `width` wide; and how high it is.
pub fn caption(text: &str, width: f32, y: f32) -> (String, f32) {
    let mut out = String::new();
    let lines = lines(text, (width / 6.0) as usize);
    for (i, line) in lines.iter().enumerate() {
        let _ = write!(
            out,
            "<text x=\"16\" y=\"{}\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
            y + 16.0 * i as f32,
            escaped(line)
        );
    }
    (out, 16.0 * lines.len() as f32)
}

impl Sheet<'_> {
    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        let width = (LEFT + self.columns.len() as f32 * CELL.0 + 40.0).max(640.0);
        (width, TOP + self.rows.len() as f32 * CELL.1 + 56.0 + caption(&self.caption, width, 0.0).1)
    }

    /// The SVG.
    pub fn svg(&self) -> String {
        let (width, height) = self.size();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" {FONT} font-size=\"12\">\
             <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
            escaped(&self.caption)
        );
        let _ = write!(
            out,
            "<text x=\"16\" y=\"22\" font-size=\"14\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            escaped(&self.title)
        );
        for (m, label) in self.columns.iter().enumerate() {
            let (x, y) = (LEFT + (m as f32 + 0.5) * CELL.0, TOP - 6.0);
            let _ = write!(
                out,
                "<text transform=\"translate({x},{y}) rotate(-50)\" fill=\"{INK}\">{}</text>",
                escaped(&shorter(&label.text, 12))
            );
        }
        (0..self.rows.len()).for_each(|n| self.row(&mut out, n));
        let below = TOP + self.rows.len() as f32 * CELL.1 + 14.0;
        self.legend.draw(&mut out, (200.0, below));
        out + &caption(&self.caption, width, below + 40.0).0 + "</svg>"
    }

    fn row(&self, out: &mut String, n: usize) {
        let (label, y) = (&self.rows[n], TOP + n as f32 * CELL.1);
        let weight = if label.instruction { " text-decoration=\"underline\"" } else { "" };
        let ink = if label.role == Role::User { INK } else { FAINT };
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{ink}\"{weight}>{}</text>",
            LEFT - 8.0,
            y + 13.0,
            escaped(&shorter(&label.text, 16))
        );
        for (m, column) in self.columns.iter().enumerate() {
            let fill = (self.fill)(n, m).unwrap_or_else(|| "#fff".into());
            let _ = write!(
                out,
                "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"{fill}\" stroke=\"{LINE}\" stroke-width=\".6\"><title>{} → {}: {}</title></rect>",
                LEFT + m as f32 * CELL.0,
                CELL.0,
                CELL.1,
                escaped(label.text.trim()),
                escaped(column.text.trim()),
                escaped(&(self.tip)(n, m))
            );
        }
    }
}

impl Legend<'_> {
    /// The colours in a row at (x, y), with their words at its ends.
    pub(super) fn draw(&self, out: &mut String, (start, y): (f32, f32)) {
        let (left, right, colours): (_, _, Vec<String>) = match self {
            Self::Levels(left, right) => (left, right, LEVELS.iter().map(|c| (*c).to_owned()).collect()),
            Self::Signed(left, right) => {
                let colour = |i: i32| signed_colour(i as f32 / 5.0).unwrap_or_else(|| "#fff".into());
                (left, right, (-5..=5).map(colour).collect())
            }
        };
        let text = |x: f32, anchor: &str, words: &str| {
            format!(
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
                y + 10.0,
                escaped(words)
            )
        };
        *out += &text(start - 8.0, "end", left);
        for (i, colour) in colours.iter().enumerate() {
            let _ = write!(
                out,
                "<rect x=\"{}\" y=\"{y}\" width=\"14\" height=\"12\" fill=\"{colour}\"/>",
                start + 14.0 * i as f32
            );
        }
        *out += &text(start + 14.0 * colours.len() as f32 + 8.0, "start", right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_pages_colours() {
        assert_eq!(level_colour(0.0), None);
        assert_eq!(level_colour(0.8).as_deref(), Some(LEVELS[7]));
        assert_eq!(level_colour(1.0).as_deref(), Some(LEVELS[9]));
        assert_eq!(signed_colour(0.0), None);
        assert_eq!(signed_colour(2.0), signed_colour(1.0));
        assert_ne!(signed_colour(1.0), signed_colour(-1.0));
    }

    #[test]
    fn captions_break_between_words() {
        assert_eq!(lines("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(lines("incomprehensibilities", 5), ["incomprehensibilities"]);
    }
}
