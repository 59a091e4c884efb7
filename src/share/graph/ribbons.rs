//! Which words are joined, and how strongly.

use std::ops::Range;

use crate::explain::view::{Label, View};
use crate::explain::weights::graph::Origin;
use crate::explain::{Levels, Role, floored};
use crate::share::screen::{Reading, Scale};
use crate::share::window::Window;

/// Most ribbons of one graph; beyond that the weakest are left out. A browser draws so many without delay.
pub const MOST: usize = 1200;

/// Of a prompt with more words than this, only those with ribbons are drawn.
const LONG_PROMPT: usize = 100;

/// Widest ribbon, and the least that is still seen, pixels.
const WIDEST: f32 = 7.0;
const HAIR: f32 = 0.75;
/// How much higher than its words a side may grow for its ribbons.
const GROWTH: f32 = 1.6;

/// The influence of one prompt word on one response word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ribbon {
    /// Its prompt word, by its row in the view.
    pub row: usize,
    /// Its response word, by its column in the view.
    pub column: usize,
    /// 0 to 1: the level as a share of L, or the magnitude as a share of the largest on screen.
    pub strength: f32,
    /// Whether it lowered the word's probability, as only signed values tell.
    pub lowers: bool,
    /// Whose it is. Of a difference: `Tuned` was gained, `Base` lost, `Both` kept.
    pub origin: Origin,
}

impl Ribbon {
    /// How wide it is at either end, where a ribbon of strength 1 is `unit` wide, pixels.
    pub fn width(&self, unit: f32) -> f32 {
        (self.strength * unit).max(HAIR)
    }
}

/// Words and ribbons, before they have places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// Prompt words in order, each with its row in the view. Template tokens that have no levels are left out.
    pub rows: Vec<(usize, Label)>,
    /// Response words in order, each with its column in the view.
    pub columns: Vec<(usize, Label)>,
    /// What is drawn, by row, then by column.
    pub ribbons: Vec<Ribbon>,
    /// Prompt words that nothing here came from, left out of a long prompt.
    pub left_out: usize,
    /// Pairs of these words with any influence that the scale shows.
    pub all: usize,
    /// Those of them above the threshold; more than are drawn if that is more than [`MOST`].
    pub above: usize,
}

impl Graph {
    /// The graph of one model, of the response words in `seen`. `extent` is the largest magnitude on screen, for the signed
    /// scale.
    pub fn of(view: &View, reading: &Reading, extent: f32, seen: Window, origin: Origin) -> Self {
        let seen = seen.range().start.min(view.columns.len())..seen.range().end.min(view.columns.len());
        let strengths = Strengths::new(view, reading, extent);
        let rows: Vec<usize> = (0..view.rows.len()).filter(|&n| view.rows[n].counted).collect();
        let (mut ribbons, mut all) = (Vec::new(), 0);
        for &row in &rows {
            for column in seen.clone() {
                all += usize::from(strengths.says_anything(row, column));
                ribbons.extend(strengths.of(row, column).map(|(strength, lowers)| Ribbon {
                    row,
                    column,
                    strength,
                    lowers,
                    origin,
                }));
            }
        }
        Self::new((rows, seen, view), ribbons, all)
    }

    /// What differs where both models explain the same response: ribbons of the tuned model only (gained), of the base only
    /// (lost), and of both (kept, as strong as in the tuned model). Rows are those of `tuned` that hold the user's text. None
    /// where the models explain different texts.
    pub fn changed(base: &View, tuned: &View, reading: &Reading, extent: f32, seen: Window) -> Option<Self> {
        let seen = seen.range().start.min(tuned.columns.len())..seen.range().end.min(tuned.columns.len());
        let user = |v: &View| -> Vec<usize> { (0..v.rows.len()).filter(|&n| v.rows[n].role == Role::User).collect() };
        let (base_rows, rows) = (user(base), user(tuned));
        let same = |(&b, &t): (&usize, &usize)| base.rows[b].text.trim() == tuned.rows[t].text.trim();
        let same_rows = base_rows.len() == rows.len() && base_rows.iter().zip(&rows).all(same);
        let same_columns = base.columns.iter().map(|c| &c.text).eq(tuned.columns.iter().map(|c| &c.text));
        if !same_rows || !same_columns || base.columns.is_empty() {
            return None;
        }
        let (of_base, of_tuned) = (Strengths::new(base, reading, extent), Strengths::new(tuned, reading, extent));
        let (mut ribbons, mut all) = (Vec::new(), 0);
        for (&base_row, &row) in base_rows.iter().zip(&rows) {
            for column in seen.clone() {
                all += usize::from(of_base.says_anything(base_row, column) || of_tuned.says_anything(row, column));
                let ribbon = |(strength, lowers), origin| Ribbon { row, column, strength, lowers, origin };
                match (of_base.of(base_row, column), of_tuned.of(row, column)) {
                    (Some(b), Some(t)) if b.1 == t.1 => ribbons.push(ribbon(t, Origin::Both)),
                    (b, t) => {
                        ribbons.extend(b.map(|b| ribbon(b, Origin::Base)));
                        ribbons.extend(t.map(|t| ribbon(t, Origin::Tuned)));
                    }
                }
            }
        }
        Some(Self::new((rows, seen, tuned), ribbons, all))
    }

