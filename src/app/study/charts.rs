//! Each number over the chain, as a drawing and as a table.

use std::sync::Arc;

use leptos::prelude::*;

use crate::app::is_open;
use crate::page::study::Report;
use crate::share::study::chart::{self, Chart, Drawn, PLOT, Placed, WIDTH, chart, mark};
use crate::share::study::{Curve, Line, Point};
use crate::wording::study as wording;

/// A drawing of some of a curve's lines.
#[derive(Clone)]
struct Figure {
    title: String,
    axis: String,
    lines: Vec<Line>,
    checkpoints: Vec<String>,
}

/// All curves.
#[component]
pub fn Charts(report: Arc<Report>) -> impl IntoView {
    let study = &report.study;
    let checkpoints: Vec<String> = study.checkpoints.iter().map(|c| c.name.clone()).collect();
    let figures: Vec<Figure> = study.curves.iter().flat_map(|curve| figures(curve, &checkpoints)).collect();
    let is_empty = figures.is_empty();
    view! {
        <section class="panel card" id="study-curves" aria-label=wording::CURVES>
            <div class="head"><h2>{wording::CURVES}</h2><span class="hint">{if is_empty { wording::NO_CURVES } else { wording::ABOUT_CURVES }}</span></div>
            <div class="study-charts">{figures.into_iter().map(drawing).collect_view()}</div>
        </section>
    }
}

/// More lines than can be told apart are drawn apart.
fn figures(curve: &Curve, checkpoints: &[String]) -> Vec<Figure> {
    let parts: Vec<&[Line]> = curve.lines.chunks(chart::MOST_LINES).collect();
    let of = parts.len();
    let figure = |(number, lines): (usize, &[Line])| Figure {
        title: wording::part(&curve.title, number + 1, of),
        axis: curve.axis.clone(),
        lines: lines.to_vec(),
        checkpoints: checkpoints.to_vec(),
    };
    parts.into_iter().enumerate().map(figure).collect()
}

/// The drawing with its keys and its numbers, if anything was measured.
fn drawing(figure: Figure) -> Option<impl IntoView> {
    let names: Vec<&str> = figure.checkpoints.iter().map(String::as_str).collect();
    let drawn = chart(&figure.lines, &names)?;
    let keys = figure.lines.iter().enumerate().map(|(number, line)| key(number, &line.name)).collect_view();
    let said = wording::curve(&figure.title, &figure.axis);
    Some(view! {
        <figure class="study-chart">
            <figcaption>{figure.title.clone()}</figcaption>
            <svg viewBox=format!("0 0 {} {}", WIDTH, drawn.height) role="img" aria-label=said>
                {frame(&drawn, &figure.axis)}
                {drawn.lines.iter().enumerate().map(|(number, line)| plotted(number, line, &figure)).collect_view()}
            </svg>
            <ul class="study-keys">{keys}</ul>
            <Numbers figure/>
        </figure>
    })
}

/// The scale, the checkpoints' names, and what both are of.
fn frame(drawn: &Chart, axis: &str) -> impl IntoView + use<> {
    let (left, right, top, bottom) = PLOT;
    let step = |(y, number): &(f64, String)| {
        view! { <path class="grid" d=format!("M{left} {y:.1}H{right}")/><text x=left - 6.0 y=y + 4.0 text-anchor="end">{number.clone()}</text> }
    };
    let slanted = drawn.slanted;
    let name = |(x, name): &(f64, String)| match slanted {
        true => {
            let turned = format!("translate({:.1} {}) rotate(-35)", x + 4.0, bottom + 14.0);
            view! { <text transform=turned text-anchor="end">{name.clone()}</text> }.into_any()
        }
        false => view! { <text x=*x y=bottom + 16.0 text-anchor="middle">{name.clone()}</text> }.into_any(),
    };
    let middle = (top + bottom) / 2.0;
    view! {
        {drawn.scale.iter().map(step).collect_view()}
        <path class="axis" d=format!("M{left} {top}V{bottom}H{right}")/>
        {drawn.names.iter().map(name).collect_view()}
        <text class="axis-name" transform=format!("translate(11 {middle}) rotate(-90)") text-anchor="middle">{axis.to_owned()}</text>
        <text class="axis-name" x=(left + right) / 2.0 y=drawn.height - 5.0 text-anchor="middle">{wording::CHECKPOINTS}</text>
    }
}

