//! Both models' distributions at one token of the response, side by side: tables whose bars are the picture.

use leptos::prelude::*;

use super::{State, spelled};
use crate::app::format;
use crate::app::state::Side;
use crate::explain::divergence::TokenDivergence;
use crate::model::head::Choice;
use crate::page::text::Comparison;
use crate::wording::{common, numbers, text as wording};

/// A row: the rank, the token, its probability, and whether it is the one that comes.
struct Row {
    rank: usize,
    text: String,
    probability: f32,
    comes: bool,
}

/// The most probable tokens, and below them the one that comes where it is not among them.
fn rows(comparison: &Comparison, choice: &Choice, id: u32, text: &str) -> Vec<Row> {
    let top = choice.top.iter().enumerate().map(|(at, candidate)| Row {
        rank: at + 1,
        text: format::visible(comparison.spell(candidate.id)),
        probability: candidate.probability,
        comes: candidate.id == id,
    });
    let mut rows: Vec<Row> = top.collect();
    if !rows.iter().any(|row| row.comes) {
        rows.push(Row { rank: choice.rank, text: text.to_owned(), probability: choice.probability, comes: true });
    }
    rows
}

fn table(side: Side, choice: &Choice, rows: Vec<Row>) -> impl IntoView + use<> {
    let said = wording::at_rank(choice.probability, choice.rank, choice.entropy);
    let caption = common::of(side.name(), &said);
    let row = |row: Row| {
        let share = format!("width:{:.1}%", row.probability * 100.0);
        view! {
            <tr class:comes=row.comes>
                <td class="num">{numbers::thousands(row.rank as u64)}</td>
                <th scope="row"><code>{row.text}</code>{row.comes.then(|| view! { " "<span class="cap">{wording::THIS_TOKEN}</span> })}</th>
                <td class="num">{wording::share(row.probability)}</td>
                <td class="wide-bar" aria-hidden="true"><i style=share></i></td>
            </tr>
        }
    };
    view! {
        <table class="components dist" id=format!("dist-{}", side.key())>
            <caption>{caption}</caption>
            <thead><tr><th scope="col" class="num">{wording::RANK}</th><th scope="col">{wording::TOKEN}</th><th scope="col" class="num">{wording::PROBABILITY}</th><td></td></tr></thead>
            <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

/// Both, at the chosen token.
#[component]
pub fn Distributions(state: State) -> impl IntoView {
    let text = state.text;
    let at = move || {
        let (token, subject) = (text.token.get()?, text.subject.get()?);
        let comes = subject.response.get(token)?;
        // with its space made visible: tokens may differ in nothing else
        let exact = if comes.bytes.is_some() { spelled(comes) } else { format::visible(&comes.text) };
        Some((token, spelled(comes), exact, subject.response.len()))
    };
    move || {
        let (number, word, exact, all) = at()?;
        text.comparison.with(|c| {
            let token: &TokenDivergence = c.tokens.get(number)?;
            let both = [(Side::Base, &token.base), (Side::Tuned, &token.tuned)];
            let tables = both.map(|(side, choice)| table(side, choice, rows(c, choice, token.id, &exact)));
            Some(view! {
                <h3>{wording::DISTRIBUTIONS}</h3>
                <p aria-live="polite" id="text-at"><b>{wording::at_token(&word, number + 1, all)}</b>" · "{wording::divergences(token.kl_tuned_base, token.kl_base_tuned)}</p>
                <div class="cols">{tables.into_iter().collect_view()}</div>
            })
        })
    }
}
