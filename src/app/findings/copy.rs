//! A finding's table, to be pasted into a paper.

use leptos::prelude::*;

use crate::app::{document, share};
use crate::share::table::{latex, markdown};
use crate::wording::{common, findings as wording};

/// The cells of the first table within the element `id`, as they are shown.
fn cells(id: &str) -> Vec<Vec<String>> {
    let Ok(Some(table)) = document().query_selector(&format!("#{id} table")) else { return Vec::new() };
    let all = |within: &web_sys::Element, selector: &str| -> Vec<web_sys::Element> {
        let found = within.query_selector_all(selector).ok();
        let found = found.into_iter().flat_map(|list| (0..list.length()).filter_map(move |i| list.get(i)));
        found.filter_map(|node| wasm_bindgen::JsCast::dyn_into(node).ok()).collect()
    };
    let row =
        |row: &web_sys::Element| all(row, "th, td").iter().map(|c| c.text_content().unwrap_or_default()).collect();
    all(&table, "tr").iter().map(row).collect()
}

/// What stands in the element that `selector` finds.
fn text(selector: &str) -> String {
    let found = document().query_selector(selector).ok().flatten();
    found.and_then(|e| e.text_content()).unwrap_or_default()
}

/// Copies the table of the section `id`, and below it the finding with its verdict.
#[component]
pub fn CopyTable(id: &'static str) -> impl IntoView {
    let said = RwSignal::new(None::<bool>);
    let copy = move |form: fn(&[Vec<String>], &str) -> String| {
        let verdict =
            wording::finding_and_verdict(&text(&format!("#{id} h2")), &text(&format!("#{id} .verdict .said")));
        let text = form(&cells(id), &verdict);
        leptos::task::spawn_local(async move {
            let done = share::to_clipboard(&text).await.is_some();
            said.set(Some(done));
        });
    };
    view! {
        <p class="cap copy-table">{wording::THE_TABLE_AS}" "
            <button type="button" class="link" on:click=move |_| copy(markdown)>{wording::MARKDOWN}</button>", "
            <button type="button" class="link" on:click=move |_| copy(latex)>{wording::LATEX}</button>
            <span role="status">" "{move || said.get().map(common::copied)}</span>
        </p>
    }
}
