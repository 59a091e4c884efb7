//! Drawing a matrix on a canvas, in the page's own colours.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::{document, format, window};
use crate::explain::view::Label;

thread_local! {
    /// Owned by no component: it lives as long as the page.
    static THEME: ArcRwSignal<u32> = ArcRwSignal::new(0);
}

/// Tells every canvas that the colours have changed.
pub fn theme_changed() {
    THEME.with(|t| t.update(|n| *n += 1));
}

/// Read inside an effect: runs it again when the theme changes.
pub fn follow_theme() {
    THEME.with(|t| t.track());
}

/// What a cell shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    Empty,
    /// A level as a share of the highest, 0..1.
    Level(f32),
    /// A signed share of the largest magnitude, -1..1.
    Signed(f32),
}

impl Cell {
    /// 0 to 1.
    fn strength(self) -> f32 {
        match self {
            Self::Empty => 0.0,
            Self::Level(share) | Self::Signed(share) => share.abs(),
        }
    }
}

/// A matrix to draw.
pub struct Picture<'a> {
    pub rows: &'a [Label],
    pub columns: &'a [Label],
    pub cell: &'a dyn Fn(usize, usize) -> Cell,
    pub row: Option<usize>,
    pub column: Option<usize>,
}

/// CSS pixels that a letter of a row's label takes, about.
const LETTER: f64 = 6.5;
/// How far apart the labels of rows must stand, CSS pixels.
const ROW_LABEL: f64 = 11.0;
/// How far apart slanted labels must stand so as not to overlap, CSS pixels.
const LABEL: f64 = 15.0;
/// Up to so many columns have room for all their labels, and scroll where the frame is too narrow. More are drawn narrower,
/// with fewer labels.
const ALL_LABELLED: usize = 64;

/// Rows of which there are too many are drawn lower, so that they take so many CSS pixels together.
const HIGHEST: f64 = 900.0;
/// Cells narrower than this share a place, in which the strongest of them is drawn, CSS pixels.
const SEEN: f64 = 1.5;

/// Where the cells lie, CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Layout {
    pub left: f64,
    pub top: f64,
    pub cell_width: f64,
    pub cell_height: f64,
    pub rows: usize,
    pub columns: usize,
}

impl Layout {
    /// Sizes for a matrix on a canvas `width` wide whose longest row label has so many characters; the height follows.
    pub fn new(width: f64, longest: usize, rows: usize, columns: usize) -> Self {
        let least = if width < 420.0 { 64.0 } else { 84.0 };
        // a row of several words gets more room, but most of the canvas is the cells'
        let left = (longest as f64 * LETTER + 16.0).min(width * 0.3).max(least);
        let top = 62.0;
        let least = if columns <= ALL_LABELLED { LABEL } else { 0.0 };
        let cell_width = ((width - left - 26.0) / columns.max(1) as f64).clamp(least, 44.0);
        let cell_height = match rows {
            0..=30 => 18.0,
            31..=80 => 12.0,
            _ => (HIGHEST / rows as f64).min(5.0),
        };
        Self { left, top, cell_width, cell_height, rows, columns }
    }

    pub fn height(&self) -> f64 {
        self.top + self.rows as f64 * self.cell_height + 6.0
    }

    /// The cell at a point, clamped to the labels beside it.
    pub fn at(&self, x: f64, y: f64) -> (Option<usize>, Option<usize>) {
        let index = |v: f64, count: usize| (v >= 0.0 && (v as usize) < count).then_some(v as usize);
        (index((y - self.top) / self.cell_height, self.rows), index((x - self.left) / self.cell_width, self.columns))
    }
}

pub struct Colours {
    panel: String,
    line: String,
    pub sunken: String,
    pub ink: String,
    pub soft: String,
    pub accent: String,
    pub font: String,
    pub levels: Vec<String>,
    positive: (f64, f64, f64),
    negative: (f64, f64, f64),
    ground: (f64, f64, f64),
}

impl Colours {
    pub fn read() -> Option<Self> {
        let style = window().get_computed_style(&document().document_element()?).ok()??;
        let get = |name: &str| style.get_property_value(name).unwrap_or_default().trim().to_owned();
        Some(Self {
            panel: get("--panel"),
            line: get("--line"),
            sunken: get("--sunken"),
            ink: get("--ink"),
            soft: get("--ink-2"),
            accent: get("--accent"),
            font: get("--font"),
            levels: (1..=10).map(|i| get(&format!("--l{i}"))).collect(),
            positive: rgb(&get("--pos")),
            negative: rgb(&get("--neg")),
            ground: rgb(&get("--panel")),
        })
    }

