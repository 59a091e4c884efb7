//! The study's tables, each scrolled in a frame of its own.

use std::sync::Arc;

use leptos::prelude::*;

use crate::app::is_open;
use crate::page::study::Report;
use crate::share::study::Table;
use crate::wording::study as wording;

/// A table of at most so many rows is open from the beginning.
const FEW: usize = 24;
/// A cell of more characters is given room for several words a line.
const LONG: usize = 32;

/// All tables.
#[component]
pub fn Tables(report: Arc<Report>) -> impl IntoView {
    let tables = (0..report.study.tables.len()).map(|at| one(report.clone(), at)).collect_view();
    view! {
        <section class="panel card" id="study-tables" aria-label=wording::TABLES>
            <div class="head"><h2>{wording::TABLES}</h2></div>
            {tables}
        </section>
    }
}

/// The table at a place of the report, made when it is opened.
fn one(report: Arc<Report>, at: usize) -> Option<impl IntoView> {
    let table = report.study.tables.get(at)?;
    let (title, of) = (table.title.clone(), table.of);
    let begins_open = (1..=FEW).contains(&of);
    let open = RwSignal::new(begins_open);
    let label = title.clone();
    let shown = move || {
        let table = report.study.tables.get(at).filter(|_| open.get())?;
        let label = label.clone();
        Some(view! { <div class="frame study-frame" tabindex="0" role="region" aria-label=label>{cells(table)}</div> })
    };
    Some(view! {
        <details class="fold study-table" open=begins_open on:toggle=move |e| open.set(is_open(&e))>
            <summary><h3>{title}</h3>" "<span class="cap">{wording::rows(of)}</span></summary>
            {shown}
        </details>
    })
}

fn cells(table: &Table) -> impl IntoView + use<> {
    let numeric: Vec<bool> = (0..table.columns.len()).map(|column| table.is_numeric(column)).collect();
    let class = |column: usize| if numeric.get(column) == Some(&true) { "num" } else { "" };
    let head = |(at, name): (usize, &String)| view! { <th scope="col" class=class(at)>{name.clone()}</th> };
    let cell = |(at, text): (usize, &String)| {
        let class = if text.chars().count() > LONG { "long" } else { class(at) };
        match at {
            0 => view! { <th scope="row" class=class>{text.clone()}</th> }.into_any(),
            _ => view! { <td class=class>{text.clone()}</td> }.into_any(),
        }
    };
    let row = |row: &Vec<String>| view! { <tr>{row.iter().enumerate().map(cell).collect_view()}</tr> };
    let caption = match table.rows.len() {
        0 => wording::NO_ROWS.to_owned(),
        shown if shown < table.of => wording::first_rows(shown, table.of, &table.name),
        _ => table.title.clone(),
    };
    view! {
        <table class="components tests">
            <caption>{caption}</caption>
            <thead><tr>{table.columns.iter().enumerate().map(head).collect_view()}</tr></thead>
            <tbody>{table.rows.iter().map(row).collect_view()}</tbody>
        </table>
    }
}
