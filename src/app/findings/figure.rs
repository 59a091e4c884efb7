//! Two samples as dots with their means.

use leptos::prelude::*;

use crate::app::document;
use crate::app::share::picture::{Drawn, SavePicture, of_page, provenance};
use crate::app::state::State;
use crate::wording::findings as wording;

const WIDE: f64 = 560.0;
const ROW: f64 = 54.0;
const LEFT: f64 = 96.0;

/// A strip of dots for each sample, its mean as a line and its deviation as a band; the first hollow, the second filled.
pub fn strips(first: (&'static str, Vec<f64>), second: (&'static str, Vec<f64>)) -> impl IntoView {
    let all = || first.1.iter().chain(&second.1).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min).min(0.0), all().fold(f64::NEG_INFINITY, f64::max));
    let span = (high - low).max(1e-9);
    let x = move |v: f64| LEFT + (v - low) / span * (WIDE - LEFT - 16.0);
    let strip = move |(row, (name, values)): (usize, (&'static str, Vec<f64>))| {
        let middle = row as f64 * ROW + ROW / 2.0;
        let s = crate::explain::statistics::Summary::of(&values);
        let class = if row == 0 { "first" } else { "second" };
        let dots = values
            .iter()
            .enumerate()
            // spread over the strip's height by a fixed pattern, so that equal values stay apart
            .map(|(i, v)| view! { <circle cx=x(*v) cy=middle + ((i * 7) % 11) as f64 * 2.6 - 13.0 r="3"/> })
            .collect_view();
        let (from, to) = (x((s.mean - s.deviation).max(low)), x((s.mean + s.deviation).min(high)));
        view! {
            <g class=class>
                <rect x=from y=middle - 19.0 width=(to - from).max(0.0) height="38" rx="3"/>
                {dots}
                <line x1=x(s.mean) x2=x(s.mean) y1=middle - 22.0 y2=middle + 22.0/>
                <text x=LEFT - 10.0 y=middle + 4.0 text-anchor="end">{name}</text>
            </g>
        }
    };
    let ticks = (0..=4)
        .map(|i| low + span * f64::from(i) / 4.0)
        .map(|v| view! { <text class="tick" x=x(v) y=2.0 * ROW + 14.0 text-anchor="middle">{format!("{v:.2}")}</text> })
        .collect_view();
    view! {
        <svg class="strips" viewBox=format!("0 0 {WIDE} {}", 2.0 * ROW + 20.0) role="img" aria-label=wording::DOTS>
            {[first, second].into_iter().enumerate().map(strip).collect_view()}{ticks}
        </svg>
    }
}

/// Saves the figure of the finding `id`, under its own heading.
#[component]
pub fn SaveFigure(state: State, id: &'static str) -> impl IntoView {
    let make = move || -> Option<Drawn> {
        let heading = document().query_selector(&format!("#{id} h2")).ok()??.text_content()?;
        let about = wording::dots_caption(&provenance(state));
        of_page(&format!("#{id} .strips"), &heading, &about)
    };
    view! { <SavePicture name=id make/> }
}