    fn fill(&self, cell: Cell) -> Option<String> {
        match cell {
            Cell::Empty => None,
            Cell::Level(share) => self.levels.get(((share * 10.0).ceil() as usize).clamp(1, 10) - 1).cloned(),
            Cell::Signed(share) => {
                // the square root keeps small values visible; the reading view mixes alike
                let t = f64::from(share.abs().min(1.0)).sqrt();
                let end = if share > 0.0 { self.positive } else { self.negative };
                let mix = |a: f64, b: f64| (a + (b - a) * t).round();
                let g = self.ground;
                (t > 0.02).then(|| format!("rgb({},{},{})", mix(g.0, end.0), mix(g.1, end.1), mix(g.2, end.2)))
            }
        }
    }
}

/// "#rrggbb" or "#rgb".
fn rgb(hex: &str) -> (f64, f64, f64) {
    let digits: Vec<f64> = hex.trim_start_matches('#').chars().filter_map(|c| c.to_digit(16)).map(f64::from).collect();
    match digits[..] {
        [a, b, c] => (a * 17.0, b * 17.0, c * 17.0),
        [a, b, c, d, e, f] => (a * 16.0 + b, c * 16.0 + d, e * 16.0 + f),
        _ => (128.0, 128.0, 128.0),
    }
}

/// Sets a canvas to a size in CSS pixels, sharp on any screen, and clears it.
pub fn sized(
    canvas: &HtmlCanvasElement,
    width: f64,
    height: f64,
    colours: &Colours,
) -> Option<CanvasRenderingContext2d> {
    let ratio = window().device_pixel_ratio().clamp(1.0, 3.0);
    canvas.set_width((width * ratio) as u32);
    canvas.set_height((height * ratio) as u32);
    let style = web_sys::HtmlElement::style(canvas);
    style.set_property("width", &format!("{width}px")).ok()?;
    style.set_property("height", &format!("{height}px")).ok()?;
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.scale(ratio, ratio).ok()?;
    context.set_fill_style_str(&colours.panel);
    context.fill_rect(0.0, 0.0, width, height);
    Some(context)
}

/// Draws a square matrix of `count` rows as a thumbnail of `size` CSS pixels, without labels.
pub fn thumbnail(
    canvas: &HtmlCanvasElement,
    size: f64,
    count: usize,
    cell: &dyn Fn(usize, usize) -> Cell,
) -> Option<()> {
    let colours = Colours::read()?;
    let context = sized(canvas, size, size, &colours)?;
    let side = size / count.max(1) as f64;
    for (n, m) in (0..count).flat_map(|n| (0..count).map(move |m| (n, m))) {
        if let Some(fill) = colours.fill(cell(n, m)) {
            context.set_fill_style_str(&fill);
            context.fill_rect(m as f64 * side, n as f64 * side, side.max(1.0), side.max(1.0));
        }
    }
    Some(())
}

/// Draws `picture` at the canvas's present width, and says where the cells lie.
pub fn draw(canvas: &HtmlCanvasElement, picture: &Picture) -> Option<Layout> {
    let width = f64::from(canvas.parent_element()?.client_width()).max(120.0);
    let longest = picture.rows.iter().map(|row| row.text.chars().count()).max().unwrap_or_default();
    let layout = Layout::new(width, longest, picture.rows.len(), picture.columns.len());
    // More columns than fit scroll inside their frame.
    let width = width.max(layout.left + layout.columns as f64 * layout.cell_width + 26.0);
    let colours = Colours::read()?;
    let context = sized(canvas, width, layout.height(), &colours)?;
    cells(&context, &colours, picture, &layout);
    labels(&context, &colours, picture, &layout)?;
    Some(layout)
}

/// How many cells in a row share a place if each takes so many pixels.
fn shared(size: f64) -> usize {
    if size >= SEEN || size <= 0.0 { 1 } else { (SEEN / size).ceil() as usize }
}