    fn new((mut rows, seen, view): (Vec<usize>, Range<usize>, &View), mut ribbons: Vec<Ribbon>, all: usize) -> Self {
        let above = ribbons.len();
        if above > MOST {
            ribbons.sort_by(|a, b| b.strength.total_cmp(&a.strength));
            ribbons.truncate(MOST);
            ribbons.sort_by_key(|r| (r.row, r.column));
        }
        let count = rows.len();
        if count > LONG_PROMPT {
            rows.retain(|n| ribbons.binary_search_by_key(n, |r| r.row).is_ok());
        }
        Self {
            left_out: count - rows.len(),
            rows: rows.into_iter().map(|n| (n, view.rows[n].clone())).collect(),
            columns: seen.map(|m| (m, view.columns[m].clone())).collect(),
            ribbons,
            all,
            above,
        }
    }

    /// How many ribbons of this origin are drawn.
    pub fn count(&self, origin: Origin) -> usize {
        self.ribbons.iter().filter(|r| r.origin == origin).count()
    }
}

/// How wide a ribbon of strength 1 is in all of these graphs, pixels: one scale for what stands side by side. As wide as
/// lets no side grow much beyond its words.
pub fn unit(graphs: &[&Graph]) -> f32 {
    let of = |graph: &&Graph| {
        let strength: f32 = graph.ribbons.iter().map(|r| r.strength).sum();
        let room = |count: usize| count as f32 * super::layout::pitch(count);
        let room = room(graph.rows.len()).max(room(graph.columns.len())) * GROWTH;
        if strength > 0.0 { room / strength } else { WIDEST }
    };
    graphs.iter().map(of).fold(WIDEST, f32::min)
}

/// How strong the cells of a view are, as they are read.
struct Strengths<'a> {
    view: &'a View,
    scale: Scale,
    how: Levels,
    extent: f32,
    /// The largest magnitude of each column, among the rows that count.
    most: Vec<f32>,
}

impl<'a> Strengths<'a> {
    fn new(view: &'a View, reading: &Reading, extent: f32) -> Self {
        let mut most = vec![0.0f32; view.columns.len()];
        for (row, _) in view.signed.iter().zip(&view.rows).filter(|(_, label)| label.counted) {
            row.iter().zip(&mut most).for_each(|(v, most)| *most = most.max(v.abs()));
        }
        Self { view, scale: reading.scale, how: reading.how, extent, most }
    }

    fn signed(&self, row: usize, column: usize) -> f32 {
        let value = self.view.signed[row][column];
        if value.is_finite() { value } else { 0.0 }
    }

    /// Whether a cell could be drawn if nothing were hidden.
    fn says_anything(&self, row: usize, column: usize) -> bool {
        let value = self.signed(row, column);
        match self.scale {
            Scale::Levels => value > 0.0,
            Scale::Signed => value != 0.0,
        }
    }

    /// How strong a cell's ribbon is, and whether it lowers; none where it is hidden. Signed values are hidden by the same
    /// rule as levels are: up to level b of the column's largest magnitude.
    fn of(&self, row: usize, column: usize) -> Option<(f32, bool)> {
        match self.scale {
            Scale::Levels => {
                let level = self.view.levels[row][column];
                (level > 0).then(|| (f32::from(level) / f32::from(self.how.count.max(1)), false))
            }
            Scale::Signed => {
                let (value, most) = (self.signed(row, column), self.most[column]);
                let share = if most > 0.0 && most.is_finite() { value.abs() / most } else { 0.0 };
                let level = floored((f32::from(self.how.count) * share).ceil() as u8, self.how.floor);
                let strength = (value.abs() / self.extent.max(f32::MIN_POSITIVE)).min(1.0);
                (level > 0).then_some((strength, value < 0.0))
            }
        }
    }
}
