//! A number over the chain of checkpoints.

use serde::{Deserialize, Serialize};

use crate::explain::statistics::Summary;

/// Most lines of a curve.
const MOST_LINES: usize = 100;

/// A number over the chain, for each prompt set or for each of several kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What programs call it.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What is measured, with its unit.
    pub axis: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it is of: a prompt set, or a kind.
    pub name: String,
    /// One for each checkpoint of the chain; none where nothing was measured.
    pub points: Vec<Option<Point>>,
}

/// What was measured at a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The mean.
    pub mean: f64,
    /// Of how many values, where they are values of prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
    /// Their standard deviation, of two or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// The mean's 95 % confidence interval, of two or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl Point {
    /// A number that is no mean.
    pub fn single(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self { mean: value, n: None, deviation: None, interval: None })
    }

    /// The mean of prompts' values; nothing of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let Summary { n, mean, deviation } = Summary::of(values);
        let interval = Summary { n, mean, deviation }.interval();
        let point = Self { mean, n: Some(n), deviation: (n > 1).then_some(deviation), interval };
        (n > 0).then_some(point).filter(Point::is_sound)
    }

    /// The least and the most that are drawn of it.
    pub fn extent(&self) -> [f64; 2] {
        self.interval.unwrap_or([self.mean; 2])
    }

    fn is_sound(&self) -> bool {
        let [low, high] = self.extent();
        let numbers = [self.mean, self.deviation.unwrap_or(0.0), low, high];
        let slack = 1e-9 * self.mean.abs(); // a file's decimals are read up to their last digit
        let is_within = low <= self.mean + slack && self.mean <= high + slack;
        numbers.iter().all(|v| v.is_finite()) && numbers[1] >= 0.0 && is_within
    }
}

impl Line {
    /// A line, if anything was measured.
    pub fn of(name: &str, points: Vec<Option<Point>>) -> Option<Self> {
        points.iter().any(Option::is_some).then(|| Self { name: name.to_owned(), points })
    }
}

impl Curve {
    /// A curve of these lines, if there are any; no more than a file may have.
    pub fn of(name: &str, title: &str, axis: &str, lines: impl IntoIterator<Item = Line>) -> Option<Self> {
        let [name, title, axis] = [name, title, axis].map(str::to_owned);
        let lines: Vec<Line> = lines.into_iter().take(MOST_LINES).collect();
        (!lines.is_empty()).then_some(Self { name, title, axis, lines })
    }

    pub(super) fn is_sound(&self, chain: usize) -> bool {
        let sound = |line: &Line| line.points.len() == chain && line.points.iter().flatten().all(Point::is_sound);
        self.lines.len() <= MOST_LINES && self.lines.iter().all(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_says_as_much_as_its_values_do() {
        assert_eq!(Point::of(&[]), None);
        let one = Point::of(&[0.5]).unwrap();
        assert_eq!((one.n, one.deviation, one.interval, one.extent()), (Some(1), None, None, [0.5, 0.5]));
        let two = Point::of(&[0.4, 0.6]).unwrap();
        // t of 0.975 with one degree of freedom is 12.706
        let [low, high] = two.interval.unwrap();
        assert!((two.mean - 0.5).abs() < 1e-12 && (high - 0.5 - 12.7062 * 0.1).abs() < 1e-3 && low < 0.0, "{two:?}");
        assert_eq!(Point::of(&[f64::NAN]), None);
        assert_eq!(Point::single(f64::INFINITY), None);
    }

    #[test]
    fn a_line_has_a_point_for_each_checkpoint() {
        let line = Line::of("LIMA", vec![None, Point::single(1.0)]).unwrap();
        let curve = Curve::of("kl", "KL", "nats", [line]).unwrap();
        assert!(curve.is_sound(2) && !curve.is_sound(3));
        let mut odd = curve;
        odd.lines[0].points[1] = Some(Point { mean: 1.0, n: None, deviation: None, interval: Some([2.0, 3.0]) });
        assert!(!odd.is_sound(2), "the mean lies in its interval");
        assert_eq!(Line::of("none", vec![None, None]), None);
        assert_eq!(Curve::of("a", "b", "c", []), None);
    }
}
