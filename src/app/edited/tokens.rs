//! What an edit did to every token of the response: as a strip, and as a table beside what the picture had said.

use std::sync::Arc;

use leptos::prelude::*;

use crate::app::format;
use crate::app::state::Slot;
use crate::explain::ResponseToken;
use crate::model::head::Target;
use crate::page::edited::{LEAST, NoForecast, Outcome, Token, Verdict};
use crate::wording::{common, edited as wording, text};

/// The strongest colour of the strip, percent: its ink stays readable in either theme.
const STRONGEST: f64 = 42.0;

fn spelled(token: &ResponseToken) -> String {
    match &token.bytes {
        Some(bytes) => bytes.iter().map(|b| format!("⟨{b:02X}⟩")).collect(),
        None => format::label(&token.text, 24),
    }
}

/// How a log-probability changed, in words.
fn changed(token: &Token) -> String {
    token.change.map_or_else(|| wording::NO_LOGARITHM.to_owned(), wording::nats)
}

fn colour(change: f64, extent: f64) -> String {
    let percent = if extent > 0.0 { STRONGEST * (change.abs() / extent).sqrt() } else { 0.0 };
    let name = if change > 0.0 { "pos" } else { "neg" };
    if percent < 2.0 {
        String::new()
    } else {
        format!("background:color-mix(in srgb,var(--{name}) {percent:.0}%,var(--panel))")
    }
}

/// In sentences, then token by token.
#[component]
pub fn Tokens(half: Slot, outcome: Arc<Outcome>, replaced: bool) -> impl IntoView {
    let (texts, target): (Vec<String>, Target) = half.run.with_untracked(|run| {
        let target = run.report.as_ref().map(|report| report.target).unwrap_or_default();
        (run.response.iter().map(spelled).collect(), target)
    });
    let said = sentences(&outcome, &texts);
    let about = common::sentences(&[
        match outcome.no_forecast {
            Some(why) => no_forecast(why),
            None => wording::ABOUT_FORECAST,
        },
        if replaced { wording::ABOUT_REPLACED } else { "" },
        if outcome.frame_differs { wording::FRAME_DIFFERS } else { "" },
    ]);
    let extent = outcome.extent();
    let strip = outcome.tokens.iter().zip(&texts).enumerate().map(|(m, (token, text))| {
        let change = changed(token);
        let style = token.change.filter(|change| change.abs() >= LEAST).map(|change| colour(change, extent)).unwrap_or_default();
        let title = wording::token_changed(text, &change);
        let chosen = move || {
            let columns = half.selection.get().column;
            half.view.with(|v| columns.and_then(|c| v.columns.get(c)).is_some_and(|c| c.parts.contains(&m)))
        };
        view! { <span class="kl" role="listitem" class:sel=chosen style=style title=title><span>{text.clone()}</span>" "<b>{change}</b></span> }
    });
    view! {
        <p class="verdict" role="status" id="edit-said">{said}</p>
        <div class="legend"><span>{wording::LESS_LIKELY}</span><span class="ramp diverging"></span><span>{wording::MORE_LIKELY}</span></div>
        <div class="kl-strip still" role="list" aria-label=wording::STRIP>{strip.collect_view()}</div>
        <Table outcome=outcome.clone() texts target/>
        <p class="cap">{about}</p>
    }
}

fn sentences(outcome: &Outcome, texts: &[String]) -> String {
    let [before, after] = outcome.totals();
    let most = outcome.most().and_then(|m| Some(wording::most(texts.get(m)?, outcome.tokens[m].change?)));
    let agreement = outcome.agreement().map(|[right, changed]| wording::agreement(right, changed)).unwrap_or_default();
    common::sentences(&[&wording::whole(before, after), most.as_deref().unwrap_or(wording::NO_TOKEN), &agreement])
}

fn no_forecast(why: NoForecast) -> &'static str {
    match why {
        NoForecast::Norm => wording::NORM,
        NoForecast::Logit => wording::LOGIT,
        NoForecast::Contrast => wording::CONTRAST,
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Neither => wording::NEITHER,
        Verdict::AsSaid => wording::AS_SAID,
        Verdict::More => wording::MORE,
        Verdict::Less => wording::LESS,
        Verdict::Against => wording::AGAINST,
    }
}

#[component]
fn Table(outcome: Arc<Outcome>, texts: Vec<String>, target: Target) -> impl IntoView {
    let held = outcome.no_forecast.is_none();
    let row = |(token, word): (&Token, String)| {
        let [before, after] = token.probability.map(text::share);
        let compared = held.then(|| {
            let happened = token.happened.map_or_else(|| wording::NO_LOGARITHM.to_owned(), wording::value);
            let off = token.verdict() == Some(Verdict::Against);
            let words = token.verdict().map(verdict);
            view! { <td class="num">{wording::value(token.said)}</td><td class="num">{happened}</td><td class:off=off>{words}</td> }
        });
        view! {
            <tr><th scope="row">{word}</th><td class="num">{before}</td><td class="num">{after}</td><td class="num">{changed(token)}</td>{compared}</tr>
        }
    };
    let rows = outcome.tokens.iter().zip(texts).map(row).collect_view();
    let heads = held.then(|| {
        view! { <th scope="col" class="num">{wording::said(target.words())}</th><th scope="col" class="num">{wording::HAPPENED}</th><th scope="col">{wording::COMPARED}</th> }
    });
    view! {
        <div class="matrix-table"><div class="frame" tabindex="0" role="region" aria-label=wording::TOKENS>
            <table class="components" id="edit-tokens">
                <caption>{wording::TOKENS}</caption>
                <thead><tr>
                    <th scope="col">{wording::TOKEN}</th><th scope="col" class="num">{wording::P_BEFORE}</th>
                    <th scope="col" class="num">{wording::P_AFTER}</th><th scope="col" class="num">{wording::CHANGE}</th>{heads}
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div></div>
    }
}
