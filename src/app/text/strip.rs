//! The response as a strip of tokens, each with the divergence of the tuned model from the base there; and the same as a table.

use leptos::prelude::*;

use super::{ask, spelled};
use crate::app::reading::walk;
use crate::app::state::{Side, State};
use crate::app::{format, is_open};
use crate::explain::divergence::TokenDivergence;
use crate::page::text::Command;
use crate::wording::{common, numbers, text as wording};

/// Shades of the strip, as many as there are levels.
const SHADES: f64 = 10.0;

/// The shade of a divergence where `most` is the largest: by the square root, so that small ones can be told apart too.
fn shade(kl: f64, most: f64) -> u32 {
    if most <= 0.0 || kl < 0.0005 { 0 } else { (SHADES * (kl / most).sqrt()).ceil().min(SHADES) as u32 }
}

/// The response with each token's text.
fn texts(state: State) -> Vec<String> {
    state.text.subject.with(|s| s.as_deref().map(|s| s.response.iter().map(spelled).collect()).unwrap_or_default())
}

/// The strip. Arrow keys walk it.
#[component]
pub fn Strip(state: State) -> impl IntoView {
    let text = state.text;
    let tokens = move || {
        let (chosen, texts) = (text.token.get(), texts(state));
        text.comparison.with(|c| {
            let (most, parting) = (c.most(), c.parting());
            let one = |(index, token): (usize, &TokenDivergence)| {
                let (kl, parts, selected) = (token.kl_tuned_base, parting == Some(index), chosen == Some(index));
                let word = texts.get(index).cloned().unwrap_or_default();
                let title = wording::token_and_kl(&word, kl, parts);
                view! {
                    <button
                        type="button" class="kl" class:sel=selected class:parts=parts aria-pressed=selected.to_string()
                        tabindex=if chosen.unwrap_or(0) == index { 0 } else { -1 } data-i=index style=format::level_style(shade(kl, most))
                        title=title on:click=move |_| ask(state, Command::Choose(index))
                    >
                        <span>{word}</span>" "<b>{wording::nats(kl)}</b>{parts.then(|| view! { " "<i>{wording::PARTS_HERE}</i> })}
                    </button>
                }
            };
            c.tokens.iter().enumerate().map(one).collect_view()
        })
    };
    view! { <div class="kl-strip" role="group" aria-label=wording::STRIP on:keydown=walk>{tokens}</div> }
}

/// The same in numbers, made when it is opened.
#[component]
pub fn StripTable(state: State) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <details class="fold matrix-table" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{wording::AS_A_TABLE}</summary>
            <Show when=move || open.get()><Table state/></Show>
        </details>
    }
}

#[component]
fn Table(state: State) -> impl IntoView {
    let columns = Side::BOTH.into_iter().flat_map(|side| {
        [wording::PROBABILITY, wording::RANK, wording::ENTROPY].map(|what| wording::of_side(what, side.name()))
    });
    let head = columns.map(|name| view! { <th scope="col" class="num">{name}</th> }).collect_view();
    let rows = move || {
        let texts = texts(state);
        state.text.comparison.with(|c| {
            let row = |(index, t): (usize, &TokenDivergence)| {
                let seen = [&t.base, &t.tuned].map(|choice| {
                    let values = [
                        wording::share(choice.probability),
                        numbers::thousands(choice.rank as u64),
                        format!("{:.2}", choice.entropy),
                    ];
                    values.map(|value| view! { <td class="num">{value}</td> }).into_iter().collect_view()
                });
                view! {
                    <tr>
                        <th scope="row">{texts.get(index).cloned()}</th>
                        <td class="num">{wording::nats(t.kl_tuned_base)}</td><td class="num">{wording::nats(t.kl_base_tuned)}</td>
                        {seen.into_iter().collect_view()}
                    </tr>
                }
            };
            c.tokens.iter().enumerate().map(row).collect_view()
        })
    };
    view! {
        <div class="frame" tabindex="0" role="region" aria-label=wording::TABLE>
            <table class="components">
                <caption>{wording::TABLE}</caption>
                <thead><tr>
                    <th scope="col">{common::RESPONSE}</th>
                    <th scope="col" class="num">{wording::KL_TUNED_BASE}</th><th scope="col" class="num">{wording::KL_BASE_TUNED}</th>
                    {head}
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
