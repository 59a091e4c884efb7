//! The paper's three findings, put to the test on the loaded pair.

mod copy;
mod figure;
mod scores;
pub mod state;
mod weights;

use leptos::prelude::*;

use super::export::save;
use super::state::State;
use super::teach::NotShown;
use crate::explain::findings::{Comparison, Verdict, csv};
use crate::explain::statistics::Summary;
use crate::teach::terms::Picture;
use scores::Scores;
use weights::{Tasks, Verbs};

/// The whole view.
#[component]
pub fn FindingsView(state: State) -> impl IntoView {
    view! {
        <Scores state/>
        <Verbs state/>
        <Tasks state/>
        <section class="panel card" aria-label="Limits"><NotShown of=Picture::Findings/></section>
    }
}

/// A verdict with its mark.
#[component]
fn VerdictLine(
    #[prop(into)] verdict: Signal<Verdict>,
    #[prop(optional)] more: Option<Signal<String>>,
) -> impl IntoView {
    let mark = move || match verdict.get() {
        Verdict::Holds => "✓ ",
        Verdict::TooFew => "… ",
        _ => "✗ ",
    };
    view! {
        <p class="verdict" class:holds=move || verdict.get() == Verdict::Holds role="status">
            {mark}{move || verdict.get().words()}{move || more.map(|m| format!(" {}", m.get()))}
        </p>
    }
}

fn p(value: f64) -> String {
    if value < 0.001 { format!("{value:.1e}") } else { format!("{value:.3}") }
}

fn summary(s: Summary, digits: usize) -> String {
    format!("{:.digits$} ± {:.digits$}", s.mean, s.deviation)
}

/// n, means, deviations, t, p and effect of a comparison, as cells of a table.
fn cells(c: &Comparison, digits: usize) -> impl IntoView + use<> {
    let n = if c.first.n == c.second.n { c.first.n.to_string() } else { format!("{} / {}", c.first.n, c.second.n) };
    let test = c.welch.map_or_else(
        || ["–".to_owned(), "–".into(), "–".into()],
        |w| [format!("{:.2}", w.t), p(w.p), format!("{:.2}", w.effect)],
    );
    view! {
        <td class="num">{n}</td><td class="num">{summary(c.first, digits)}</td><td class="num">{summary(c.second, digits)}</td>
        {test.map(|t| view! { <td class="num">{t}</td> }).collect_view()}
    }
}

/// Saves rows as a CSV file.
fn save_csv(name: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    // every row is as long as its header; a browser that refuses shows its own message
    if let Ok(text) = csv(header, rows) {
        let _ = save(name, "text/csv", &text);
    }
}
