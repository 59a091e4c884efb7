//! The curve as a picture: SVG, one panel under another over the same steps.

use std::fmt::Write;

use shiftlens::explain::statistics::Summary;

use super::curve::Point;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 150.0;
const HEIGHT: f64 = 150.0;
const GAP: f64 = 46.0;
const TOP: f64 = 34.0;

/// One line of a panel: what it is, whether it is dashed, and at each point its height and half the length of its whisker.
struct Line {
    name: &'static str,
    dashed: bool,
    values: Vec<(f64, f64)>,
}

struct Panel {
    title: &'static str,
    lines: Vec<Line>,
}

/// The whole picture.
pub fn svg(points: &[Point]) -> String {
    let line = |name, dashed, value: &dyn Fn(&Point) -> (f64, f64)| Line {
        name,
        dashed,
        values: points.iter().map(value).collect(),
    };
    let panels = [
        Panel {
            title: "Instruction score of the finished model's responses (mean, 95 % interval)",
            lines: vec![
                line("in the template", false, &|p| interval(&p.score)),
                line("as plain text", true, &|p| interval(&p.score_plain)),
            ],
        },
        Panel {
            title: "Per cent",
            lines: vec![
                line("instructions followed", false, &|p| (100.0 * p.followed, 0.0)),
                line("strongest pairs kept", true, &|p| (100.0 * p.kept, 0.0)),
            ],
        },
        Panel {
            title: "Angle of the leading components to the base's, degrees",
            lines: vec![line("angle", false, &|p| (p.angle, 0.0))],
        },
    ];
    let steps: Vec<usize> = points.iter().map(|p| p.step).collect();
    let height = TOP + panels.len() as f64 * (HEIGHT + GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui,sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (i, panel) in panels.iter().enumerate() {
        draw(&mut out, panel, &steps, TOP + i as f64 * (HEIGHT + GAP));
    }
    out + "</svg>\n"
}

/// A mean with 1.96 standard errors.
fn interval(s: &Summary) -> (f64, f64) {
    (s.mean, 1.96 * s.deviation / (s.n.max(1) as f64).sqrt())
}

/// Steps lie by their logarithm, as most happens early; the base lies left of them all.
fn across(steps: &[usize], step: usize) -> f64 {
    let first = steps.iter().copied().find(|s| *s > 0).unwrap_or(1) as f64;
    let last = steps.last().copied().unwrap_or(1).max(2) as f64;
    let place = match step {
        0 => 0.0,
        step => 0.08 + 0.92 * (step as f64 / first).ln() / (last / first).ln().max(1e-9),
    };
    LEFT + place * (WIDTH - LEFT - RIGHT)
}

fn draw(out: &mut String, panel: &Panel, steps: &[usize], top: f64) {
    let all = || panel.lines.iter().flat_map(|l| &l.values);
    let low = all().map(|(v, w)| v - w).fold(f64::MAX, f64::min);
    let high = all().map(|(v, w)| v + w).fold(f64::MIN, f64::max);
    let step = nice((high - low) / 4.0);
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    let up = |v: f64| top + HEIGHT * (1.0 - (v - low) / (high - low).max(1e-9));
    let (left, right) = (LEFT, WIDTH - RIGHT);
    // writing to a string cannot fail
    let _ = writeln!(out, "<text x=\"{left}\" y=\"{}\" font-weight=\"600\">{}</text>", top - 10.0, panel.title);
    for i in 0..=((high - low) / step).round() as usize {
        let (value, digits) = (low + i as f64 * step, if step < 1.0 { 2 } else { 0 });
        let y = up(value);
        let _ = writeln!(
            out,
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{value:.digits$}</text>",
            left - 6.0,
            y + 4.0
        );
    }
    let mut last_label = f64::MIN;
    for at in steps {
        let x = across(steps, *at);
        if x - last_label < 34.0 {
            continue;
        }
        last_label = x;
        let label = if *at == 0 { "base".to_owned() } else { at.to_string() };
        let y = top + HEIGHT + 16.0;
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"#555\">{label}</text>");
    }
    let mut labelled = f64::MIN;
    for line in &panel.lines {
        let dash = if line.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let place = |(i, (v, _)): (usize, &(f64, f64))| format!("{:.1} {:.1}", across(steps, steps[i]), up(*v));
        let path: Vec<String> = line.values.iter().enumerate().map(place).collect();
        let _ = writeln!(
            out,
            "<path d=\"M{}\" fill=\"none\" stroke=\"#3b4cc0\" stroke-width=\"1.8\"{dash}/>",
            path.join("L")
        );
        for (i, (v, w)) in line.values.iter().enumerate() {
            let x = across(steps, steps[i]);
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.4\" fill=\"#3b4cc0\"/><path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"#3b4cc0\" stroke-opacity=\".35\"/>",
                up(*v),
                up(v - w),
                up(v + w)
            );
        }
        let end = line.values.last().map_or(top, |(v, _)| up(*v) + 4.0);
        let y = if (end - labelled).abs() < 14.0 { labelled + 14.0 } else { end };
        labelled = y;
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", right + 10.0, line.name);
    }
}

/// The nearest of 1, 2 or 5 times a power of ten that is no smaller.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= step * 0.999).unwrap_or(step)
}