/// One line with its points and their intervals.
fn plotted(number: usize, line: &Drawn, figure: &Figure) -> impl IntoView + use<> {
    let source = &figure.lines[number];
    let point = |p: &Placed| {
        let name = figure.checkpoints.get(p.checkpoint).map_or("", String::as_str);
        let tip = source.points.get(p.checkpoint).copied().flatten().map(|of| tip(&source.name, name, &of));
        let bar = (p.reach[0] != p.reach[1])
            .then(|| view! { <path class="bar" d=format!("M{:.1} {:.1}V{:.1}", p.x, p.reach[0], p.reach[1])/> });
        view! { <g>{bar}<path class="mark" d=mark(number, p.x, p.y)/><title>{tip}</title></g> }
    };
    view! { <g class=series(number)><path class="through" d=line.path.clone()/>{line.points.iter().map(point).collect_view()}</g> }
}

/// The class of a line's colour and dashes.
fn series(number: usize) -> &'static str {
    ["s0", "s1", "s2", "s3", "s4", "s5"][number % chart::MOST_LINES]
}

/// How a line looks, with its name.
fn key(number: usize, name: &str) -> impl IntoView + use<> {
    view! {
        <li><svg class=series(number) viewBox="0 0 30 12" aria-hidden="true"><path class="through" d="M1 6H29"/><path class="mark" d=mark(number, 15.0, 6.0)/></svg>{name.to_owned()}</li>
    }
}

fn number(value: f64) -> String {
    format!("{value:.3}")
}

fn interval(point: &Point) -> Option<String> {
    point.interval.map(|[low, high]| wording::interval(&number(low), &number(high)))
}

fn tip(line: &str, checkpoint: &str, point: &Point) -> String {
    wording::point(line, checkpoint, &number(point.mean), interval(point).as_deref(), point.n)
}

/// The same as a table, made when it is opened.
#[component]
fn Numbers(figure: Figure) -> impl IntoView {
    let open = RwSignal::new(false);
    let written = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let row = move |line: &str, checkpoint: &str, point: &Point| {
        view! {
            <tr>
                <th scope="row">{line.to_owned()}</th><td>{checkpoint.to_owned()}</td><td class="num">{number(point.mean)}</td>
                <td class="num">{written(interval(point))}</td><td class="num">{written(point.deviation.map(number))}</td>
                <td class="num">{written(point.n.map(|n| n.to_string()))}</td>
            </tr>
        }
    };
    let title = figure.title.clone();
    let table = move || {
        let rows = figure.lines.iter().flat_map(|line| {
            let points = line.points.iter().zip(&figure.checkpoints);
            points.filter_map(move |(point, checkpoint)| Some(row(&line.name, checkpoint, point.as_ref()?)))
        });
        view! {
            <table class="components">
                <caption>{figure.axis.clone()}</caption>
                <thead><tr><th scope="col">{wording::LINE}</th><th scope="col">{wording::CHECKPOINT}</th><th scope="col" class="num">{wording::MEAN}</th><th scope="col" class="num">{wording::INTERVAL}</th><th scope="col" class="num">{wording::DEVIATION}</th><th scope="col" class="num">{wording::N}</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
    };
    view! {
        <details class="fold matrix-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::AS_A_TABLE}</summary>
            {move || open.get().then(|| view! { <div class="frame" tabindex="0" role="region" aria-label=title.clone()>{table()}</div> })}
        </details>
    }
}
