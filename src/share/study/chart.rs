//! A curve over the chain of checkpoints as a drawing: where everything lies, without colours. Lines are told apart by marks and
//! dashes, so that colour is never all there is.

use std::fmt::Write;

use super::{Line, Point};

/// Width of the drawing.
pub const WIDTH: f64 = 360.0;
/// Its height, with names that are level and with slanted ones.
const HEIGHTS: [f64; 2] = [216.0, 260.0];
/// Most lines of one drawing: as many as there are marks to tell them apart.
pub const MOST_LINES: usize = 6;

/// Where the plot begins and ends, from the left and from the top.
const LEFT: f64 = 54.0;
const RIGHT: f64 = 348.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 178.0;
/// Between the plot's sides and the first and last checkpoint.
const MARGIN: f64 = 22.0;
/// How far apart points of several lines at one checkpoint are.
const APART: f64 = 5.0;
/// About so many steps of the scale.
const STEPS: f64 = 4.0;
/// Most checkpoints that are all named.
const MOST_NAMES: usize = 10;
/// Names of at most so many characters are written level, where there are few.
const LEVEL_NAME: usize = 9;
/// The longest name that is written in full.
const LONGEST_NAME: usize = 14;
/// Half a mark's size.
const MARK: f64 = 4.0;

/// A drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Steps of the scale: how high, and its number.
    pub scale: Vec<(f64, String)>,
    /// Checkpoints: how far from the left, and the name.
    pub names: Vec<(f64, String)>,
    /// Whether the names are written slantwise.
    pub slanted: bool,
    /// How high the drawing is.
    pub height: f64,
    /// The lines, in the curve's order.
    pub lines: Vec<Drawn>,
}

/// A line as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The path through its points; it breaks where nothing was measured.
    pub path: String,
    /// Its points.
    pub points: Vec<Placed>,
}

/// A point as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Its checkpoint's place in the chain.
    pub checkpoint: usize,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// From where to where its interval reaches, from the top; equal where it has none.
    pub reach: [f64; 2],
}

/// The left, right, top and bottom of the plot.
pub const PLOT: (f64, f64, f64, f64) = (LEFT, RIGHT, TOP, BOTTOM);

/// Draws `lines` over checkpoints of these names. None if there is nothing to draw.
pub fn chart(lines: &[Line], checkpoints: &[&str]) -> Option<Chart> {
    let points = lines.iter().flat_map(|line| &line.points).flatten();
    let extents: Vec<f64> = points.flat_map(Point::extent).collect();
    let (low, high) = extents.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let scale = Scale::of(low, high)?;
    let x = |at: usize| match checkpoints.len() {
        0 | 1 => (LEFT + RIGHT) / 2.0,
        n => LEFT + MARGIN + at as f64 / (n - 1) as f64 * (RIGHT - LEFT - 2.0 * MARGIN),
    };
    let drawn = |(number, line): (usize, &Line)| {
        let shift = (number as f64 - (lines.len() - 1) as f64 / 2.0) * APART;
        let place = |at: usize, point: &Point| Placed {
            checkpoint: at,
            x: x(at) + shift,
            y: scale.y(point.mean),
            reach: point.extent().map(|v| scale.y(v)),
        };
        let points: Vec<Option<Placed>> =
            line.points.iter().enumerate().map(|(at, point)| point.as_ref().map(|p| place(at, p))).collect();
        Drawn { path: path(&points), points: points.into_iter().flatten().collect() }
    };
    let few = checkpoints.len() <= 4 && checkpoints.iter().all(|name| name.chars().count() <= LEVEL_NAME);
    let every = checkpoints.len().div_ceil(MOST_NAMES).max(1);
    let named = checkpoints.iter().enumerate().step_by(every).map(|(at, name)| (x(at), shorter(name)));
    Some(Chart {
        scale: scale.steps(),
        names: named.collect(),
        slanted: !few,
        height: HEIGHTS[usize::from(!few)],
        lines: lines.iter().enumerate().map(drawn).collect(),
    })
}

fn path(points: &[Option<Placed>]) -> String {
    let mut out = String::new();
    let mut joined = false;
    for point in points {
        if let Some(p) = point {
            let _ = write!(out, "{}{:.1} {:.1}", if joined { "L" } else { "M" }, p.x, p.y);
        }
        joined = point.is_some();
    }
    out
}

