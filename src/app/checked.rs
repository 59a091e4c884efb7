//! The check of a picture: the button at it, how far it is, and what it found.

use leptos::prelude::*;

use super::format;
use super::is_open;
use super::state::{Slot, State};
use super::why::can_be_asked;
use crate::explain::ModelReport;
use crate::explain::methods::faithfulness::{Cell, Curves, Faithfulness};
use crate::page::runs::{Checking, Command, Which};
use crate::page::{Msg, Progress, Wish};
use crate::wording::{common, methods as wording, numbers};

const WIDE: f64 = 320.0;
const HIGH: f64 = 130.0;

/// The check of the picture of `half`.
#[component]
pub fn Checked(state: State, half: Slot) -> impl IntoView {
    let (side, key) = (half.side, half.side.key());
    let checking = state.checks[side.index()];
    let start = move |_| {
        if let Some(which) = state.shell.with(|page| Which::of(&page.runs.round, side)) {
            state.dispatch(Msg::Wish(Wish::Check(Box::new(which))));
        }
    };
    let running =
        move || checking.with(|c| if let Checking::Runs(_, _, progress) = c { Some(*progress) } else { None });
    let failed = move || checking.with(|c| if let Checking::Failed(why) = c { Some(why.to_string()) } else { None });
    let found = Memo::new(move |_| half.run.with(|r| r.report.as_ref().and_then(Found::of)));
    let offered = move || found.with(Option::is_none) && running().is_none() && can_be_asked(state, half);
    view! {
        <div class="check-picture">
            <Show when=offered>
                <button type="button" class="btn" id=format!("check-{key}") title=wording::ABOUT_CHECK on:click=start>{wording::CHECK}</button>
            </Show>
            <Show when=move || running().is_some()>
                <Progressing progress=Signal::derive(move || running().flatten())/>
                <button type="button" class="btn small" id=format!("stop-check-{key}") on:click=move |_| state.dispatch(Msg::Runs(Command::StopCheck(side)))>{common::CANCEL}</button>
            </Show>
            {move || failed().map(|why| view! { <p class="error" role="alert">{wording::cannot_check(&why)}</p> })}
            {move || found.get().map(|found| view! { <Outcome found id=format!("checked-{key}")/> })}
        </div>
    }
}

#[component]
fn Progressing(progress: Signal<Option<Progress>>) -> impl IntoView {
    let words = move || match progress.get() {
        Some(p) => wording::checking(p.done, p.total),
        None => wording::WAITS.to_owned(),
    };
    let value = move || progress.get().filter(|p| p.total > 0).map(|p| (p.done as f64 / p.total as f64).to_string());
    view! { <div class="progress" role="status"><span>{words}</span><progress max="1" value=value></progress></div> }
}

/// What a check found, with the words that it is about.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    check: Faithfulness,
    /// What is differentiated.
    target: String,
    /// Prompt and response of each cell.
    names: Vec<(String, String)>,
}

impl Found {
    fn of(report: &ModelReport) -> Option<Self> {
        let check = report.faithfulness.clone()?;
        let unit = |cell: &Cell| report.units.get(cell.unit).map_or_else(String::new, |u| format::label(&u.text, 24));
        let token =
            |cell: &Cell| report.response.get(cell.token).map_or_else(String::new, |t| format::label(&t.text, 24));
        let names = check.cells.iter().map(|cell| (unit(cell), token(cell))).collect();
        let target = report.target.words();
        let target = match report.why() {
            Some(why) => format!("{target}, {}", why.words()),
            None => target.to_owned(),
        };
        Some(Self { check, target, names })
    }
}

#[component]
fn Outcome(found: Found, id: String) -> impl IntoView {
    let Found { check, target, names } = found;
    let order = check.order.clone();
    let curves = (order.units > 1).then(|| {
        let units = order.units;
        view! {
            <div class="charts">
                <Chart title=wording::DELETION said=wording::deletion_said(&target) curves=order.deletion.clone() end=wording::taken_of(units)/>
                <Chart title=wording::INSERTION said=wording::insertion_said(&target) curves=order.insertion.clone() end=wording::back_of(units)/>
            </div>
            <p class="cap keys-of-check">
                <i class="key most"></i>{wording::MOST_FIRST}" "<i class="key least"></i>{wording::LEAST_FIRST}" "<i class="key random"></i>{wording::AT_RANDOM}
            </p>
            <Folded summary=wording::CURVES_AS_TABLE table=move || curve_tables(&order.deletion, &order.insertion)/>
        }
    });
    let said = common::sentences(&[
        &wording::abpc(&numbers::signed(check.order.abpc as f32)),
        &wording::against_baseline(&check.baseline.words()),
    ]);
    let cells = check.cells.clone();
    view! {
        <section class="checked" id=id aria-label=wording::CHECKED>
            <div class="sub">{wording::CHECKED}</div>
            <p class="verdict" role="status">{check.said.clone()}</p>
            {curves}
            <p class="cap">{said}</p>
            {(!cells.is_empty()).then(|| view! { <Folded summary=wording::CELLS_AS_TABLE table=move || cell_table(&cells, &names)/> })}
        </section>
    }
}