fn cells(context: &CanvasRenderingContext2d, colours: &Colours, picture: &Picture, l: &Layout) {
    let gap = if l.cell_width > 6.0 && l.cell_height > 6.0 { 1.0 } else { 0.0 };
    context.set_stroke_style_str(&colours.line);
    context.set_line_width(1.0);
    if gap > 0.0 {
        context.begin_path();
        for n in 0..=l.rows {
            let y = l.top + n as f64 * l.cell_height;
            context.move_to(l.left, y);
            context.line_to(l.left + l.columns as f64 * l.cell_width, y);
        }
        for m in 0..=l.columns {
            let x = l.left + m as f64 * l.cell_width;
            context.move_to(x, l.top);
            context.line_to(x, l.top + l.rows as f64 * l.cell_height);
        }
        context.stroke();
    }
    let (down, across) = (shared(l.cell_height), shared(l.cell_width));
    for n in (0..l.rows).step_by(down) {
        for m in (0..l.columns).step_by(across) {
            let (rows, columns) = (n..(n + down).min(l.rows), m..(m + across).min(l.columns));
            let (wide, high) = (columns.len() as f64 * l.cell_width, rows.len() as f64 * l.cell_height);
            let cells = rows.flat_map(|n| columns.clone().map(move |m| (n, m))).map(|(n, m)| (picture.cell)(n, m));
            let strongest = cells.reduce(|a, b| if b.strength() > a.strength() { b } else { a });
            if let Some(fill) = strongest.and_then(|cell| colours.fill(cell)) {
                context.set_fill_style_str(&fill);
                let (x, y) = (l.left + m as f64 * l.cell_width, l.top + n as f64 * l.cell_height);
                context.fill_rect(x + gap, y + gap, wide - gap * 2.0, high - gap * 2.0);
            }
        }
    }
    context.set_stroke_style_str(&colours.accent);
    context.set_line_width(2.0);
    if let Some(m) = picture.column {
        context.stroke_rect(l.left + m as f64 * l.cell_width, l.top, l.cell_width, l.rows as f64 * l.cell_height);
    }
    if let Some(n) = picture.row {
        context.stroke_rect(l.left, l.top + n as f64 * l.cell_height, l.columns as f64 * l.cell_width, l.cell_height);
    }
}

/// The longest label of `text` that is not wider than `width` CSS pixels.
fn fitting(context: &CanvasRenderingContext2d, text: &str, width: f64) -> String {
    let most = text.chars().count().min(width as usize / 3);
    let fits = |label: &String| context.measure_text(label).is_ok_and(|m| m.width() <= width);
    let mut labels = (2..=most.max(2)).rev().map(|n| format::label(text, n));
    labels.find(fits).unwrap_or_else(|| format::label(text, 2))
}

fn labels(context: &CanvasRenderingContext2d, colours: &Colours, picture: &Picture, l: &Layout) -> Option<()> {
    context.set_text_baseline("middle");
    context.set_text_align("right");
    context.set_font(&format!("{}px {}", (l.cell_height - 5.0).clamp(9.0, 12.0), colours.font));
    // rows that are low have as many labels as fit; the chosen one's stands instead of its neighbours'
    let apart = (ROW_LABEL / l.cell_height).ceil() as usize;
    for (n, row) in picture.rows.iter().enumerate() {
        let selected = picture.row == Some(n);
        if selected || n % apart == 0 && picture.row.is_none_or(|chosen| chosen.abs_diff(n) >= apart) {
            context.set_fill_style_str(if row.instruction { &colours.ink } else { &colours.soft });
            let y = l.top + (n as f64 + 0.5) * l.cell_height;
            context.fill_text(&fitting(context, &row.text, l.left - 10.0), l.left - 6.0, y).ok()?;
        }
    }
    column_labels(context, colours, picture, l)
}

/// Slanted words above the columns, as many as fit; the chosen column's stands instead of its neighbours'.
fn column_labels(context: &CanvasRenderingContext2d, colours: &Colours, picture: &Picture, l: &Layout) -> Option<()> {
    let apart = (LABEL / l.cell_width).ceil() as usize;
    context.set_text_align("left");
    context.set_font(&format!("11px {}", colours.font));
    for (m, column) in picture.columns.iter().enumerate() {
        let selected = picture.column == Some(m);
        let free = m % apart == 0 && picture.column.is_none_or(|chosen| chosen.abs_diff(m) >= apart);
        if !selected && !free {
            continue;
        }
        context.set_fill_style_str(if selected { &colours.ink } else { &colours.soft });
        context.save();
        context.translate(l.left + l.cell_width * (m as f64 + 0.5), l.top - 6.0).ok()?;
        context.rotate(-std::f64::consts::FRAC_PI_4).ok()?;
        context.fill_text(&format::label(&column.text, 11), 0.0, 0.0).ok()?;
        context.restore();
    }
    Some(())
}
