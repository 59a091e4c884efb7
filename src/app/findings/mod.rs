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
use crate::explain::chance::Chance;
use crate::explain::findings::{Comparison, Outcome, Verdict, permille, written_p};
use crate::explain::statistics::Summary;
use crate::share::csv;
use crate::teach::terms::Picture;
use crate::wording::findings as wording;
use scores::Scores;
pub use scores::open_file;
use weights::{Tasks, Verbs};

/// The whole view.
#[component]
pub fn FindingsView(state: State) -> impl IntoView {
    view! {
        <Scores state/>
        <Verbs state/>
        <Tasks state/>
        <section class="panel card" aria-label=wording::LIMITS><NotShown of=Picture::Findings/></section>
    }
}

/// A verdict with its mark and its reason.
#[component]
fn VerdictLine(#[prop(into)] verdict: Signal<Verdict>) -> impl IntoView {
    let outcome = move || verdict.with(|v| v.outcome);
    let mark = move || match outcome() {
        Outcome::Holds => "✓ ",
        Outcome::CannotBeTold => "? ",
        Outcome::DoesNotHold => "✗ ",
    };
    view! {
        <p class="verdict" class:holds=move || outcome() == Outcome::Holds class:open=move || outcome() == Outcome::CannotBeTold role="status">
            <span aria-hidden="true">{mark}</span><span class="said">{move || verdict.with(Verdict::words)}</span>
        </p>
    }
}

/// All layers have to be there before anything is said.
fn unread() -> Verdict {
    Verdict::unknown(wording::NOT_ALL_READ)
}

/// The share of draws that do as well, and the p after Holm's correction, as cells of a table.
fn chance_cells(chance: Option<Chance>, corrected: Option<f64>) -> impl IntoView + use<> {
    let written = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    view! {
        <td class="num">{written(chance.map(|c| permille(c.share())))}</td>
        <td class="num">{written(corrected.map(written_p))}</td>
    }
}

fn summary(s: Summary, digits: usize) -> String {
    match s.n {
        0 => "–".to_owned(),
        _ => wording::mean_and_deviation(s.mean, s.deviation, digits),
    }
}

/// n, means, deviations, t, p and effect of a comparison, as cells of a table.
fn cells(c: &Comparison, digits: usize) -> impl IntoView + use<> {
    let n = if c.first.n == c.second.n { c.first.n.to_string() } else { format!("{} / {}", c.first.n, c.second.n) };
    let test = c.welch.map_or_else(
        || ["–".to_owned(), "–".into(), "–".into()],
        |w| [format!("{:.2}", w.t), written_p(w.p), format!("{:.2}", w.effect)],
    );
    view! {
        <td class="num">{n}</td><td class="num">{summary(c.first, digits)}</td><td class="num">{summary(c.second, digits)}</td>
        {test.map(|t| view! { <td class="num">{t}</td> }).collect_view()}
    }
}

/// Saves rows as a CSV file.
fn save_csv(name: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    // every row is as long as its header; a browser that refuses shows its own message
    if let Ok(text) = csv(header.iter().copied(), rows) {
        let _ = save(name, "text/csv", &text);
    }
}
