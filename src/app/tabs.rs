//! What the page is about: the prompt, the weights, or a study's report while one is open.

use leptos::prelude::*;

use super::state::{State, Tab};
use super::{focus, weights};
use crate::wording::{frame as wording, study};

const TABS: &[(Tab, &str, &str)] = &[
    (Tab::Prompt, wording::TAB_PROMPT, "tab-prompt"),
    (Tab::Heads, wording::TAB_HEADS, "tab-heads"),
    (Tab::Concepts, wording::TAB_CONCEPTS, "tab-concepts"),
    (Tab::Findings, wording::TAB_FINDINGS, "tab-findings"),
    (Tab::Study, study::TAB, "tab-study"),
];

/// Those that are there now: the last one only while a report is open.
fn present(is_open: bool) -> &'static [(Tab, &'static str, &'static str)] {
    if is_open { TABS } else { TABS.split_last().map_or(TABS, |(_, others)| others) }
}

/// The row of tabs.
#[component]
pub fn Tabs(state: State) -> impl IntoView {
    let is_open = Memo::new(move |_| state.study.report.with(Option::is_some));
    let tab = move |&(tab, name, id): &(Tab, &'static str, &'static str)| {
        let on = move || state.tab.get() == tab;
        view! {
            <button
                type="button" role="tab" id=id class:on=on aria-selected=move || on().to_string() aria-controls="view"
                tabindex=move || if on() { 0 } else { -1 } on:click=move |_| weights::open(state, tab)
            >{name}</button>
        }
    };
    // as in any row of tabs: one stop for the Tab key, arrows within
    let walk = move |e: leptos::ev::KeyboardEvent| {
        let now = position(state.tab.get_untracked());
        let tabs = present(is_open.get_untracked());
        let next = match e.key().as_str() {
            "ArrowRight" => (now + 1) % tabs.len(),
            "ArrowLeft" => (now + tabs.len() - 1) % tabs.len(),
            "Home" => 0,
            "End" => tabs.len() - 1,
            _ => return,
        };
        e.prevent_default();
        let (tab, _, id) = tabs[next];
        weights::open(state, tab);
        focus(id);
    };
    view! {
        <nav aria-label=wording::VIEWS>
            <div class="tabs" role="tablist" aria-label=wording::WHAT_TO_LOOK_AT on:keydown=walk>{move || present(is_open.get()).iter().map(tab).collect_view()}</div>
        </nav>
    }
}

fn position(tab: Tab) -> usize {
    TABS.iter().position(|t| t.0 == tab).unwrap_or_default()
}

/// The id of the tab's button, which names what it shows.
pub fn id(tab: Tab) -> &'static str {
    TABS[position(tab)].2
}