fn shorter(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// The mark of the line with the number `line` at a place, as a path: circle, square, triangle, diamond, cross, plus.
pub fn mark(line: usize, x: f64, y: f64) -> String {
    let r = MARK;
    match line % MOST_LINES {
        0 => format!("M{} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0z", x - r, 2.0 * r, 2.0 * r),
        1 => format!("M{} {}h{}v{}h-{}z", x - r, y - r, 2.0 * r, 2.0 * r, 2.0 * r),
        2 => format!("M{x} {}l{r} {}h-{}z", y - r, 2.0 * r, 2.0 * r),
        3 => format!("M{x} {}l{r} {r}l-{r} {r}l-{r} -{r}z", y - r),
        4 => format!("M{} {}l{d} {d}m0 -{d}l-{d} {d}", x - r, y - r, d = 2.0 * r),
        _ => format!("M{} {y}h{d}M{x} {}v{d}", x - r, y - r, d = 2.0 * r),
    }
}

/// From the least to the most that the scale shows, in round steps.
struct Scale {
    low: f64,
    step: f64,
    count: usize,
}

impl Scale {
    /// Begins at zero, unless that would leave most of the plot empty.
    fn of(low: f64, high: f64) -> Option<Self> {
        if !low.is_finite() || !high.is_finite() {
            return None;
        }
        let low = if low > 0.0 && low < 0.6 * high { 0.0 } else { low };
        let span = (high - low).max(high.abs() * 0.02);
        let span = if span > 0.0 { span } else { 1.0 };
        let step = round(span / STEPS);
        let low = (low / step).floor() * step;
        let count = ((high - low) / step - 1e-9).ceil().clamp(1.0, 12.0) as usize;
        (step.is_finite() && low.is_finite()).then_some(Self { low, step, count })
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.step * self.count as f64);
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn steps(&self) -> Vec<(f64, String)> {
        let digits = (-self.step.log10()).ceil().clamp(0.0, 9.0) as usize;
        let step = |i: usize| {
            let value = self.low + self.step * i as f64;
            let written = format!("{value:.digits$}");
            // a rounded zero has no sign
            let is_zero = written.parse::<f64>().is_ok_and(|v| v == 0.0);
            (self.y(value), if is_zero { format!("{:.digits$}", 0.0) } else { written })
        };
        (0..=self.count).map(step).collect()
    }
}

/// The next of 1, 2, 5 and 10 times a power of ten.
fn round(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|t| t * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(means: &[Option<f64>]) -> Line {
        Line { name: "a".into(), points: means.iter().map(|m| m.and_then(Point::single)).collect() }
    }

    fn numbers(chart: &Chart) -> Vec<&str> {
        chart.scale.iter().map(|(_, number)| number.as_str()).collect()
    }

    #[test]
    fn the_scale_is_round_and_begins_at_zero_where_that_is_near() {
        let of = |low, high| chart(&[line(&[Some(low), Some(high)])], &["base", "sft"]).unwrap();
        assert_eq!(numbers(&of(0.1, 0.62)), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(numbers(&of(0.61, 0.66)), ["0.60", "0.62", "0.64", "0.66"]);
        assert_eq!(numbers(&of(-0.1, 0.3)), ["-0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(numbers(&of(70.0, 88.0)), ["70", "75", "80", "85", "90"]);
        // one value, or zero alone, still has a scale
        for (value, wanted) in [(0.5, 0.5), (0.0, 0.0)] {
            let drawn = of(value, value);
            assert!(drawn.scale.len() > 1 && drawn.lines[0].points[0].y <= BOTTOM, "{drawn:?} {wanted}");
        }
    }

    #[test]
    fn what_is_larger_is_drawn_higher_and_intervals_reach_around_it() {
        let point = Point { mean: 0.5, n: Some(9), deviation: Some(0.1), interval: Some([0.4, 0.6]) };
        let with = Line { name: "b".into(), points: vec![Some(point), None, Point::single(0.9)] };
        let drawn = chart(&[with, line(&[Some(0.2), Some(0.3), Some(0.4)])], &["base", "sft", "dpo"]).unwrap();
        let [first, last] = [drawn.lines[0].points[0], drawn.lines[0].points[1]];
        assert!(last.y < first.y && last.checkpoint == 2 && last.x > first.x);
        assert!(first.reach[1] < first.y && first.y < first.reach[0], "{first:?}");
        assert_eq!(drawn.lines[0].path.matches('M').count(), 2, "nothing was measured in between");
        assert_eq!(drawn.lines[1].path.matches('L').count(), 2);
        // points of two lines stand side by side
        assert!((drawn.lines[1].points[0].x - first.x - APART).abs() < 1e-9);
        let inside = |p: &Placed| (LEFT..=RIGHT).contains(&p.x) && (TOP..=BOTTOM).contains(&p.y);
        assert!(drawn.lines.iter().flat_map(|l| &l.points).all(inside));
    }

    #[test]
    fn a_long_chain_names_some_of_its_checkpoints() {
        let names: Vec<String> = (0..25).map(|i| format!("checkpoint-{i}-of-many")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let drawn = chart(&[line(&[Some(1.0); 25])], &names).unwrap();
        assert!(drawn.slanted && drawn.names.len() <= MOST_NAMES && drawn.names[0].1.ends_with('…'), "{drawn:?}");
        let short = chart(&[line(&[Some(1.0)])], &["base"]).unwrap();
        assert!(!short.slanted && short.names == [((LEFT + RIGHT) / 2.0, "base".to_owned())]);
        assert_eq!(chart(&[line(&[None])], &["base"]), None);
        assert_eq!(chart(&[], &[]), None);
        let odd = chart(&[line(&[Some(f64::MAX), Some(-f64::MAX)])], &["a", "b"]);
        assert!(odd.is_none_or(|c| c.lines[0].points.iter().all(|p| p.y.is_finite())));
    }

    #[test]
    fn every_line_has_a_mark_of_its_own() {
        let marks: Vec<String> = (0..MOST_LINES).map(|line| mark(line, 10.0, 10.0)).collect();
        assert!((1..MOST_LINES).all(|at| !marks[..at].contains(&marks[at])), "{marks:?}");
        assert_eq!(mark(MOST_LINES, 10.0, 10.0), marks[0]);
    }
}
