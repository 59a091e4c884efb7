//! Explained variance and principal angles of a layer, as small charts.

use leptos::prelude::*;

use super::Layer;
use crate::explain::weights::LayerConcepts;
use crate::wording::concepts as wording;

const WIDE: f32 = 320.0;
const HIGH: f32 = 120.0;

/// A line through `values`, each from 0 to 1.
fn path(values: &[f32]) -> String {
    let last = values.len().saturating_sub(1).max(1) as f32;
    let point = |(i, v): (usize, &f32)| {
        format!(
            "{}{:.1} {:.1}",
            if i == 0 { "M" } else { "L" },
            i as f32 / last * WIDE,
            HIGH - v.clamp(0.0, 1.0) * HIGH
        )
    };
    values.iter().enumerate().map(point).collect()
}

fn cumulative(concepts: &LayerConcepts) -> Vec<f32> {
    let sums = concepts.components.iter().scan(0.0, |sum, c| {
        *sum += c.share as f32;
        Some(*sum)
    });
    sums.collect()
}

#[component]
fn Chart(title: &'static str, x: String, y: &'static str, lines: Vec<(&'static str, Vec<f32>)>) -> impl IntoView {
    let line =
        |(class, values): (&'static str, Vec<f32>)| view! { <path class=format!("line {class}") d=path(&values)/> };
    view! {
        <figure class="chart">
            <figcaption class="cap">{title}</figcaption>
            <svg viewBox=format!("-2 -4 {} {}", WIDE + 4.0, HIGH + 8.0) role="img" aria-label=title preserveAspectRatio="none">
                <path class="axis" d=format!("M0 0V{HIGH}H{WIDE}")/>
                {lines.into_iter().map(line).collect_view()}
            </svg>
            <div class="row hint"><span>{y}</span><span class="grow"></span><span>{x}</span></div>
        </figure>
    }
}

/// Both charts of the layer.
#[component]
pub fn Charts(shown: Memo<Layer>) -> impl IntoView {
    let charts = move || {
        shown.with(|l| {
            let (base, tuned) = (l.base.as_ref()?, l.tuned.as_ref()?);
            let (b, t) = (cumulative(base), cumulative(tuned));
            let at = |v: &[f32]| v.get(9).copied().unwrap_or_default() * 100.0;
            let said = wording::first_ten(b.len(), at(&b), at(&t));
            let angles = l.matches.as_ref().map(|m| {
                let last = m.principal.last().copied().unwrap_or_default();
                let angles = m.principal.iter().map(|a| a / 90.0).collect();
                let said = wording::leading_directions(m.principal.len(), last);
                let chance = m.control.principal.iter().map(|a| a / 90.0).collect();
                view! { <Chart title=wording::ANGLES y=wording::TO_90_DEGREES x=said lines=vec![("base", chance), ("tuned", angles)]/> }
            });
            Some(view! {
                <div class="charts">
                    <Chart title=wording::VARIANCE y=wording::TO_100_PERCENT x=said lines=vec![("base", b), ("tuned", t)]/>
                    {angles}
                </div>
            })
        })
    };
    view! { {charts} }
}