/// What is made when it is opened.
#[component]
fn Folded<T: IntoView + 'static>(
    summary: &'static str,
    table: impl Fn() -> T + Send + Sync + 'static,
) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <details class="fold" on:toggle=move |e| open.set(is_open(&e))>
            <summary>{summary}</summary>
            {move || open.get().then(|| view! { <div class="frame" tabindex="0" role="region" aria-label=summary>{table()}</div> })}
        </details>
    }
}

/// A value of the target, without a plus.
fn plain(v: f64) -> String {
    numbers::signed(v as f32).trim_start_matches('+').to_owned()
}

/// Curves over the share of units, with the band of random orders behind them.
#[component]
fn Chart(title: &'static str, said: String, curves: Curves, end: String) -> impl IntoView {
    let all =
        || [&curves.most_first, &curves.least_first, &curves.random.low, &curves.random.high].into_iter().flatten();
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    let units = curves.units.last().copied().unwrap_or(1).max(1) as f64;
    let x = |step: usize| curves.units.get(step).map_or(0.0, |n| *n as f64 / units * WIDE);
    let y = |v: f64| HIGH - (v - low) / (high - low).max(f64::MIN_POSITIVE) * HIGH;
    let points = |values: &[f64]| -> Vec<String> {
        values.iter().enumerate().map(|(step, v)| format!("{:.1} {:.1}", x(step), y(*v))).collect()
    };
    let line = |values: &[f64]| format!("M{}", points(values).join("L"));
    let band = {
        let mut around = points(&curves.random.high);
        around.extend(points(&curves.random.low).into_iter().rev());
        format!("M{}Z", around.join("L"))
    };
    view! {
        <figure class="chart">
            <figcaption class="cap">{title}</figcaption>
            <div class="ends"><span>{plain(high)}</span><span>{plain(low)}</span></div>
            <svg viewBox=format!("-2 -4 {} {}", WIDE + 4.0, HIGH + 8.0) role="img" aria-label=said preserveAspectRatio="none">
                <path class="band" d=band/>
                <path class="axis" d=format!("M0 0V{HIGH}H{WIDE}")/>
                <path class="line mean" d=line(&curves.random.mean)/>
                <path class="line least" d=line(&curves.least_first)/>
                <path class="line most" d=line(&curves.most_first)/>
            </svg>
            <div class="row hint"><span>"0"</span><span class="grow"></span><span>{end}</span></div>
        </figure>
    }
}

fn curve_tables(deletion: &Curves, insertion: &Curves) -> impl IntoView + use<> {
    [(wording::TAKEN, deletion), (wording::BACK, insertion)].map(|(what, curves)| {
        let random = &curves.random;
        let rows = curves.units.iter().enumerate().map(|(step, units)| {
            let of = |values: &[f64]| plain(values.get(step).copied().unwrap_or_default());
            let cells = [&curves.most_first, &curves.least_first, &random.low, &random.mean, &random.high].map(|values| of(values));
            view! { <tr><th scope="row">{*units}</th>{cells.map(|cell| view! { <td class="num">{cell}</td> })}</tr> }
        });
        let heads = [wording::MOST_FIRST, wording::LEAST_FIRST, wording::LEAST_OF_RANDOM, wording::MEAN_OF_RANDOM, wording::MOST_OF_RANDOM];
        view! {
            <table class="components">
                <thead><tr><th scope="col">{what}</th>{heads.map(|head| view! { <th scope="col" class="num">{head}</th> })}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
    })
}

fn cell_table(cells: &[Cell], names: &[(String, String)]) -> impl IntoView + use<> {
    let rows = cells.iter().zip(names).map(|(cell, (unit, token))| {
        let (apart, off) = match cell.verdict() {
            None => (wording::CANNOT_TELL.to_owned(), false),
            Some(agrees) => (wording::percent_of_largest(cell.apart * 100.0), !agrees),
        };
        view! {
            <tr><th scope="row">{unit.clone()}</th><td>{token.clone()}</td>
            <td class="num">{numbers::signed(cell.value as f32)}</td><td class="num">{numbers::signed(cell.difference as f32)}</td><td class="num" class:off=off>{apart}</td></tr>
        }
    });
    view! {
        <table class="components">
            <caption class="cap">{wording::ABOUT_APART}</caption>
            <thead><tr><th scope="col">{wording::UNIT}</th><th scope="col">{wording::FOR_TOKEN}</th><th scope="col" class="num">{wording::IN_THE_PICTURE}</th><th scope="col" class="num">{wording::BY_DIFFERENCE}</th><th scope="col" class="num">{wording::APART}</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}
